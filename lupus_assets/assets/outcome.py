"""Check outcomes become Dagster's partitioned check evaluations.

Belongs here: the one private import of the project, and what Dagster must be told for a check result of
one partition to count as current. Does not belong here: what a check says.
"""

import time
import warnings
from collections.abc import Iterable, Iterator, Sequence

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)

from lupus_assets.monitor.check import CHECKS, Outcome
from lupus_assets.monitor.wording import target

OFFENDERS = 20  # rows of the table in a check's metadata: what fits a screen

# Partitioned checks are in preview; the version of Dagster is pinned exactly because of it.
warnings.filterwarnings(
    "ignore", category=dg.PreviewWarning, message="Specifying a partitions_def on an AssetCheckSpec"
)


def check_specs(
    asset: dg.AssetKey, partitions: dg.PartitionsDefinition, checks: Iterable[str]
) -> list[dg.AssetCheckSpec]:
    """Return the specs of partitioned, non-blocking checks."""
    return [
        dg.AssetCheckSpec(check, asset=asset, partitions_def=partitions, description=CHECKS[check])
        for check in checks
    ]


def storage_ids(instance: dg.DagsterInstance, asset: dg.AssetKey, keys: Iterable[str]) -> dict[str, int]:
    """Return the latest materialisation of each partition: a result that does not name it counts as missing."""
    return dict(
        instance.event_log_storage.get_latest_storage_id_by_partition(
            asset, dg.DagsterEventType.ASSET_MATERIALIZATION, set(keys)
        )
    )


def evaluation(
    outcome: Outcome,
    *,
    asset: dg.AssetKey,
    partition: str,
    storage_id: int | None = None,
    run_id: str | None = None,
) -> dg.AssetCheckEvaluation:
    """Return the evaluation of one check at one partition.

    Parameters
    ----------
    outcome : Outcome
    asset : AssetKey
    partition : str
    storage_id, run_id : optional
        The partition's latest materialisation; None where there is none, which counts as current.
    """
    materialisation = None
    if storage_id is not None and run_id is not None:
        materialisation = Target(storage_id=storage_id, run_id=run_id, timestamp=time.time())
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=outcome.check,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=outcome.sentence,
        partition=partition,
        target_materialization_data=materialisation,
        metadata=_metadata(outcome),
    )


def _metadata(outcome: Outcome) -> dict[str, dg.MetadataValue]:
    metadata: dict[str, dg.MetadataValue] = {"series judged": dg.MetadataValue.int(outcome.judged)}
    if outcome.offenders:
        metadata["offenders"] = dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        "target": target(row),
                        "segment": row.segment,
                        "metric": row.metric,
                        "value": _shown(row.value),
                        "low": _shown(row.low),
                        "high": _shown(row.high),
                        "incident": row.incident or "",
                        "sentence": row.sentence,
                    }
                )
                for row in outcome.offenders[:OFFENDERS]
            ]
        )
        metadata["offenders in all"] = dg.MetadataValue.int(len(outcome.offenders))
    return metadata


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def failures(checks: Sequence[str], check: str, sentence: str) -> Iterator[Outcome]:
    """Yield one failing outcome, if `check` is among the selected `checks`."""
    if check in checks:
        yield Outcome(check, passed=False, sentence=sentence)
