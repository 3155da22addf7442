"""One table is cut into the windows of a cadence; what is late in it is no other partition."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from lupus_assets.declare import Cadence
from lupus_assets.declare.window import windows
from lupus_assets.errors import ColumnMismatch, PartitionMissing
from lupus_assets.sources.log import LogSource

ZONE = ZoneInfo("America/New_York")
DAYS = windows(
    Cadence(every="day", start="2013-05-01", timezone="America/New_York"),
    datetime(2013, 5, 1, 4, tzinfo=UTC), datetime(2013, 5, 6, 4, tzinfo=UTC),
)  # fmt: skip


def at(day: int, hour: int) -> datetime:
    return datetime(2013, 5, day, hour)  # noqa: DTZ001  # local


def source(**columns: list[object]) -> LogSource:
    return LogSource(pa.table(columns), timestamp="ts", zone=ZONE, name="log.parquet")


def rows(log: LogSource, window, *columns: str) -> list[dict[str, object]]:
    return [row for batch in log.batches(window, columns) for row in batch.to_pylist()]


def test_rows_belong_to_the_local_day_of_their_timestamp_in_any_order():
    log = source(ts=[at(2, 0), at(1, 23), at(1, 0), None, at(2, 23)], x=[3, 2, 1, 9, 4])
    assert rows(log, DAYS[0], "x") == [{"x": 1}, {"x": 2}]
    assert rows(log, DAYS[1], "x") == [{"x": 3}, {"x": 4}]


def test_a_day_without_rows_within_the_log_is_an_empty_partition_and_one_after_it_is_missing():
    log = source(ts=[at(1, 0), at(3, 0)], x=[1, 2])
    assert log.arrived(DAYS[1])
    assert rows(log, DAYS[1], "x") == []
    assert not log.arrived(DAYS[3])
    with pytest.raises(PartitionMissing, match=r"log\.parquet ends before partition 2013-05-04"):
        log.schema(DAYS[3])


def test_text_is_dictionary_encoded_as_from_every_source():
    log = source(ts=[at(1, 0), at(1, 1)], c=["a", "a"])
    assert pa.types.is_dictionary(log.schema(DAYS[0]).field("c").type)
    assert rows(log, DAYS[0], "c") == [{"c": "a"}, {"c": "a"}]


def test_the_span_is_that_of_the_rows_with_a_timestamp():
    assert source(ts=[at(1, 0), None, at(3, 0)]).span == (1367380800000000, 1367553600000000)
    assert source(ts=pa.array([], pa.timestamp("us"))).span is None


def test_a_log_without_its_timestamp_is_refused():
    with pytest.raises(ColumnMismatch, match=r"log\.parquet has no column 'ts'; correct columns\.timestamp"):
        source(time=[at(1, 0)])
