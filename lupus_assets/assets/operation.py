"""Jobs and schedules of a location: one of each per cadence group."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg

from lupus_assets.assets.installation import RESOURCE, Installation, installation_of
from lupus_assets.assets.key import comparison_key, made_keys, step_key
from lupus_assets.assets.launched import (
    OVER,
    RANGE,
    SPAN,
    WORK,
    Launched,
    digest,
    span,
    unfinished,
    work_item,
)
from lupus_assets.assets.partition import recent_windows
from lupus_assets.assets.work import Batch, Situation, Task, batches, by_track, spans, tasks
from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.cadence import CadenceGroup
from lupus_assets.errors import LupusError
from lupus_assets.records import Window

TICK = "*/10 * * * *"  # a tick without work costs a listing of each table
JUDGED = ("profiles", "metrics", "incidents", "verdicts")  # a partition is done when all of them hold it
COMPARED = ("comparisons",)
RETRIES = "dagster/max_retries"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def group_slug(group: CadenceGroup) -> str:
    """Return the name of a cadence group's job: ``day_america_new_york_2013q2_until_20140101``.

    Groups that a name alone does not distinguish get a digest: those with cron strings, with zones such as
    ``Etc/GMT+5``, or with an end within a day.
    """
    quarter = f"{group.start.year}q{(group.start.month + 2) // 3}"
    until = f"_until_{group.end:%Y%m%d}" if group.end else ""
    every = group.every.replace("*", "any")
    slug = re.sub(r"[^a-z0-9]+", "_", f"{every}_{group.timezone}_{quarter}{until}".lower()).strip("_")
    plain = re.fullmatch(r"[a-z0-9 ]+", group.every) and not re.search(r"[+-]\d", group.timezone)
    whole_day = group.end is None or (group.end.hour, group.end.minute) == (0, 0)
    return slug if plain and whole_day else f"{slug}_{digest(repr(group))[:6]}"


def groups_of(models: Sequence[MonitoredModel]) -> dict[CadenceGroup, list[MonitoredModel]]:
    """Return the models of each cadence group."""
    groups: dict[CadenceGroup, list[MonitoredModel]] = {}
    for model in models:
        groups.setdefault(model.cadence.group, []).append(model)
    return groups


def situation(
    installation: Installation, instance: dg.DagsterInstance, models: Sequence[MonitoredModel], now: datetime
) -> Situation:
    """Return the situation at `now`, with one query per table for all models."""
    pipeline = installation.pipeline()

    def arrived(model: MonitoredModel, track: str, window: Window) -> bool:
        try:
            return pipeline.source(model, track).arrived(window)
        except (LupusError, OSError):
            return True  # the log exists; the run reports the error

    noted = installation.journal().noted()
    going_on = unfinished(instance, {pending.run for pending in noted})
    interrupted: dict[tuple[str, str], set[Window]] = {}
    under_way: dict[tuple[str, str], set[Window]] = {}
    for pending in noted:
        kept = under_way if pending.run in going_on else interrupted
        kept.setdefault((pending.model, pending.track), set()).update(pending.windows)
    since = min((_earliest(model, now) for model in models), default=now)
    paired = [model.name for model in models if model.compare]
    places = pipeline.store.common_places(JUDGED, models=[model.name for model in models], since=since)
    compared = pipeline.store.common_places(COMPARED, models=paired, since=since)
    return Situation(
        now=now,
        done=by_track([*places, *compared]),
        windows=lambda model: recent_windows(model, spans(model, now)),
        arrived=arrived,
        interrupted=interrupted,
        under_way=under_way,
    )


def _earliest(model: MonitoredModel, now: datetime) -> datetime:
    """Return the earliest possible start of the windows to look at; `now` if the model cannot compute it."""
    try:
        return spans(model, now)[0][0] - model.cadence.period
    except Exception:  # `open_tasks` reports the error
        return now


def operations(models: Sequence[MonitoredModel]) -> dg.Definitions:
    """Return the jobs and schedules of a location's models."""
    jobs, schedules = [], []
    for group, members in groups_of(models).items():
        jobs.append(
            dg.define_asset_job(
                group_slug(group),
                selection=dg.AssetSelection.assets(*(key for model in members for key in made_keys(model))),
                executor_def=dg.in_process_executor,  # a process per step costs seconds, and steps take less
                description=f"Profiles, metrics, verdicts, comparisons of {_counted(len(members), 'model')}.",
            )
        )
        schedules.append(group_schedule(group, members))
    return dg.Definitions(jobs=jobs, schedules=schedules)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def group_schedule(group: CadenceGroup, models: Sequence[MonitoredModel]) -> dg.ScheduleDefinition:
    """Return the schedule that launches the open tasks of a cadence group."""

    @dg.schedule(
        name=f"{group_slug(group)}_schedule",
        job_name=group_slug(group),
        cron_schedule=TICK,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        required_resource_keys={RESOURCE},
        description="Launches the partitions that have arrived and are not judged, many models a run.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        now = context.scheduled_execution_time.astimezone(UTC)
        found = situation(installation_of(context), context.instance, models, now)
        work, failures = open_tasks(models, found)
        for model, error in failures.items():
            context.log.error(f"{model}: {error}")
        launched = Launched(context.instance, group_slug(group), work)
        for batch in batches(launched.stretches()):
            yield _request(batch, launched)
        if not launched.chosen:
            yield dg.SkipReason("; ".join([launched.sentence(), *_told(failures)]))

    return schedule


def open_tasks(models: Sequence[MonitoredModel], found: Situation) -> tuple[list[Task], dict[str, Exception]]:
    """Return the open tasks, and the errors of models whose tasks cannot be determined, by model key."""
    work: list[Task] = []
    failures: dict[str, Exception] = {}
    for model in models:
        try:
            work += list(tasks(model, found))
        except Exception as error:  # an error of one model does not affect the others
            failures[model.key] = error
    return work, failures


def _told(failures: Mapping[str, Exception]) -> Iterator[str]:
    if failures:
        model, error = next(iter(failures.items()))
        rest = f" and {len(failures) - 1} more" if len(failures) > 1 else ""
        yield f"nothing can be told of {model}{rest}: {type(error).__name__}: {error}"


def _request(batch: Batch, launched: Launched) -> dg.RunRequest:
    """Return the run of a batch."""
    selection: dict[dg.AssetKey, None] = {}
    for task in batch.tasks:
        old, _, new = task.track.partition("~")
        if new:
            selection[comparison_key(task.model, old, new)] = None
        selection |= {step_key(task.model, task.track, step): None for step in task.steps}
    whole = " ".join(f"{task.name}/{task.window.key}" for task in batch.tasks)
    tags = {WORK: " ".join(dict.fromkeys(work_item(task) for task in batch.tasks))}
    several = batch.first != batch.last
    if several:
        tags |= {
            OVER: RANGE,
            SPAN: span(batch.first, batch.last),
            RANGE_START: batch.first.key,
            RANGE_END: batch.last.key,
            RETRIES: "0",  # after a failure, the next ticks launch shorter ranges, down to single partitions
        }
    return dg.RunRequest(
        run_key=f"{digest(whole)}/{max(launched.attempts(task) for task in batch.tasks)}",
        partition_key=None if several else batch.first.key,
        asset_selection=[*selection],
        tags=tags,
    )
