"""Small tables as notebooks show them."""

from collections.abc import Iterable, Sequence
from html import escape

CELL = ' style="text-align:left"'


def shown(value: object) -> str:
    """Return a value as a table shows it: nothing for None, four digits of a number."""
    if value is None:
        return ""
    return (
        f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    )


def share(part: int, whole: int) -> str:
    """Return a share in percent; of nothing it is 0."""
    return f"{part / max(whole, 1):.2%}"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, in the plural but for 1.

    >>> counted(1, "row"), counted(2_000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def table(caption: str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table; every text in it is escaped."""
    head = "".join(f"<th{CELL}>{escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(f'<td{CELL}>{escape(shown(value))}</td>' for value in row)}</tr>" for row in rows
    )
    return (
        f"<table><caption{CELL}>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
