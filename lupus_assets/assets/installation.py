"""What assets need of the place they run in; `resources` builds it."""

from typing import Protocol, cast

import dagster as dg

from lupus_assets.pipeline import Pipeline

RESOURCE = "lupus"  # the key under which every location provides an `Installation`


class Installation(Protocol):
    """The resource behind the key `RESOURCE`."""

    def pipeline(self) -> Pipeline:
        """Return the pipeline over this installation's store and logs."""
        ...


def pipeline_of(
    context: dg.AssetExecutionContext | dg.ScheduleEvaluationContext | dg.SensorEvaluationContext,
) -> Pipeline:
    """Return the pipeline of the location that `context` runs in."""
    return cast("Installation", getattr(context.resources, RESOURCE)).pipeline()
