"""One multi-asset per (model, track): profile, metrics and verdicts of its partitions, and their checks.

A range runs as one step; every partition is materialised and checked separately. An error in one partition
becomes that partition's failing check and does not affect the others.
"""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg

from lupus_assets.assets.installation import RESOURCE, pipeline_of
from lupus_assets.assets.key import STEPS, checked_key, log_key, reference_key, step_key, step_prefix
from lupus_assets.assets.outcome import check_specs, evaluation, materialisations
from lupus_assets.assets.partition import partitions_of, window_of, windows_of_run
from lupus_assets.assets.plot import metric_numbers
from lupus_assets.assets.reference import reference_of
from lupus_assets.assets.tag import TABLE_KINDS, group_name, owners, tags
from lupus_assets.assets.undertaking import CHUNK, Undertaking
from lupus_assets.declare import MonitoredModel
from lupus_assets.errors import (
    ColumnMismatch,
    LupusError,
    PartitionMissing,
    ReferenceMissing,
    ServiceUnreachable,
    SourceError,
    SourceUnreadable,
)
from lupus_assets.judging.check import Outcome, checks_of, outcomes, unmeasured
from lupus_assets.judging.finding import Findings
from lupus_assets.judging.rule import describe, rules_of
from lupus_assets.picturing.address import Address
from lupus_assets.picturing.sparkline import trail
from lupus_assets.pipeline import Pipeline
from lupus_assets.profiling.coverage import coverage
from lupus_assets.profiling.profiled import WHOLE, Profiled
from lupus_assets.reading.cut import Cut, cuts, labels_behind
from lupus_assets.records import VerdictRow, Window
from lupus_assets.stats.reference.frozen import Reference


def freshness(model: MonitoredModel) -> dg.FreshnessPolicy | None:
    """Return the policy that monitors the pipeline itself; None for a closed history.

    It fails without a new materialisation for two periods and the grace.
    """
    if model.cadence.end is not None:
        return None
    late = 2 * model.cadence.period + model.cadence.grace
    return dg.FreshnessPolicy.time_window(fail_window=late, warn_window=late - model.cadence.period / 2)


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
            kinds=TABLE_KINDS,
            freshness_policy=freshness(model) if step == "metrics" else None,
        )
        upstream = [step_key(model, track, step)]


def track_assets(model: MonitoredModel, track: str) -> dg.AssetsDefinition:
    """Return the partitioned assets and checks of one track."""
    partitions = partitions_of(model.cadence.group)

    @dg.multi_asset(
        name=f"{step_prefix(model)}__{track}",
        partitions_def=partitions,
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
        specs=list(_specs(model, track)),
        check_specs=check_specs(
            checked_key(model, track), partitions, checks_of(model, track), labels_behind(model)
        ),
        required_resource_keys={RESOURCE},
    )
    def run(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckEvaluation]:
        run = _Run(model, track, context, pipeline_of(context), datetime.now(UTC))
        yield from run.all(_newest(context, model, track) or windows_of_run(context, partitions))

    return run


def _newest(context: dg.AssetExecutionContext, model: MonitoredModel, track: str) -> list[Window]:
    """Return the newest materialised partition for a run of checks only, without a partition.

    Dagit's *Execute all* launches such runs. Empty for any other run.
    """
    if context.has_partition_key or context.has_partition_key_range or context.selected_asset_keys:
        return []
    partitions = partitions_of(model.cadence.group)
    made = context.instance.get_materialized_partitions(checked_key(model, track))
    return sorted(window_of(partitions, key) for key in made)[-1:]


@dataclass
class _Partition:
    """The results of one partition."""

    profiled: dict[Cut, Profiled] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)  # for Dagit's plots of the metrics
    verdicts: list[VerdictRow] = field(default_factory=list)


