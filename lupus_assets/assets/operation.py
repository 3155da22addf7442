"""Jobs and schedules of a location: one of each per cadence group."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dagster as dg

from lupus_assets.assets.installation import RESOURCE, pipeline_of
from lupus_assets.assets.key import STEPS, comparison_key, made_keys, step_key
from lupus_assets.assets.partition import recent_windows
from lupus_assets.assets.work import Batch, Situation, Task, batches, lookback, tasks
from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.cadence import CadenceGroup
from lupus_assets.errors import LupusError
from lupus_assets.pipeline import Pipeline
from lupus_assets.records import Window

TICK = "*/10 * * * *"  # a tick without work costs one listing of the store
ATTEMPTS = 3  # runs of the same work before a person has to look
WORK = "lupus/work"  # run tag: digests of the tasks that the run was launched for
PARTITION = "dagster/partition"  # Dagster's own tag of a run over one partition
NAMED = 3  # tasks that a sentence names before it counts the rest


def group_slug(group: CadenceGroup) -> str:
    """Return the name of a cadence group's job: ``day_america_new_york_2013q2_until_20140101``.

    A digest tells apart what a name cannot: cron strings, ``Etc/GMT+5`` and ``-5``, ends within a day.
    """
    quarter = f"{group.start.year}q{(group.start.month + 2) // 3}"
    until = f"_until_{group.end:%Y%m%d}" if group.end else ""
    every = group.every.replace("*", "any")
    slug = re.sub(r"[^a-z0-9]+", "_", f"{every}_{group.timezone}_{quarter}{until}".lower()).strip("_")
    plain = re.fullmatch(r"[a-z0-9 ]+", group.every) and not re.search(r"[+-]\d", group.timezone)
    whole_day = group.end is None or (group.end.hour, group.end.minute) == (0, 0)
    return slug if plain and whole_day else f"{slug}_{_digest(repr(group))[:6]}"


def groups_of(models: Sequence[MonitoredModel]) -> dict[CadenceGroup, list[MonitoredModel]]:
    """Return the models of each cadence group."""
    groups: dict[CadenceGroup, list[MonitoredModel]] = {}
    for model in models:
        groups.setdefault(model.cadence.group, []).append(model)
    return groups


def situation(pipeline: Pipeline, models: Sequence[MonitoredModel], now: datetime) -> Situation:
    """Return what decides about work at `now`, with one query of the store for all models."""

    def arrived(model: MonitoredModel, track: str, window: Window) -> bool:
        try:
            return pipeline.source(model, track).arrived(window)
        except (LupusError, OSError):
            return True  # there is something, and the run will say what is wrong with it

    longest = max((lookback(model) + model.cadence.period for model in models), default=timedelta(0))
    done = pipeline.store.places("verdicts", models=[model.name for model in models], since=now - longest)
    return Situation(
        now=now,
        done=done,
        windows=lambda model: recent_windows(model, now, lookback(model)),
        arrived=arrived,
    )


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
    """Return the schedule that launches what has arrived or is due, and is not done."""

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
        launched = _Launched(context.instance, group_slug(group))
        wanted = [
            task
            for task in tasks(models, situation(pipeline_of(context), models, now))
            if launched.wants(task)
        ]
        for batch in batches(wanted):
            yield _request(batch, launched)
        if not wanted:
            yield dg.SkipReason(launched.sentence())

    return schedule


@dataclass
class _Launched:
    """What a job's earlier runs were launched for, asked once per partition."""

    instance: dg.DagsterInstance
    job: str
    attempts: dict[Window, Counter[str]] = field(default_factory=dict)
    under_way: set[str] = field(default_factory=set)
    running: int = 0
    given_up: list[str] = field(default_factory=list)

    def wants(self, task: Task) -> bool:
        """Return whether to launch a task: not while it is under way, nor after `ATTEMPTS` vain runs."""
        if task.window not in self.attempts:
            self._ask(task.window)
        digest = _digest(task.name)
        if digest in self.under_way:
            self.running += 1
            return False
        if self.attempts[task.window][digest] >= ATTEMPTS:
            self.given_up.append(f"{task.model.key} {task.track} {task.window.key}")
            return False
        return True

    def _ask(self, window: Window) -> None:
        runs = self.instance.get_runs(dg.RunsFilter(job_name=self.job, tags={PARTITION: window.key}))
        self.attempts[window] = Counter()
        for run in runs:
            digests = run.tags.get(WORK, "").split()
            self.attempts[window].update(digests)
            if not run.is_finished:
                self.under_way.update(digests)

    def sentence(self) -> str:
        """Return why nothing is launched."""
        said = ["nothing has arrived that is not judged"]
        if self.running:
            said = [f"{self.running} partitions are under way"]
        if self.given_up:
            rest = len(self.given_up) - NAMED
            named = ", ".join(self.given_up[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
            said.append(f"after {ATTEMPTS} vain runs these wait for a person: {named}")
        return "; ".join(said)


def _request(batch: Batch, launched: _Launched) -> dg.RunRequest:
    """Return the run of a batch."""
    digests = [_digest(task.name) for task in batch.tasks]
    attempt = max(launched.attempts[batch.window][digest] for digest in digests)
    selection = [step_key(task.model, task.track, step) for task in batch.tasks for step in STEPS]
    models = {task.model.key: task.model for task in batch.tasks}
    selection += [
        comparison_key(model, pair.old, pair.new) for model in models.values() for pair in model.compare
    ]
    return dg.RunRequest(
        run_key=f"{_digest(' '.join(digests))}/{attempt}",
        partition_key=batch.window.key,
        asset_selection=selection,
        tags={WORK: " ".join(digests)},
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
