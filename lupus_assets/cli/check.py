"""``lupus check``: list every mistake in the declarations."""

import argparse
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lupus_assets.cli.output import MISTAKES, Commands, note
from lupus_assets.cli.place import import_from_here
from lupus_assets.cli.table import plain
from lupus_assets.errors import Problem, UsageError
from lupus_assets.text import counted

if TYPE_CHECKING:
    from lupus_assets.declare import MonitoredModel
    from lupus_assets.declare.mistake import Mistake


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
    """Print every mistake below ``arguments.path``, one per line, and a summary to stderr."""
    from lupus_assets.declare import find, load_all
    from lupus_assets.declare.consistency.timing import check_future
    from lupus_assets.declare.mistake import missing

    path: Path = arguments.path
    if not path.exists():
        raise missing(path, "give a declaration or a directory")
    declarations = find(path)
    if not declarations:
        # No output would look like a passed check.
        raise UsageError(f"no declaration below {path}, give another directory")
    models, errors = load_all(declarations)
    problems = [problem for error in errors.values() for problem in error.problems]
    import_from_here()
    now = datetime.now(UTC)
    for path, model in models.items():
        problems += _located(path, [*_functions(model), *check_future(model.model_dump(by_alias=True), now)])
    for problem in problems:
        print(plain(str(problem)))
    total = counted(len(declarations), "declaration")
    if problems:
        mistakes = counted(len(problems), "mistake")
        note(f"{mistakes} in {len({problem.file for problem in problems}):,} of {total}")
        return MISTAKES
    note(f"{total}, no mistakes")
    return 0


def _located(path: Path, mistakes: "Sequence[Mistake]") -> Iterator[Problem]:
    """Yield the mistakes of a declaration with their line numbers."""
    if not mistakes:
        return
    from lupus_assets.declare.document import Document
    from lupus_assets.declare.mistake import dotted

    document = Document.parse(path.read_text(encoding="utf-8"))
    for mistake in mistakes:
        line = document.line(mistake.below("attributes").path)
        yield Problem(str(path), line, dotted(mistake.path), mistake.what, mistake.remedy)


def _functions(model: "MonitoredModel") -> "Iterator[Mistake]":
    """Yield the mistakes of the functions named in a declaration, by importing them as a run does."""
    functions = {name: track.function for name, track in model.tracks.items() if track.function is not None}
    if not functions:
        return
    from lupus_assets.declare.mistake import Mistake
    from lupus_assets.errors import SourceError
    from lupus_assets.sources.function import FunctionSource

    for track, function in functions.items():
        try:
            FunctionSource.from_path(function)
        except SourceError as error:
            what, _, remedy = str(error).rpartition("; ")
            yield Mistake(("tracks", track, "function"), what, remedy)
