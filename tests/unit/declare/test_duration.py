"""Durations read what people write and nothing else."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from lupus_assets.declare import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("6h", 6),
        ("90m", 1.5),
        ("2d", 48),
        ("1d12h", 36),
        ("1d 12h", 36),
        ("1w", 168),
        ("30s", 1 / 120),
        ("0", 0),
    ],
)
def test_numbers_with_units_are_read(text, hours):
    assert parse_duration(text) == timedelta(hours=hours)


def test_a_bare_zero_needs_no_unit():
    assert parse_duration(0) == timedelta(0)


@given(st.integers(min_value=0, max_value=3_653 * 86_400))
def test_a_duration_reads_back_as_what_was_written(seconds):
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration


@given(st.text(alphabet="0123456789wdhms ", max_size=8))
def test_any_text_is_a_duration_or_a_mistake(text):
    try:
        duration = parse_duration(text)
    except PydanticCustomError:
        duration = timedelta(0)
    assert duration >= timedelta(0)


@pytest.mark.parametrize(
    ("value", "what", "remedy"),
    [
        (6, "6 has no unit", "write 6m for minutes, 6h for hours, 6d for days"),
        ("90", "90 has no unit", "write 90m for minutes, 90h for hours, 90d for days"),
        ("6 hours", "'6 hours' is no duration", "write days, hours and minutes such as 2d, 6h, 90m or 1d12h"),
        ("12h1d", "'12h1d' is no duration", "write days, hours and minutes such as 2d, 6h, 90m or 1d12h"),
        ("", "'' is no duration", "write days, hours and minutes such as 2d, 6h, 90m or 1d12h"),
        (True, "True is no duration", "write days, hours and minutes such as 2d, 6h, 90m or 1d12h"),
        ("99999999999d", "the duration is longer than ten years", "write at most 3653d"),
        ("999999999d", "the duration is longer than ten years", "write at most 3653d"),
        ("3653d1s", "the duration is longer than ten years", "write at most 3653d"),
        (timedelta(days=3_654), "the duration is longer than ten years", "write at most 3653d"),
        (
            10**4_000,
            "is a number too large for a duration",
            "write days, hours and minutes such as 2d, 6h, 90m or 1d12h",
        ),
        (
            timedelta(hours=-1),
            "-1 day, 23:00:00 is negative or has fractions of a second",
            "write days, hours and minutes such as 2d, 6h, 90m or 1d12h",
        ),
    ],
)
def test_anything_else_is_a_mistake(value, what, remedy):
    with pytest.raises(PydanticCustomError) as caught:
        parse_duration(value)
    assert caught.value.context == {"what": what, "remedy": remedy}
