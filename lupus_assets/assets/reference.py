"""The asset of a model's frozen reference: unpartitioned, materialised once, and again only by a person."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import dagster as dg

from lupus_assets.assets.installation import RESOURCE, pipeline_of
from lupus_assets.assets.key import log_key, reference_key, upstream_key
from lupus_assets.assets.partition import reference_windows
from lupus_assets.assets.tag import TABLE_KINDS, group_name, log_kinds, owners, tags
from lupus_assets.declare import MonitoredModel
from lupus_assets.pipeline import Pipeline
from lupus_assets.profiling.coverage import coverage
from lupus_assets.stats.reference.frozen import Reference

DECLARATION = "declaration"  # name of the check that fails where a model cannot be worked with
WORKS = "its reference is frozen"  # sentence of that check where it passes


def reference_asset(model: MonitoredModel) -> dg.AssetsDefinition:
    """Return the asset that freezes the model's reference window."""
    start, end = model.reference_window()

    @dg.asset(
        key=reference_key(model),
        deps=[log_key(model, track) for track in model.tracks],
        description=f"Frozen window that drift is measured from: {start:%Y-%m-%d} up to {end:%Y-%m-%d}.",
        group_name=group_name(model),
        owners=owners(model),
        tags=tags(model),
        kinds=TABLE_KINDS,
        check_specs=[
            dg.AssetCheckSpec(DECLARATION, asset=reference_key(model), description="Can it be worked with?")
        ],
        required_resource_keys={RESOURCE},
    )
    def reference(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        frozen = pipeline_of(context).freeze(model, reference_windows(model), datetime.now(UTC))
        works = dg.AssetCheckResult(passed=True, check_name=DECLARATION, description=WORKS)
        yield dg.MaterializeResult(metadata=_metadata(model, frozen), check_results=[works])

    return reference


def reference_of(
    context: dg.AssetExecutionContext, pipeline: Pipeline, model: MonitoredModel, track: str, now: datetime
) -> Reference:
    """Return the frozen reference of a track; if there is none yet, freeze the declared window.

    Raises
    ------
    ReferenceMissing, SourceError
    """
    reference = pipeline.reference(model, track)
    if reference is not None:
        if not _told(context.instance, model, track, reference):
            kept = {each: pipeline.reference(model, each) for each in model.tracks}
            known = {each: found for each, found in kept.items() if found is not None}
            _tell(context, model, known)
        return reference
    context.log.info(f"{model.key}: no reference is frozen yet; freezing the declared window")
    frozen = pipeline.freeze(model, reference_windows(model), now)
    _tell(context, model, frozen)
    return frozen[track]


def _tell(context: dg.AssetExecutionContext, model: MonitoredModel, frozen: Mapping[str, Reference]) -> None:
    """Report the reference and its check to Dagster, as a materialisation of the asset does."""
    key = reference_key(model)
    context.log_event(dg.AssetMaterialization(key, metadata=_metadata(model, frozen)))
    context.log_event(
        dg.AssetCheckEvaluation(asset_key=key, check_name=DECLARATION, passed=True, description=WORKS)
    )


def _told(instance: dg.DagsterInstance, model: MonitoredModel, track: str, reference: Reference) -> bool:
    """Return whether Dagster knows the current reference; a run may have died before reporting it."""
    event = instance.get_latest_materialization_event(reference_key(model))
    latest = None if event is None else event.asset_materialization
    said = None if latest is None else latest.metadata.get(f"{track} reference")
    return said is not None and said.value == reference.digest


def _metadata(model: MonitoredModel, frozen: Mapping[str, Reference]) -> dict[str, int | str]:
    metadata: dict[str, int | str] = {}
    for track, each in frozen.items():
        metadata |= {f"{track} rows": each.rows, f"{track} reference": each.digest}
        together = coverage(model, each)
        if together is not None:
            metadata[f"{track} inputs"] = together
    return metadata


def external_assets(model: MonitoredModel) -> list[dg.AssetSpec]:
    """Return the prediction logs as external assets, for a lineage from the source of the data."""
    return [
        dg.AssetSpec(
            log_key(model, track),
            deps=[upstream_key(name) for name in model.upstream],
            description=f"Prediction log of {track}.",
            group_name=group_name(model),
            owners=owners(model),
            tags=tags(model, track),
            kinds=log_kinds(model, track),
        )
        for track in model.tracks
    ]
