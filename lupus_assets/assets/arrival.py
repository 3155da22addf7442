"""The sensor of a location: it reports due partitions that are missing, and broken declarations."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg

from lupus_assets.assets.installation import RESOURCE, installation_of
from lupus_assets.assets.key import checked_key, reference_key
from lupus_assets.assets.operation import open_tasks, situation
from lupus_assets.assets.outcome import evaluation
from lupus_assets.assets.reference import DECLARATION
from lupus_assets.assets.work import Situation, missing
from lupus_assets.declare import MonitoredModel
from lupus_assets.errors import DeclarationError
from lupus_assets.judging.check import ARRIVAL, Outcome

INTERVAL_SECONDS = 60

Report = tuple[str, str, dg.AssetCheckEvaluation]  # (subject, its state, event to report if the state is new)


def arrival_sensor(
    models: Sequence[MonitoredModel], broken: Mapping[dg.AssetKey, DeclarationError]
) -> dg.SensorDefinition:
    """Return the sensor; it reports without a run, and only changes."""

    @dg.sensor(
        name="arrival",
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={RESOURCE},
        description="Which due partitions have not arrived; one query of each table for all models.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        found = situation(installation_of(context), context.instance, models, datetime.now(UTC))
        absent, failures = absent_reports(models, found)
        reports = [*absent, *_failed_reports(models, failures), *_broken_reports(broken)]
        known = json.loads(context.cursor) if context.cursor else {}
        for subject, state, said in reports:
            if known.get(subject) != state:
                context.instance.report_runless_asset_event(said)
        told = {subject: state for subject, state, _ in reports}
        for model in models:
            if _failing(model) in known.keys() - told.keys():
                context.instance.report_runless_asset_event(_worked(model))
        context.update_cursor(json.dumps(told, sort_keys=True))
        return dg.SkipReason(
            f"{len(absent)} due partitions have not arrived; "
            f"{len(broken) + len(failures)} declarations are broken"
        )

    return sensor


def absent_reports(
    models: Sequence[MonitoredModel], found: Situation
) -> tuple[list[Report], dict[str, Exception]]:
    """Return a failing `arrival` for every track whose newest due partition is missing, and failed models.

    The second result has the error of every model whose open tasks cannot be determined, by the model's key:
    the same errors as in the schedule, although only the newest partition of each log is looked up.
    """
    _, failures = open_tasks(models, replace(found, arrived=lambda _model, _track, _window: False))
    reports: list[Report] = []
    for model in models:
        try:
            reports += _absent(model, found)
        except Exception as error:  # an error of one model does not affect the others
            failures.setdefault(model.key, error)
    return reports, failures


def _absent(model: MonitoredModel, found: Situation) -> Iterator[Report]:
    for track, window in missing(model, found):
        due = window.end + model.cadence.grace
        said = f"partition {window.key} was due {due:%Y-%m-%d %H:%M} UTC and has not arrived"
        yield (
            f"{model.key}/{track}",
            window.key,
            evaluation(
                Outcome(ARRIVAL, passed=False, sentence=said),
                asset=checked_key(model, track),
                partition=window.key,
            ),
        )


def _failing(model: MonitoredModel) -> str:
    return f"{model.key}: {DECLARATION}"


def _failed_reports(models: Sequence[MonitoredModel], failures: Mapping[str, Exception]) -> Iterator[Report]:
    """Yield a failing `declaration` for every model in `failures`."""
    for model in models:
        error = failures.get(model.key)
        if error is not None:
            text = f"nothing is launched: {type(error).__name__}: {error}"
            yield (
                _failing(model),
                _state(text),
                dg.AssetCheckEvaluation(
                    asset_key=reference_key(model),
                    check_name=DECLARATION,
                    passed=False,
                    severity=dg.AssetCheckSeverity.ERROR,
                    description=text,
                ),
            )


def _worked(model: MonitoredModel) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=reference_key(model), check_name=DECLARATION, passed=True, description="works again"
    )


def _state(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _broken_reports(broken: Mapping[dg.AssetKey, DeclarationError]) -> Iterator[Report]:
    for asset, error in broken.items():
        yield asset.to_user_string(), _state(str(error)), broken_evaluation(asset, error)


def broken_evaluation(asset: dg.AssetKey, error: DeclarationError) -> dg.AssetCheckEvaluation:
    """Return the failing check of a declaration that cannot be loaded."""
    count = len(error.problems)
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=DECLARATION,
        passed=False,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{count} mistake{'s' if count > 1 else ''}: {error.problems[0]}",
        metadata={"mistakes": dg.MetadataValue.md("\n".join(f"- `{problem}`" for problem in error.problems))},
    )


def broken_check(key: dg.AssetKey, error: DeclarationError) -> dg.AssetChecksDefinition:
    """Return the check that reports the mistakes of a broken declaration at every evaluation."""

    @dg.asset_check(asset=key, name=DECLARATION, description="Can the declaration be loaded?")
    def declaration() -> dg.AssetCheckResult:
        said = broken_evaluation(key, error)
        return dg.AssetCheckResult(
            passed=False, severity=said.severity, description=said.description, metadata=said.metadata
        )

    return declaration
