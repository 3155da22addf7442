"""Durations in text: ``6h``, ``90m``, ``2d``, ``1d12h``."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator

from lupus_assets.declare.mistake import mistake

UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
PATTERN = re.compile("".join(rf"(?:(?P<{unit}>[0-9]+){unit})?" for unit in UNITS))
LONGEST = timedelta(days=3_653)  # ten years; a tick looks back by the longest delay of labels
REMEDY = "write days, hours and minutes such as 2d, 6h, 90m or 1d12h"


def parse_duration(value: object) -> timedelta:
    """Return the duration of `value`, 0 to ten years, in whole seconds.

    Parameters
    ----------
    value : str, timedelta or 0
        Numbers with units from the longest to the shortest: ``w``, ``d``, ``h``, ``m``, ``s``.

    Raises
    ------
    PydanticCustomError
        `value` is no duration.

    Examples
    --------
    >>> parse_duration("1d12h")
    datetime.timedelta(days=1, seconds=43200)
    """
    if isinstance(value, timedelta):
        if value < timedelta(0) or value.microseconds:
            raise mistake(f"{value} is negative or has fractions of a second", REMEDY)
        return _short_enough(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise mistake(f"{value!r} is no duration", REMEDY)
    if (
        isinstance(value, int) and abs(value) > LONGEST.total_seconds()
    ):  # a number that Python may refuse to convert to text
        raise mistake("is a number too large for a duration", REMEDY)
    text = str(value).replace(" ", "")
    if text == "0":
        return timedelta(0)
    if text.isdecimal():
        raise mistake(
            f"{text} has no unit", f"write {text}m for minutes, {text}h for hours, {text}d for days"
        )
    found = PATTERN.fullmatch(text)
    if not text or found is None:
        raise mistake(f"'{value}' is no duration", REMEDY)
    try:
        duration = timedelta(**{UNITS[unit]: int(count) for unit, count in found.groupdict("0").items()})
    except (OverflowError, ValueError):  # ValueError: too many digits for Python's conversion to int
        duration = timedelta.max
    return _short_enough(duration)


def _short_enough(duration: timedelta) -> timedelta:
    if duration > LONGEST:
        raise mistake("the duration is longer than ten years", f"write at most {LONGEST.days}d")
    return duration


def format_duration(duration: timedelta) -> str:
    """Return the shortest text that `parse_duration` reads as `duration`.

    >>> format_duration(timedelta(hours=36))
    '1d12h'
    """
    rest, text = duration // timedelta(seconds=1), ""
    for unit, seconds in SECONDS.items():
        count, rest = divmod(rest, seconds)
        text += f"{count}{unit}" if count else ""
    return text or "0h"


Duration = Annotated[
    timedelta,
    PlainValidator(parse_duration, json_schema_input_type=str),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
]
