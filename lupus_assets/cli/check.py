"""``lupus check``: every mistake in the declarations."""

import argparse
from pathlib import Path

from lupus_assets.cli.output import MISTAKES, Commands, counted, note
from lupus_assets.cli.place import missing
from lupus_assets.cli.table import plain
from lupus_assets.errors import UsageError


def add(commands: Commands) -> None:
    """Add the subcommand."""
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
        raise missing(path, "give a declaration or a directory")
    declarations = find(path)
    if not declarations:
        # Silence about nothing would look like a passed check.
        raise UsageError(f"no declaration below {path}, give another directory")
    _, errors = load_all(declarations)
    problems = [problem for error in errors.values() for problem in error.problems]
    for problem in problems:
        print(plain(str(problem)))
    total = counted(len(declarations), "declaration")
    if problems:
        mistakes = counted(len(problems), "mistake")
        note(f"{mistakes} in {len(errors):,} of {total}")
        return MISTAKES
    note(f"{total}, no mistakes")
    return 0
