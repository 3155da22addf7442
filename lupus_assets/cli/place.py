"""The installation of a command, its models, and files given as arguments."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lupus_assets.errors import UsageError

if TYPE_CHECKING:
    from lupus_assets.installation import Installation


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
