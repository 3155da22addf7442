"""``lupus profile``: any Parquet file or folder, with no declaration."""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lupus_assets.cli.compare import print_drift
from lupus_assets.cli.output import Commands, aligned, counted, read_parquet

if TYPE_CHECKING:
    from lupus_assets.monitor.outline import Outline
    from lupus_assets.stats.column import CategoricalColumn, Column, NumericColumn

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUANTILES = {"q05": 0.05, "median": 0.5, "q95": 0.95}
NUMBERS = ("mean", "sd", "minimum", *QUANTILES, "maximum")
HEADER = ("column", "kind", "null", "distinct", *NUMBERS, "most frequent")
SHOWN = 3  # most frequent values
WIDEST = 24  # characters of a value


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = commands.add_parser(
        "profile", help="profile any Parquet file, or folder of them, also s3://bucket/path"
    )
    command.add_argument("path", metavar="FILE|DIR|S3")
    command.add_argument(
        "--against", metavar="FILE|DIR|S3", help="say how far it is from this one, column by column"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=profile)


def profile(arguments: argparse.Namespace) -> int:
    """Print a line per column; with ``--against`` the distances, the most moved first."""
    if arguments.against is not None:
        return _compare(arguments.path, arguments.against, as_json=arguments.json)
    found = _outline(arguments.path)
    columns = {name: dict(_described(column)) for name, column in found.columns.items()}
    if arguments.json:
        print(json.dumps({"rows": found.rows, "columns": columns, "left_out": found.left_out}, indent=2))
        return 0
    print(aligned([HEADER, *([name, *_cells(said)] for name, said in columns.items())]))
    _say_left_out(found)
    print(f"{counted(found.rows, 'row')}, {counted(len(columns), 'column')}", file=sys.stderr)
    return 0


def _compare(path: str, against: str, *, as_json: bool) -> int:
    from lupus_assets.monitor.drift import State, drift
    from lupus_assets.stats.column import CategoricalColumn, NumericColumn

    def with_distribution(found: "Outline") -> dict[str, State]:
        return {
            name: column
            for name, column in found.columns.items()
            if isinstance(column, NumericColumn | CategoricalColumn)
        }

    reference = _outline(against)
    current = _outline(path, reference)
    found = drift([with_distribution(reference)], [with_distribution(current)])
    if as_json:
        print(json.dumps(asdict(found), indent=2))
        return 0
    print_drift(found)
    _say_left_out(current)
    rows = counted(current.rows, "row"), counted(reference.rows, "row")
    print(f"{path} ({rows[0]}) against {against} ({rows[1]})", file=sys.stderr)
    return 0


def _outline(path: str, reference: "Outline | None" = None) -> "Outline":
    from lupus_assets.monitor.outline import outline

    schema, batches = read_parquet(path)
    return outline(batches, schema, reference.grids if reference else None)


def _say_left_out(found: "Outline") -> None:
    for name, why in found.left_out.items():
        print(f"left out: {name} ({why})", file=sys.stderr)


def _described(column: "Column") -> Iterator[tuple[str, Any]]:
    """Yield what is said of a column, by name; None where it is undefined."""
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
                moment = None if micros is None else EPOCH + timedelta(microseconds=micros)
                yield name, None if moment is None else moment.isoformat()


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


def _categorical(column: "CategoricalColumn") -> Iterator[tuple[str, Any]]:
    categories = column.categories
    yield "distinct", round(categories.distinct.estimate(column.rows - column.nulls))
    top = categories.top(SHOWN).tolist()
    yield "most_frequent", {categories.label(at): int(categories.counts[at]) for at in top}


def _cells(said: dict[str, Any]) -> list[str]:
    rows = max(said["rows"], 1)
    most = ", ".join(
        f"{name[:WIDEST]} {count / rows:.1%}" for name, count in said.get("most_frequent", {}).items()
    )
    distinct = said.get("distinct")
    return [
        said["kind"],
        f"{said['nulls'] / rows:.2%}",
        "" if distinct is None else f"{distinct:,}",
        *(_number(said.get(name)) for name in NUMBERS),
        most,
    ]


def _number(value: float | str | None) -> str:
    if value is None:
        return ""
    return value[:19].replace("T", " ") if isinstance(value, str) else f"{value:.5g}"
