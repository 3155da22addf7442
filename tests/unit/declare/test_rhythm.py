"""What every rhythm of the table holds, and a new one has to."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lupus_assets.declare import Cadence
from lupus_assets.declare.rhythm import DAYS, MINUTES, NAMED, parse_every, rhythm_of
from lupus_assets.declare.window import windows
from lupus_assets.detect.season import PHASES

HOURS = ("2 hours", "3 hours", "4 hours", "6 hours", "8 hours", "12 hours")
CRONS = (
    "0 6 * * *", "0 6 * * 1-5", "30 2 * * *", "15 */5 * * *", "0 0 * * 1", "0 0 * * mon,thu", "0 0 1 * *",
    "0 0 31 * *", "0 6 1-7 * *", "0 0 1 1,4,7,10 *", "0 0 1 1 *", "0 0 29 2 *",
)  # fmt: skip
SPELT = (*NAMED, *HOURS)
EVERY = (*SPELT, *CRONS)
ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe")
FIRST = datetime(2012, 1, 1, tzinfo=UTC)


def cadence(every, start="2012-01-01", timezone="UTC", **rest):
    return Cadence(every=every, start=start, timezone=timezone, **rest)


def partitions(every, count=None):
    """Return partitions from 2012 on, in UTC: `count`, or those of nine years at most."""
    period = cadence(every).period
    return windows(cadence(every), FIRST, FIRST + min(period * (count or 1_000) * 2, timedelta(days=3_300)))


@pytest.mark.parametrize("every", SPELT)
def test_a_name_is_its_own_spelling_whatever_the_spaces_around_it(every):
    assert parse_every(f" {every} ".replace(" ", "  ")) == rhythm_of(every).every == every


@pytest.mark.parametrize("every", EVERY)
def test_a_key_begins_with_the_day_on_which_its_partition_starts(every):
    for window in partitions(every, 60):
        assert window.key[:10] == f"{window.start:%Y-%m-%d}"
        assert window.key == f"{window.start:{rhythm_of(every).key}}"


@pytest.mark.parametrize("every", EVERY)
def test_only_what_starts_at_midnight_has_days_for_keys(every):
    assert rhythm_of(every).key in (DAYS, MINUTES)
    if rhythm_of(every).by_day:
        assert {f"{window.start:%H:%M}" for window in partitions(every)} == {"00:00"}


@pytest.mark.parametrize("every", SPELT)
def test_the_period_of_a_name_is_its_longest_partition(every):
    assert max(window.end - window.start for window in partitions(every)) == rhythm_of(every).period


@pytest.mark.parametrize("every", CRONS)
def test_the_period_of_a_cron_string_is_its_smallest_gap(every):
    found = windows(cadence(every), FIRST, FIRST + timedelta(days=3_300))
    assert min(window.end - window.start for window in found) == rhythm_of(every).period


@pytest.mark.parametrize("every", EVERY)
def test_phases_come_round_after_a_cycle_and_not_before(every):
    found = partitions(every)
    for at, season in enumerate(rhythm_of(every).seasons):
        phases = [cadence(every).seasons(window.start)[at] for window in found]
        assert len(phases) >= 3 * season.cycle
        repeats = [by for by in range(1, season.cycle + 1) if phases[:-by] == phases[by:]]
        assert repeats == [season.cycle]


@pytest.mark.parametrize("every", EVERY)
def test_every_phase_has_a_phrase_and_a_place_in_the_detector(every):
    found = cadence(every, holidays="US")
    for season in found.rhythm.seasons:
        assert 0 < len(season.phrases) <= PHASES
    for window in partitions(every):
        assert all(0 <= phase < PHASES for phase in found.seasons(window.start))
        assert bool(found.season_phrase(window.start)) == bool(found.rhythm.seasons)


@pytest.mark.parametrize("every", EVERY)
def test_cycles_are_told_finest_first(every):
    assert list(cadence(every).cycles) == sorted(set(cadence(every).cycles))


@settings(deadline=None)
@given(st.sampled_from(EVERY), st.dates(date(1980, 1, 1), date(2080, 1, 1)), st.sampled_from(ZONES))
def test_the_default_reference_holds_its_partitions_and_lasts_its_days(every, start, zone):
    found = cadence(every, start, zone)
    first, end = found.reference_window()
    held = windows(found, first, end)
    assert first >= found.start_instant
    assert len(held) >= found.rhythm.reference_partitions
    assert end.replace(tzinfo=None) - first.replace(tzinfo=None) >= timedelta(found.rhythm.reference_days)
    assert found.rhythm.reference_partitions >= 1
    # Not one partition more than asked for, unless the days ask for them.
    lasts = timedelta(found.rhythm.reference_days)
    short = [window for window in held if window.end <= first + lasts]
    assert len(held) <= max(len(short) + 1, found.rhythm.reference_partitions)


@given(st.sampled_from(EVERY), st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.sampled_from(ZONES))
def test_partitions_follow_each_other_without_a_gap_and_under_keys_in_their_order(every, day, zone):
    found = cadence(every, timezone=zone)
    since = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    held = windows(found, since, since + 40 * found.period)
    assert all(before.end == after.start for before, after in pairwise(held))
    assert [window.key for window in held] == sorted({window.key for window in held})


@pytest.mark.parametrize("every", SPELT)
def test_tags_say_a_name_without_spaces(every):
    assert rhythm_of(every).tag == every.replace(" ", "-")


@pytest.mark.parametrize("every", CRONS)
def test_tags_say_only_that_there_is_a_cron_string(every):
    assert rhythm_of(every).tag == "cron"


def test_a_month_starts_on_its_first_day_and_is_alike_every_year():
    months = cadence("month", "2013-01-15", "America/New_York", holidays="US")
    since, until = (datetime(2013, month, 1, tzinfo=ZoneInfo("America/New_York")) for month in (3, 6))
    assert [window.key for window in windows(months, since, until)] == [
        "2013-03-01",
        "2013-04-01",
        "2013-05-01",
    ]
    assert [
        (window.end - window.start) // timedelta(hours=1) for window in windows(months, since, until)
    ] == [
        31 * 24 - 1,
        30 * 24,
        31 * 24,
    ]
    assert months.season_phrase(since) == "in March"
    assert months.cycles == (12,)
    new_year = datetime(2014, 1, 1, tzinfo=ZoneInfo("America/New_York"))
    assert months.is_holiday(new_year)  # and a January like others
    assert (months.seasons(new_year), months.season_phrase(new_year)) == ((0,), "in January")


@pytest.mark.parametrize(
    ("every", "start", "first", "end"),
    [
        ("month", "2013-05-01", "2013-05-01", "2014-05-01"),
        ("month", "2013-05-02", "2013-06-01", "2014-06-01"),
        ("0 0 1 * *", "2013-05-01", "2013-05-01", "2014-05-01"),
        ("0 0 1 * *", "2013-05-02", "2013-05-02", "2014-06-01"),
        ("0 0 * * 1", "2013-05-01", "2013-05-01", "2013-07-29"),
        ("0 0 1 1,4,7,10 *", "2013-05-01", "2013-05-01", "2016-07-01"),
        ("0 6 * * 1-5", "2013-05-01", "2013-05-01", "2013-05-29"),
        ("hour", "2013-05-01", "2013-05-01", "2013-05-15"),
    ],
)
def test_the_default_reference_of_slow_rhythms_is_twelve_partitions(every, start, first, end):
    assert [f"{moment:%Y-%m-%d}" for moment in cadence(every, start).reference_window()] == [first, end]
