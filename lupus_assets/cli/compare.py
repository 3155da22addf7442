"""``lupus compare``: any two windows of a model, from its stored profiles."""

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from lupus_assets.cli.output import Commands, add_home, aligned, counted, installation

if TYPE_CHECKING:
    from lupus_assets.monitor.drift import ColumnDrift, Drift

DISTANCES = ("jensen_shannon", "l_infinity", "ks", "wasserstein", "chi_square_p")
WINDOW = "[TRACK:]FIRST[..LAST], days as 2013-05-01, both included; or [TRACK:]reference, as it was frozen"


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = commands.add_parser(
        "compare", help="how far one window of a model lies from another, from stored profiles"
    )
    command.add_argument("model", metavar="TEAM.MODEL", help="TEAM/MODEL too")
    command.add_argument("reference", metavar="REFERENCE", help=WINDOW)
    command.add_argument("current", metavar="CURRENT", help="likewise, of the same track or another")
    command.add_argument("--json", action="store_true", help="print JSON")
    add_home(command)
    command.set_defaults(run=compare)


def compare(arguments: argparse.Namespace) -> int:
    """Print the distances of every column, the most moved first."""
    from lupus_assets.compare import compare as compare_windows
    from lupus_assets.monitor.drift import parse_window

    reference, current = parse_window(arguments.reference), parse_window(arguments.current)
    tables = installation(arguments.home).tables()
    found = compare_windows(tables, arguments.model.replace("/", "."), reference, current)
    if arguments.json:
        print(json.dumps(asdict(found), indent=2))
        return 0
    print_drift(found)
    before, after = found.partitions
    print(
        f"{reference} ({counted(before, 'profile')}) against {current} ({counted(after, 'profile')})",
        file=sys.stderr,
    )
    return 0


def print_drift(found: "Drift") -> None:
    """Print a line per column, the most moved first; to stderr, which columns are left out."""
    header = ["column", "rows", "null", "median", "psi", "psi if same", *DISTANCES]
    ordered = sorted(found.columns, key=_moved, reverse=True)
    print(aligned([header, *(_line(column) for column in ordered)]))
    if found.left_out:
        names = ", ".join(found.left_out)
        print(f"left out, as one window lacks them or has them otherwise: {names}", file=sys.stderr)


def _moved(column: "ColumnDrift") -> float:
    psi = column.distances["psi"]
    return -1.0 if psi is None or column.expected_psi is None else psi - column.expected_psi


def _line(column: "ColumnDrift") -> list[str]:
    return [
        column.column,
        " → ".join(f"{rows:,}" for rows in column.rows),
        " → ".join("" if share is None else f"{share:.2%}" for share in column.nulls),
        " → ".join(map(_rounded, column.median)) if column.kind == "numeric" else "",
        _rounded(column.distances["psi"]),
        _rounded(column.expected_psi),
        *(_rounded(column.distances.get(name)) for name in DISTANCES),
    ]


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
