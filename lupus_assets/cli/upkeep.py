"""``lupus reindex`` and ``lupus compact``: upkeep of indices and files."""

import argparse
from datetime import UTC, datetime

from lupus_assets.cli.argument import month
from lupus_assets.cli.output import Commands, note
from lupus_assets.cli.place import add_home, installation
from lupus_assets.text import counted


def add(commands: Commands) -> None:
    """Add the subcommands."""
    _add_reindex(commands)
    _add_compact(commands)


def _add_reindex(commands: Commands) -> None:
    command = commands.add_parser("reindex", help="rebuild the indices of Elasticsearch from the files")
    command.add_argument(
        "--from", dest="since", metavar="MONTH", type=month, help="first month, yyyy-mm (default: all)"
    )
    add_home(command)
    command.set_defaults(run=reindex)


def reindex(arguments: argparse.Namespace) -> int:
    """Rebuild the indices; readers see an old one until the new one is complete."""
    place = installation(arguments.home)
    view = place.search_view()
    written = view.reindex(place.tables().months(), arguments.since)
    note(f"{counted(written, 'document')} at {view.url}")
    return 0


def _add_compact(commands: Commands) -> None:
    command = commands.add_parser("compact", help="merge the files of every closed month into one")
    command.add_argument(
        "--before",
        metavar="YYYY-MM",
        type=month,
        help="only months before this one (default: before last month, as the nightly schedule does)",
    )
    add_home(command)
    command.set_defaults(run=compact)


def compact(arguments: argparse.Namespace) -> int:
    """Compact closed months; with Hive, point it at the new files and remove the superseded ones."""
    from lupus_assets.installation import HIVE
    from lupus_assets.upkeep import closed_before, tidy
    from lupus_assets.upkeep import compact as compact_months

    before = arguments.before or closed_before(datetime.now(UTC))
    place = installation(arguments.home)
    place.check_made()
    tables = place.tables()
    count = compact_months(tables, before)
    if HIVE in place.view_names:
        tidy(tables, place.view(HIVE))
    note(f"{counted(count, 'month')} before {before} made one file each")
    return 0
