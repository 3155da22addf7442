"""Windows without Dagster on the days on which clocks change; `tests/dagster` holds them to be Dagster's."""

from datetime import UTC, datetime

import pytest

from lupus_assets.declare import Cadence
from lupus_assets.declare.window import windows

NEW_YORK, LORD_HOWE = "America/New_York", "Australia/Lord_Howe"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def between(every: str, since: datetime, until: datetime, timezone: str = NEW_YORK):
    """Return starts as `day hour:minute` of UTC, and keys; each window ends where the next one starts."""
    found = windows(Cadence(every=every, start="2013-01-01", timezone=timezone), since, until)
    assert [window.end for window in found[:-1]] == [window.start for window in found[1:]]
    return [f"{window.start:%d %H:%M}" for window in found], [window.key for window in found]


def test_a_day_starts_at_midnight_of_the_zone_and_is_an_hour_shorter_in_spring():
    starts, keys = between("day", utc(2013, 3, 9), utc(2013, 3, 12, 12))
    assert starts == ["09 05:00", "10 05:00", "11 04:00"]  # the last window ends on the 12th at 04:00
    assert keys == ["2013-03-09", "2013-03-10", "2013-03-11"]


def test_weeks_start_on_monday():
    assert between("week", utc(2013, 5, 1), utc(2013, 5, 22), "UTC") == (
        ["06 00:00", "13 00:00"],
        ["2013-05-06", "2013-05-13"],
    )


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        (utc(2013, 5, 1), utc(2013, 5, 3), ["01", "02"]),
        (utc(2013, 5, 1, 0, 1), utc(2013, 5, 3), ["02"]),
        (utc(2013, 5, 1), utc(2013, 5, 2, 23, 59), ["01"]),
        (utc(2013, 5, 1), utc(2013, 5, 1, 23, 59), []),
    ],
)
def test_a_window_lies_wholly_between_the_two_times_which_are_included(since, until, days):
    assert [start[:2] for start in between("day", since, until, "UTC")[0]] == days


def test_hours_begin_on_the_hour_whenever_one_asks():
    assert between("hour", utc(2013, 5, 1, 10, 30, 5, 7), utc(2013, 5, 1, 13, 59), "UTC") == (
        ["01 11:00", "01 12:00"],
        ["2013-05-01-11:00", "2013-05-01-12:00"],
    )


def test_hours_of_a_zone_at_half_past_begin_when_its_clock_shows_a_full_hour():
    starts, keys = between("hour", utc(2013, 5, 1), utc(2013, 5, 1, 3), "Asia/Kolkata")
    assert (starts, keys) == (["01 00:30", "01 01:30"], ["2013-05-01-06:00", "2013-05-01-07:00"])


def test_an_hour_that_comes_twice_is_two_windows_and_the_second_says_its_offset():
    starts, keys = between("hour", utc(2013, 11, 3, 4), utc(2013, 11, 3, 8))
    assert starts == ["03 04:00", "03 05:00", "03 06:00", "03 07:00"]
    assert keys == ["2013-11-03-00:00", "2013-11-03-01:00", "2013-11-03-01:00-0500", "2013-11-03-02:00"]


def test_some_hours_follow_the_clock_on_the_wall():
    starts, keys = between("6 hours", utc(2013, 3, 10), utc(2013, 3, 11, 4))
    assert starts == ["10 05:00", "10 10:00", "10 16:00", "10 22:00"]  # the first is five hours long
    assert keys == ["2013-03-10-00:00", "2013-03-10-06:00", "2013-03-10-12:00", "2013-03-10-18:00"]


def test_a_time_that_is_skipped_counts_as_soon_as_the_clock_has_moved_on():
    starts, keys = between("30 2 * * *", utc(2013, 3, 9), utc(2013, 3, 11, 12))
    assert starts == ["09 07:30", "10 07:00"]
    assert keys == ["2013-03-09-02:30", "2013-03-10-03:00"]


def test_a_clock_that_moves_by_half_an_hour_skips_half_an_hour():
    starts, keys = between("15 2 * * *", utc(2013, 10, 4), utc(2013, 10, 7), LORD_HOWE)
    assert starts == ["04 15:45", "05 15:30"]
    assert keys == ["2013-10-05-02:15", "2013-10-06-02:30"]


def test_two_times_that_fall_on_one_moment_are_one_window():
    starts, _ = between("0 2,3 * * *", utc(2013, 3, 9, 6), utc(2013, 3, 11, 7))
    assert starts == ["09 07:00", "09 08:00", "10 07:00", "11 06:00"]


def test_a_time_that_comes_twice_counts_the_second_time():
    starts, keys = between("30 1 * * *", utc(2013, 11, 2), utc(2013, 11, 5))
    assert starts == ["02 05:30", "03 06:30"]
    assert keys == ["2013-11-02-01:30", "2013-11-03-01:30"]


def test_a_window_that_began_the_day_before_is_not_missed():
    """The clock of the zone is a day ahead of UTC: what it shows at `since` is what counts."""
    starts, _ = between("0 6 * * *", utc(2013, 5, 1, 18), utc(2013, 5, 3, 18), "Pacific/Auckland")
    assert starts == ["01 18:00", "02 18:00"]
