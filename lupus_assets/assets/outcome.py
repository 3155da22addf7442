"""Dagster's partitioned check evaluations of check outcomes.

Belongs here: the one private import of the project, and the data by which Dagster counts a check result of
one partition as current. Does not belong here: the sentences of checks.
"""

import base64
import warnings
from collections.abc import Iterable, Sequence
from datetime import timedelta

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Materialisation,
)

from lupus_assets.judging.check import Outcome, described
from lupus_assets.judging.wording import target
from lupus_assets.picturing.address import Address
from lupus_assets.picturing.sparkline import Trail, svg
from lupus_assets.records import VerdictRow

SHOWN = 20  # most rows of a table in a check's metadata: one screen


def check_specs(
    asset: dg.AssetKey, partitions: dg.PartitionsDefinition, checks: Iterable[str], behind: timedelta
) -> list[dg.AssetCheckSpec]:
    """Return the specs of partitioned, non-blocking checks; those of labels are answered `behind` later."""
    with warnings.catch_warnings():
        # Partitioned checks are in preview; the version of Dagster is pinned exactly for this reason.
        warnings.filterwarnings(
            "ignore", category=dg.PreviewWarning, message="Specifying a partitions_def on an AssetCheckSpec"
        )
        return [
            dg.AssetCheckSpec(
                check, asset=asset, partitions_def=partitions, description=described(check, behind)
            )
            for check in checks
        ]


def materialisations(
    instance: dg.DagsterInstance, asset: dg.AssetKey, keys: Iterable[str]
) -> dict[str, Materialisation]:
    """Return the latest materialisation of each partition that has one, by key.

    A check result counts as current only if it names the latest materialisation of its partition.
    """
    latest = instance.event_log_storage.get_latest_storage_id_by_partition(
        asset, dg.DagsterEventType.ASSET_MATERIALIZATION, set(keys)
    )
    if not latest:
        return {}
    found = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=asset, storage_ids=sorted(latest.values())), limit=len(latest)
    )
    return {
        record.partition_key: Materialisation(
            storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
        )
        for record in found.records
        if record.partition_key is not None
    }


def evaluation(
    outcome: Outcome,
    *,
    asset: dg.AssetKey,
    partition: str,
    materialisation: Materialisation | None = None,
    trail: Trail | None = None,
    history: Address | None = None,
) -> dg.AssetCheckEvaluation:
    """Return the evaluation of one check at one partition.

    Parameters
    ----------
    outcome : Outcome
    asset : AssetKey
    partition : str
    materialisation : optional
        The partition's latest; None where there is none, and the result counts as current too.
    trail : Trail, optional
        History of the first offender, for the picture.
    history : Address, optional
        Address of the page with its whole history.
    """
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=outcome.check,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=outcome.sentence,
        partition=partition,
        target_materialization_data=materialisation,
        metadata=_metadata(outcome) | _drawn(trail, outcome) | _linked(history, outcome),
    )


def _drawn(trail: Trail | None, outcome: Outcome) -> dict[str, dg.MetadataValue]:
    if trail is None or not trail.value.size:
        return {}
    picture = f"![](data:image/svg+xml;base64,{base64.b64encode(svg(trail).encode()).decode()})"
    return {f"history of {target(outcome.offenders[0])}": dg.MetadataValue.md(picture)}


def _linked(history: Address | None, outcome: Outcome) -> dict[str, dg.MetadataValue]:
    if history is None:
        return {}
    return {f"history of {target(outcome.offenders[0])}, in full": dg.MetadataValue.url(str(history))}


def _metadata(outcome: Outcome) -> dict[str, dg.MetadataValue]:
    # As text: Dagit plots numbers by the time of evaluation, which is meaningless after a backfill.
    metadata: dict[str, dg.MetadataValue] = {}
    if outcome.judged:
        metadata["series judged"] = dg.MetadataValue.text(f"{outcome.judged:,}")
    for name, rows in (("offenders", outcome.offenders), ("explained", outcome.explained)):
        if rows:
            metadata[name] = _table(rows[:SHOWN])
            metadata[f"{name} in all"] = dg.MetadataValue.text(f"{len(rows):,}")
    return metadata


def _table(rows: Sequence[VerdictRow]) -> dg.MetadataValue:
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {  # the sentence first: Dagit cuts off columns on the right
                    "sentence": row.sentence,
                    "target": target(row),
                    "segment": row.segment,
                    "metric": row.metric,
                    "value": _shown(row.value),
                    "low": _shown(row.low),
                    "high": _shown(row.high),
                    "incident": row.incident or "",
                }
            )
            for row in rows
        ]
    )


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
