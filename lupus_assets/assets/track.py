"""One multi-asset per (model, track): profile, metrics and verdicts of its partitions, and their checks.

A range runs as one step; every partition is materialised and checked by itself. What goes wrong in one
partition becomes that partition's failing check and leaves the others alone.
"""

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg

from lupus_assets.assets.installation import RESOURCE, pipeline_of
from lupus_assets.assets.key import STEPS, log_key, reference_key, step_key
from lupus_assets.assets.outcome import check_specs, evaluation, storage_ids
from lupus_assets.assets.partition import partitions_of, reference_windows, window_of
from lupus_assets.assets.plot import metric_numbers
from lupus_assets.declare import MonitoredModel
from lupus_assets.errors import LupusError, PartitionMissing
from lupus_assets.monitor.check import CHECKS, Outcome, outcomes
from lupus_assets.monitor.cut import Cut, cuts
from lupus_assets.monitor.profiling import WHOLE, Profiled
from lupus_assets.pipeline import Pipeline
from lupus_assets.records import MetricRow, VerdictRow, Window
from lupus_assets.stats.frozen import Reference

CHUNK = 31  # partitions between two writes of verdicts: a month of days
KINDS = {"profile": {"parquet"}, "metrics": {"parquet"}, "verdicts": {"parquet"}}


def group_name(model: MonitoredModel) -> str:
    """Return Dagit's group of a model's assets."""
    return f"{model.team}_{model.model}"


def owners(model: MonitoredModel) -> list[str]:
    """Return the owners of a model's assets: the team, on which rights hang, and the declared people."""
    return list(dict.fromkeys([f"team:{model.team}", *model.owners]))


def tags(model: MonitoredModel, track: str) -> dict[str, str]:
    """Return the tags by which a model's assets are found."""
    cadence = model.cadence.every
    named = (
        cadence
        if cadence in ("hour", "day", "week")
        else "cron"
        if "*" in cadence
        else cadence.replace(" ", "-")
    )
    return {"lupus/cadence": named, "lupus/track": track}


def freshness(model: MonitoredModel) -> dg.FreshnessPolicy | None:
    """Return "the pipeline is alive": nothing new for two periods and the grace; None for a closed history."""
    if model.cadence.end is not None:
        return None
    late = 2 * model.cadence.period + model.cadence.grace
    return dg.FreshnessPolicy.time_window(fail_window=late, warn_window=late - model.cadence.period / 2)


def selected_checks(model: MonitoredModel, track: str) -> list[str]:
    """Return the checks of a track: those that its declaration gives something to judge."""
    unlabelled = {"target_shift", "performance"} if model.columns.label is None else set()
    ruled = any(rule.track in (None, track) for rule in model.rules)
    return [check for check in CHECKS if check not in unlabelled and (check != "rules" or ruled)]


def _specs(model: MonitoredModel, track: str) -> Iterator[dg.AssetSpec]:
    description = {
        "profile": "Mergeable state of every column, one pass over the rows.",
        "metrics": "Every number read off the profile and its reference.",
        "verdicts": "Each metric's history judged: in or out of its expected range.",
    }
    upstream: list[dg.AssetKey] = [log_key(model, track), reference_key(model)]
    for step in STEPS:
        yield dg.AssetSpec(
            step_key(model, track, step),
            deps=upstream,
            description=f"{model.description}\n\n{description[step]}".strip(),
            skippable=True,  # the partitions of a range are reported one by one
            group_name=group_name(model),
            owners=owners(model),
            tags=tags(model, track),
            kinds=KINDS[step],
            freshness_policy=freshness(model) if step == "metrics" else None,
        )
        upstream = [step_key(model, track, step)]


def track_assets(model: MonitoredModel, track: str) -> dg.AssetsDefinition:
    """Return the partitioned assets and checks of one track."""
    partitions = partitions_of(model.cadence.group)

    @dg.multi_asset(
        name=f"{model.team}__{model.model}__{track}",
        partitions_def=partitions,
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
        specs=list(_specs(model, track)),
        check_specs=check_specs(step_key(model, track, "metrics"), partitions, selected_checks(model, track)),
        required_resource_keys={RESOURCE},
    )
    def run(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckEvaluation]:
        windows = sorted(window_of(partitions, key) for key in context.partition_keys)
        run = _Run(model, track, context, pipeline_of(context), datetime.now(UTC))
        yield from run.all(windows)

    return run


@dataclass
class _Partition:
    """What one partition came to."""

    profiled: dict[Cut, Profiled] = field(default_factory=dict)
    metrics: list[MetricRow] = field(default_factory=list)
    verdicts: list[VerdictRow] = field(default_factory=list)


