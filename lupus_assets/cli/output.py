"""Printing: tables to stdout as text, JSON or CSV, and notes to stderr."""

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

MISTAKES = 1  # exit code: mistakes or errors
USAGE = 2  # exit code: wrong arguments, or nothing to work on; the one of argparse

# argparse has no public name for this class, which is generic for type checkers only.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_formats(command: argparse.ArgumentParser) -> None:
    """Add the options for the format of the output."""
    formats = command.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print JSON")
    formats.add_argument("--csv", action="store_true", help="print CSV")


def print_rows(arguments: argparse.Namespace, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table in the format that `arguments` select."""
    if arguments.json:
        print_json([dict(zip(_unique(names), row, strict=True)) for row in rows])
    elif arguments.csv:
        print_csv(names, rows)
    else:
        print(laid_out(names, [[cell(value) for value in row] for row in rows]))


def print_json(value: object) -> None:
    """Print plain data as JSON in ASCII; NaN, infinities, times and bytes (base64) become text."""
    print(json.dumps(_jsonable(value), indent=2, allow_nan=False))


def print_csv(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table as CSV (RFC 4180); on a terminal, control characters are escaped."""
    printable = plain if sys.stdout.isatty() else str
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(map(printable, names))
    writer.writerows([printable(_field(value)) for value in row] for row in rows)


def note(text: str) -> None:
    """Print a line about the answer to stderr."""
    print(plain(text), file=sys.stderr)


def one_line(text: str) -> str:
    """Return a message in one line, with control characters escaped."""
    return plain(" ".join(text.split()))


def cell(value: object) -> str:
    """Return a value as text for a table: empty for None, the size for bytes."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"<{_size(len(value))}>"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _unique(names: Sequence[str]) -> list[str]:
    """Return unique names, by adding numbers: columns of a query may share a name."""
    unique: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate in unique:
            number += 1
            candidate = f"{name}_{number}"
        unique.append(candidate)
    return unique


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
            return {str(key): _jsonable(item) for key, item in value.items()}
        case list() | tuple():
            return [_jsonable(item) for item in value]
        case None | bool() | int() | float() | str():
            return value
    return str(value)


def _field(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple | dict):
        return json.dumps(_jsonable(value), allow_nan=False)
    plain_value = _jsonable(value)
    if isinstance(plain_value, str):
        return plain_value
    return repr(plain_value) if isinstance(plain_value, float) else str(plain_value)


def _size(count: int) -> str:
    """Return a number of bytes as text, in B, kB or MB.

    >>> _size(53_700)
    '54 kB'
    """
    for unit, size in (("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.0f} {unit}"
    return f"{count} B"
