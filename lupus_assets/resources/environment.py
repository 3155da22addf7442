"""The environments, chosen by the variable ``LUPUS_ENV``.

embedded    one folder and no service
services    servers on this machine, for trials; variables that are not set have the embedded defaults
production  servers of your company; an error names the required variables that are not set
"""

import os
from pathlib import Path
from typing import Any

import dagster as dg

from lupus_assets.errors import LupusError
from lupus_assets.installation import EMBEDDED, ENVIRONMENT, VARIABLES, data_root
from lupus_assets.resources.installation import Embedded, Serviced

NEEDED = ("LUPUS_WAREHOUSE", "LUPUS_DATA", "LUPUS_SALT", "LUPUS_HIVE_HOST", "LUPUS_ELASTICSEARCH_URL")


def lupus_home(project: Path) -> Path:
    """Return the folder of the embedded installation: ``$LUPUS_HOME``, or ``.lupus`` in the project."""
    return Path(os.environ.get("LUPUS_HOME", project / ".lupus"))


def embedded(project: Path) -> dict[str, object]:
    """Return the resources of an installation without any service."""
    return {"lupus": Embedded(**_places(project))}


def services(project: Path) -> dict[str, object]:
    """Return the resources of an installation on the servers that environment variables name."""
    # By name, to keep secrets out of definitions: Dagster reads the variables when a run needs them.
    named: dict[str, Any] = {
        field: dg.EnvVar(variable) for field, variable in VARIABLES.items() if os.environ.get(variable)
    }
    return {"lupus": Serviced(**_places(project), **named)}


def production(project: Path) -> dict[str, object]:
    """Return the resources of an installation with all variables of `NEEDED`.

    Raises
    ------
    LupusError
        A variable is not set.
    """
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        raise LupusError(
            f"LUPUS_ENV is production and {', '.join(missing)} not set; see deploy/lupus.env.example"
        )
    return services(project)


ENVIRONMENTS = {"embedded": embedded, "services": services, "production": production}


def resources(project: Path) -> dict[str, object]:
    """Return the resources of the environment that ``LUPUS_ENV`` names.

    Raises
    ------
    LupusError
        There is no such environment.
    """
    name = os.environ.get(ENVIRONMENT, EMBEDDED)
    if name not in ENVIRONMENTS:
        raise LupusError(f"LUPUS_ENV is {name!r}; set one of {', '.join(ENVIRONMENTS)}")
    return ENVIRONMENTS[name](project)


def _places(project: Path) -> dict[str, Any]:
    home = lupus_home(project)
    return {
        "home": str(home),
        "data_root": str(data_root(os.environ, home)),
        "salt": dg.EnvVar("LUPUS_SALT") if "LUPUS_SALT" in os.environ else "lupus",
    }
