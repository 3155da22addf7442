"""Dagster assets, checks, partitions, schedules and sensors of declarations.

Belongs here: conversions of a declaration to Dagster objects. Does not belong here: formulas, addresses.

component     the component that ``defs.yaml`` names, and the same from Python
scaffold      a template of a new declaration
key           asset keys
tag           groups, owners, tags, kinds
partition     cadences as partitions, keys as windows
reference     the frozen reference, and the logs as external assets
track         profile, metrics, verdicts and checks of one track
comparison    the comparison of an old and a new track
outcome       partitioned check results that count as current
plot          numbers that Dagit plots by partition
work          open partitions, as batches of models
operation     jobs and schedules
arrival       the sensor of missing partitions and broken declarations
location      all declarations below a folder
installation  the resource that assets require
"""

from lupus_assets.assets.component import MonitoredModel, definitions_of
from lupus_assets.assets.location import load_location

__all__ = ["MonitoredModel", "definitions_of", "load_location"]
