"""Windows are Dagster's partitions, whatever the clocks do."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lupus_assets.assets.partition import partitions_of, reference_windows, window_of, windows_between
from lupus_assets.declare import Cadence
from lupus_assets.declare.rhythm import NAMED
from lupus_assets.declare.window import windows
from lupus_assets.sources.parquet import ParquetSource
from tests.dagster.site import small_model

# In 2013: New York changed on 10 March and 3 November, Berlin on 31 March and 27 October.
SPRING = (datetime(2013, 2, 25), datetime(2013, 5, 6))  # noqa: DTZ001  # local, both changes within
AUTUMN = (datetime(2013, 9, 30), datetime(2013, 12, 2))  # noqa: DTZ001
HOUR = timedelta(hours=1)

STARTS: dict[str, Callable[[datetime], bool]] = {
    "hour": lambda _: True,
    "6 hours": lambda local: local.hour % 6 == 0,
    "day": lambda local: local.hour == 0,
    "week": lambda local: local.hour == 0 and local.weekday() == 0,
    "month": lambda local: local.hour == 0 and local.day == 1,
    "0 6 * * 1-5": lambda local: local.hour == 6 and local.weekday() < 5,
}


def starts(every: str, zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[datetime]:
    """Yield the starts of windows, found by asking every hour of real time what the clock shows."""
    moment, end = first.replace(tzinfo=zone).astimezone(UTC), last.replace(tzinfo=zone).astimezone(UTC)
    while moment <= end:
        if STARTS[every](moment.astimezone(zone)):
            yield moment
        moment += HOUR


@pytest.mark.parametrize("span", [SPRING, AUTUMN], ids=["spring", "autumn"])
@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin"])
@pytest.mark.parametrize("every", STARTS)
def test_windows_follow_the_clock_on_the_wall(every, zone, span):
    partitions = partitions_of(Cadence(every=every, start="2013-01-01", timezone=zone).group)
    local = [moment.replace(tzinfo=ZoneInfo(zone)) for moment in span]
    expected = list(starts(every, ZoneInfo(zone), *span))
    found = windows_between(partitions, *local)
    assert [window.start for window in found] == expected[:-1]
    assert [window.end for window in found] == expected[1:]
    for window in found:
        assert partitions.has_partition_key(window.key)
        assert window_of(partitions, window.key) == window
    assert len({window.key for window in found}) == len(found)


ZONES = ("America/New_York", "Europe/Berlin", "UTC", "Asia/Kolkata", "Australia/Lord_Howe")
CRONS = ("30 2 * * *", "0 0 1 * *", "15 */4 * * *", "0 0 1 1,4,7,10 *", "0 0 1,15 * *")
# What Dagster itself has names for.
CLASSES: dict[str, Callable[..., dg.TimeWindowPartitionsDefinition]] = {
    "hour": partial(dg.HourlyPartitionsDefinition, fmt="%Y-%m-%d-%H:%M"),
    "day": dg.DailyPartitionsDefinition,
    "week": partial(dg.WeeklyPartitionsDefinition, day_offset=1),
    "month": dg.MonthlyPartitionsDefinition,
}


@pytest.mark.parametrize("end", [None, "2014-01-01"])
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("every", CLASSES)
def test_partitions_are_those_of_dagsters_own_class_also_to_what_dagster_has_stored(every, zone, end):
    group = Cadence(every=every, start="2013-02-10", end=end, timezone=zone).group
    start, until = datetime(2013, 1, 1), None if end is None else datetime(2014, 1, 1)  # noqa: DTZ001
    theirs = CLASSES[every](start, end_date=until, timezone=zone)
    assert partitions_of(group) == theirs
    assert (
        partitions_of(group).get_serializable_unique_identifier()
        == theirs.get_serializable_unique_identifier()
    )


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("every", [*NAMED, "2 hours", "6 hours", "12 hours", "0 6 * * 1-5", *CRONS])
def test_windows_without_dagster_are_dagsters_with_their_keys(every, zone):
    cadence = Cadence(every=every, start="2013-01-01", timezone=zone)
    first = datetime(2013, 2, 1, tzinfo=ZoneInfo(zone))
    last = max(first.replace(month=12), first + 12 * cadence.period)
    found = windows(cadence, first, last)
    assert found == windows_between(partitions_of(cadence.group), first, last)
    assert len(found) > 8


def test_windows_of_a_zone_that_moves_by_half_an_hour_are_partitions_wherever_the_span_begins():
    cadence = Cadence(every="hour", start="2013-01-01", timezone="Australia/Lord_Howe")
    partitions = partitions_of(cadence.group)
    known = set(partitions.get_partition_keys(current_time=datetime(2013, 6, 1, tzinfo=UTC)))
    for minutes in range(0, 120, 15):
        first = datetime(2013, 4, 30, 13, tzinfo=UTC) + timedelta(minutes=minutes)
        found = windows_between(partitions, first, first + timedelta(hours=5))
        assert found == windows(cadence, first, first + timedelta(hours=5))
        assert {window.key for window in found} <= known


@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from([*NAMED, "3 hours", "8 hours", *CRONS]),
    st.sampled_from(ZONES),
    st.datetimes(datetime(2013, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
    st.integers(1, 40),
)
def test_windows_of_any_span_are_dagsters(every, zone, since, count):
    cadence = Cadence(every=every, start="2013-01-01", timezone=zone)
    first = since.replace(microsecond=0, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    last = first + count * cadence.period
    assert windows(cadence, first, last) == windows_between(partitions_of(cadence.group), first, last)


@pytest.mark.parametrize("every", [*NAMED, "6 hours", *CRONS])
def test_the_reference_windows_of_dagster_are_those_without_it(every):
    model = small_model(cadence={"every": every, "start": "2013-02-10"}, reference=None)
    assert reference_windows(model) == windows(model.cadence, *model.reference_window())
    assert len(reference_windows(model)) >= model.cadence.rhythm.reference_partitions


def fields(low: int, high: int, names: Sequence[str] = ()) -> st.SearchStrategy[str]:
    """Return fields of a cron string: values, steps, ranges, lists, names, and what few programs read."""
    value = st.integers(low, high).map(str)
    return st.one_of(
        st.just("*"),
        value,
        st.builds("*/{}".format, st.integers(1, high)),
        st.builds("{}-{}".format, value, value),
        st.builds("{}-{}/{}".format, value, value, st.integers(1, 5)),
        st.lists(value, min_size=2, max_size=3).map(",".join),
        st.sampled_from(["L", "?", "1#2", "5L", "1/2", "*,1", *names]),
    )


CRON_STRINGS = st.tuples(
    fields(0, 59) | st.integers(0, 59).map(str),
    fields(0, 23),
    fields(1, 31),
    fields(1, 12, ["jan", "DEC"]),
    fields(0, 7, ["mon", "SUN", "mon-fri"]),
).map(" ".join)


@settings(deadline=None, max_examples=150)
@given(CRON_STRINGS, st.sampled_from(["UTC", "America/New_York"]))
def test_a_cron_string_that_is_accepted_means_the_same_to_dagster(every, zone):
    try:
        cadence = Cadence(every=every, start="2013-01-01", timezone=zone)
    except ValidationError:
        return
    first, last = (datetime(2013, month, 1, tzinfo=ZoneInfo(zone)) for month in (2, 12))
    found = windows(cadence, first, last)
    assert found == windows_between(partitions_of(cadence.group), first, last)
    assert len({window.key for window in found}) == len(found)
    assert all(window.end - window.start >= HOUR for window in found)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", "2013-03-10", 23),
        ("America/New_York", "2013-11-03", 25),
        ("Europe/Berlin", "2013-03-31", 23),
        ("Europe/Berlin", "2013-10-27", 25),
    ],
)
def test_a_day_of_a_clock_change_is_one_window_and_its_hours_are_as_many_as_there_are(zone, day, hours):
    days = partitions_of(Cadence(every="day", start="2013-01-01", timezone=zone).group)
    window = window_of(days, day)
    assert window.end - window.start == hours * HOUR
    by_hour = partitions_of(Cadence(every="hour", start="2013-01-01", timezone=zone).group)
    assert len(windows_between(by_hour, window.start, window.end)) == hours


def test_the_repeated_hour_has_two_keys_and_both_files_are_found(tmp_path: Path):
    zone = "America/New_York"
    partitions = partitions_of(Cadence(every="hour", start="2013-10-01", timezone=zone).group)
    night = windows_between(
        partitions, datetime(2013, 11, 3, 4, tzinfo=UTC), datetime(2013, 11, 3, 8, tzinfo=UTC)
    )
    assert [window.key for window in night] == [
        "2013-11-03-00:00",
        "2013-11-03-01:00",
        "2013-11-03-01:00-0500",
        "2013-11-03-02:00",
    ]
    source = ParquetSource("{partition}.parquet", tmp_path, ZoneInfo(zone))
    for window in night:
        assert not source.arrived(window)
        (tmp_path / f"{window.key}.parquet").touch()
        assert source.arrived(window)


def test_a_cron_string_may_fire_in_the_hour_that_is_repeated_or_missing():
    partitions = partitions_of(
        Cadence(every="30 1 * * *", start="2013-01-01", timezone="America/New_York").group
    )
    zone = ZoneInfo("America/New_York")
    for month, day in ((3, 8), (11, 1)):
        first = datetime(2013, month, day, tzinfo=zone)
        found = windows_between(partitions, first, first + timedelta(days=5))
        assert len(found) >= 3
        assert all(window_of(partitions, window.key) == window for window in found)
        assert all(before.end == after.start for before, after in pairwise(found))


def test_models_that_start_within_a_quarter_share_one_object():
    first, second, third = (
        Cadence(every="day", start=start, timezone="America/New_York").group
        for start in ("2013-04-01", "2013-06-30", "2013-07-01")
    )
    assert partitions_of(first) is partitions_of(second)
    assert partitions_of(first) is not partitions_of(third)
