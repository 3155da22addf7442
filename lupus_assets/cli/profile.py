"""``lupus profile``: profiles of Parquet files, without a declaration."""

import argparse
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lupus_assets.cli.compare import HEADINGS, print_comparison
from lupus_assets.cli.output import Commands, add_formats, note, print_csv, print_json
from lupus_assets.cli.progress import Progress
from lupus_assets.cli.table import PRECISIONS, laid_out, rounded, widest
from lupus_assets.text import counted

if TYPE_CHECKING:
    import pyarrow as pa

    from lupus_assets.api.profiled import Profile
    from lupus_assets.api.rows import Rows

NUMBERS = ("mean", "sd", "minimum", "q05", "median", "q95", "maximum")
RATES = {"null": "nulls", "NaN": "nans", "±∞": "infinities"}
MAX_CHARACTERS = 24  # of a value


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = commands.add_parser(
        "profile",
        help="profile any Parquet file, folder or glob of them, also s3://bucket/path",
        epilog=f"With --against: {HEADINGS}",
    )
    command.add_argument("path", metavar="FILE|DIR|GLOB|S3")
    command.add_argument(
        "--against", metavar="FILE|DIR|GLOB|S3", help="print the distance from this one, column by column"
    )
    add_formats(command)
    command.set_defaults(run=profile)


def profile(arguments: argparse.Namespace) -> int:
    """Print a line per column; with ``--against`` the distances, the largest change first."""
    from lupus_assets.api.profiled import profile as profile_rows

    if arguments.against is not None:
        return _compare(arguments)
    result = profile_rows(arguments.path, watch=_watched)
    plain = result.to_dict()
    columns: dict[str, dict[str, Any]] = plain["columns"]
    if arguments.json:
        print_json(plain)
        return 0
    if arguments.csv:
        names = list(dict.fromkeys(name for values in columns.values() for name in values))
        print_csv(["column", *names], [[name, *map(values.get, names)] for name, values in columns.items()])
    else:
        print("\n\n".join(_tables(columns)))
    _note_left_out(result)
    note(f"{counted(result.rows, 'row')}, {counted(len(columns), 'column')}")
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from lupus_assets.api.compared import compare

    comparison = compare(arguments.against, arguments.path, watch=_watched)
    print_comparison(arguments, comparison)
    if comparison.windows is not None:
        reference, current = comparison.windows
        _note_left_out(current)
        if not arguments.json:
            rows = counted(current.rows, "row"), counted(reference.rows, "row")
            note(f"{arguments.path} ({rows[0]}) against {arguments.against} ({rows[1]})")
    return 0


def _watched(rows: "Rows") -> "Iterator[pa.RecordBatch]":
    with Progress(f"profile of {rows.name}", rows.count, "rows") as progress:
        yield from progress.over(rows.batches, len)


def _note_left_out(result: "Profile") -> None:
    for name, reason in result.left_out.items():
        note(f"left out: {name} ({reason})")


def _tables(columns: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """Yield a table of the numeric columns and one of all others; empty ones are left out."""
    numeric = {name: values for name, values in columns.items() if values["kind"] == "numeric"}
    not_numeric = {name: values for name, values in columns.items() if name not in numeric}
    if numeric:
        rates = {
            title: name
            for title, name in RATES.items()
            if name == "nulls" or any(values[name] for values in numeric.values())
        }
        header = ["column", *rates, "distinct", *NUMBERS]
        tables = (
            [
                [name, *_rates(values, rates), _distinct(values), *_numbers(values, digits)]
                for name, values in numeric.items()
            ]
            for digits in PRECISIONS
        )
        yield laid_out(header, widest(header, tables))
    if not_numeric or not columns:
        header = ["column", "kind", "null", "distinct", "most frequent, or first to last"]
        rows = [
            [name, values["kind"], *_rates(values, {"null": "nulls"}), _distinct(values), _examples(values)]
            for name, values in not_numeric.items()
        ]
        yield laid_out(header, rows)


def _rates(values: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    return [f"{values[name] / max(values['rows'], 1):.2%}" for name in names.values()]


def _distinct(values: Mapping[str, Any]) -> str:
    return f"{values['distinct']:,}" if "distinct" in values else ""


def _numbers(values: Mapping[str, Any], digits: int) -> list[str]:
    return [rounded(values[name], digits) for name in NUMBERS]


def _examples(values: Mapping[str, Any]) -> str:
    """Return the most frequent values with their shares, or the first and the last time."""
    if "most_frequent" in values:
        rows = max(values["rows"], 1)
        return ", ".join(
            f"{name[:MAX_CHARACTERS]} {count / rows:.1%}" for name, count in values["most_frequent"].items()
        )
    times = [values[name] for name in ("minimum", "maximum") if values.get(name)]
    return " to ".join(re.split("[.+]", time)[0].replace("T", " ") for time in times)
