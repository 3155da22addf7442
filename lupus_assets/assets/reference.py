"""The frozen reference of a model: unpartitioned, materialised once, and again only on purpose."""

from datetime import UTC, datetime

import dagster as dg

from lupus_assets.assets.installation import RESOURCE, pipeline_of
from lupus_assets.assets.key import log_key, reference_key
from lupus_assets.assets.partition import reference_windows
from lupus_assets.assets.track import group_name, owners
from lupus_assets.declare import MonitoredModel


def reference_asset(model: MonitoredModel) -> dg.AssetsDefinition:
    """Return the asset that freezes the model's reference window."""
    start, end = model.reference_window()

    @dg.asset(
        key=reference_key(model),
        deps=[log_key(model, track) for track in model.tracks],
        description=f"Frozen window that drift is measured from: {start:%Y-%m-%d} to {end:%Y-%m-%d} (exclusive).",
        group_name=group_name(model),
        owners=owners(model),
        kinds={"parquet"},
        required_resource_keys={RESOURCE},
    )
    def reference(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        frozen = pipeline_of(context).freeze(model, reference_windows(model), datetime.now(UTC))
        metadata = {}
        for track, each in frozen.items():
            metadata |= {f"{track} rows": each.rows, f"{track} reference": each.digest}
        return dg.MaterializeResult(metadata=metadata)

    return reference


def external_assets(model: MonitoredModel) -> list[dg.AssetSpec]:
    """Return the prediction logs as external assets, so that lineage starts where the data starts."""
    from lupus_assets.assets.key import upstream_key

    return [
        dg.AssetSpec(
            log_key(model, track),
            deps=[upstream_key(name) for name in model.upstream],
            description=f"Prediction log of {track}.",
            group_name=group_name(model),
            owners=owners(model),
        )
        for track in model.tracks
    ]
