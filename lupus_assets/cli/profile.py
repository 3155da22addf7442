"""``lupus profile``: any Parquet file or folder, with no declaration."""

import argparse
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lupus_assets.api.html import counted
from lupus_assets.cli.compare import HEADINGS, print_comparison
from lupus_assets.cli.output import Commands, add_formats, note, print_csv, print_json
from lupus_assets.cli.progress import Progress
from lupus_assets.cli.table import PRECISIONS, laid_out, rounded, widest

if TYPE_CHECKING:
    import pyarrow as pa

    from lupus_assets.api.profiled import Profile
    from lupus_assets.api.rows import Rows

NUMBERS = ("mean", "sd", "minimum", "q05", "median", "q95", "maximum")
RATES = {"null": "nulls", "NaN": "nans", "±∞": "infinities"}
WIDEST = 24  # characters of a value


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = commands.add_parser(
        "profile",
        help="profile any Parquet file, folder or glob of them, also s3://bucket/path",
        epilog=f"With --against: {HEADINGS}",
    )
    command.add_argument("path", metavar="FILE|DIR|GLOB|S3")
    command.add_argument(
        "--against", metavar="FILE|DIR|GLOB|S3", help="say how far it is from this one, column by column"
    )
    add_formats(command)
    command.set_defaults(run=profile)


def profile(arguments: argparse.Namespace) -> int:
    """Print a line per column; with ``--against`` the distances, the most moved first."""
    from lupus_assets.api.profiled import profile as profile_rows

    if arguments.against is not None:
        return _compare(arguments)
    found = profile_rows(arguments.path, watch=_watched)
    plain = found.to_dict()
    columns: dict[str, dict[str, Any]] = plain["columns"]
    if arguments.json:
        print_json(plain)
        return 0
    if arguments.csv:
        names = list(dict.fromkeys(name for said in columns.values() for name in said))
        print_csv(["column", *names], [[name, *map(said.get, names)] for name, said in columns.items()])
    else:
        print("\n\n".join(_tables(columns)))
    _say_left_out(found)
    note(f"{counted(found.rows, 'row')}, {counted(len(columns), 'column')}")
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from lupus_assets.api.compared import compare

    found = compare(arguments.against, arguments.path, watch=_watched)
    print_comparison(arguments, found)
    if found.windows is not None:
        reference, current = found.windows
        _say_left_out(current)
        if not arguments.json:
            rows = counted(current.rows, "row"), counted(reference.rows, "row")
            note(f"{arguments.path} ({rows[0]}) against {arguments.against} ({rows[1]})")
    return 0


def _watched(rows: "Rows") -> "Iterator[pa.RecordBatch]":
    with Progress(f"profile of {rows.name}", rows.count, "rows") as progress:
        yield from progress.over(rows.batches, len)


def _say_left_out(found: "Profile") -> None:
    for name, why in found.left_out.items():
        note(f"left out: {name} ({why})")


def _tables(columns: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """Yield a table of the numeric columns and one of the others, each if there are any."""
    numeric = {name: said for name, said in columns.items() if said["kind"] == "numeric"}
    others = {name: said for name, said in columns.items() if name not in numeric}
    if numeric:
        rates = {
            title: name
            for title, name in RATES.items()
            if name == "nulls" or any(said[name] for said in numeric.values())
        }
        header = ["column", *rates, "distinct", *NUMBERS]
        tables = (
            [
                [name, *_rates(said, rates), _distinct(said), *_numbers(said, digits)]
                for name, said in numeric.items()
            ]
            for digits in PRECISIONS
        )
        yield laid_out(header, widest(header, tables))
    if others or not columns:
        header = ["column", "kind", "null", "distinct", "most frequent, or first to last"]
        rows = [
            [name, said["kind"], *_rates(said, {"null": "nulls"}), _distinct(said), _values(said)]
            for name, said in others.items()
        ]
        yield laid_out(header, rows)


def _rates(said: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    return [f"{said[name] / max(said['rows'], 1):.2%}" for name in names.values()]


def _distinct(said: Mapping[str, Any]) -> str:
    return f"{said['distinct']:,}" if "distinct" in said else ""


def _numbers(said: Mapping[str, Any], digits: int) -> list[str]:
    return [rounded(said[name], digits) for name in NUMBERS]


def _values(said: Mapping[str, Any]) -> str:
    if "most_frequent" in said:
        rows = max(said["rows"], 1)
        return ", ".join(
            f"{name[:WIDEST]} {count / rows:.1%}" for name, count in said["most_frequent"].items()
        )
    moments = [said[name] for name in ("minimum", "maximum") if said.get(name)]
    return " to ".join(re.split("[.+]", moment)[0].replace("T", " ") for moment in moments)
