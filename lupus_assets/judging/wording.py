"""How numbers and judgements are said to people."""

from collections.abc import Sequence
from datetime import datetime

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.metric import MEASURES
from lupus_assets.records import VerdictRow

ROWS = "rows"  # what an alarm names where no column is to blame


def number(value: float, *, percent: bool) -> str:
    """Return `value` with four significant digits, or as a percentage with at most one decimal.

    Examples
    --------
    >>> number(0.2543, percent=True), number(1234.5678, percent=False), number(0.00012345, percent=False)
    ('25.4 %', '1,235', '0.0001234')
    """
    if percent:
        return f"{100 * value:.1f} %".replace(".0 %", " %")
    if abs(value) >= 1000:  # from here on decimals say nothing
        return f"{value:,.0f}"
    return f"{value:.4g}"


def season(model: MonitoredModel, moment: datetime) -> str:
    """Return " on Tuesdays", " on holidays", " at 14 h", " in May", or "" without a season."""
    phrase = model.cadence.season_phrase(moment)
    return f" {phrase}" if phrase else ""


def subject(metric: str, column: str, segment: str) -> str:
    """Return what a number is about: "share of null `temp` where origin=JFK"."""
    where = "" if segment == "*" else f" where {segment}"
    return f"{MEASURES[metric].phrase}{f' `{column}`' if column else ''}{where}"


def target(row: VerdictRow) -> str:
    """Return what an alarm names: the column, or ``rows``."""
    return row.column_name or ROWS


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return "a, b, c and 2 more"; names in their order, each once."""
    unique = list(dict.fromkeys(names))
    more = len(unique) - most
    return ", ".join(unique[:most]) + (f" and {more} more" if more > 0 else "")
