"""A prediction log that a function gives."""

import sys
from datetime import UTC, datetime
from types import SimpleNamespace

import pyarrow as pa
import pytest

from lupus_assets.errors import ColumnMismatch, PartitionMissing, SourceError, SourceUnreadable
from lupus_assets.installation import Installation
from lupus_assets.sources.column import TEXT
from lupus_assets.sources.function import FunctionSource
from tests.models import declared

ROWS = pa.table({"score": [0.1, 0.9], "dest": ["JFK", None]})


@pytest.fixture
def day(window):
    return window(2013, 5, 1)


def giving(rows):
    def log(start, end):
        return rows

    return FunctionSource(log)


def scores(source, window):
    return [score for batch in source.batches(window, ["score"]) for score in batch["score"].to_pylist()]


def test_the_function_is_asked_for_the_window_in_utc(day):
    asked = []

    def log(start, end):
        asked.append((start, end))
        return ROWS

    assert scores(FunctionSource(log), day) == [0.1, 0.9]
    assert asked == [(datetime(2013, 5, 1, 4, tzinfo=UTC), datetime(2013, 5, 2, 4, tzinfo=UTC))]


def test_an_installation_asks_a_function_for_days_of_the_cadences_zone(day, tmp_path, monkeypatch):
    asked = []

    def log(start, end):
        asked.append((start, end))
        return ROWS

    monkeypatch.setitem(sys.modules, "by_python", SimpleNamespace(log=log))
    model = declared(
        tracks={"champion": {"function": "by_python:log"}},
        cadence={"every": "day", "start": "2013-05-01", "timezone": "America/New_York"},
    )
    source = Installation.from_environment({}, tmp_path).source(model, "champion", tmp_path)
    assert source.arrived(day)
    (start, end), *_ = asked
    assert [f"{each:%Y-%m-%d %H:%M %Z}" for each in (start, end)] == [
        "2013-05-01 00:00 EDT",
        "2013-05-02 00:00 EDT",
    ]


@pytest.mark.parametrize(
    "rows",
    [ROWS, ROWS.to_batches()[0], [ROWS], iter(ROWS.to_batches()), [ROWS.slice(0, 1), ROWS.slice(1)]],
    ids=str,
)
def test_a_table_a_batch_or_an_iterable_of_them_will_do(day, rows):
    assert scores(giving(rows), day) == [0.1, 0.9]


def test_batches_are_taken_one_by_one(day):
    taken = []

    def log(start, end):
        for i in range(3):
            taken.append(i)
            yield ROWS

    batches = FunctionSource(log).batches(day, ["score"])
    next(batches)
    assert taken == [0]
    assert sum(map(len, batches)) == 4


def test_none_is_a_window_that_has_not_arrived(day):
    source = giving(None)
    assert not source.arrived(day)
    for ask in (source.schema, lambda window: source.batches(window, ["score"])):
        with pytest.raises(PartitionMissing, match="log has nothing for partition 2013-05-01; run it again"):
            ask(day)


@pytest.mark.parametrize("rows", [[], ROWS.slice(0, 0), iter(())])
def test_no_rows_are_a_partition_that_arrived_empty(day, rows):
    source = giving(rows)
    assert source.arrived(day)
    assert list(source.batches(day, ["score"])) == []


def test_columns_come_in_the_order_asked_for_with_strings_encoded(day):
    source = giving(ROWS)
    (batch,) = source.batches(day, ["dest", "score"])
    assert batch.schema == pa.schema({"dest": TEXT, "score": pa.float64()})
    assert batch["dest"].to_pylist() == ["JFK", None]
    assert source.schema(day) == pa.schema({"score": pa.float64(), "dest": TEXT})
    assert giving([]).schema(day) == pa.schema([])


def test_later_batches_take_the_types_of_the_first(day):
    assert scores(giving([ROWS, pa.table({"score": [1]})]), day) == [0.1, 0.9, 1.0]
    with pytest.raises(SourceUnreadable, match="give every batch the same types"):
        scores(giving([ROWS, pa.table({"score": ["high"]})]), day)


def test_a_missing_column_is_named_in_whichever_batch_it_is_missing(day):
    with pytest.raises(ColumnMismatch, match=r"log has no column 'scor' \(did you mean 'score'\?\)"):
        giving(ROWS).batches(day, ["scor"])
    with pytest.raises(ColumnMismatch, match="log has no column 'score'"):
        scores(giving([ROWS, ROWS.drop_columns(["score"])]), day)


def failing_at_once(start, end):
    raise ConnectionError("warehouse is down")


def failing_half_way(start, end):
    yield ROWS
    raise ConnectionError("warehouse is down")


@pytest.mark.parametrize("log", [failing_at_once, failing_half_way])
def test_an_error_of_the_function_is_told_in_its_words(day, log):
    with pytest.raises(
        SourceUnreadable, match=r"failing_.* failed: ConnectionError: warehouse is down"
    ) as caught:
        scores(FunctionSource(log), day)
    assert isinstance(caught.value.__cause__, ConnectionError)


@pytest.mark.parametrize("rows", [[{"score": 0.1}], 7, "ab"])
def test_what_is_no_arrow_is_refused(day, rows):
    with pytest.raises(SourceUnreadable, match=r"log failed: TypeError: "):
        scores(giving(rows), day)


def test_a_function_may_say_itself_that_a_partition_is_missing(day):
    def log(start, end):
        raise PartitionMissing("not yet")

    with pytest.raises(PartitionMissing, match=r"^not yet$"):
        FunctionSource(log).batches(day, [])


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "team_log.py").write_text(
        "import pyarrow\ndef log(start, end): return pyarrow.table({'score': [0.5]})\nx = 1\n"
    )
    (tmp_path / "team_broken.py").write_text("import a_library_nobody_has\n")
    yield
    for name in ("team_log", "team_broken"):
        sys.modules.pop(name, None)


def test_a_path_names_a_function(day, module):
    assert scores(FunctionSource.from_path("team_log:log"), day) == [0.5]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("team_log", "write package.module:function"),
        (":log", "write package.module:function"),
        ("team_log:", "write package.module:function"),
        ("team_nowhere:log", "ModuleNotFoundError: No module named 'team_nowhere'"),
        ("team_broken:log", "ModuleNotFoundError: No module named 'a_library_nobody_has'"),
        ("team_log:logs", "AttributeError: module 'team_log' has no attribute 'logs'"),
        ("team_log:x", "'team_log:x' is int, not a function"),
    ],
)
def test_a_path_to_no_function_says_why(module, path, message):
    with pytest.raises(SourceError, match=message):
        FunctionSource.from_path(path)