@dataclass
class _Run:
    """One step of one run: a track and some of its partitions."""

    model: MonitoredModel
    track: str
    context: dg.AssetExecutionContext
    pipeline: Pipeline
    now: datetime
    crashed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        wanted = self.context.selected_asset_keys
        self.steps = [step for step in STEPS if step_key(self.model, self.track, step) in wanted]
        self.checks = [key.name for key in self.context.selected_asset_check_keys]
        self.checked = step_key(self.model, self.track, "metrics")

    def all(self, windows: Sequence[Window]) -> Iterator[dg.AssetCheckEvaluation]:
        """Work through the windows chunk by chunk; what is done stays done."""
        try:
            reference = self._reference()
        except LupusError as error:
            for window in windows:
                yield from self._failed(window, "completeness", str(error))
            return
        for start in range(0, len(windows), CHUNK):
            yield from self._chunk(windows[start : start + CHUNK], reference)
        if self.crashed:
            raise dg.Failure(
                f"{self.model.key} {self.track}: {len(self.crashed)} partitions failed with an error that is "
                f"Lupus's own: {', '.join(self.crashed[:10])}; see their checks and this log"
            )

    def _reference(self) -> Reference:
        reference = self.pipeline.reference(self.model, self.track)
        if reference is not None:
            return reference
        self.context.log.info("no reference is frozen yet: freezing the declared window")
        frozen = self.pipeline.freeze(self.model, reference_windows(self.model), self.now)
        self.context.log_event(
            dg.AssetMaterialization(
                reference_key(self.model),
                metadata={"rows": frozen[self.track].rows, "reference": frozen[self.track].digest},
            )
        )
        return frozen[self.track]

    def _chunk(self, windows: Sequence[Window], reference: Reference) -> Iterator[dg.AssetCheckEvaluation]:
        done: dict[Window, _Partition] = {}
        for window in windows:
            try:
                done[window] = self._measured(window, reference)
            except PartitionMissing as error:
                yield from self._failed(window, "arrival", str(error))
            except LupusError as error:
                yield from self._failed(window, "completeness", str(error))
            except Exception as error:  # reported as a failing check, and again when the step ends
                self.crashed.append(window.key)
                self.context.log.error(traceback.format_exc())
                yield from self._failed(window, "completeness", f"{type(error).__name__}: {error}")
        if "verdicts" in self.steps or self.checks:
            found = self.pipeline.verdicts(
                self.model, self.track, reference, {window: each.profiled for window, each in done.items()}
            )
            for window, rows in found.items():
                done[window].verdicts = rows
        for window, partition in done.items():
            self._materialise(window, partition)
        yield from self._evaluated(done)

    def _measured(self, window: Window, reference: Reference) -> _Partition:
        partition = _Partition()
        if "profile" in self.steps:
            partition.profiled = self.pipeline.profile(self.model, self.track, window, reference, self.now)
        else:
            partition.profiled = self.pipeline.stored_profile(self.model, self.track, window)
        if "metrics" in self.steps:
            partition.metrics = self.pipeline.metrics(
                self.model, self.track, window, reference, partition.profiled
            )
        return partition

    def _materialise(self, window: Window, partition: _Partition) -> None:
        numbers = {
            "profile": {"rows": _rows(partition), "cuts": len(partition.profiled)},
            "metrics": metric_numbers(self.model, partition.metrics),
            "verdicts": {
                "judged": sum(row.p is not None for row in partition.verdicts),
                "alarms": sum(row.flagged for row in partition.verdicts),
            },
        }
        for step in self.steps:
            self.context.log_event(
                dg.AssetMaterialization(
                    step_key(self.model, self.track, step), partition=window.key, metadata=numbers[step]
                )
            )

    def _evaluated(self, done: dict[Window, _Partition]) -> Iterator[dg.AssetCheckEvaluation]:
        ids = storage_ids(self.context.instance, self.checked, [window.key for window in done])
        for window, partition in done.items():
            arrived = Outcome("arrival", passed=True, sentence=f"{_rows(partition):,} rows arrived")
            others = [check for check in self.checks if check != "arrival"]
            found = [arrived] if "arrival" in self.checks else []
            found += outcomes(partition.verdicts, others, self._awaited(window, partition))
            for outcome in found:
                yield evaluation(
                    outcome,
                    asset=self.checked,
                    partition=window.key,
                    storage_id=ids.get(window.key),
                    run_id=self.context.run_id,
                )

    def _awaited(self, window: Window, partition: _Partition) -> str | None:
        """Return when the labels are due, if they are not in yet."""
        last = cuts(self.model, window)[-1]
        if not last.labels or last in partition.profiled:
            return None
        return f"{last.as_of:%Y-%m-%d %H:%M} UTC"

    def _failed(self, window: Window, check: str, text: str) -> Iterator[dg.AssetCheckEvaluation]:
        """Yield what a partition that could not be measured comes to: one failing check, never silence."""
        self.context.log.warning(f"{self.model.key} {self.track} {window.key}: {text}")
        if check in self.checks:
            yield evaluation(
                Outcome(check, passed=False, sentence=text), asset=self.checked, partition=window.key
            )


def _rows(partition: _Partition) -> int:
    counts = [found.profiles[WHOLE].counts for found in partition.profiled.values()]
    return next((each.rows for each in counts if each is not None), 0)
