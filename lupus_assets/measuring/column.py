"""Metrics of one column: functions of its state and its reference that yield named estimates."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from lupus_assets.stats.column import (
    CategoricalColumn,
    Column,
    IdentityColumn,
    NumericColumn,
    TimestampColumn,
)
from lupus_assets.stats.distance.distributions import DISTRIBUTIONS
from lupus_assets.stats.distance.pair import gaps, smoothed
from lupus_assets.stats.distance.pooled import POOLED
from lupus_assets.stats.distance.shares import SHARES
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.estimate import Estimate
from lupus_assets.stats.histogram import all_values
from lupus_assets.stats.joint import Confusion, ErrorSums
from lupus_assets.stats.metric import Distance
from lupus_assets.stats.performance.table import performance_of
from lupus_assets.stats.profile import RowCounts
from lupus_assets.stats.reference.categorical import CategoricalReference
from lupus_assets.stats.reference.frozen import ColumnReference
from lupus_assets.stats.reference.numeric import NumericReference
from lupus_assets.stats.reference.residual import Residual
from lupus_assets.stats.score_label import ScoreLabel
from lupus_assets.stats.state import Counts

Named = tuple[str, Estimate]
EMPTY_REFERENCE = "the reference has no rows"
NO_ROWS = "no rows"
NO_VALUES = "no values"
KINDS = {ScoreLabel: "score", ErrorSums: "value", Confusion: "class"}  # kinds of prediction, by joint state
QUANTILES = {"q01": 0.01, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "q99": 0.99}


def share(count: int | None, n: int, undefined: str = NO_ROWS) -> Estimate:
    """Return the share `count` of `n` rows; undefined without rows or without a count."""
    if count is None or n == 0:
        return Estimate.undefined(undefined, n)
    return Estimate(count / n, None, n, None)


def _plain(value: float | None, n: int, reason: str = NO_VALUES, variance: float | None = None) -> Estimate:
    if value is None or not np.isfinite(value):
        return Estimate.undefined(reason if value is None else "too large for a number", n)
    return Estimate(float(value), variance, n, None)


def _distinct(distinct: Distinct, values: int) -> Estimate:
    return _plain(distinct.estimate(values), values)


def row_metrics(counts: RowCounts) -> Iterator[Named]:
    """Yield the metrics of the rows as a whole."""
    yield "row_count", Estimate(float(counts.rows), None, counts.rows, None)
    if counts.duplicates is not None:
        yield "duplicate_rate", share(counts.duplicates, counts.rows)


def numeric_metrics(column: NumericColumn) -> Iterator[Named]:
    """Yield the judged metrics of a numeric column that need no reference."""
    values = column.rows - column.nulls
    finite = column.finite
    yield "null_rate", share(column.nulls, column.rows)
    yield "nan_rate", share(column.nans, values, NO_VALUES)
    yield "infinity_rate", share(column.positive_infinities + column.negative_infinities, values, NO_VALUES)
    largest = int(column.histogram.counts.max()) if finite else None
    yield "top_share", share(largest, finite, NO_VALUES)


def numeric_shape(column: NumericColumn) -> Iterator[Named]:
    """Yield the descriptive metrics of a numeric column; they are not judged."""
    finite, moments = column.finite, column.moments
    yield "zero_rate", share(column.zeros, finite, NO_VALUES)
    variance = moments.variance
    spread = None if variance is None else variance / finite
    yield "mean", _plain(moments.mean if finite else None, finite, variance=spread)
    yield "sd", _plain(moments.sd, finite, "fewer than two values")
    yield "skewness", _plain(moments.skewness, finite, "constant, or fewer than three values")
    yield "kurtosis", _plain(moments.kurtosis, finite, "constant, or fewer than four values")
    yield "minimum", _plain(column.minimum, finite)
    yield "maximum", _plain(column.maximum, finite)
    quantiles = column.quantiles(list(QUANTILES.values())) if finite else None
    for index, name in enumerate(QUANTILES):
        yield name, _plain(None if quantiles is None else float(quantiles[index]), finite)
    yield "distinct", _distinct(column.distinct, finite)


def categorical_metrics(column: CategoricalColumn) -> Iterator[Named]:
    """Yield the judged metrics of a categorical column that need no reference."""
    yield "null_rate", share(column.nulls, column.rows)
    values, counts = column.rows - column.nulls, column.categories.counts
    yield "top_share", share(int(counts.max()) if counts.size else None, values, NO_VALUES)


def categorical_shape(column: CategoricalColumn) -> Iterator[Named]:
    """Yield the descriptive metrics of a categorical column; they are not judged."""
    yield "distinct", _distinct(column.categories.distinct, column.rows - column.nulls)


def identity_metrics(column: IdentityColumn) -> Iterator[Named]:
    """Yield the metrics of a key or an entity: share of nulls, and number of distinct values."""
    yield "null_rate", share(column.nulls, column.rows)
    yield "distinct", _distinct(column.distinct, column.rows - column.nulls)


def timestamp_metrics(column: TimestampColumn) -> Iterator[Named]:
    """Yield the metrics of a timestamp column; instants are seconds since the epoch."""
    yield "null_rate", share(column.nulls, column.rows)
    for name, micros in (("minimum", column.minimum), ("maximum", column.maximum)):
        yield name, _plain(None if micros is None else micros / 1e6, column.rows - column.nulls)


def _measured(
    distances: Sequence[Distance],
    pair: Callable[[], Iterable[Any]],
    rows: tuple[int, int],
    undefined: str | None,
    *,
    judged: bool,
) -> Iterator[Named]:
    """Yield the metrics among some distances of one kind, either the judged or the other ones.

    Parameters
    ----------
    distances : sequence of Distance
    pair : callable
        Returns the arguments of these distances; called only where they are defined.
    rows : tuple of int
        Number of rows of the reference and of the window.
    undefined : str or None
        Reason for undefined distances; None where they are defined.
    judged : bool
    """
    chosen = [each for each in distances if each.metric is not None and each.metric.judged == judged]
    if undefined is not None:
        for each in chosen:
            yield each.name, Estimate.undefined(undefined, rows[1])
        return
    taken = tuple(pair()) if chosen else ()
    for each in chosen:
        value = float(each.function(*taken))
        variance = None if each.variance is None else each.variance(value, *rows)
        yield each.name, _plain(value, rows[1], variance=variance)


def _distances_on_counts(
    reference: ColumnReference, counts: Counts, pooled: Callable[[], Counts], *, judged: bool
) -> Iterator[Named]:
    """Yield the distances on counts per bin: in the reference's bins, and in bins of the pooled windows."""
    base = reference.reference_counts
    n, m = int(base.sum()), int(counts.sum())
    undefined = None
    if not n or not m:
        undefined = NO_ROWS if n else EMPTY_REFERENCE
    elif judged and counts[-1] == m:
        undefined = NO_VALUES  # all null, which the null rate shows more clearly
    yield from _measured(SHARES, lambda: smoothed(base, counts), (n, m), undefined, judged=judged)
    yield from _measured(POOLED, pooled, (n, m), undefined, judged=judged)


