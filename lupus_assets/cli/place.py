"""Where a command looks: the installation, the models that it has, and files that a user names."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lupus_assets.errors import UsageError

if TYPE_CHECKING:
    from lupus_assets.installation import Installation


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


def import_from_here() -> None:
    """Let functions that declarations name be found as in Dagster's processes: from the folder on."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


def check_known(what: str, name: str, known: set[str], place: str) -> None:
    """Raise `UsageError` if `place` has no `what` of this name, with what there is instead."""
    if name in known:
        return
    from lupus_assets.declare.mistake import closest, listed

    meant = closest(name, known)
    remedy = f"did you mean {meant}?" if meant else f"there are: {listed(sorted(known))}"
    raise UsageError(f"no {what} '{name}' in {place}, {remedy}")


def models(found: "Installation") -> set[str]:
    """Return the models that have tables, as ``<team>.<model>``."""
    from lupus_assets.sinks.files.month import listed
    from lupus_assets.sinks.schema import SCHEMAS

    found.check_made()
    return {files.model for table in SCHEMAS for files in listed(found.files, table, strays=[])}
