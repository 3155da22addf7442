"""The code location: every declaration below this folder, in the environment that ``LUPUS_ENV`` names."""

import os
from pathlib import Path

# Read once, when numpy and pyarrow are imported: BLAS threads spin, Arrow's own pool starts slowly.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

import dagster as dg

from lupus_assets.assets import load_location
from resources.environment import resources

DEFINITIONS = Path(__file__).parent


@dg.definitions
def defs() -> dg.Definitions:
    """Return the location's definitions."""
    project = DEFINITIONS.parent
    return load_location(project, DEFINITIONS, resources(project))
