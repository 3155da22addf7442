"""How answers are printed: tables to stdout, what they are about to stderr."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from lupus_assets.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from lupus_assets.installation import Installation

MISTAKES = 1  # exit code: what was looked at is wrong
USAGE = 2  # exit code: there was nothing to look at; argparse uses it too

# argparse has no public name for it, and it is generic only to type checkers.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_home(command: argparse.ArgumentParser) -> None:
    """Give `command` the option that says where the installation is."""
    command.add_argument(
        "--home",
        metavar="DIR",
        type=Path,
        default=Path(os.environ.get("LUPUS_HOME", ".lupus")),
        help="where the warehouse is (default: $LUPUS_HOME, else .lupus)",
    )


def installation(home: Path) -> "Installation":
    """Return the installation that ``--home`` and the environment describe.

    Raises
    ------
    StoreError
        A variable is missing, or says something that cannot be.
    """
    from lupus_assets.installation import Installation

    return Installation.from_environment(os.environ, home)


def missing(path: Path, otherwise: str) -> UsageError:
    """Return the error that nothing is at `path`, with what stands beside it and looks alike."""
    from lupus_assets.declare.mistake import closest

    beside = path.parent
    meant = closest(path.name, [entry.name for entry in beside.iterdir()] if beside.is_dir() else [])
    remedy = otherwise if meant is None else f"did you mean {beside / meant}?"
    return UsageError(f"{path} does not exist, {remedy}")


def read_parquet(path: str) -> "tuple[pa.Schema, Iterator[pa.RecordBatch]]":
    """Return the schema and the rows of a Parquet file, or of those in a folder or below an S3 address.

    Raises
    ------
    UsageError
        There is none.
    SourceError
    """
    from lupus_assets.sources.disk import files_at
    from lupus_assets.sources.file import batches_of, schema_of

    if path.startswith("s3://"):
        root, name = installation(Path()).folder(path)
        files = root.find(name)
    else:
        files = files_at(Path(path)) if Path(path).exists() else []
    if not files:
        remedy = "give another file or folder"
        if path.startswith("s3://"):
            raise UsageError(f"{path} does not exist, {remedy}")
        if Path(path).is_dir():
            raise UsageError(f"{path} holds no Parquet file, {remedy}")
        raise missing(Path(path), remedy)
    schema = schema_of(files)
    return schema, batches_of(files, schema)


def print_rows(names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table, and to stderr how many rows it has."""
    print(aligned([list(names), *([cell(value) for value in row] for row in rows)]))
    print(counted(len(rows), "row"), file=sys.stderr)


def cell(value: object) -> str:
    """Return a value as a table shows it: nothing for None, bytes by their size."""
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


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Return lines of cells as text with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, in the plural but for 1."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
