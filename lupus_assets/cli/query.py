"""``lupus sql`` and ``lupus incidents``: queries of the tables."""

import argparse
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from lupus_assets.cli.argument import count
from lupus_assets.cli.output import Commands, add_formats, note, print_rows
from lupus_assets.cli.place import add_home, check_known, installation, models
from lupus_assets.text import counted

if TYPE_CHECKING:
    from lupus_assets.sinks.duckdb.query import Warehouse

MAX_STRAYS = 5  # listed files that do not belong to the tables


def add(commands: Commands) -> None:
    """Add the subcommands."""
    _add_sql(commands)
    _add_incidents(commands)


def _add_sql(commands: Commands) -> None:
    command = commands.add_parser("sql", help="query the tables")
    command.add_argument(
        "query", metavar="QUERY", help='one SELECT, such as "select * from verdicts where flagged"'
    )
    command.add_argument(
        "--hive",
        action="store_true",
        help="query the installation's Hive (LUPUS_HIVE_HOST), not the files",
    )
    add_formats(command)
    add_home(command)
    command.set_defaults(run=sql)


def sql(arguments: argparse.Namespace) -> int:
    """Print the result of one SELECT over the tables."""
    place = installation(arguments.home)
    if arguments.hive:
        with closing(place.connect_hive()) as hive:
            names, rows = hive.sql(arguments.query)
    else:
        warehouse = place.warehouse()
        names, rows = warehouse.rows(arguments.query)
        note_strays(warehouse)
    return _answer(arguments, names, rows)


def note_strays(warehouse: "Warehouse") -> None:
    """Print the files that do not belong to the tables and were left out."""
    for stray in warehouse.strays[:MAX_STRAYS]:
        note(f"left out: {stray}")
    if len(warehouse.strays) > MAX_STRAYS:
        note(f"left out: {len(warehouse.strays) - MAX_STRAYS:,} more such files")


def _answer(arguments: argparse.Namespace, names: Sequence[str], rows: Sequence[Sequence[object]]) -> int:
    print_rows(arguments, names, rows)
    note(counted(len(rows), "row"))
    return 0


INCIDENTS = """
    select model, incident, min(partition_key) as first, max(partition_key) as last,
           string_agg(distinct column_name, ', ' order by column_name) as columns,
           first(sentence order by window_start, event desc, column_name) as sentence
    from incidents where event <> 'closed' and ('{model}' in ('', model))
    group by model, incident order by min(window_start) desc, incident limit {most}
"""


def _add_incidents(commands: Commands) -> None:
    command = commands.add_parser("incidents", help="list incidents, newest first")
    command.add_argument(
        "model", metavar="TEAM.MODEL", nargs="?", default="", help="only this model's; TEAM/MODEL too"
    )
    command.add_argument(
        "--most", metavar="N", type=count, default=30, help="how many (default: %(default)s)"
    )
    add_formats(command)
    add_home(command)
    command.set_defaults(run=incidents)


def incidents(arguments: argparse.Namespace) -> int:
    """Print the incidents of one model or of all: partitions, columns, and the first sentence."""
    place = installation(arguments.home)
    warehouse = place.warehouse()
    model: str = arguments.model.replace("/", ".")
    if model:  # no rows would look like no incidents
        check_known("model", model, models(place), str(warehouse.root))
    names, rows = warehouse.rows(INCIDENTS.format(model=model, most=arguments.most))
    note_strays(warehouse)
    return _answer(arguments, names, rows)
