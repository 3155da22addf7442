"""The code location: every declaration below this folder, in the environment that ``LUPUS_ENV`` names."""

from pathlib import Path

from lupus_assets.process import prepare

prepare()

import dagster as dg

from lupus_assets.assets import load_location
from resources.environment import resources

DEFINITIONS = Path(__file__).parent


@dg.definitions
def defs() -> dg.Definitions:
    """Return the location's definitions."""
    project = DEFINITIONS.parent
    return load_location(project, DEFINITIONS, resources(project))
