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
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_check(commands)
    arguments = parser.parse_args(argv)
    return int(arguments.run(arguments))


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


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
