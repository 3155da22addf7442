"""Results have plain values and draw themselves, whatever is in them."""

import json
from xml.etree import ElementTree

import pyarrow as pa
import pytest

import lupus_assets
from lupus_assets.cli import main
from lupus_assets.errors import UsageError
from tests.models import declared
from tests.unit.test_replay import DAYS, MODEL, TAUGHT, table

ODD = pa.table({"<b>x</b>": [1.0, 2.0], "word": ["<script>", "a & b"], "bytes": [[1], [2]]})


@pytest.fixture(scope="module")
def tried():
    reference, log = table(0, TAUGHT), table(TAUGHT, DAYS)
    return lupus_assets.backtest(MODEL, log, reference=reference, budgets=[0.5, 2.0])


def test_html_is_well_formed_and_escaped():
    drawn = lupus_assets.profile(ODD)._repr_html_()
    cells = [cell.text for cell in ElementTree.fromstring(drawn).iter("td")]  # noqa: S314 - our own
    assert "<b>x</b>" in cells
    assert {"<script> 50.00%", "a & b 50.00%"} in [set((cell or "").split(", ")) for cell in cells]
    assert "<script>" not in drawn


def test_what_has_no_profile_is_left_out_and_said():
    found = lupus_assets.profile(ODD)
    assert list(found.left_out) == ["bytes"]
    assert found.to_dict()["left_out"] == dict(found.left_out)
    assert repr(found) == "Profile of 2 rows, 2 columns"


def test_no_rows_are_a_profile_of_counts():
    found = lupus_assets.profile(ODD.slice(0, 0))
    assert (found.rows, found.columns["<b>x</b>"].mean, found.columns["word"].most_frequent) == (0, None, {})


def test_the_command_prints_the_plain_values(tmp_path, capsys):
    import pyarrow.parquet as pq

    path = tmp_path / "rows.parquet"
    pq.write_table(ODD.select(["<b>x</b>", "word"]), path)
    assert main(["profile", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == lupus_assets.profile(path).to_dict()
    assert main(["profile", str(path), "--against", str(path), "--json"]) == 0
    plain = lupus_assets.compare(path, path).to_dict()
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(plain))


def test_a_comparison_begins_with_what_moved_most_and_says_what_it_left_out():
    before = pa.table({"same": [1.0, 2.0] * 100, "moved": [1.0, 2.0] * 100, "gone": ["a", "b"] * 100})
    after = pa.table({"same": [1.0, 2.0] * 100, "moved": [3.0, 4.0] * 100})
    found = lupus_assets.compare(before, after)
    assert list(found.columns) == ["moved", "same"]
    assert found.left_out == ("gone",)
    assert ElementTree.fromstring(found._repr_html_()).find("tbody") is not None  # noqa: S314 - our own


def test_a_backtest_says_incidents_for_each_budget(tried):
    assert repr(tried) == "Backtest of t/m, 20 partitions: 1 incident at 0.5 a month, 1 incident at 2 a month"
    plain = tried.to_dict()
    assert [each["budget"] for each in plain["budgets"]] == [0.5, 2.0]
    assert plain["budgets"][0]["alarms"][0]["target"] == "amount"
    cells = [cell.text for cell in ElementTree.fromstring(tried._repr_html_()).iter("td")]  # noqa: S314
    assert cells[:2] == ["0.5 a month", "1"]


def test_without_a_reference_the_declared_window_of_the_log_teaches(tried):
    model = declared(
        {"label": {"column": "y", "arrives_within": "2d"}},
        segments=(),
        reference={"from": "2024-01-01", "to": "2024-01-30"},
    )
    found = lupus_assets.backtest(model, table(0, DAYS), budgets=[0.5, 2.0])
    assert found.to_dict() == tried.to_dict()


@pytest.mark.parametrize(
    ("model", "log", "more", "said"),
    [
        (3, table(0, 3), {}, "the model is a int; give a MonitoredModel"),
        ("nowhere.yaml", table(0, 3), {}, "nowhere.yaml does not exist"),
        (MODEL, table(40, 43), {}, "log has no row in the reference window"),
        (MODEL, table(0, 3), {"budgets": [-1]}, "-1"),
        (MODEL, table(0, 3), {"budgets": 2}, "budgets are 2"),
        (MODEL, table(0, 3), {"budgets": []}, "budgets are empty"),
        (MODEL, 7, {}, "log is a int; give a path"),
    ],
)
def test_what_cannot_be_tried_is_said(model, log, more, said):
    with pytest.raises(UsageError, match=said):
        lupus_assets.backtest(model, log, **more)
