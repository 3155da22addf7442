"""How answers are printed: tables to stdout as text, JSON or CSV, what they are about to stderr."""

import argparse
import base64
import csv
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from lupus_assets.cli.table import laid_out, plain

MISTAKES = 1  # exit code: what was looked at is wrong
USAGE = 2  # exit code: there was nothing to look at; argparse uses it too

# argparse has no public name for it, and it is generic only to type checkers.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_formats(command: argparse.ArgumentParser) -> None:
    """Give `command` the options that choose how its answer is written."""
    formats = command.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print JSON")
    formats.add_argument("--csv", action="store_true", help="print CSV")


def print_rows(arguments: argparse.Namespace, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table in the form that `arguments` ask for."""
    if arguments.json:
        print_json([dict(zip(_once(names), row, strict=True)) for row in rows])
    elif arguments.csv:
        print_csv(names, rows)
    else:
        print(laid_out(names, [[cell(value) for value in row] for row in rows]))


def print_json(value: object) -> None:
    """Print plain data as JSON, in ASCII, with what JSON lacks as text: NaN, infinities, times, bytes."""
    print(json.dumps(_jsonable(value), indent=2, allow_nan=False))


def print_csv(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table as RFC 4180 has it; on a terminal, what a terminal would obey is escaped."""
    shown = plain if sys.stdout.isatty() else str
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(map(shown, names))
    writer.writerows([shown(_field(value)) for value in row] for row in rows)


def note(text: str) -> None:
    """Print a line about the answer to stderr."""
    print(plain(text), file=sys.stderr)


def one_line(text: str) -> str:
    """Return a message, however many lines it has, as one that a terminal can show."""
    return plain(" ".join(text.split()))


def cell(value: object) -> str:
    """Return a value as a table shows it: nothing for None, bytes by their size."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"<{_size(len(value))}>"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _once(names: Sequence[str]) -> list[str]:
    """Return names of which each is there once, as a query may give one to several columns."""
    found: list[str] = []
    for name in names:
        number, once = 1, name
        while once in found:
            number += 1
            once = f"{name}_{number}"
        found.append(once)
    return found


def _jsonable(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case bytes():
            return base64.b64encode(value).decode()
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case Mapping():
            return {str(key): _jsonable(each) for key, each in value.items()}
        case list() | tuple():
            return [_jsonable(each) for each in value]
        case None | bool() | int() | float() | str():
            return value
    return str(value)


def _field(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple | dict):
        return json.dumps(_jsonable(value), allow_nan=False)
    found = _jsonable(value)
    return found if isinstance(found, str) else repr(found) if isinstance(found, float) else str(found)


def _size(count: int) -> str:
    """Return a number of bytes as text, in the largest decimal unit that it fills.

    >>> _size(53_700)
    '54 kB'
    """
    for unit, size in (("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.0f} {unit}"
    return f"{count} B"
