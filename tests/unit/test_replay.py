"""A backtest says what would have rung, and knows nothing of the days after."""

import csv
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from lupus_assets.cli import main
from lupus_assets.declare.model import Reference
from lupus_assets.declare.rule import Alarms
from lupus_assets.errors import ColumnMismatch, UsageError
from lupus_assets.judging.history import target_of
from lupus_assets.pipeline import Pipeline
from lupus_assets.replay import backtest, learn
from lupus_assets.sinks.memory import MemoryStore
from lupus_assets.sources.log import LogSource
from tests.models import COLUMNS, START, day, declared, log

TAUGHT, DAYS = 30, 50
ODD = 40  # the first of three days on which amounts double
MODEL = declared({"label": {"column": "y", "arrives_within": "2d"}}, segments=())


def table(first: int, end: int) -> pa.Table:
    days = []
    for number in range(first, end):
        rows = log(number, 150)
        if ODD <= number < ODD + 3:
            rows = log(number, 150, amount=[value * 2 for value in rows["amount"].to_pylist()])
        days.append(rows)
    return pa.concat_tables(days)


def source(rows: pa.Table) -> LogSource:
    return LogSource(rows, timestamp="at", zone=MODEL.cadence.zone, name="log")


@pytest.fixture(scope="module")
def learned():
    return learn(MODEL, source(table(0, TAUGHT)))


@pytest.fixture(scope="module")
def found(learned):
    return backtest(MODEL, learned, source(table(TAUGHT, DAYS)), [0.5, 2.0])


def test_the_doubled_column_is_named_on_its_first_day_at_the_end_of_it(found):
    first = found.alarms[0.5][0]
    assert (first.target, first.partition) == ("amount", day(ODD).key)
    assert first.decided_at == day(ODD).end.replace(tzinfo=None)
    assert first.sentence.endswith(f"; since {day(ODD).key}")
    assert first.p < 1e-4
    assert found.incidents[0.5] == 1


def test_every_day_of_the_log_is_judged_and_none_of_the_reference(found):
    assert [window.key for window in found.windows] == [day(number).key for number in range(TAUGHT, DAYS)]
    assert found.months == pytest.approx(20 / 30.44, rel=1e-3)


def test_a_larger_budget_rings_no_later(found):
    assert len(found.alarms[2.0]) >= len(found.alarms[0.5])
    assert found.incidents[2.0] >= found.incidents[0.5]


@pytest.mark.parametrize("budget", [0.5, 2.0])
def test_an_installation_that_judges_the_same_log_tells_of_the_same_alarms(found, budget):
    until = (START + TAUGHT * timedelta(days=1)).date() - timedelta(days=1)
    model = MODEL.model_copy(
        update={
            "reference": Reference(from_=START.date(), to=until),
            "alarms": Alarms(budget=budget),
        }
    )
    log_of_all = source(table(0, DAYS))
    pipeline = Pipeline(MemoryStore(), lambda *_: log_of_all, b"backtest")
    now = day(DAYS + 5).end
    reference = pipeline.freeze(model, [day(number) for number in range(TAUGHT)], now)["champion"]
    profiled = {day(at): pipeline.profile(model, "champion", day(at), reference, now) for at in range(DAYS)}
    for window, by_cut in profiled.items():
        pipeline.metrics(model, "champion", window, reference, by_cut)
    judged = pipeline.verdicts(model, "champion", reference, profiled)
    told = {
        (window.key, target_of(row.family, row.column_name, row.metric))
        for window, rows in judged.items()
        for row in rows
        if row.flagged
    }
    assert told == {(alarm.partition, alarm.target) for alarm in found.alarms[budget]}


@pytest.mark.parametrize("end", [ODD, ODD + 1, ODD + 4])
def test_deleting_the_future_changes_no_alarm(learned, found, end):
    early = backtest(MODEL, learned, source(table(TAUGHT, end)), [0.5, 2.0])
    last = day(end - 1).end.replace(tzinfo=None)
    for budget in (0.5, 2.0):
        whole = [alarm for alarm in found.alarms[budget] if alarm.decided_at <= last]
        known = [alarm for alarm in early.alarms[budget] if alarm.decided_at <= last]
        assert known == whole


