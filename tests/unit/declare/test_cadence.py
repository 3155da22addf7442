"""A cadence knows its zone, its seasons and who shares its partitions."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lupus_assets.declare import Cadence
from lupus_assets.declare.rhythm import NAMED

NEW_YORK = "America/New_York"


def cadence(every="day", start="2013-05-01", timezone=NEW_YORK, **rest):
    return Cadence(every=every, start=start, timezone=timezone, **rest)


def local(*parts):
    return datetime(*parts, tzinfo=ZoneInfo(NEW_YORK))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("hour", "hour"),
        ("1 hour", "hour"),
        ("6 hours", "6 hours"),
        ("6  hours", "6 hours"),
        ("24 hours", "day"),
        ("week", "week"),
        (" month ", "month"),
        ("0 6 * * 1-5", "0 6 * * 1-5"),
    ],
)
def test_every_has_one_spelling(written, meant):
    assert cadence(written).every == meant


@pytest.mark.parametrize(
    ("every", "message"),
    [
        ("5 hours", "5 hours do not divide a day, write 2, 3, 4, 6, 8 or 12 hours"),
        ("0 hours", "0 hours do not divide a day, write 2, 3, 4, 6, 8 or 12 hours"),
        ("daily", "'daily' is no cadence, did you mean 'day'?"),
        ("hourly", "'hourly' is no cadence, did you mean 'hour'?"),
        ("weekly", "'weekly' is no cadence, did you mean 'week'?"),
        ("monthly", "'monthly' is no cadence, did you mean 'month'?"),
        ("Month", "'Month' is no cadence, did you mean 'month'?"),
        ("months", "'months' is no cadence, did you mean 'month'?"),
        ("1 month", "'1 month' is no cadence, did you mean 'month'?"),
        ("sometimes", "'sometimes' is no cadence, write hour, '6 hours', day, "),
        ("99 * * * *", "'99 * * * *' is no cron string (Bad minute)"),
        ("0 0 31 2 *", "'0 0 31 2 *' is no cron string"),
        ("0 0 0 * * *", "'0 0 0 * * *' is no cadence, write hour, '6 hours', day, "),
    ],
)
def test_other_rhythms_are_refused_with_a_remedy(every, message):
    with pytest.raises(ValidationError) as caught:
        cadence(every)
    assert message in str(caught.value)


def test_what_is_no_cadence_is_answered_with_those_that_there_are():
    with pytest.raises(ValidationError) as caught:
        cadence("sometimes")
    assert all(every in str(caught.value) for every in NAMED)
    assert "or a cron string such as '0 6 * * 1-5'" in str(caught.value)


def test_a_day_starts_at_midnight_of_the_zone():
    days = cadence(end=date(2014, 1, 1))
    assert days.start_instant == datetime(2013, 5, 1, 4, tzinfo=UTC)
    assert days.end_instant == datetime(2014, 1, 1, 5, tzinfo=UTC)
    assert cadence().end_instant is None


def test_an_aware_start_keeps_its_instant():
    assert cadence("hour", datetime(2013, 5, 1, 12, tzinfo=UTC)).start_instant == local(2013, 5, 1, 8)


def test_the_month_is_that_of_the_zone():
    assert cadence().month(datetime(2013, 6, 1, 3, 59, tzinfo=UTC)) == "2013-05"
    assert cadence().month(datetime(2013, 6, 1, 4, 0, tzinfo=UTC)) == "2013-06"


def test_months_turn_an_hour_later_in_winter():
    assert cadence().month(datetime(2013, 12, 1, 4, 59, tzinfo=UTC)) == "2013-11"
    assert cadence().month(datetime(2013, 12, 1, 5, 0, tzinfo=UTC)) == "2013-12"


def test_weekdays_go_on_through_both_clock_changes():
    spring = [local(2013, 3, 9) + timedelta(days=n) for n in range(3)]
    autumn = [local(2013, 11, 2) + timedelta(days=n) for n in range(3)]
    utc = [moment.astimezone(UTC) for moment in spring + autumn]
    assert [cadence().seasons(moment) for moment in utc] == [(5,), (6,), (0,), (5,), (6,), (0,)]


def test_spring_skips_an_hour_of_the_day():
    before = datetime(2013, 3, 10, 6, tzinfo=UTC)
    hours = [before + timedelta(hours=n) for n in range(3)]
    assert [cadence("hour").seasons(hour) for hour in hours] == [(1, 6), (3, 6), (4, 6)]


def test_autumn_has_an_hour_of_the_day_twice():
    before = datetime(2013, 11, 3, 5, tzinfo=UTC)
    hours = [before + timedelta(hours=n) for n in range(3)]
    assert [cadence("hour").seasons(hour) for hour in hours] == [(1, 6), (1, 6), (2, 6)]


def test_windows_of_some_hours_keep_their_local_hour_through_a_clock_change():
    starts = [local(2013, 3, 10, hour).astimezone(UTC) for hour in (0, 6, 12, 18)]
    assert [cadence("6 hours").seasons(start)[0] for start in starts] == [0, 6, 12, 18]
    assert cadence("6 hours").cycles == (4, 28)


@pytest.mark.parametrize("every", ["week", "0 6 * * 1-5"])
def test_weeks_and_cron_strings_have_no_season(every):
    assert cadence(every).seasons(local(2013, 5, 7)) == cadence(every).cycles == ()


@pytest.mark.parametrize(
    ("every", "period"),
    [
        ("hour", timedelta(hours=1)),
        ("6 hours", timedelta(hours=6)),
        ("day", timedelta(days=1)),
        ("week", timedelta(days=7)),
        ("month", timedelta(days=31)),
        ("0 6 * * 1-5", timedelta(days=1)),
        ("0 8,18 * * *", timedelta(hours=10)),
        ("0 0 1 * *", timedelta(days=28)),
    ],
)
def test_the_period_is_nominal_and_a_cron_strings_smallest_gap(every, period):
    assert cadence(every, "2013-02-01").period == period


def test_the_period_does_not_shrink_with_a_clock_change():
    assert cadence("0 0 * * *", "2013-03-01").period == timedelta(days=1)


def test_models_that_start_in_one_quarter_share_a_group():
    assert cadence(start="2013-04-01").group == cadence(start="2013-06-30", grace="6h").group
    assert cadence(start="2013-06-30").group.start == date(2013, 4, 1)
    assert hash(cadence().group) == hash(cadence().group)


def test_a_day_and_its_midnight_end_the_same_group():
    assert cadence(end="2014-01-01").group == cadence(end="2014-01-01T00:00:00").group


@pytest.mark.parametrize(
    "other",
    [{"every": "hour"}, {"timezone": "UTC"}, {"start": "2013-07-01"}, {"end": "2014-01-01"}],
)
def test_every_zone_quarter_and_end_tell_groups_apart(other):
    assert cadence().group != cadence(**other).group


@given(st.dates(date(1990, 1, 1), date(2040, 1, 1)))
def test_a_groups_start_is_the_first_day_of_a_quarter_and_not_after_the_start(start):
    first = cadence(start=start).group.start
    assert first.day == 1
    assert first.month in (1, 4, 7, 10)
    assert timedelta(0) <= start - first < timedelta(days=92)


def test_a_wrong_cadence_says_everything_it_contradicts():
    with pytest.raises(ValidationError) as caught:
        cadence(start="2013-05-01T06:00:00", end="2013-04-01")
    assert "end: 2013-04-01 is not after the start 2013-05-01 06:00:00" in str(caught.value)
    assert "start: 2013-05-01 06:00:00 is not midnight in America/New_York" in str(caught.value)


def test_a_cadence_is_frozen_and_hashable():
    assert hash(cadence()) == hash(cadence())
    with pytest.raises(ValidationError, match="frozen"):
        cadence().every = "hour"


def test_a_holiday_is_like_a_sunday():
    days = [local(2013, 7, 3), local(2013, 7, 4), local(2013, 7, 5), local(2013, 11, 28, 9)]
    assert [cadence().seasons(day) for day in days] == [(2,), (3,), (4,), (3,)]
    assert [cadence(holidays="US").seasons(day) for day in days] == [(2,), (6,), (4,), (6,)]
    assert cadence("hour", holidays="US").seasons(local(2013, 7, 4, 9)) == (9, 6)


def test_a_holiday_is_one_of_the_cadences_own_zone():
    midnight = local(2013, 7, 4).astimezone(UTC)
    assert cadence(holidays="US").is_holiday(midnight)
    assert not cadence(holidays="US", timezone="America/Los_Angeles").is_holiday(midnight)


def test_models_with_and_without_holidays_share_their_partitions():
    assert cadence(holidays="US").group == cadence().group
