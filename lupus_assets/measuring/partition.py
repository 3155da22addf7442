"""The rows of the table ``metrics`` for the profiles of one partition."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.metric import METRICS
from lupus_assets.measuring.column import (
    column_metrics,
    performance_metrics,
    residual_metrics,
    row_metrics,
    share,
)
from lupus_assets.measuring.interval import intervals
from lupus_assets.profiling.parting import Cell
from lupus_assets.profiling.profiled import WHOLE
from lupus_assets.reading.role import Role
from lupus_assets.records import EVERYTHING, MetricRow, Window
from lupus_assets.stats.clusters import Clusters
from lupus_assets.stats.estimate import Estimate
from lupus_assets.stats.profile import Profile, RowCounts
from lupus_assets.stats.reference.association import Association
from lupus_assets.stats.reference.frozen import ColumnReference, Reference
from lupus_assets.stats.reference.ranking import RankMoments

OfColumn = tuple[str, str, Estimate]  # column, metric, number


def _profile_metrics(
    profile: Profile,
    references: Mapping[str, ColumnReference],
    roles: Mapping[str, Role],
    model: MonitoredModel,
    association: Association | None,
    *,
    whole: bool,
    within: bool,
) -> Iterator[OfColumn]:
    """Yield the metrics of a profile."""
    prediction = model.columns.prediction.column
    if profile.counts is not None:
        yield from _row_metrics(profile.counts, model)
    for column, state in profile.columns.items():
        for named in column_metrics(state, references.get(column), whole=whole, within=within):
            yield column, *named
        if roles[column].family == "target":
            yield column, "labelled_rate", share(state.rows - state.nulls, state.rows)
    yield from _together(profile, prediction, association)
    if profile.joint is not None:
        label = next(column for column, role in roles.items() if role.family == "target")
        for name, estimate in performance_metrics(profile.joint):
            yield label if METRICS[name].family == "target" else prediction, name, estimate


def _together(profile: Profile, prediction: str, association: Association | None) -> Iterator[OfColumn]:
    """Yield the metrics that combine columns or rows: residuals, design effects, associations."""
    if profile.residual is not None:
        for named in residual_metrics(profile.residual):
            yield prediction, *named
    if profile.clusters is not None:
        yield from _design_effects(profile.clusters)
    if profile.ranks is not None and association is not None:
        yield from _association_metrics(profile.ranks, association, prediction)


def _design_effects(clusters: Clusters) -> Iterator[OfColumn]:
    """Yield the design effects of nulls and of values out of range, of columns that have some.

    A design effect measures the clustering of these rows by timestamp.
    """
    for metric, events in (("null_design_effect", clusters.absent), ("range_design_effect", clusters.beyond)):
        for column, counts in events.items():
            effect = clusters.design_effect(counts)
            if effect is not None:
                yield column, metric, Estimate(effect, None, int(clusters.rows.sum()), None)


def _association_metrics(ranks: RankMoments, association: Association, prediction: str) -> Iterator[OfColumn]:
    """Yield the association of each input with the other columns; the score has residual metrics instead."""
    for column, (kept, conditional) in association.measure(ranks).items():
        if column != prediction:
            yield column, "association", kept
            yield column, "conditional_spread", conditional


def _row_metrics(counts: RowCounts, model: MonitoredModel) -> Iterator[OfColumn]:
    for named in row_metrics(counts):
        yield "", *named
    yield model.columns.timestamp, "outside_rate", share(counts.outside, counts.rows)
    if counts.invalid is not None:
        yield model.columns.prediction.column, "invalid_rate", share(counts.invalid, counts.rows)


def _whole(cell: Cell, model: MonitoredModel) -> bool:
    """Return whether a cell gets every metric: all rows, and segments where a rule needs unjudged metrics."""
    version, segment = cell
    asked = [rule for rule in model.rules if rule.segment and not METRICS[rule.metric].judged]
    return cell == WHOLE or (version == EVERYTHING and any(rule.concerns(segment) for rule in asked))


def metric_rows(
    profiles: Mapping[tuple[str, str], Profile],
    reference: Reference,
    model: MonitoredModel,
    *,
    track: str,
    window: Window,
    as_of: datetime,
    roles: Mapping[str, Role],
    within: bool,
    judged_only: bool = False,
) -> list[MetricRow]:
    """Return the metrics of every (version, segment) of one judged partition.

    All rows together get every metric. Single versions and segments get only the judged metrics, to limit the
    size of a partition; a segment with a rule on an unjudged metric gets every metric. With `judged_only`,
    for backtests, all get only the judged metrics. `within` says that the reference contains the partition.
    """
    found = [
        (version, segment, *each)
        for (version, segment), profile in profiles.items()
        for each in _profile_metrics(
            profile,
            reference.columns.get(segment, {}),
            roles,
            model,
            reference.association,
            whole=not judged_only and _whole((version, segment), model),
            within=within,
        )
    ]
    bounds = intervals([each[-2] for each in found], [each[-1] for each in found])
    return [
        MetricRow(
            track=track,
            version=version,
            partition_key=window.key,
            window_start=window.start,
            as_of=as_of,
            segment=segment,
            family=METRICS[name].family or roles[column].family,
            column_name=column,
            metric=name,
            value=estimate.value,
            lower=lower,
            upper=upper,
            n=estimate.n,
            reference=reference.digest,
            reason=estimate.reason,
        )
        for (version, segment, column, name, estimate), (lower, upper) in zip(found, bounds, strict=True)
    ]