def test_rows_and_labels_are_seen_only_once_they_have_arrived():
    model = declared(
        {"arrival": "came", "label": {"column": "y", "arrival": "known", "arrives_within": "2d"}}, segments=()
    )

    def arrived(rows: pa.Table, late: bool) -> pa.Table:
        at = rows["at"].to_numpy()
        came = np.where(np.arange(len(at)) % 2 == 0, at, at + np.timedelta64(5 if late else 0, "D"))
        return rows.append_column("came", pa.array(came)).append_column(
            "known", pa.array(at + np.timedelta64(1, "D"))
        )

    taught = learn(model, source(arrived(table(0, TAUGHT), late=False)))
    half = backtest(model, taught, source(arrived(table(TAUGHT, TAUGHT + 6), late=True)), [1.0])
    assert {alarm.target for alarm in half.alarms[1.0]} == {"rows"}
    assert half.alarms[1.0][0].partition == day(TAUGHT).key


def test_an_empty_log_is_an_error():
    with pytest.raises(UsageError, match="log holds no rows with a timestamp; give another file"):
        learn(MODEL, source(table(0, 1).slice(0, 0)))


def write_declaration(folder, days: int):
    end = (START + days * timedelta(days=1)).date().isoformat()
    declaration = {
        "type": "lupus_assets.assets.MonitoredModel",
        "attributes": {
            "model": "m",
            "team": "t",
            "cadence": {"every": "day", "start": START.date().isoformat(), "end": end},
            "tracks": {"champion": {"parquet": "{partition}.parquet"}},
            "columns": COLUMNS | {"label": {"column": "y", "arrives_within": "2d"}},
        },
    }
    path = folder / "defs.yaml"
    path.write_text(yaml.safe_dump(declaration))
    return str(path)


def test_the_command_prints_a_line_per_budget_and_writes_what_rang(tmp_path, capsys):
    declaration = write_declaration(tmp_path, DAYS)
    for name, rows in (("reference", table(0, TAUGHT)), ("log", table(TAUGHT, DAYS))):
        pq.write_table(rows, tmp_path / f"{name}.parquet")
    files = ["--reference", str(tmp_path / "reference.parquet"), "--log", str(tmp_path / "log.parquet")]
    asked = ["backtest", declaration, *files, "--budget", "0.5", "2", "--out", str(tmp_path)]
    assert main(asked) == 0
    header, half, two = capsys.readouterr().out.splitlines()
    assert header.split() == ["budget", "incidents", "a", "month", "named"]
    assert (half.split()[0], two.split()[0]) == ("0.5", "2")
    with (tmp_path / "0.5" / "alarms.csv").open() as file:
        first = next(csv.DictReader(file))
    assert (first["model"], first["track"], first["target"]) == ("t/m", "champion", "amount")
    assert datetime.fromisoformat(first["decided_at"]) - datetime.fromisoformat(
        first["partition"]
    ) == timedelta(1)


