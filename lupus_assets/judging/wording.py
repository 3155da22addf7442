"""Numbers, names and lists in sentences for people."""

from collections.abc import Sequence
from datetime import datetime

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.metric import METRICS
from lupus_assets.records import EVERYTHING, VerdictRow

DIGITS, MOST_DIGITS = 4, 9  # significant digits of a number in a sentence
ROWS = "rows"  # the target of an alarm that concerns no column


def number(value: float, *, percent: bool, digits: int = DIGITS) -> str:
    """Return `value` with `digits` significant digits, or as a percentage with `digits` − 3 decimals.

    Examples
    --------
    >>> number(0.2543, percent=True), number(1234.5678, percent=False), number(0.00012345, percent=False)
    ('25.4 %', '1,235', '0.0001234')
    """
    if percent:
        whole, _, decimals = f"{100 * value:.{digits - 3}f}".partition(".")
        return f"{whole} %" if not decimals.strip("0") else f"{whole}.{decimals} %"
    if abs(value) >= 1000:  # decimals are not significant
        return f"{value:,.{digits - DIGITS}f}"
    return f"{value:.{digits}g}"


def number_beside(value: float, limit: float | None, *, percent: bool) -> str:
    """Return `value` as `number` does, with enough digits to differ from `limit`, nine at most.

    Examples
    --------
    >>> number_beside(0.25004, 0.25, percent=True), number_beside(1000000.7, 1000001.0, percent=False)
    ('25.004 %', '1,000,000.7')
    """
    if limit is not None and limit != value:
        for digits in range(DIGITS, MOST_DIGITS + 1):
            text = number(value, percent=percent, digits=digits)
            if text != number(limit, percent=percent, digits=digits):
                return text
    return number(value, percent=percent)


def exact(value: float) -> str:
    """Return the shortest text of `value` that reads back as the same float.

    Examples
    --------
    >>> exact(500.0), exact(0.1234567), exact(1000001.0), exact(1e6)
    ('500', '0.1234567', '1000001', '1e+06')
    """
    short = f"{value:g}"
    return short if float(short) == value else repr(value).removesuffix(".0")


def season(model: MonitoredModel, moment: datetime) -> str:
    """Return " on Tuesdays", " on holidays", " at 14 h", " in May", or "" without a season."""
    phrase = model.cadence.season_phrase(moment)
    return f" {phrase}" if phrase else ""


def subject(metric: str, column: str, segment: str) -> str:
    """Return the subject of a sentence on a metric: "share of null `temp` where origin=JFK"."""
    where = "" if segment == EVERYTHING else f" where {segment}"
    return f"{METRICS[metric].phrase}{f' `{column}`' if column else ''}{where}"


def target(row: VerdictRow) -> str:
    """Return the target of an alarm: the column, or ``rows``."""
    return row.column_name or ROWS


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return "a, b, c and 2 more"; names in their order, without repeats."""
    unique = list(dict.fromkeys(names))
    more = len(unique) - most
    return ", ".join(unique[:most]) + (f" and {more} more" if more > 0 else "")
