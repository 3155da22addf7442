"""``lupus profile``: profiles of Parquet files, without a declaration."""

import argparse
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lupus_assets.cli.compare import HEADINGS, print_drift
from lupus_assets.cli.output import Commands, add_formats, counted, note, print_csv, print_json
from lupus_assets.cli.place import parquet_files
from lupus_assets.cli.progress import Progress
from lupus_assets.cli.table import PRECISIONS, laid_out, rounded, widest

if TYPE_CHECKING:
    from lupus_assets.profiling.outline import Outline
    from lupus_assets.stats.column import CategoricalColumn, Column, NumericColumn

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUANTILES = {"q05": 0.05, "median": 0.5, "q95": 0.95}
NUMBERS = ("mean", "sd", "minimum", *QUANTILES, "maximum")
RATES = {"null": "nulls", "NaN": "nans", "±∞": "infinities"}
MAX_VALUES = 3  # most frequent values of a column
MAX_CHARACTERS = 24  # of a value


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = commands.add_parser(
        "profile",
        help="profile any Parquet file, or folder of them, also s3://bucket/path",
        epilog=f"With --against: {HEADINGS}",
    )
    command.add_argument("path", metavar="FILE|DIR|S3")
    command.add_argument(
        "--against", metavar="FILE|DIR|S3", help="print the distance from this one, column by column"
    )
    add_formats(command)
    command.set_defaults(run=profile)


def profile(arguments: argparse.Namespace) -> int:
    """Print a line per column; with ``--against`` the distances, the largest change first."""
    if arguments.against is not None:
        return _compare(arguments)
    outline = _outline(arguments.path)
    columns = {name: dict(_statistics(column)) for name, column in outline.columns.items()}
    if arguments.json:
        print_json({"rows": outline.rows, "columns": columns, "left_out": outline.left_out})
        return 0
    if arguments.csv:
        names = list(dict.fromkeys(name for values in columns.values() for name in values))
        print_csv(["column", *names], [[name, *map(values.get, names)] for name, values in columns.items()])
    else:
        print("\n\n".join(_tables(columns)))
    _note_left_out(outline)
    note(f"{counted(outline.rows, 'row')}, {counted(len(columns), 'column')}")
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from lupus_assets.measuring.drift import State, drift
    from lupus_assets.stats.column import CategoricalColumn, NumericColumn

    def with_distribution(outline: "Outline") -> dict[str, State]:
        return {
            name: column
            for name, column in outline.columns.items()
            if isinstance(column, NumericColumn | CategoricalColumn)
        }

    reference = _outline(arguments.against)
    current = _outline(arguments.path, reference)
    print_drift(arguments, drift([with_distribution(reference)], [with_distribution(current)]))
    _note_left_out(current)
    if not arguments.json:
        rows = counted(current.rows, "row"), counted(reference.rows, "row")
        note(f"{arguments.path} ({rows[0]}) against {arguments.against} ({rows[1]})")
    return 0


def _outline(path: str, reference: "Outline | None" = None) -> "Outline":
    from lupus_assets.profiling.outline import outline
    from lupus_assets.sources.file import batches_of, count_rows, schema_of

    files = parquet_files(path)
    schema = schema_of(files)
    with Progress(f"profile of {path}", lambda: count_rows(files), "rows") as progress:
        batches = progress.over(batches_of(files, schema), len)
        return outline(batches, schema, reference.grids if reference else None)


def _note_left_out(outline: "Outline") -> None:
    for name, reason in outline.left_out.items():
        note(f"left out: {name} ({reason})")


def _statistics(column: "Column") -> Iterator[tuple[str, Any]]:
    """Yield the statistics of a column with their names; None where undefined."""
    from lupus_assets.stats.column import CategoricalColumn, NumericColumn, TimestampColumn

    yield "kind", type(column).__name__.removesuffix("Column").lower()
    yield "rows", column.rows
    yield "nulls", column.nulls
    match column:
        case NumericColumn():
            yield from _numeric(column)
        case CategoricalColumn():
            yield from _categorical(column)
        case TimestampColumn():
            for name, micros in (("minimum", column.minimum), ("maximum", column.maximum)):
                yield name, None if micros is None else _iso(micros)


def _numeric(column: "NumericColumn") -> Iterator[tuple[str, Any]]:
    yield "nans", column.nans
    yield "infinities", column.positive_infinities + column.negative_infinities
    yield "zeros", column.zeros
    yield "distinct", round(column.distinct.estimate(column.finite))
    yield "mean", column.moments.mean if column.finite else None
    yield "sd", column.moments.sd
    yield "minimum", column.minimum
    quantiles = column.quantiles(list(QUANTILES.values())).tolist() if column.finite else [None] * 3
    yield from zip(QUANTILES, quantiles, strict=True)
    yield "maximum", column.maximum


def _iso(micros: int) -> str:
    """Return microseconds since the epoch as ISO 8601, also beyond the years of `datetime`."""
    import numpy as np

    try:
        return (EPOCH + timedelta(microseconds=micros)).isoformat()
    except OverflowError:
        return f"{np.datetime64(micros, 'us')}+00:00"


def _categorical(column: "CategoricalColumn") -> Iterator[tuple[str, Any]]:
    categories = column.categories
    yield "distinct", round(categories.distinct.estimate(column.rows - column.nulls))
    top = categories.top(MAX_VALUES).tolist()
    yield "most_frequent", {categories.label(at): int(categories.counts[at]) for at in top}


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
