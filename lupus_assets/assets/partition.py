"""Dagster partitions of cadences, one shared object per cadence group, and windows of partition keys."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache

import dagster as dg

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.cadence import CadenceGroup
from lupus_assets.declare.rhythm import HOUR, rhythm_of
from lupus_assets.records import Window


@cache
def partitions_of(group: CadenceGroup) -> dg.TimeWindowPartitionsDefinition:
    """Return the shared PartitionsDefinition of a cadence group.

    Assets of one run must share one object. It starts with the quarter of the declared start, and is shared
    by models that start within the quarter; each model's own start is enforced on reading.
    """
    start = datetime(group.start.year, group.start.month, group.start.day)  # noqa: DTZ001  # Dagster adds the zone
    end = None if group.end is None else group.end.replace(tzinfo=None)
    rhythm = rhythm_of(group.every)
    return dg.TimeWindowPartitionsDefinition(
        start=start, end=end, timezone=group.timezone, fmt=rhythm.key, cron_schedule=rhythm.cron
    )


def window_of(partitions: dg.TimeWindowPartitionsDefinition, key: str) -> Window:
    """Return the window of a partition key."""
    span = partitions.time_window_for_partition_key(key)
    return Window(start=_utc(span.start), end=_utc(span.end), key=key)


def windows_of_run(
    context: dg.AssetExecutionContext, partitions: dg.TimeWindowPartitionsDefinition
) -> list[Window]:
    """Return the windows of a run's partitions, in time order.

    Raises
    ------
    Failure
        The run has no partition.
    """
    if not (context.has_partition_key or context.has_partition_key_range):
        raise dg.Failure(
            "This run has no partition: choose some with *Materialize*; their checks are made with them.",
            allow_retries=False,
        )
    return sorted(window_of(partitions, key) for key in context.partition_keys)


def windows_between(
    partitions: dg.TimeWindowPartitionsDefinition, start: datetime, end: datetime
) -> list[Window]:
    """Return the windows that lie wholly within ``[start, end)``, in time order."""
    # Dagster counts the hours of a zone that moves by half an hour from the start of the query, and returns
    # keys of no partition unless that start is whole hours after the first partition.
    whole_hours = start - (start - partitions.start) % HOUR
    keys = partitions.get_partition_keys_in_time_window(dg.TimeWindow(whole_hours, end))
    windows = [window_of(partitions, key) for key in keys]
    return [window for window in windows if window.start >= start and window.end <= end]


def reference_windows(model: MonitoredModel) -> list[Window]:
    """Return the partitions of the model's reference window."""
    start, end = model.reference_window()
    first = max(start, model.cadence.start_instant)
    return windows_between(partitions_of(model.cadence.group), _utc(first), _utc(end))


def recent_windows(model: MonitoredModel, spans: Sequence[tuple[datetime, datetime]]) -> list[Window]:
    """Return the windows of the model that lie within any of `spans`, in time order."""
    group, start = model.cadence.group, model.cadence.start_instant
    ended = [window for since, until in spans for window in _ended(group, _utc(since), _utc(until))]
    return [window for window in ended if window.start >= start]


@lru_cache(maxsize=256)  # all models of a group ask for the same at one tick; an hourly one has 840 windows
def _ended(group: CadenceGroup, since: datetime, until: datetime) -> tuple[Window, ...]:
    end = until if group.end is None else min(until, _utc(group.end))
    return tuple(windows_between(partitions_of(group), since, end)) if since < end else ()


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
