"""``lupus sql`` and ``lupus incidents``: what the tables hold."""

import argparse
from contextlib import closing
from typing import TYPE_CHECKING

from lupus_assets.cli.output import Commands, add_home, installation, print_rows
from lupus_assets.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa


def add(commands: Commands) -> None:
    """Add the subcommands."""
    _add_sql(commands)
    _add_incidents(commands)


def _add_sql(commands: Commands) -> None:
    command = commands.add_parser("sql", help="ask the tables")
    command.add_argument(
        "query", metavar="QUERY", help='one SELECT, such as "select * from verdicts where flagged"'
    )
    command.add_argument(
        "--hive",
        action="store_true",
        help="ask the installation's Hive (LUPUS_HIVE_HOST), not the files",
    )
    add_home(command)
    command.set_defaults(run=sql)


def sql(arguments: argparse.Namespace) -> int:
    """Print what one SELECT over the tables returns."""
    found = installation(arguments.home)
    if arguments.hive:
        with closing(found.connect_hive()) as hive:
            print_rows(*hive.sql(arguments.query))
    else:
        print_table(found.warehouse().sql(arguments.query))
    return 0


INCIDENTS = """
    select model, incident, min(partition_key) as first, max(partition_key) as last,
           string_agg(distinct column_name, ', ') as columns,
           first(sentence order by window_start, event desc) as sentence
    from incidents where event <> 'closed' and ('{model}' in ('', model))
    group by model, incident order by min(window_start) desc, incident limit {most}
"""


def _add_incidents(commands: Commands) -> None:
    command = commands.add_parser("incidents", help="list incidents, newest first")
    command.add_argument(
        "model", metavar="TEAM.MODEL", nargs="?", default="", help="only this model's; TEAM/MODEL too"
    )
    command.add_argument("--most", metavar="N", type=int, default=30, help="how many (default: %(default)s)")
    add_home(command)
    command.set_defaults(run=incidents)


def incidents(arguments: argparse.Namespace) -> int:
    """Print the incidents of one model or of all: when, which columns, and the first sentence."""
    found = installation(arguments.home)
    warehouse = found.warehouse()
    model: str = arguments.model.replace("/", ".")
    known = {month.model for month in found.tables().months()} if model else set()
    if model and model not in known:  # no rows would look like no incidents
        from lupus_assets.declare.mistake import closest, listed

        meant = closest(model, known)
        remedy = f"did you mean {meant}?" if meant else f"there are: {listed(sorted(known))}"
        raise UsageError(f"no model '{model}' in {warehouse.root}, {remedy}")
    print_table(warehouse.sql(INCIDENTS.format(model=model, most=arguments.most)))
    return 0


def print_table(table: "pa.Table") -> None:
    """Print what DuckDB answered."""
    print_rows(table.column_names, [list(row.values()) for row in table.to_pylist()])
