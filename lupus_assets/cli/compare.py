"""``lupus compare``: distances between two windows of a model, from stored profiles."""

import argparse
from typing import TYPE_CHECKING

from lupus_assets.cli.output import Commands, add_formats, note, print_csv, print_json
from lupus_assets.cli.place import add_home, check_known, installation, models
from lupus_assets.cli.table import PRECISIONS, laid_out, rounded, widest
from lupus_assets.errors import StoreError, UsageError
from lupus_assets.stats.distance.table import TABULATED
from lupus_assets.text import counted

if TYPE_CHECKING:
    from lupus_assets.api.compared import Comparison
    from lupus_assets.installation import Installation
    from lupus_assets.measuring.drift import ColumnDrift, Drift, Frozen, Span

HEADINGS = (
    "In the table: psi, and its expected value without a change (psi if same); "
    f"{', '.join(f'{distance.title} ({heading})' for heading, distance in TABULATED.items())}."
)
WINDOWS = ("reference", "current")
WINDOW = (
    "[TRACK:]FIRST[..LAST], days such as 2013-05-01, both included; "
    "or [TRACK:]reference, the frozen reference"
)


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = commands.add_parser(
        "compare",
        help="print the distances between two windows of a model, from stored profiles",
        epilog=HEADINGS,
    )
    command.add_argument("model", metavar="TEAM.MODEL", help="TEAM/MODEL too")
    command.add_argument("reference", metavar="REFERENCE", help=WINDOW)
    command.add_argument("current", metavar="CURRENT", help="likewise, of the same track or another")
    add_formats(command)
    add_home(command)
    command.set_defaults(run=compare)


def compare(arguments: argparse.Namespace) -> int:
    """Print the distances of every column, the largest change first."""
    from lupus_assets.api.compared import Comparison
    from lupus_assets.measuring.drift import parse_window
    from lupus_assets.windows import compare as compare_windows

    reference, current = parse_window(arguments.reference), parse_window(arguments.current)
    model = arguments.model.replace("/", ".")
    place = installation(arguments.home)
    try:
        drift = compare_windows(place.tables(), model, reference, current)
    except (StoreError, UsageError):
        _check_names(place, model, reference, current)
        raise
    print_comparison(arguments, Comparison.of(drift))
    before, after = (
        f"{window} ({counted(profiles, 'profile')}{_rows(drift, at)})"
        for at, (window, profiles) in enumerate(zip((reference, current), drift.partitions, strict=True))
    )
    note(f"{before} against {after}")
    return 0


def _check_names(place: "Installation", model: str, *windows: "Span | Frozen") -> None:
    """Raise `UsageError` if the model or a track does not exist, with the existing ones."""
    uri = place.files.uri("").removeprefix("file://").rstrip("/")
    check_known("model", model, models(place), uri)
    tracks = {stored.track for stored in place.tables().places("profiles", models=[model])}
    for window in windows:
        if window.track is not None:
            check_known("track", window.track, tracks, f"{model} of {uri}")


def _rows(drift: "Drift", at: int) -> str:
    return f", {counted(max(column.rows[at] for column in drift.columns), 'row')}" if drift.columns else ""


def print_comparison(arguments: argparse.Namespace, comparison: "Comparison") -> None:
    """Print a line per column, the largest change first, and the columns left out to stderr."""
    if arguments.json:
        print_json(comparison.to_dict())
        return
    columns = list(comparison.columns.values())
    if arguments.csv:
        flat = [_flat(column) for column in columns]
        names = list(dict.fromkeys(name for row in flat for name in row))
        print_csv(names, [list(map(row.get, names)) for row in flat])
    else:
        header = ["column", "null", "median", "psi", "psi if same", *TABULATED]
        tables = ([_line(column, digits) for column in columns] for digits in PRECISIONS)
        print(laid_out(header, widest(header, tables)))
    if comparison.left_out:
        left_out = ", ".join(comparison.left_out)
        note(f"left out, as they are missing in one window or are of different kinds: {left_out}")


def _flat(column: "ColumnDrift") -> dict[str, object]:
    pairs = {"rows": column.rows, "nulls": column.nulls, "median": column.median}
    return {
        "column": column.column,
        "kind": column.kind,
        **{f"{name}_{window}": pair[at] for name, pair in pairs.items() for at, window in enumerate(WINDOWS)},
        **column.distances,
        "expected_psi": column.expected_psi,
    }


def _line(column: "ColumnDrift", digits: int) -> list[str]:
    return [
        column.column,
        " → ".join("" if share is None else f"{share:.2%}" for share in column.nulls),
        " → ".join(rounded(value, digits) for value in column.median)
        if column.median != (None, None)
        else "",
        rounded(column.distances["psi"], digits),
        rounded(column.expected_psi, digits),
        *(rounded(column.distances.get(distance.name), digits) for distance in TABULATED.values()),
    ]
