"""The asset that compares an old and a new track of a model over the same partitions."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

import dagster as dg

from lupus_assets.assets.installation import RESOURCE, pipeline_of
from lupus_assets.assets.key import comparison_key, log_key, reference_key, step_prefix
from lupus_assets.assets.partition import partitions_of, windows_of_run
from lupus_assets.assets.reference import reference_of
from lupus_assets.assets.tag import TABLE_KINDS, group_name, owners, tags
from lupus_assets.assets.undertaking import CHUNK, Undertaking
from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.model import Compare
from lupus_assets.errors import ReferenceMissing, ServiceUnreachable, SourceError
from lupus_assets.records import ComparisonRow, Window

COMPARISON = "comparison"  # name of its step in notes of the journal
PLOTTED = ("flip_rate", "prediction_change", "psi", "auc", "log_loss", "brier", "mae", "accuracy")


def comparison_asset(model: MonitoredModel, pair: Compare) -> dg.AssetsDefinition:
    """Return the partitioned asset that compares `pair` row by row."""
    partitions = partitions_of(model.cadence.group)
    key = comparison_key(model, pair.old, pair.new)
    # It reads the logs, not the steps of the tracks: a failing step of a track does not affect it.
    upstream = [log_key(model, pair.old), log_key(model, pair.new), reference_key(model)]

    @dg.multi_asset(
        name=f"{step_prefix(model)}__{pair.old}_vs_{pair.new}",
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        specs=[
            dg.AssetSpec(
                key,
                deps=upstream,
                skippable=True,  # the partitions of a range are reported one by one
                description=f"{pair.new} against {pair.old}, joined by `{model.columns.key}`.",
                group_name=group_name(model),
                owners=owners(model),
                tags=tags(model, f"{pair.old}_vs_{pair.new}"),
                kinds=TABLE_KINDS,
            )
        ],
        required_resource_keys={RESOURCE},
    )
    def compare(context: dg.AssetExecutionContext) -> Iterator[dg.AssetMaterialization]:
        # A generator: a returned value, even None, would materialise every partition of the range.
        windows = windows_of_run(context, partitions)
        pipeline, now = pipeline_of(context), datetime.now(UTC)
        failed: dict[str, Exception] = {}
        try:
            reference = reference_of(context, pipeline, model, pair.old, now)
        except (SourceError, ReferenceMissing) as error:  # the checks of the tracks report it
            context.log.warning(f"{model.key}: {error}")
            return
        undertaking = Undertaking.of(context, model, f"{pair.old}~{pair.new}", [COMPARISON])
        compared = partial(pipeline.compare, model, (pair.old, pair.new), reference=reference, now=now)
        for start in range(0, len(windows), CHUNK):
            chunk = windows[start : start + CHUNK]
            for window, rows in _compared(context, undertaking, chunk, compared, failed):
                yield dg.AssetMaterialization(key, partition=window.key, metadata=_numbers(rows))
        if failed:
            first, reason = next(iter(failed.items()))
            raise dg.Failure(
                f"{model.key}: {pair.old} and {pair.new} could not be compared in {len(failed)} partitions "
                f"({', '.join([*failed][:10])}); the log says why for each. {first}: {reason}"
            )

    return compare


def _compared(
    context: dg.AssetExecutionContext,
    undertaking: Undertaking,
    windows: Sequence[Window],
    compare: Callable[[Window], list[ComparisonRow]],
    failed: dict[str, Exception],
) -> Iterator[tuple[Window, list[ComparisonRow]]]:
    """Yield the partitions that could be compared; notes are made before the first and removed at the end.

    Partitions that fail by an error of Lupus are added to `failed` and stay noted.
    """
    undertaking.begin(windows)
    made: list[Window] = []
    left_out: list[Window] = []
    try:
        for window in windows:
            try:
                rows = compare(window)
            except (SourceError, ReferenceMissing) as error:
                context.log.warning(f"{undertaking.model} {window.key}: {error}")
                left_out.append(window)
            except ServiceUnreachable:
                raise  # the other partitions would fail as well, each after a timeout
            except Exception as error:  # the other partitions are still compared; the step fails at its end
                failed[window.key] = error
                context.log.error(traceback.format_exc())
            else:
                yield window, rows
                made.append(window)
    finally:
        undertaking.end([*made, *left_out], made)


def _numbers(rows: Sequence[ComparisonRow]) -> dict[str, float]:
    return {
        row.metric if row.old_value is None else f"{row.metric} new minus old": row.difference
        for row in rows
        if row.metric in PLOTTED and row.difference is not None
    }
