"""`lupus search` prints alarms, and says who answered; `lupus reindex` needs an Elasticsearch."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from lupus_assets.cli import main
from lupus_assets.records import Place, VerdictRow
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.parquet import ParquetStore

DAY = datetime(2025, 3, 9, tzinfo=UTC)
ROW = VerdictRow(
    track="champion", version="*", partition_key="2025-03-09", window_start=DAY, as_of=DAY, segment="*",
    family="input", column_name="temp", metric="mean", rule="history", value=1.0, expected=None, low=None,
    high=None, p=None, effect=None, surprise=4.5, history=30, partitions=1,
    since=None, severity="alarm", flagged=True, incident="champion/2025-03-09",
    sentence="mean of `temp` is 1",
)  # fmt: skip
DECLARATION = """\
type: lupus_assets.assets.MonitoredModel
attributes:
  model: NAME
  team: shop
  cadence: {every: day, start: 2013-05-01}
  tracks: {champion: {parquet: "{partition}.parquet"}}
  columns: {timestamp: time_hour, prediction: {score: p_late}}
  groups: {GROUP: [temp, wind]}
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LUPUS_ENV", raising=False)
    monkeypatch.delenv("LUPUS_HOME", raising=False)
    store = ParquetStore(Folder(tmp_path / ".lupus" / "warehouse"))
    for model in ("shop.price", "shop.churn", "ops.price"):
        place = Place(model, "champion", DAY, DAY, "2025-03")
        other = replace(ROW, column_name="price", surprise=None, sentence="all `price` are null")
        store.replace("verdicts", place, [ROW, other, replace(ROW, flagged=False, column_name="quiet")])
    for name, group in (("price", "weather"), ("churn", "money")):
        folder = tmp_path / "definitions" / name
        folder.mkdir(parents=True)
        (folder / "defs.yaml").write_text(DECLARATION.replace("NAME", name).replace("GROUP", group))
    return tmp_path


def found(capsys, *arguments: str) -> list[tuple[str, str]]:
    """Return model and column of what a search prints."""
    assert main(["search", *arguments, "--csv"]) == 0
    out, err = capsys.readouterr()
    lines = list(csv.reader(out.splitlines()))[1:]
    noun = "alarm" if len(lines) == 1 else "alarms"
    assert err == f"{len(lines)} {noun} from {Path.cwd()}/.lupus/warehouse\n"
    return [(line[0], line[4]) for line in lines]


def test_alarms_are_printed_facts_first_and_the_files_are_named(capsys):
    assert main(["search", "--team", "ops"]) == 0
    out, err = capsys.readouterr()
    header, *lines = (" ".join(line.split()) for line in out.splitlines())
    assert header == "model track partition_key segment column_name metric surprise incident"
    assert lines == [
        "ops.price champion 2025-03-09 * price mean champion/2025-03-09",
        "all `price` are null",
        "ops.price champion 2025-03-09 * temp mean 4.5 champion/2025-03-09",
        "mean of `temp` is 1",
    ]
    assert err == f"2 alarms from {Path.cwd()}/.lupus/warehouse\n"


@pytest.mark.parametrize(
    ("arguments", "models"),
    [
        (["temp"], ["ops.price", "shop.churn", "shop.price"]),
        (["temp", "--model", "shop.price"], ["shop.price"]),
        (["temp", "--model", "shop/price"], ["shop.price"]),
        (["temp", "--model", "price"], ["ops.price", "shop.price"]),
        (["temp", "--team", "shop"], ["shop.churn", "shop.price"]),
        (["temp", "--team", "shop", "--model", "price"], ["shop.price"]),
        (["temp", "--group", "weather"], ["shop.price"]),
        (["price", "--group", "weather"], []),
        (["temp", "--since", "2025-03-09"], ["ops.price", "shop.churn", "shop.price"]),
        (["temp", "--since", "2025-03-09T00:01"], []),
        (["temp", "--since", "2025-03-10"], []),
        (["temp", "--until", "2025-03-09"], ["ops.price", "shop.churn", "shop.price"]),
        (["temp", "--until", "2025-03-08"], []),
        (
            ["temp", "--since", "0001-01-01", "--until", "9999-12-31"],
            ["ops.price", "shop.churn", "shop.price"],
        ),
        (["temp", "--severity", "4.6"], []),
        (["temp", "--most", "2"], ["ops.price", "shop.churn"]),
    ],
)
def test_a_search_is_narrowed(capsys, arguments, models):
    assert found(capsys, *arguments) == [(model, "temp") for model in models]


@pytest.mark.parametrize(
    ("group", "remedy"),
    [("weathr", "did you mean 'weather'?"), ("zzz", "there are: money, weather")],
)
def test_a_group_that_nobody_declares_is_an_error(capsys, group, remedy):
    assert main(["search", "--group", group]) == 2
    message = f"lupus search: no model below definitions declares a group '{group}', {remedy}\n"
    assert capsys.readouterr() == ("", message)


