"""The ``lupus`` command: parse, call, print.

One function per subcommand; what it needs is imported inside it, so that ``lupus --help``
and each subcommand start as fast as they can.
"""

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lupus_assets.ports import SearchIndex

MISTAKES = 1  # exit code: what was looked at is wrong
USAGE = 2  # exit code: there was nothing to look at; argparse uses it too

ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",  # BLAS threads spin while they wait: five times the CPU for the same sums
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # with Arrow's own pool the first read took 1.2 s, not 0.19 s
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit code.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments after the name of the command; None means the process's own.
    """
    for name, value in ENVIRONMENT.items():  # both are read once, when numpy and pyarrow are imported
        os.environ.setdefault(name, value)
    parser = argparse.ArgumentParser(prog="lupus", description="Monitoring of machine-learning models.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_check(commands)
    _add_sql(commands)
    _add_incidents(commands)
    _add_search(commands)
    _add_reindex(commands)
    _add_compact(commands)
    arguments = parser.parse_args(argv)
    return int(arguments.run(arguments))


class _Version(argparse.Action):
    """Like argparse's own, but looks the version up only when asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"lupus {version('lupus')}")
        parser.exit()


Commands = argparse._SubParsersAction  # argparse has no public name for it


def _add_check(commands: "Commands[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("check", help="list every mistake in the declarations")
    command.add_argument(
        "path",
        metavar="PATH",
        nargs="?",
        default="definitions",
        type=Path,
        help="a declaration, or a directory of them (default: %(default)s)",
    )
    command.set_defaults(run=check)


def check(arguments: argparse.Namespace) -> int:
    """Print every mistake below ``arguments.path``, one a line, and a summary to stderr."""
    from lupus_assets.declare import find, load_all

    path: Path = arguments.path
    if not path.exists():
        print(f"lupus check: {path} does not exist, give a declaration or a directory", file=sys.stderr)
        return USAGE
    declarations = find(path)
    if not declarations:
        # Silence about nothing would look like a passed check.
        print(f"lupus check: no declaration below {path}, give another directory", file=sys.stderr)
        return USAGE
    _, errors = load_all(declarations)
    problems = [problem for error in errors.values() for problem in error.problems]
    for problem in problems:
        print(problem)
    total = _counted(len(declarations), "declaration")
    if problems:
        mistakes = _counted(len(problems), "mistake")
        print(f"{mistakes} in {len(errors)} of {total}", file=sys.stderr)
        return MISTAKES
    print(f"{total}, no mistakes", file=sys.stderr)
    return 0


def _add_home(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--home",
        metavar="DIR",
        type=Path,
        default=Path(os.environ.get("LUPUS_HOME", ".lupus")),
        help="where the warehouse is (default: $LUPUS_HOME, else .lupus)",
    )


def _add_sql(commands: "Commands[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("sql", help="ask the tables")
    command.add_argument(
        "query", metavar="QUERY", help='one SELECT, such as "select * from verdicts where flagged"'
    )
    command.add_argument(
        "--hive",
        action="store_true",
        help="ask Hive at $LUPUS_HIVE_HOST, not the files ($LUPUS_HIVE_PORT, …_DATABASE, …_AUTH, …_USER, "
        "…_PASSWORD, …_KERBEROS_SERVICE)",
    )
    _add_home(command)
    command.set_defaults(run=sql)


def sql(arguments: argparse.Namespace) -> int:
    """Print what one SELECT over the tables returns."""
    if arguments.hive:
        return _print_hive(arguments.query)
    return _print_query(arguments.home, arguments.query, "sql")


INCIDENTS = """
    select model, incident, min(partition_key) as first, max(partition_key) as last,
           string_agg(distinct column_name, ', ') as columns,
           first(sentence order by window_start, event desc) as sentence
    from incidents where event in ('opened', 'joined') and ('{model}' in ('', model))
    group by model, incident order by min(window_start) desc, incident limit {most}
"""


def _add_incidents(commands: "Commands[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("incidents", help="list incidents, newest first")
    command.add_argument(
        "model", metavar="TEAM.MODEL", nargs="?", default="", help="only this model's; TEAM/MODEL too"
    )
    command.add_argument("--most", metavar="N", type=int, default=30, help="how many (default: %(default)s)")
    _add_home(command)
    command.set_defaults(run=incidents)


def incidents(arguments: argparse.Namespace) -> int:
    """Print the incidents of one model or of all: when, which columns, and the first sentence."""
    warehouse: Path = arguments.home / "warehouse"
    model: str = arguments.model.replace("/", ".")
    known = {path.name.removeprefix("model=") for path in warehouse.glob("*/model=*")}
    if model and warehouse.is_dir() and model not in known:  # no rows would look like no incidents
        from lupus_assets.declare.mistake import closest, listed

        meant = closest(model, known)
        remedy = f"did you mean {meant}?" if meant else f"there are: {listed(sorted(known))}"
        print(f"lupus incidents: no model '{model}' in {warehouse}, {remedy}", file=sys.stderr)
        return USAGE
    model = model.replace("'", "''")
    return _print_query(arguments.home, INCIDENTS.format(model=model, most=arguments.most), "incidents")


MOST_FOUND = 10_000  # hits of one answer of Elasticsearch
FOUND = [
    "model",
    "track",
    "partition_key",
    "segment",
    "column_name",
    "metric",
    "surprise",
    "incident",
    "sentence",
]


def _add_search(commands: "Commands[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("search", help="find alarms by text, newest first")
    command.add_argument(
        "text",
        metavar="TEXT",
        nargs="?",
        default="",
        help="words that the sentence, column, metric, segment or rule holds, all of them (default: any)",
    )
    command.add_argument("--team", help="only this team's")
    command.add_argument("--model", metavar="[TEAM.]MODEL", help="only this model's; TEAM/MODEL too")
    command.add_argument("--track", help="only this track's")
    command.add_argument("--group", metavar="NAME", help="only columns of this group of the declarations")
    command.add_argument("--since", metavar="DAY", type=_moment, help="first day, yyyy-mm-dd, UTC")
    command.add_argument("--until", metavar="DAY", type=_moment, help="day after the last, UTC")
    command.add_argument(
        "--severity",
        metavar="N",
        type=float,
        default=0.0,
        help="at least N spreads off; facts and rules always",
    )
    command.add_argument(
        "--most", metavar="N", type=_most, default=30, help="how many (default: %(default)s)"
    )
    command.add_argument(
        "--definitions",
        metavar="PATH",
        type=Path,
        default=Path("definitions"),
        help="where --group is declared (default: %(default)s)",
    )
    _add_home(command)
    command.set_defaults(run=search)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day, write it as 2025-03-09") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _most(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_FOUND:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST_FOUND:,}")
    return int(text)


def search(arguments: argparse.Namespace) -> int:
    """Print the alarms that fit: from Elasticsearch where there is one, else from the files."""
    from lupus_assets.errors import StoreError
    from lupus_assets.records import Search

    columns = None
    if arguments.group is not None:
        columns = _columns(arguments.group, arguments.definitions)
        if columns is None:
            return USAGE
    team, _, model = (arguments.model or "").replace("/", ".").rpartition(".")
    wanted = Search(
        text=arguments.text,
        team=arguments.team or team or None,
        model=model or None,
        track=arguments.track,
        columns=columns,
        since=arguments.since,
        until=arguments.until,
        severity=arguments.severity,
        most=arguments.most,
    )
    warehouse: Path = arguments.home / "warehouse"
    try:
        index: SearchIndex
        if os.environ.get("LUPUS_ELASTICSEARCH_URL"):
            from lupus_assets.sinks.elasticsearch import ElasticsearchAddress
            from lupus_assets.sinks.search_alarm import AlarmSearch

            address = ElasticsearchAddress.from_environment(os.environ)
            index, told = AlarmSearch(address), f"Elasticsearch at {address.url}"
        else:
            from lupus_assets.sinks.duckdb import Warehouse
            from lupus_assets.sinks.duckdb_search import WarehouseSearch

            if not _is_there(warehouse, "search"):
                return USAGE
            index, told = WarehouseSearch(Warehouse(warehouse)), str(warehouse)
        found = index.search(wanted)
    except StoreError as error:
        print(f"lupus search: {error}", file=sys.stderr)
        return MISTAKES
    rows = [[_cell(getattr(alarm, name)) for name in FOUND] for alarm in found]
    print(_aligned([FOUND, *rows]))
    print(f"{_counted(len(rows), 'alarm')} from {told}", file=sys.stderr)
    return 0


def _columns(group: str, path: Path) -> "Mapping[str, frozenset[str]] | None":
    """Return what `group` means for each model; where it is none, say so and return None."""
    from lupus_assets.declare import find, load_all
    from lupus_assets.declare.group import group_columns
    from lupus_assets.declare.mistake import did_you_mean, listed

    models, errors = load_all(find(path))
    columns = group_columns(group, models.values())
    if errors:  # a group that is declared there would be missing without a word
        wrong = _counted(len(errors), "declaration")
        print(f"lupus search: left out {wrong} with mistakes, run `lupus check {path}`", file=sys.stderr)
    if columns:
        return columns
    known = sorted({name for model in models.values() for name in model.groups})
    remedy = did_you_mean(group, known, f"there are: {listed(known)}")
    print(f"lupus search: no model below {path} declares a group '{group}', {remedy}", file=sys.stderr)
    return None


def _add_reindex(commands: "Commands[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("reindex", help="build the indices of Elasticsearch anew from the files")
    command.add_argument(
        "--from", dest="since", metavar="MONTH", type=_month, help="first month, yyyy-mm (default: all)"
    )
    _add_home(command)
    command.set_defaults(run=reindex)


def _month(text: str) -> str:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no month, write it as 2025-03")
    return text


def reindex(arguments: argparse.Namespace) -> int:
    """Build the indices anew; readers see the old ones until a new one is complete."""
    from lupus_assets.errors import StoreError
    from lupus_assets.installation import Installation

    try:
        installation = Installation.from_environment(os.environ, arguments.home)
        if installation.elasticsearch is None:
            print("lupus reindex: no Elasticsearch, set LUPUS_ELASTICSEARCH_URL", file=sys.stderr)
            return USAGE
        from lupus_assets.sinks.search_view import SearchView

        tables = installation.tables()
        written = SearchView(installation.elasticsearch, tables).reindex(tables.months(), arguments.since)
    except StoreError as error:
        print(f"lupus reindex: {error}", file=sys.stderr)
        return MISTAKES
    print(f"{_counted(written, 'document')} at {installation.elasticsearch.url}", file=sys.stderr)
    return 0


def _add_compact(commands: "Commands[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("compact", help="make one file of every closed month")
    command.add_argument(
        "--before",
        metavar="YYYY-MM",
        type=_month,
        help="only months before this one (default: before last month, as the nightly schedule does)",
    )
    _add_home(command)
    command.set_defaults(run=compact)


def compact(arguments: argparse.Namespace) -> int:
    """Compact, and where Hive points at the files, move it on and remove what it left."""
    from lupus_assets.errors import StoreError
    from lupus_assets.installation import HIVE, Installation
    from lupus_assets.upkeep import closed_before, tidy
    from lupus_assets.upkeep import compact as compact_months

    before = arguments.before or closed_before(datetime.now(UTC))
    try:
        installation = Installation.from_environment(os.environ, arguments.home)
        tables = installation.tables()
        count = compact_months(tables, before)
        if installation.hive is not None:
            tidy(tables, installation.view(HIVE))
    except StoreError as error:
        print(f"lupus compact: {error}", file=sys.stderr)
        return MISTAKES
    print(f"{_counted(count, 'month')} before {before} made one file each", file=sys.stderr)
    return 0


def _print_query(home: Path, query: str, command: str) -> int:
    from lupus_assets.errors import StoreError
    from lupus_assets.sinks.duckdb import Warehouse

    warehouse = home / "warehouse"
    if not _is_there(warehouse, command):
        return USAGE
    try:
        table = Warehouse(warehouse).sql(query)
    except StoreError as error:
        print(f"lupus {command}: {error}", file=sys.stderr)
        return MISTAKES
    _print_rows(table.column_names, [list(row.values()) for row in table.to_pylist()])
    return 0


def _print_hive(query: str) -> int:
    from contextlib import closing

    from lupus_assets.errors import StoreError
    from lupus_assets.sinks.hive_address import HiveAddress

    try:
        address = HiveAddress.from_environment(os.environ)
        from lupus_assets.sinks.hive import Hive

        with closing(Hive(address)) as hive:
            names, rows = hive.sql(query)
    except StoreError as error:
        print(f"lupus sql --hive: {error}", file=sys.stderr)
        return MISTAKES
    _print_rows(names, rows)
    return 0


def _print_rows(names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    print(_aligned([list(names), *([_cell(value) for value in row] for row in rows)]))
    print(_counted(len(rows), "row"), file=sys.stderr)


def _is_there(warehouse: Path, command: str) -> bool:
    if not warehouse.is_dir():
        remedy = "give --home, or materialise a model first (`make demo` does)"
        print(f"lupus {command}: {warehouse} does not exist, {remedy}", file=sys.stderr)
    return warehouse.is_dir()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"<{_size(len(value))}>"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _size(count: int) -> str:
    """Return a number of bytes as text, in the largest decimal unit that it fills.

    >>> _size(53_700)
    '54 kB'
    """
    for unit, size in (("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.0f} {unit}"
    return f"{count} B"


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
