"""The resource that assets require; `resources` builds it."""

from collections.abc import Sequence
from typing import Protocol, cast

import dagster as dg

from lupus_assets.pipeline import Pipeline
from lupus_assets.ports import Journal, Tables, View

RESOURCE = "lupus"  # the key under which every location provides an `Installation`

Context = (
    dg.AssetExecutionContext
    | dg.OpExecutionContext
    | dg.ScheduleEvaluationContext
    | dg.SensorEvaluationContext
)


class Installation(Protocol):
    """The resource behind the key `RESOURCE`."""

    @property
    def view_names(self) -> Sequence[str]:
        """The names of the views; read when definitions are loaded, before secrets are available."""
        ...

    def pipeline(self) -> Pipeline:
        """Return the pipeline over this installation's store and logs."""
        ...

    def tables(self) -> Tables:
        """Return the tables, for compaction and views."""
        ...

    def journal(self) -> Journal:
        """Return the journal of begun and unreported partitions, which is stored beside the tables."""
        ...

    def view(self, name: str) -> View:
        """Return a view by its name; it connects at its first request."""
        ...


def installation_of(context: Context) -> Installation:
    """Return the installation of the location that `context` runs in."""
    return cast("Installation", getattr(context.resources, RESOURCE))


def pipeline_of(context: Context) -> Pipeline:
    """Return the pipeline of the location that `context` runs in."""
    return installation_of(context).pipeline()
