"""All distances between two windows of a column, in their order in tables."""

from lupus_assets.stats.distance.distributions import DISTRIBUTIONS
from lupus_assets.stats.distance.pooled import POOLED
from lupus_assets.stats.distance.shares import SHARES

DISTANCES = (*SHARES, *DISTRIBUTIONS, *POOLED)
TABULATED = {each.heading: each for each in DISTANCES if each.heading is not None}  # by table heading
