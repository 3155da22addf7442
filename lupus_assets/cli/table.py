"""Tables as a terminal shows them: aligned, within a width, and nothing in them that a terminal obeys."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import zip_longest

WIDTH = 100  # columns of a terminal
GAP = "  "
LONGEST_CELL = 1_000  # characters of a value; JSON and CSV have all of it
WHOLE_WORD = 16  # columns: a longer word may be broken anywhere
LEAST_SENTENCE = 40  # columns: with less room the last column stands below its row
INDENT = "    "
PRECISIONS = (5, 4, 3)  # digits of a number: fewer where a table would be too wide
# Where a name may be broken: a terminal's line ends behind it.
BREAKS = re.compile(r"(?<=[_/~ ])|(?<=\.)(?=[a-z])")
WIDE = {"W", "F"}


def plain(text: str) -> str:
    r"""Return `text` with every character that a terminal would obey, or not show, written as an escape.

    >>> print(plain("a\x1b[31mb\n"))
    a\x1b[31mb\n
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def laid_out(names: Sequence[str], rows: Sequence[Sequence[str]], width: int = WIDTH) -> str:
    """Return a table of cells as text of lines no wider than `width`.

    What does not fit is wrapped within its column. A last column of sentences stands below its row where too
    little room is left for it; rows that fit in no way are written a line per column.
    """
    lines = [[_shown(cell) for cell in line] for line in (names, *rows)]
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
    """Return a number with so many digits; nothing for None."""
    return "" if value is None else f"{value:.{digits}g}"


def widest(
    names: Sequence[str], tables: Iterable[Sequence[Sequence[str]]], width: int = WIDTH
) -> Sequence[Sequence[str]]:
    """Return the first of some tables that needs no wrapping; the last if all do."""
    rows: Sequence[Sequence[str]] = []
    for rows in tables:
        if _total(_natural([[_shown(cell) for cell in line] for line in (names, *rows)])) <= width:
            break
    return rows


def _shown(cell: str) -> str:
    if len(cell) <= LONGEST_CELL:
        return plain(cell)
    return f"{plain(cell[:LONGEST_CELL])}… ({len(cell):,} characters)"


def _natural(lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(_width, column)) for column in zip(*lines, strict=True)]


def _width(text: str) -> int:
    """Return how many columns a terminal needs for `text`."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in WIDE)
        for each in text
    )


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _least(cell: str) -> int:
    return min(WHOLE_WORD, max((_width(word.rstrip()) for word in BREAKS.split(cell)), default=0))


def _narrowed(natural: Sequence[int], least: Sequence[int], width: int) -> list[int]:
    """Return widths that fit, taken off the widest columns first and never below `least`."""
    widths = list(natural)
    while _total(widths) > width:
        room = [at for at, each in enumerate(widths) if each > least[at]]
        widest = max(room, key=lambda at: widths[at])
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
    heading, *others = zip(rows, lines, strict=True)
    parts = [_wrapped([heading[0]], widths)]
    for row, line in others:
        sentence = wrap(line[-1], width - len(INDENT))
        parts += [_wrapped([row], widths), *(f"{INDENT}{each}" for each in sentence if each)]
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
    """Return `text` as lines of at most `width` columns, broken behind spaces and the joints of names."""
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
    """Return how many characters of `word` fit, at least one."""
    if word.isascii():
        return width
    taken = 0
    for at, each in enumerate(word):
        taken += _width(each)
        if taken > width:
            return max(at, 1)
    return len(word)
