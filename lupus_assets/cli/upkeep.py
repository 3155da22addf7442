"""``lupus reindex`` and ``lupus compact``: what keeps indices and files in order."""

import argparse
from datetime import UTC, datetime

from lupus_assets.api.html import counted
from lupus_assets.cli.argument import month
from lupus_assets.cli.output import Commands, note
from lupus_assets.cli.place import add_home, installation


def add(commands: Commands) -> None:
    """Add the subcommands."""
    _add_reindex(commands)
    _add_compact(commands)


def _add_reindex(commands: Commands) -> None:
    command = commands.add_parser("reindex", help="build the indices of Elasticsearch anew from the files")
    command.add_argument(
        "--from", dest="since", metavar="MONTH", type=month, help="first month, yyyy-mm (default: all)"
    )
    add_home(command)
    command.set_defaults(run=reindex)


def reindex(arguments: argparse.Namespace) -> int:
    """Build the indices anew; readers see the old ones until a new one is complete."""
    found = installation(arguments.home)
    view = found.search_view()
    written = view.reindex(found.tables().months(), arguments.since)
    note(f"{counted(written, 'document')} at {view.url}")
    return 0


def _add_compact(commands: Commands) -> None:
    command = commands.add_parser("compact", help="make one file of every closed month")
    command.add_argument(
        "--before",
        metavar="YYYY-MM",
        type=month,
        help="only months before this one (default: before last month, as the nightly schedule does)",
    )
    add_home(command)
    command.set_defaults(run=compact)


def compact(arguments: argparse.Namespace) -> int:
    """Compact, and where Hive points at the files, move it on and remove what it left."""
    from lupus_assets.installation import HIVE
    from lupus_assets.upkeep import closed_before, tidy
    from lupus_assets.upkeep import compact as compact_months

    before = arguments.before or closed_before(datetime.now(UTC))
    found = installation(arguments.home)
    found.check_made()
    tables = found.tables()
    count = compact_months(tables, before)
    if HIVE in found.view_names:
        tidy(tables, found.view(HIVE))
    note(f"{counted(count, 'month')} before {before} made one file each")
    return 0
