"""The one sensor of a location: what is due and has not come, and which declarations are broken."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg

from lupus_assets.assets.installation import RESOURCE, installation_of
from lupus_assets.assets.key import step_key
from lupus_assets.assets.operation import situation
from lupus_assets.assets.outcome import evaluation
from lupus_assets.assets.work import Situation, missing
from lupus_assets.declare import MonitoredModel
from lupus_assets.errors import DeclarationError
from lupus_assets.monitor.check import Outcome

INTERVAL_SECONDS = 60

Report = tuple[str, str, dg.AssetCheckEvaluation]  # (subject, its state, what to say when the state is new)


def arrival_sensor(
    models: Sequence[MonitoredModel], broken: Mapping[dg.AssetKey, DeclarationError]
) -> dg.SensorDefinition:
    """Return the sensor that reports, without a run and on change only."""

    @dg.sensor(
        name="arrival",
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={RESOURCE},
        description="Which due partitions have not arrived; one query for all models.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        found = situation(installation_of(context), context.instance, models, datetime.now(UTC))
        absent = list(absent_reports(models, found))
        reports = [*absent, *_broken_reports(broken)]
        known = json.loads(context.cursor) if context.cursor else {}
        for subject, state, said in reports:
            if known.get(subject) != state:
                context.instance.report_runless_asset_event(said)
        context.update_cursor(json.dumps({subject: state for subject, state, _ in reports}, sort_keys=True))
        return dg.SkipReason(
            f"{len(absent)} due partitions have not arrived; {len(broken)} declarations are broken"
        )

    return sensor


def absent_reports(models: Sequence[MonitoredModel], found: Situation) -> Iterator[Report]:
    """Yield a failing `arrival` for the newest due partition of every track that has not brought it."""
    for model in models:
        for track, window in missing(model, found):
            due = window.end + model.cadence.grace
            said = f"partition {window.key} was due {due:%Y-%m-%d %H:%M} UTC and has not arrived"
            yield (
                f"{model.key}/{track}",
                window.key,
                evaluation(
                    Outcome("arrival", passed=False, sentence=said),
                    asset=step_key(model, track, "metrics"),
                    partition=window.key,
                ),
            )


def _broken_reports(broken: Mapping[dg.AssetKey, DeclarationError]) -> Iterator[Report]:
    for asset, error in broken.items():
        state = hashlib.sha256(str(error).encode()).hexdigest()
        yield asset.to_user_string(), state, broken_evaluation(asset, error)


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


def broken_check(key: dg.AssetKey, error: DeclarationError) -> dg.AssetChecksDefinition:
    """Return the check that says what is wrong with a declaration whenever it is asked."""

    @dg.asset_check(asset=key, name="declaration", description="Can the declaration be loaded?")
    def declaration() -> dg.AssetCheckResult:
        said = broken_evaluation(key, error)
        return dg.AssetCheckResult(
            passed=False, severity=said.severity, description=said.description, metadata=said.metadata
        )

    return declaration