@dataclass
class _Run:
    """One step of one run: a track and some of its partitions."""

    model: MonitoredModel
    track: str
    context: dg.AssetExecutionContext
    pipeline: Pipeline
    now: datetime
    reference: Reference | None = None  # of all partitions, once it has been read
    crashed: dict[str, str] = field(default_factory=dict)  # error text, by partition

    def __post_init__(self) -> None:
        wanted = self.context.selected_asset_keys
        self.steps = [step for step in STEPS if step_key(self.model, self.track, step) in wanted]
        self.checks = [key.name for key in self.context.selected_asset_check_keys]
        self.checked = checked_key(self.model, self.track)
        parts = [*self.steps, *self.checks]
        self.undertaking = Undertaking.of(self.context, self.model, self.track, parts)

    def all(self, windows: Sequence[Window]) -> Iterator[dg.AssetCheckEvaluation]:
        """Process the windows chunk by chunk; a later failure keeps the earlier chunks."""
        for start in range(0, len(windows), CHUNK):
            yield from self._chunk(windows[start : start + CHUNK])
        if self.crashed:
            first, text = next(iter(self.crashed.items()))
            raise dg.Failure(
                f"{self.model.key} {self.track}: {len(self.crashed)} partitions could not be made: "
                f"{', '.join([*self.crashed][:10])}; their checks and this log say why. {first}: {text}"
            )

    def _chunk(self, windows: Sequence[Window]) -> Iterator[dg.AssetCheckEvaluation]:
        done: dict[Window, _Partition] = {}
        wrong: dict[Window, Exception] = {}
        try:
            self.undertaking.begin(windows)
            reference = self.reference or reference_of(
                self.context, self.pipeline, self.model, self.track, self.now
            )
        except Exception as error:  # reported below for each partition
            wrong = dict.fromkeys(windows, error)
        else:
            self.reference = reference
            for number, window in enumerate(windows):
                try:
                    done[window] = self._measured(window, reference)
                except ServiceUnreachable as error:  # the others would fail as well, each after a timeout
                    wrong |= dict.fromkeys(windows[number:], error)
                    break
                except Exception as error:  # reported below; the other partitions are still measured
                    wrong[window] = error
            wrong |= self._judge(done, reference)
        for window, partition in done.items():
            self._materialise(window, partition)
        yield from self._evaluated(done, wrong)
        # Tables of crashed partitions may be of two runs: they stay noted until a run completes them.
        whole = [window for window in windows if window.key not in self.crashed]
        if not whole:
            return
        try:
            self.undertaking.end(whole, [*done])
        except LupusError as error:  # they stay noted, and the next run makes them again
            self.crashed |= {window.key: str(error) for window in whole}

    def _measured(self, window: Window, reference: Reference) -> _Partition:
        partition = _Partition()
        if "profile" in self.steps:
            partition.profiled = self.pipeline.profile(self.model, self.track, window, reference, self.now)
        else:
            partition.profiled = self.pipeline.stored_profile(self.model, self.track, window, reference)
        if "metrics" in self.steps:
            metrics = self.pipeline.metrics(self.model, self.track, window, reference, partition.profiled)
            partition.numbers = metric_numbers(self.model, metrics)
        return partition

    def _judge(self, done: dict[Window, _Partition], reference: Reference) -> dict[Window, Exception]:
        """Judge the partitions of `done`; remove those that cannot be judged, and return their errors."""
        if "verdicts" not in self.steps and not self.checks:
            return {}
        try:
            self._verdicts(done, list(done), reference)
        except ServiceUnreachable as error:  # judging one by one would fail as well
            unjudged: dict[Window, Exception] = dict.fromkeys(done, error)
            done.clear()
            return unjudged
        except Exception:  # some partition cannot be judged: find it, one by one
            wrong: dict[Window, Exception] = {}
            for window in list(done):
                try:
                    self._verdicts(done, [window], reference)
                except Exception as error:  # reported by the caller
                    wrong[window] = error
                    del done[window]
            return wrong
        return {}

    def _verdicts(
        self, done: Mapping[Window, _Partition], windows: Sequence[Window], reference: Reference
    ) -> None:
        found = self.pipeline.verdicts(
            self.model, self.track, reference, {window: done[window].profiled for window in windows}
        )
        for window, rows in found.items():
            done[window].verdicts = rows

    def _materialise(self, window: Window, partition: _Partition) -> None:
        numbers: dict[str, Mapping[str, float]] = {
            "profile": {"rows": _rows(partition), "cuts": len(partition.profiled)},
            "metrics": partition.numbers,
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

    def _evaluated(
        self, done: Mapping[Window, _Partition], wrong: Mapping[Window, Exception]
    ) -> Iterator[dg.AssetCheckEvaluation]:
        found = {window: self._outcomes(window, partition) for window, partition in done.items()}
        found |= {window: self._failures(window, error) for window, error in wrong.items()}
        latest = materialisations(self.context.instance, self.checked, [window.key for window in found])
        told = [window for window, each in found.items() if any(outcome.offenders for outcome in each)]
        shown = self.pipeline.trails(self.model, self.track, told) if told else None
        for window, of_window in sorted(found.items()):
            for outcome in of_window:
                first = next(iter(outcome.offenders), None)
                yield evaluation(
                    outcome,
                    asset=self.checked,
                    partition=window.key,
                    materialisation=latest.get(window.key),
                    trail=None if shown is None or first is None else trail(shown, first),
                    history=None if first is None else Address.of(self.model, first),
                )

    def _outcomes(self, window: Window, partition: _Partition) -> list[Outcome]:
        findings = Findings(
            verdicts=partition.verdicts,
            rows=_rows(partition),
            awaited=self._awaited(window, partition),
            rules=[describe(rule) for rule in rules_of(self.model, self.track)],
            coverage=None if self.reference is None else coverage(self.model, self.reference),
        )
        return outcomes(findings, self.checks)

    def _awaited(self, window: Window, partition: _Partition) -> str | None:
        """Return the due time of the labels in words; None if they are in."""
        last = cuts(self.model, window)[-1]
        if not last.labels or last in partition.profiled:
            return None
        return f"{last.as_of:%Y-%m-%d %H:%M} UTC"

    def _failures(self, window: Window, error: Exception) -> list[Outcome]:
        """Log the error of a partition that could not be measured, and return the outcomes of its checks."""
        text = str(error) if isinstance(error, LupusError) else f"{type(error).__name__}: {error}"
        self.context.log.warning(f"{self.model.key} {self.track} {window.key}: {text}")
        ours = not isinstance(error, SourceError | ReferenceMissing)
        if ours or not self.checks:  # without a check, the step reports it
            self.crashed[window.key] = text
        if ours:
            self.context.log.error("".join(traceback.format_exception(error)))
        return unmeasured(
            self.checks,
            text,
            absent=isinstance(error, PartitionMissing) and "profile" in self.steps,
            came=isinstance(error, SourceUnreadable | ColumnMismatch),
        )


def _rows(partition: _Partition) -> int:
    counts = [found.profiles[WHOLE].counts for found in partition.profiled.values()]
    return next((each.rows for each in counts if each is not None), 0)