def test_without_files_the_declared_log_is_replayed_from_the_reference_on(tmp_path, capsys, monkeypatch):
    declaration = write_declaration(tmp_path, DAYS)
    for number in set(range(DAYS)) - {35}:  # a day that never arrived
        pq.write_table(table(number, number + 1), tmp_path / f"{day(number).key}.parquet")
    monkeypatch.setenv("LUPUS_DATA", str(tmp_path))
    assert main(["backtest", declaration, "--home", str(tmp_path), "--out", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert "amount" in out
    said = err.splitlines()[-1]  # after how far it is, on a busy machine
    assert said.startswith("22 partitions, 0.7 months, of t/m")  # the reference is the first 28
    with (tmp_path / "alarms.csv").open() as file:
        named = {(row["partition"], row["target"]) for row in csv.DictReader(file)}
    assert (day(ODD).key, "amount") in named


def test_a_declared_log_that_has_not_arrived_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LUPUS_DATA", str(tmp_path / "nowhere"))
    assert main(["backtest", write_declaration(tmp_path, DAYS), "--home", str(tmp_path)]) != 0
    assert "has no partition yet; give --reference and --log" in capsys.readouterr().err


def test_a_budget_that_is_none_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["backtest", "defs.yaml", "--reference", "r", "--log", "l", "--budget", "often"])
    assert "'often' is no budget" in capsys.readouterr().err


def test_the_teams_own_rules_ring_too(learned):
    model = MODEL.model_copy(
        update={
            "rules": declared(rules=[{"metric": "median", "column": "amount", "above": 0}]).rules,
        }
    )
    found = backtest(model, learned, source(table(TAUGHT, TAUGHT + 3)), [1.0])
    assert [(each.partition, each.target, each.metric) for each in found.alarms[1.0]] == [
        (day(number).key, "amount", "median") for number in range(TAUGHT, TAUGHT + 3)
    ]
    assert found.incidents[1.0] == 1


def test_a_folder_that_cannot_be_made_is_said_before_the_work(tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    files = ["--reference", str(tmp_path / "r"), "--log", str(tmp_path / "l")]
    (tmp_path / "r").mkdir()
    (tmp_path / "l").mkdir()
    for name in "rl":
        pq.write_table(table(0, 2), tmp_path / name / "rows.parquet")
    declaration = write_declaration(tmp_path, DAYS)
    assert main(["backtest", declaration, *files, "--out", str(tmp_path / "taken")]) == 2
    assert "cannot be made (File exists); give another folder as --out" in capsys.readouterr().err


def test_a_partition_of_other_types_is_named(tmp_path, capsys, monkeypatch):
    declaration = write_declaration(tmp_path, DAYS)
    for number in range(30):
        rows = table(number, number + 1)
        if number == 5:
            rows = rows.set_column(rows.schema.get_field_index("amount"), "amount", pa.array(["x"] * 150))
        pq.write_table(rows, tmp_path / f"{day(number).key}.parquet")
    monkeypatch.setenv("LUPUS_DATA", str(tmp_path))
    assert main(["backtest", declaration, "--home", str(tmp_path)]) == 1
    assert f"partition {day(5).key} does not go with the files before it" in capsys.readouterr().err


def test_a_segment_that_the_log_does_not_have_is_refused():
    model = declared(segments=("planet",))
    with pytest.raises(ColumnMismatch, match="the log has no column 'planet' to cut segments by"):
        learn(model, source(table(0, 3)))


@pytest.mark.parametrize("at", [0, 253402214400, 1 << 42, -(1 << 42)])
def test_one_time_far_off_is_said_before_the_work(learned, at):
    rows = table(TAUGHT, TAUGHT + 3)
    times = rows["at"].cast(pa.int64()).to_pylist()
    times[5] = at * 1_000_000
    far = rows.set_column(rows.schema.get_field_index("at"), "at", pa.array(times, pa.timestamp("us", "UTC")))
    with pytest.raises(UsageError, match=r"log holds times from .* 3 of them with rows|4 of them with rows"):
        backtest(MODEL, learned, source(far), [1.0])


@pytest.mark.parametrize("budget", ["9" * 5_000, "nan", "inf", "-1", "1e5", "\u0663", "0"])
def test_a_number_that_is_no_budget_is_one_line(capsys, budget):
    with pytest.raises(SystemExit):
        main(["backtest", "defs.yaml", "--budget", budget])
    err = capsys.readouterr().err.splitlines()
    assert "argument --budget: " in err[-1]
    assert "write how many false incidents you bear" in err[-1]


def test_a_backtest_says_how_far_it_is(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("lupus_assets.cli.progress.FIRST_SECONDS", 0.0)
    monkeypatch.setattr("lupus_assets.cli.progress.QUIET_SECONDS", 0.001)
    declaration = write_declaration(tmp_path, DAYS)
    for name, rows in (("reference", table(0, TAUGHT)), ("log", table(TAUGHT, DAYS))):
        pq.write_table(rows, tmp_path / f"{name}.parquet")
    files = ["--reference", str(tmp_path / "reference.parquet"), "--log", str(tmp_path / "log.parquet")]
    assert main(["backtest", declaration, *files]) == 0
    err = capsys.readouterr().err
    for said in ("reference: freezing: ", " of 60 steps, about ", "log: measuring: ", " of 20 steps, about "):
        assert said in err
