"""Small HTML tables for notebooks."""

from collections.abc import Iterable, Sequence
from html import escape

CELL = ' style="text-align:left"'


def shown(value: object) -> str:
    """Return the text of a table cell: empty for None, four significant digits for a float."""
    if value is None:
        return ""
    return (
        f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    )


def share(part: int, whole: int) -> str:
    """Return `part` of `whole` in percent; 0.00% for 0 of 0."""
    return f"{part / max(whole, 1):.2%}"


def table(caption: str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table; all texts are escaped."""
    head = "".join(f"<th{CELL}>{escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(f'<td{CELL}>{escape(shown(value))}</td>' for value in row)}</tr>" for row in rows
    )
    return (
        f"<table><caption{CELL}>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
