"""Checks of patterns for the partitions of a log: valid placeholders, and different names of partitions."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import islice, pairwise
from string import Formatter

from pydantic_core import PydanticCustomError

from lupus_assets.declare.mistake import did_you_mean, mistake
from lupus_assets.declare.rhythm import rhythm_of

PLACEHOLDERS = ("partition", "start", "end")
REMEDY = "write {partition}, or {start:%Y/%m/%d} with any strftime format"
ANY_TIME = datetime(2013, 5, 1, tzinfo=UTC)  # a time for trials of a pattern
DIRECTIVE = re.compile(r"%[-_0^#]*[0-9]*[EO]?.?", re.DOTALL)  # with the flags of glibc
PERCENT = "%%"
CONSECUTIVE = 40  # partitions: a day and a half of hours, more than a month of days, three years of months
# Times at which a name may repeat: the days of one month, the first days of months, and the days around New
# Year of a dozen years, where ISO years and calendar years differ.
FIRST = datetime(2013, 1, 1)  # noqa: DTZ001 - local time
AGAIN = (
    *(FIRST + timedelta(days=day) for day in range(1, 32)),
    *(FIRST.replace(month=month) for month in range(2, 13)),
    *(FIRST.replace(year=year) + timedelta(days=day) for year in range(2014, 2026) for day in range(-7, 7)),
)


def parse_pattern(pattern: str) -> str:
    """Return `pattern` if it can be filled in with the key and the bounds of a window.

    Raises
    ------
    PydanticCustomError
        It cannot be filled in, has no placeholder, or has a directive that strftime does not know.
    """
    try:
        fields = [(name, form or "") for _, name, form, _ in Formatter().parse(pattern) if name is not None]
    except ValueError as error:
        raise mistake(f"'{pattern}' has unbalanced braces ({error})", REMEDY) from None
    for name, form in fields:
        if name not in PLACEHOLDERS:
            raise mistake(f"'{{{name}}}' is no placeholder", did_you_mean(name, PLACEHOLDERS, REMEDY))
        if name == "partition" and form:
            raise mistake(f"'{{partition:{form}}}' gives a format to a key", f"write {{start:{form}}}")
    if not fields:
        raise mistake(f"'{pattern}' is the same for every partition", REMEDY)
    try:
        pattern.format(partition="", start=ANY_TIME, end=ANY_TIME)
    except (AttributeError, IndexError, KeyError, ValueError) as error:
        raise mistake(f"'{pattern}' cannot be filled in ({type(error).__name__}: {error})", REMEDY) from None
    for name, form in fields:
        for directive in DIRECTIVE.findall(form):
            # Python passes unknown directives to the C library, which leaves them unchanged.
            if directive != PERCENT and "%" in ANY_TIME.strftime(directive):
                raise mistake(f"'{directive}' in '{{{name}:{form}}}' is no strftime directive", REMEDY)
    return pattern


@lru_cache(maxsize=256)  # a declaration is checked twice: as raw data and as a model
def repeats_after(pattern: str, every: str) -> timedelta | None:
    """Return the shortest time between the starts of two partitions of a rhythm with the same text.

    None if all texts differ, or if `parse_pattern` refuses the pattern. The partitions are those of a dozen
    years in UTC: an hour that the clock repeats is no reason to refuse a pattern.

    >>> repeats_after("log/{start:%Y}.parquet", "day"), repeats_after("log/{start:%m-%d}.parquet", "day")
    (datetime.timedelta(days=1), datetime.timedelta(days=365))
    """
    try:
        parse_pattern(pattern)
    except PydanticCustomError:
        return None
    if any(name == "partition" for _, name, _, _ in Formatter().parse(pattern)):
        return None
    latest: dict[str, datetime] = {}
    apart = []
    for start, end in _windows(every):
        text = pattern.format(start=start, end=end)
        if text in latest:
            apart.append(start - latest[text])
        latest[text] = start
    return min(apart, default=None)


@cache
def _windows(every: str) -> list[tuple[datetime, datetime]]:
    """Return bounds of partitions between which a pattern may repeat itself, in time order."""
    return sorted(
        {*islice(_from(every, FIRST), CONSECUTIVE), *(next(_from(every, again)) for again in AGAIN)}
    )


def _from(every: str, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    return pairwise(moment.replace(tzinfo=UTC) for moment in rhythm_of(every).firings(start))
