"""The environments, and the one variable that chooses: ``LUPUS_ENV``."""

import os
from pathlib import Path

import dagster as dg

from lupus_assets.errors import LupusError
from resources.installation import Embedded

DEFAULT = "embedded"


def lupus_home(project: Path) -> Path:
    """Return the folder of the embedded installation: ``$LUPUS_HOME``, or ``.lupus`` in the project."""
    return Path(os.environ.get("LUPUS_HOME", project / ".lupus"))


def embedded(project: Path) -> dict[str, object]:
    """Return the resources of an installation without any service."""
    home = lupus_home(project)
    data = os.environ.get("LUPUS_DATA", str(home / "data"))
    salt = dg.EnvVar("LUPUS_SALT") if "LUPUS_SALT" in os.environ else "lupus"
    return {"lupus": Embedded(home=str(home), data_root=data, salt=salt)}


ENVIRONMENTS = {"embedded": embedded}


def resources(project: Path) -> dict[str, object]:
    """Return the resources of the environment that ``LUPUS_ENV`` names.

    Raises
    ------
    LupusError
        There is no such environment.
    """
    name = os.environ.get("LUPUS_ENV", DEFAULT)
    if name not in ENVIRONMENTS:
        raise LupusError(f"LUPUS_ENV is {name!r}; set one of {', '.join(ENVIRONMENTS)}")
    return ENVIRONMENTS[name](project)
