"""Declarations become Dagster assets, checks, partitions, schedules and sensors.

Belongs here: what turns a declaration into Dagster objects. Does not belong here: a number, an address.

component     the component that ``defs.yaml`` names, and the same from Python
scaffold      a new declaration to start from
key           asset keys
tag           groups, owners, tags, kinds
partition     cadences as partitions, keys as windows
reference     the frozen reference, and the logs as external assets
track         profile, metrics, verdicts and checks of one track
comparison    an old and a new track
outcome       partitioned check results that count as current
plot          numbers that Dagit plots by partition
work          what is open, as batches of models
operation     jobs and schedules
arrival       the one sensor: what has not come, and which declarations are broken
location      every declaration below a folder
installation  what assets need of the place they run in
"""

from lupus_assets.assets.component import MonitoredModel, definitions_of
from lupus_assets.assets.location import load_location

__all__ = ["MonitoredModel", "definitions_of", "load_location"]