def numeric_drift(column: NumericColumn, reference: NumericReference) -> Iterator[Named]:
    """Yield the judged metrics of a numeric column against its reference."""
    yield "out_of_range_rate", share(reference.out_of_range(column), column.rows - column.nulls, NO_VALUES)
    if column.histogram.grid.decimals is not None:
        yield "off_grid_rate", share(column.off_grid, column.finite, NO_VALUES)
    yield "clipped_mean", reference.clipped_mean(column)
    yield "mean_rank", reference.mean_rank(column)
    yield "rank_spread", reference.rank_spread(column)
    yield from numeric_distances(column, reference, judged=True)


def numeric_distances(column: NumericColumn, reference: NumericReference, *, judged: bool) -> Iterator[Named]:
    """Yield the distances of a numeric column from its reference, either the judged or the other ones."""
    yield from _distances_on_counts(
        reference, reference.binned(column), lambda: reference.pooled(column), judged=judged
    )
    past, now = reference.column.histogram, column.histogram
    rows = past.total, now.total

    def pair() -> Iterable[Any]:
        return gaps(past, now, all_values(reference.column.values, column.values))

    yield from _measured(DISTRIBUTIONS, pair, rows, None if all(rows) else NO_VALUES, judged=judged)


def categorical_drift(
    column: CategoricalColumn, reference: CategoricalReference, *, within: bool
) -> Iterator[Named]:
    """Yield the judged metrics of a categorical column against its reference."""
    unseen = reference.unseen(column, within=within)
    values = column.rows - column.nulls
    undefined = "the reference has too many values" if values else NO_VALUES
    yield "unseen_rate", share(unseen, values, undefined)
    for rank, count in enumerate(reference.named(column).tolist(), start=1):
        yield f"share_{rank}", share(count, values, NO_VALUES)
    yield from categorical_distances(column, reference, judged=True)


def categorical_distances(
    column: CategoricalColumn, reference: CategoricalReference, *, judged: bool
) -> Iterator[Named]:
    """Yield the distances of a categorical column from its reference, either the judged or the other ones."""
    yield from _distances_on_counts(
        reference, reference.binned(column), lambda: reference.pooled(column), judged=judged
    )


def performance_metrics(joint: ScoreLabel | ErrorSums | Confusion) -> Iterator[Named]:
    """Yield the realised performance of the rows whose labels are in."""
    for measure in performance_of(KINDS[type(joint)]):
        yield measure.name, measure.function(joint)


def residual_metrics(residual: Residual) -> Iterator[Named]:
    """Yield the metrics of the score against its surrogate's prediction, on the scale of the surrogate."""
    n = residual.n
    signed, absolute = residual.signed.variance, residual.absolute.variance
    for name, moments, variance in (
        ("residual_mean", residual.signed, signed),
        ("residual_spread", residual.absolute, absolute),
    ):
        noise = None if variance is None else variance / n
        yield name, _plain(moments.mean if n else None, n, "no scores", noise)
    yield "explained_correlation", residual.correlation()


def column_metrics(
    column: Column, reference: ColumnReference | None, *, whole: bool, within: bool
) -> Iterator[Named]:
    """Yield the metrics of one column; without a reference, only those that need none.

    With `whole` all metrics, else only the judged ones; `within` says that the reference contains the rows.
    """
    match column:
        case NumericColumn():
            yield from numeric_metrics(column)
        case CategoricalColumn():
            yield from categorical_metrics(column)
        case IdentityColumn():
            yield from identity_metrics(column)
        case TimestampColumn():
            yield from timestamp_metrics(column)
    match column, reference:
        case NumericColumn(), NumericReference():
            yield from numeric_drift(column, reference)
            if whole:
                yield from numeric_distances(column, reference, judged=False)
        case CategoricalColumn(), CategoricalReference():
            yield from categorical_drift(column, reference, within=within)
            if whole:
                yield from categorical_distances(column, reference, judged=False)
    if whole:
        yield from _shape(column)


def _shape(column: Column) -> Iterator[Named]:
    if isinstance(column, NumericColumn):
        yield from numeric_shape(column)
    elif isinstance(column, CategoricalColumn):
        yield from categorical_shape(column)
