"""The ``lupus`` command: parse, call, print.

One function per subcommand; what it needs is imported inside it, so that ``lupus --help``
and each subcommand start as fast as they can.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

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
    _add_home(command)
    command.set_defaults(run=sql)


def sql(arguments: argparse.Namespace) -> int:
    """Print what one SELECT over the tables returns."""
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


def _print_query(home: Path, query: str, command: str) -> int:
    from lupus_assets.errors import StoreError
    from lupus_assets.sinks.duckdb import Warehouse

    warehouse = home / "warehouse"
    if not warehouse.is_dir():
        remedy = "give --home, or materialise a model first (`make demo` does)"
        print(f"lupus {command}: {warehouse} does not exist, {remedy}", file=sys.stderr)
        return USAGE
    try:
        table = Warehouse(warehouse).sql(query)
    except StoreError as error:
        print(f"lupus {command}: {error}", file=sys.stderr)
        return MISTAKES
    rows = [[_cell(value) for value in row.values()] for row in table.to_pylist()]
    print(_aligned([list(table.column_names), *rows]))
    print(_counted(len(rows), "row"), file=sys.stderr)
    return 0


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
