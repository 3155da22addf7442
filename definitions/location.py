"""The code location: every declaration below this folder, in the environment that ``LUPUS_ENV`` names."""

import os
from pathlib import Path

from lupus_assets.process import prepare

prepare()

import dagster as dg

from lupus_assets.assets import load_location
from lupus_assets.installation import keep_private
from lupus_assets.resources.environment import lupus_home, resources

DEFINITIONS = Path(__file__).parent
keep_private(os.environ, lupus_home(DEFINITIONS.parent))


@dg.definitions
def defs() -> dg.Definitions:
    """Return the location's definitions."""
    project = DEFINITIONS.parent
    return load_location(project, DEFINITIONS, resources(project))
