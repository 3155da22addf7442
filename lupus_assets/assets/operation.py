"""Jobs, schedules and the sensor of a location: one job and one schedule per cadence group."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg

from lupus_assets.assets.installation import RESOURCE, pipeline_of
from lupus_assets.assets.key import STEPS, comparison_key, step_key
from lupus_assets.assets.outcome import evaluation
from lupus_assets.assets.partition import partitions_of, recent_windows
from lupus_assets.assets.work import LOOKBACK, Batch, batches, missing, tasks
from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.cadence import CadenceGroup
from lupus_assets.errors import DeclarationError, LupusError
from lupus_assets.monitor.check import Outcome
from lupus_assets.pipeline import Pipeline
from lupus_assets.records import Window

TICK = "*/10 * * * *"  # a tick without work costs one listing of the store
ATTEMPTS = 3  # runs of the same work before a person has to look
WORK = "lupus/work"  # run tag: a digest of what the run was launched for


def group_slug(group: CadenceGroup) -> str:
    """Return the name of a cadence group's job: ``day_america_new_york_2013q2_until_20140101``."""
    quarter = f"{group.start.year}q{(group.start.month + 2) // 3}"
    until = f"_until_{group.end:%Y%m%d}" if group.end else ""
    every = group.every.replace("*", "any")
    return re.sub(r"[^a-z0-9]+", "_", f"{every}_{group.timezone}_{quarter}{until}".lower()).strip("_")


def groups_of(models: Sequence[MonitoredModel]) -> dict[CadenceGroup, list[MonitoredModel]]:
    """Return the models of each cadence group."""
    groups: dict[CadenceGroup, list[MonitoredModel]] = {}
    for model in models:
        groups.setdefault(model.cadence.group, []).append(model)
    return groups


def _keys(models: Sequence[MonitoredModel]) -> Iterator[dg.AssetKey]:
    for model in models:
        for track in model.tracks:
            yield from (step_key(model, track, step) for step in STEPS)
        yield from (comparison_key(model, pair.old, pair.new) for pair in model.compare)


def group_schedule(group: CadenceGroup, models: Sequence[MonitoredModel]) -> dg.ScheduleDefinition:
    """Return the schedule that launches what has arrived or is due, and is not done."""

    @dg.schedule(
        name=f"{group_slug(group)}_schedule",
        job_name=group_slug(group),
        cron_schedule=TICK,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        required_resource_keys={RESOURCE},
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        now = context.scheduled_execution_time.astimezone(UTC)
        pipeline = pipeline_of(context)
        open_work = tasks(models, **_state(pipeline, models, now))
        launched = 0
        for batch in batches(open_work):
            request = _request(context.instance, batch)
            if request is not None:
                launched += 1
                yield request
        if not launched:
            yield dg.SkipReason("nothing has arrived that is not judged")

    return schedule


def _state(pipeline: Pipeline, models: Sequence[MonitoredModel], now: datetime) -> dict[str, object]:
    """Return what decides about work, with one query for all models."""

    def arrived(model: MonitoredModel, track: str, window: Window) -> bool:
        try:
            return pipeline.source(model, track).arrived(window)
        except LupusError:
            return True  # there is something, and the run will say what is wrong with it

    return {
        "now": now,
        "done": pipeline.store.places("verdicts", models=[model.name for model in models]),
        "windows": lambda model: recent_windows(model, now, LOOKBACK),
        "arrived": arrived,
    }


def _request(instance: dg.DagsterInstance, batch: Batch) -> dg.RunRequest | None:
    """Return the run of a batch; None while one is under way, or after `ATTEMPTS` vain ones."""
    work = hashlib.sha256(batch.name.encode()).hexdigest()[:16]
    attempts = instance.get_runs_count(dg.RunsFilter(tags={WORK: work}))
    unfinished = instance.get_runs_count(
        dg.RunsFilter(
            tags={WORK: work},
            statuses=[
                dg.DagsterRunStatus.QUEUED,
                dg.DagsterRunStatus.NOT_STARTED,
                dg.DagsterRunStatus.STARTING,
                dg.DagsterRunStatus.STARTED,
            ],
        )
    )
    if unfinished or attempts >= ATTEMPTS:
        return None
    selection = [step_key(task.model, task.track, step) for task in batch.tasks for step in STEPS]
    models = {task.model.key: task.model for task in batch.tasks}
    selection += [
        comparison_key(model, pair.old, pair.new) for model in models.values() for pair in model.compare
    ]
    return dg.RunRequest(
        run_key=f"{work}/{attempts}",
        partition_key=batch.window.key,
        asset_selection=selection,
        tags={WORK: work},
    )


def arrival_sensor(
    models: Sequence[MonitoredModel], broken: Mapping[dg.AssetKey, DeclarationError]
) -> dg.SensorDefinition:
    """Return the one sensor that says, without a run, which due partitions have not come.

    It also reports declarations that cannot be loaded as failing checks. It reports on change only.
    """

    @dg.sensor(
        name="arrival",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={RESOURCE},
        description="Which due partitions have not arrived; one query for all models.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        now = datetime.now(UTC)
        absent = missing(models, **_state(pipeline_of(context), models, now))
        known = json.loads(context.cursor) if context.cursor else {}
        current = {f"{key}/{track}": window.key for (key, track), (_, window) in absent.items()}
        current |= {
            key.to_user_string(): hashlib.sha256(str(error).encode()).hexdigest()
            for key, error in broken.items()
        }
        for (key, track), (model, window) in absent.items():
            if known.get(f"{key}/{track}") != window.key:
                due = window.end + model.cadence.grace
                said = f"partition {window.key} was due {due:%Y-%m-%d %H:%M} UTC and has not arrived"
                context.instance.report_runless_asset_event(
                    evaluation(
                        Outcome("arrival", passed=False, sentence=said),
                        asset=step_key(model, track, "metrics"),
                        partition=window.key,
                    )
                )
        for asset, error in broken.items():
            if known.get(asset.to_user_string()) != current[asset.to_user_string()]:
                context.instance.report_runless_asset_event(broken_evaluation(asset, error))
        context.update_cursor(json.dumps(current, sort_keys=True))
        return dg.SkipReason(
            f"{len(absent)} due partitions have not arrived; {len(broken)} declarations are broken"
        )

    return sensor


def broken_evaluation(asset: dg.AssetKey, error: DeclarationError) -> dg.AssetCheckEvaluation:
    """Return the failing check of a declaration that cannot be loaded."""
    count = len(error.problems)
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name="declaration",
        passed=False,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{count} mistake{'s' if count > 1 else ''}: {error.problems[0]}",
        metadata={"mistakes": dg.MetadataValue.md("\n".join(f"- `{problem}`" for problem in error.problems))},
    )


def operations(
    models: Sequence[MonitoredModel], broken: Mapping[dg.AssetKey, DeclarationError]
) -> dg.Definitions:
    """Return the jobs, schedules and the sensor of a location."""
    jobs, schedules = [], []
    for group, members in groups_of(models).items():
        jobs.append(
            dg.define_asset_job(
                group_slug(group),
                selection=dg.AssetSelection.assets(*_keys(members)),
                partitions_def=partitions_of(group),
                executor_def=dg.in_process_executor,  # a process per step costs seconds, and steps take less
                description=f"Profile, metrics, verdicts and comparisons of {len(members)} models.",
            )
        )
        schedules.append(group_schedule(group, members))
    return dg.Definitions(jobs=jobs, schedules=schedules, sensors=[arrival_sensor(models, broken)])