def test_declarations_with_mistakes_are_not_left_out_without_a_word(home, capsys):
    (home / "definitions" / "churn" / "defs.yaml").write_text(DECLARATION.replace("team", "tema"))
    assert main(["search", "--group", "weather"]) == 0
    err = capsys.readouterr().err
    assert err.startswith(
        "lupus search: left out 1 declaration with mistakes, run `lupus check definitions`\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--since", "2025-3-9"], "'2025-3-9' is no day and no partition, write 2025-03-09 or"),
        (["--until", "2025-02-30"], "'2025-02-30' is no day and no partition, write 2025-03-09 or"),
        (["--since", "2025-03-09T09:00+09:00"], "is no day and no partition, write 2025-03-09 or"),
        (["--severity", "inf"], "'inf' is no number of spreads, write 0 or more, such as 4.5"),
        (["--severity", "nan"], "'nan' is no number of spreads"),
        (["--severity", "-1"], "'-1' is no number of spreads"),
        (["--most", "9" * 5_000], "is no number from 1 to 10,000"),
        (["--most", "0"], "'0' is no number from 1 to 10,000"),
        (["--most", "-1"], "'-1' is no number from 1 to 10,000"),
    ],
)
def test_what_is_no_argument_is_refused(capsys, arguments, message):
    with pytest.raises(SystemExit):
        main(["search", *arguments])
    assert message in capsys.readouterr().err


def test_without_a_warehouse_there_is_nothing_to_search(home, capsys):
    assert main(["search", "--home", "nowhere"]) == 2
    assert "nowhere/warehouse does not exist, give --home" in capsys.readouterr().err


def test_elasticsearch_is_asked_where_there_is_one(monkeypatch, capsys):
    monkeypatch.setenv("LUPUS_ENV", "services")
    monkeypatch.setenv("LUPUS_ELASTICSEARCH_URL", "http://127.0.0.1:1")
    assert main(["search", "temp"]) == 1
    assert capsys.readouterr().err.startswith(
        "lupus search: cannot search lupus-verdicts at http://127.0.0.1:1"
    )


def test_reindex_needs_an_elasticsearch_and_a_month(capsys):
    assert main(["reindex"]) == 2
    assert capsys.readouterr().err == (
        "lupus reindex: no Elasticsearch here; set LUPUS_ELASTICSEARCH_URL, "
        "and LUPUS_ENV to services or production\n"
    )
    with pytest.raises(SystemExit):
        main(["reindex", "--from", "2025-13"])
    assert "'2025-13' is no month, write it as 2025-03" in capsys.readouterr().err


NEW_YORK = ZoneInfo("America/New_York")
APIA = ZoneInfo("Pacific/Apia")


@pytest.mark.parametrize(
    ("zone", "key", "hours"),
    [
        (NEW_YORK, "2025-03-31", 0),
        (APIA, "2025-03-31", 0),
        (NEW_YORK, "2025-11-02-01:00", 1),
        (NEW_YORK, "2025-11-02-01:00-0500", 1),
    ],
)
@pytest.mark.parametrize("bounds", [["--since"], ["--until"], ["--since", "--until"]])
def test_the_key_of_a_partition_finds_it_whatever_its_zone(home, capsys, zone, key, hours, bounds):
    day = datetime.fromisoformat(key[:10]) + timedelta(hours=hours)
    start = day.replace(tzinfo=zone, fold=key.endswith("-0500")).astimezone(UTC)
    row = replace(ROW, partition_key=key, window_start=start, as_of=start)
    store = ParquetStore(Folder(home / ".lupus" / "warehouse"))
    store.replace("verdicts", Place("shop.zoned", "champion", start, start, key[:7]), [row])
    asked = [word for bound in bounds for word in (bound, key)]
    assert found(capsys, "--model", "shop.zoned", *asked) == [("shop.zoned", "temp")]
    asked = [word for bound in bounds for word in (bound, key[:10])]
    assert found(capsys, "--model", "shop.zoned", *asked) == [("shop.zoned", "temp")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "shop.chrn"], "no model 'shop.chrn' in {place}, did you mean shop.churn?"),
        (["--model", "zzz"], "no model 'zzz' in {place}, there are: churn, price"),
        (["--team", "zzz"], "no team 'zzz' in {place}, there are: ops, shop"),
        (["--team", "ops", "--model", "churn"], "no model 'ops.churn' in {place}, there are: ops.price"),
        (["--track", "champions"], "no track 'champions' in {place}, did you mean champion?"),
    ],
)
def test_a_name_that_does_not_exist_is_no_search_without_alarms(capsys, arguments, message):
    assert main(["search", *arguments]) == 2
    message = message.format(place=Path.cwd() / ".lupus" / "warehouse")
    assert capsys.readouterr() == ("", f"lupus search: {message}\n")


def test_alarms_are_printed_as_json(capsys):
    assert main(["search", "--team", "ops", "--json"]) == 0
    fact, other = json.loads(capsys.readouterr().out)
    assert (fact["surprise"], other["surprise"]) == (None, 4.5)
    assert other["sentence"] == "mean of `temp` is 1"
