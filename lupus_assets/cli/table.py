"""Text tables for a terminal: aligned, within a width, with control characters escaped."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import zip_longest

WIDTH = 100  # columns of a terminal
GAP = "  "
LONGEST_CELL = 1_000  # characters of a value; JSON and CSV are not shortened
WHOLE_WORD = 16  # columns: a longer word may be broken anywhere
LEAST_SENTENCE = 40  # columns: with less room the last cell is printed below its row
INDENT = "    "
PRECISIONS = (5, 4, 3)  # digits of a number: fewer if a table would be too wide
# Break points of a text, within names too: a line may end after them.
BREAKS = re.compile(r"(?<=[_/~ ])|(?<=\.)(?=[a-z])")
WIDE = {"W", "F"}


def plain(text: str) -> str:
    r"""Return `text` with control and other unprintable characters as escapes.

    >>> print(plain("a\x1b[31mb\n"))
    a\x1b[31mb\n
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def laid_out(names: Sequence[str], rows: Sequence[Sequence[str]], width: int = WIDTH) -> str:
    """Return a table as text, in lines no wider than `width`.

    Long cells are wrapped within their column. A last column of sentences is printed below each row if
    there is too little room beside it. Rows that do not fit either way are printed with one line per column.
    """
    lines = [[_printable(cell) for cell in line] for line in (names, *rows)]
    natural = _natural(lines)
    if _total(natural) <= width:
        return _joined(lines, natural)
    least = [max(map(_least, column)) for column in zip(*lines, strict=True)]
    room = width - _total(natural[:-1]) - len(GAP)
    below = natural[-1] > WHOLE_WORD and room < min(natural[-1], LEAST_SENTENCE)
    if below and len(names) > 1 and _total(least[:-1]) <= width:
        return _sentences_below(lines, least[:-1], width)
    if _total(least) <= width:
        return _wrapped(lines, _narrowed(natural, least, width))
    return _records(lines, width)


def rounded(value: float | None, digits: int) -> str:
    """Return a number with `digits` significant digits; empty for None."""
    return "" if value is None else f"{value:.{digits}g}"


def widest(
    names: Sequence[str], tables: Iterable[Sequence[Sequence[str]]], width: int = WIDTH
) -> Sequence[Sequence[str]]:
    """Return the first of `tables` that needs no wrapping, else the last."""
    rows: Sequence[Sequence[str]] = []
    for rows in tables:
        if _total(_natural([[_printable(cell) for cell in line] for line in (names, *rows)])) <= width:
            break
    return rows


def _printable(cell: str) -> str:
    if len(cell) <= LONGEST_CELL:
        return plain(cell)
    return f"{plain(cell[:LONGEST_CELL])}… ({len(cell):,} characters)"


def _natural(lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(_width, column)) for column in zip(*lines, strict=True)]


def _width(text: str) -> int:
    """Return the number of terminal columns of `text`."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in WIDE)
        for char in text
    )


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _least(cell: str) -> int:
    return min(WHOLE_WORD, max((_width(word.rstrip()) for word in BREAKS.split(cell)), default=0))


def _narrowed(natural: Sequence[int], least: Sequence[int], width: int) -> list[int]:
    """Return widths with a total of at most `width`: the widest columns shrink first, not below `least`."""
    widths = list(natural)
    while _total(widths) > width:
        shrinkable = [at for at, columns in enumerate(widths) if columns > least[at]]
        widest = max(shrinkable, key=lambda at: widths[at])
        widths[widest] -= 1
    return widths


def _joined(lines: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    return "\n".join(
        GAP.join(
            cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def _wrapped(lines: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    blocks = (
        zip_longest(*(wrap(cell, width) for cell, width in zip(line, widths, strict=True)), fillvalue="")
        for line in lines
    )
    return "\n".join(_joined(list(block), widths) for block in blocks)


def _sentences_below(lines: Sequence[Sequence[str]], least: Sequence[int], width: int) -> str:
    rows = [line[:-1] for line in lines]
    widths = _narrowed(_natural(rows), least, width)
    heading, *body = zip(rows, lines, strict=True)
    parts = [_wrapped([heading[0]], widths)]
    for row, line in body:
        sentence = wrap(line[-1], width - len(INDENT))
        parts += [_wrapped([row], widths), *(f"{INDENT}{part}" for part in sentence if part)]
    return "\n".join(parts)


def _records(lines: Sequence[Sequence[str]], width: int) -> str:
    names, *rows = lines
    left = min(max(map(_width, names)), width // 2)
    return "\n\n".join(
        _wrapped(
            [[name, cell] for name, cell in zip(names, row, strict=True) if cell], [left, width - left - 2]
        )
        for row in rows or [[""] * len(names)]
    )


def wrap(text: str, width: int) -> list[str]:
    """Return `text` as lines of at most `width` columns, broken at `BREAKS`, or within long words."""
    lines, line = [], ""
    for word in BREAKS.split(text):
        if _width(line + word.rstrip()) <= width:
            line += word
            continue
        if line:
            lines.append(line.rstrip())
        while _width(word.rstrip()) > width:
            at = _fitting(word, width)
            lines.append(word[:at])
            word = word[at:]
        line = word
    return [*lines, line.rstrip()]


def _fitting(word: str, width: int) -> int:
    """Return the number of characters of `word` that fit into `width` columns, at least one."""
    if word.isascii():
        return width
    columns = 0
    for at, char in enumerate(word):
        columns += _width(char)
        if columns > width:
            return max(at, 1)
    return len(word)
