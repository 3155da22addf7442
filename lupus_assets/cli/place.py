"""The installation of a command, its models, and files given as arguments."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lupus_assets.errors import UsageError

if TYPE_CHECKING:
    from lupus_assets.installation import Installation
    from lupus_assets.sources.file import File


def add_home(command: argparse.ArgumentParser) -> None:
    """Add the option for the folder of the installation."""
    command.add_argument(
        "--home",
        metavar="DIR",
        type=Path,
        default=Path(os.environ.get("LUPUS_HOME", ".lupus")),
        help="where the warehouse is (default: $LUPUS_HOME, else .lupus)",
    )


def installation(home: Path) -> "Installation":
    """Return the installation given by ``--home`` and the environment.

    Raises
    ------
    StoreError
        A variable is missing or invalid.
    """
    from lupus_assets.installation import Installation

    return Installation.from_environment(os.environ, home)


def import_from_here() -> None:
    """Add the current folder to the import path, as in Dagster, for functions named in declarations."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


def check_known(kind: str, name: str, known: set[str], place: str) -> None:
    """Raise `UsageError` if `name` is not among `known`, with the closest or all of them."""
    if name in known:
        return
    from lupus_assets.declare.mistake import closest, listed

    similar = closest(name, known)
    remedy = f"did you mean {similar}?" if similar else f"there are: {listed(sorted(known))}"
    raise UsageError(f"no {kind} '{name}' in {place}, {remedy}")


def models(place: "Installation") -> set[str]:
    """Return the models with rows in any table, as ``<team>.<model>``."""
    from lupus_assets.sinks.files.month import listed
    from lupus_assets.sinks.schema import SCHEMAS

    place.check_made()
    return {files.model for table in SCHEMAS for files in listed(place.files, table, strays=[])}


def missing(path: Path, remedy: str) -> UsageError:
    """Return the error for a missing `path`; a file with a similar name replaces the remedy."""
    from lupus_assets.declare.mistake import closest

    folder = path.parent
    similar = closest(path.name, [entry.name for entry in folder.iterdir()] if folder.is_dir() else [])
    if similar is not None:
        remedy = f"did you mean {folder / similar}?"
    return UsageError(f"{path} does not exist, {remedy}")


def parquet_files(path: str) -> "list[File]":
    """Return the Parquet file at a path, or those in a folder or below an S3 address.

    Raises
    ------
    UsageError
        There is no Parquet file.
    SourceError
    """
    from lupus_assets.sources.disk import files_at

    remedy = "give another file or folder"
    if path.startswith("s3://"):
        root, name = installation(Path()).folder(path)
        files = root.find(name)
        if not files:
            raise UsageError(f"{path} does not exist, {remedy}")
        return files
    if not _exists(Path(path)):
        raise missing(Path(path), remedy)
    files = files_at(Path(path))
    if not files:
        raise UsageError(f"{path} holds no Parquet file, {remedy}")
    return files


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or with a NUL: no file can have this name
        return False
