"""The comparison of an old and a new track over the rows of one partition, joined by their key."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.measuring.interval import interval
from lupus_assets.reading.batch import Reading, Rows, read_rows, usable
from lupus_assets.reading.block import CategoricalBlock, IdentityBlock, NumericBlock
from lupus_assets.reading.cut import Cut
from lupus_assets.reading.role import Role
from lupus_assets.records import EVERYTHING, ComparisonRow, Window
from lupus_assets.stats.distance.binning import TOP, Parts
from lupus_assets.stats.distance.distributions import DISTRIBUTIONS
from lupus_assets.stats.distance.pair import gaps, smoothed
from lupus_assets.stats.distance.shares import SHARES
from lupus_assets.stats.estimate import Estimate
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.joint import Confusion, ErrorSums
from lupus_assets.stats.metric import Distance, Measure
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.performance.table import performance_of
from lupus_assets.stats.score_label import ScoreLabel, log_losses

Floats = npt.NDArray[np.float64]
Values = npt.NDArray[Any]  # float64, or the uint64 hashes of classes
Joint = ScoreLabel | ErrorSums | Confusion


@dataclass(frozen=True)
class Predictions:
    """The predictions of one track in one partition, by the hash of the key, without repeated keys.

    Attributes
    ----------
    keys : array of uint64, sorted
    values : array of float64 or uint64
        Score or value; for classes, the hash of the class.
    label : array of float64 or uint64, or None
        NaN (classes: 0) where there is no label yet.
    rows : int
        Number of rows of the partition, with and without a usable prediction.
    """

    keys: npt.NDArray[np.uint64]
    values: Values
    label: Values | None
    rows: int


def predictions(batches: Iterable[pa.RecordBatch], reading: Reading, cut: Cut) -> Predictions:
    """Return the predictions and labels of one track that had arrived by `cut`.

    Of rows with the same key, the first one is kept.
    """
    pieces = [_piece(read_rows(batch, reading, ()), reading, cut) for batch in batches]
    keys = np.concatenate([piece[0] for piece in pieces]) if pieces else np.empty(0, dtype=np.uint64)
    unique, first = np.unique(keys, return_index=True)
    if not pieces:
        return Predictions(unique, np.empty(0), None, 0)
    values = np.concatenate([piece[1] for piece in pieces])[first]
    labels = [piece[2] for piece in pieces if piece[2] is not None]
    label = np.concatenate(labels)[first] if len(labels) == len(pieces) else None
    return Predictions(unique, values, label, sum(piece[3] for piece in pieces))


Piece = tuple[npt.NDArray[np.uint64], Values, Values | None, int]


def _piece(rows: Rows, reading: Reading, cut: Cut) -> Piece:
    columns = reading.model.columns
    key = rows.blocks.get(columns.key or "")
    said = rows.blocks.get(columns.prediction.column)
    label = rows.blocks.get(columns.label.column) if columns.label and cut.labels else None
    visible = rows.visible(cut)
    nothing: Piece = (np.empty(0, np.uint64), np.empty(0), None, int(visible.sum()))
    if not isinstance(key, IdentityBlock) or said is None:
        return nothing
    values: Values
    truth: Values | None = None
    if isinstance(said, NumericBlock):
        kept = visible & key.present & usable(said, reading)
        values = said.values
        if isinstance(label, NumericBlock):
            truth = np.where(rows.labelled(cut) & label.present, label.values, np.nan)
    elif isinstance(said, CategoricalBlock):
        kept = visible & key.present & said.present
        values = said.row_hashes()
        if isinstance(label, CategoricalBlock):
            truth = np.where(rows.labelled(cut) & label.present, label.row_hashes(), np.uint64(0))
    else:
        return nothing
    return key.hashes[kept], values[kept], None if truth is None else truth[kept], int(visible.sum())


RATES = ("flip_rate", "joined_share")  # shares of rows; every other metric is a difference or a distance
Named = tuple[str, float | None, float | None, Estimate]  # metric, old, new, difference


def _share(hits: int, n: int) -> Estimate:
    return Estimate.of_share(hits, n, "no rows are common to both tracks")


def _compare(old: Predictions, new: Predictions, model: MonitoredModel, grid: Grid) -> Iterator[Named]:
    _, at_old, at_new = np.intersect1d(old.keys, new.keys, assume_unique=True, return_indices=True)
    n = len(at_old)
    yield (
        "row_count",
        float(old.rows),
        float(new.rows),
        Estimate(float(new.rows - old.rows), None, new.rows, None),
    )
    yield "joined_share", None, None, _share(n, max(len(old.keys), len(new.keys)))
    before, after = old.values[at_old], new.values[at_new]
    truth = _label(new, at_new) if old.label is None else _label(old, at_old)
    kind = model.columns.prediction.kind
    if kind == "class":
        yield "flip_rate", None, None, _share(int((before != after).sum()), n)
        yield from _classes(old, new)
        yield from _class_performance(before, after, truth)
        return
    if model.decision is not None:
        threshold = model.decision.threshold
        yield "flip_rate", None, None, _share(int(((before >= threshold) != (after >= threshold)).sum()), n)
    paired = Moments.of(after - before)
    means = (float(before.mean()), float(after.mean())) if n else (None, None)
    yield "prediction_mean", *means, Estimate.of_mean(paired, "no rows are common to both tracks")
    absolute = Moments.of(np.abs(after - before))
    yield "prediction_change", None, None, Estimate.of_mean(absolute, "no rows are common to both tracks")
    yield from _distances(old.values, new.values, grid)
    if truth is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            known = np.isfinite(before - truth) & np.isfinite(after - truth)
        yield from _performance(before[known], after[known], truth[known], model)


def _label(track: Predictions, at: npt.NDArray[np.intp]) -> Values | None:
    return None if track.label is None else track.label[at]


def _distances(old: Floats, new: Floats, grid: Grid) -> Iterator[Named]:
    """Yield distances of all predictions of both tracks; the old track is the reference."""
    past, now = Histogram.of(old, grid), Histogram.of(new, grid)
    parts = Parts.of(past)
    rows = len(old), len(new)
    yield from _measured(SHARES, lambda: smoothed(parts.counts(past), parts.counts(now)), rows)
    yield from _measured(DISTRIBUTIONS, lambda: gaps(past, now), rows)


def _measured(
    distances: Sequence[Distance], pair: Callable[[], tuple[Floats, Floats]], rows: tuple[int, int]
) -> Iterator[Named]:
    """Yield those of `distances` that apply to tracks; undefined where a track has no usable rows.

    `pair` returns the arguments of the distances.
    """
    taken = pair() if all(rows) else None
    for each in distances:
        if not each.of_tracks:
            continue
        if taken is None:
            estimate = Estimate.undefined("a track has no usable predictions", rows[1])
        else:
            estimate = Estimate(float(each.function(*taken)), None, rows[1], None)
        yield each.name, None, None, estimate


def _classes(old: Predictions, new: Predictions) -> Iterator[Named]:
    """Yield distances of the class shares of both tracks: the old track's top classes, and the rest."""
    values, counts = np.unique(old.values, return_counts=True)
    top = values[np.argsort(-counts, kind="stable")[:TOP]]

    def binned(each: Predictions) -> npt.NDArray[np.int64]:
        own = np.array([int((each.values == value).sum()) for value in top], dtype=np.int64)
        return np.append(own, len(each.values) - own.sum())

    rows = len(old.values), len(new.values)
    yield from _measured(SHARES, lambda: smoothed(binned(old), binned(new)), rows)


def _performance(before: Floats, after: Floats, truth: Floats, model: MonitoredModel) -> Iterator[Named]:
    """Yield the performance of both tracks on their common labelled rows.

    Means of a loss are compared row by row. For AUC the two variances are added, which overestimates the
    interval where the tracks agree.
    """
    if model.decision is None:
        old_errors, new_errors = ErrorSums.of(before, truth), ErrorSums.of(after, truth)
        paired = Moments.of(np.abs(after - truth) - np.abs(before - truth))
        for measure in performance_of("value"):
            yield _difference(measure, old_errors, new_errors, paired if measure.name == "mae" else None)
        return
    threshold = model.decision.threshold
    old, new = (ScoreLabel.of(score, truth, threshold) for score in (before, after))
    pairs = {
        "brier": Moments.of((after - truth) ** 2 - (before - truth) ** 2),
        "log_loss": Moments.of(log_losses(after, truth == 1) - log_losses(before, truth == 1)),
        "bias": Moments.of(before - after),
    }
    for measure in performance_of("score"):
        if measure.metric.family != "target":  # the labels are the same
            yield _difference(measure, old, new, pairs.get(measure.name))


def _class_performance(before: Values, after: Values, truth: Values | None) -> Iterator[Named]:
    if truth is None:
        return
    known = truth != 0
    old, new = (Confusion.of(each[known], truth[known]) for each in (before, after))
    right = (after[known] == truth[known]).astype(float) - (before[known] == truth[known]).astype(float)
    for measure in performance_of("class"):
        yield _difference(measure, old, new, Moments.of(right) if measure.name == "accuracy" else None)


def _difference(measure: Measure, before: Joint, after: Joint, paired: Moments | None) -> Named:
    name, old, new = measure.name, measure.function(before), measure.function(after)
    if old.value is None or new.value is None:
        return name, old.value, new.value, Estimate.undefined(old.reason or new.reason or "undefined", new.n)
    if paired is not None:
        return (
            name,
            old.value,
            new.value,
            Estimate.of_mean(paired, "no labelled rows are common to both tracks"),
        )
    variance = None if old.variance is None or new.variance is None else old.variance + new.variance
    return name, old.value, new.value, Estimate(new.value - old.value, variance, new.n, None)


def comparison_rows(
    old: Predictions,
    new: Predictions,
    *,
    model: MonitoredModel,
    tracks: tuple[str, str],
    window: Window,
    as_of: datetime,
    grid: Grid,
) -> list[ComparisonRow]:
    """Return the comparison of two tracks over one partition, one row per metric.

    ``difference`` is new minus old; for a share, a distance or a change it is the value itself. ``lower`` and
    ``upper`` are its 95 % confidence interval, where there is theory; that of a share is within [0, 1].
    """
    rows = []
    for metric, old_value, new_value, estimate in _compare(old, new, model, grid):
        lower, upper = interval("share" if metric in RATES else "natural", estimate)
        rows.append(
            ComparisonRow(
                old=tracks[0],
                new=tracks[1],
                partition_key=window.key,
                window_start=window.start,
                as_of=as_of,
                segment=EVERYTHING,
                column_name=model.columns.prediction.column,
                metric=metric,
                old_value=old_value,
                new_value=new_value,
                difference=estimate.value,
                lower=lower,
                upper=upper,
                n=estimate.n,
                reason=estimate.reason,
            )
        )
    return rows


def compared_roles(roles: Iterable[Role], key: str | None) -> tuple[Role, ...]:
    """Return the roles that a comparison reads: key, prediction and label."""
    return tuple(role for role in roles if role.column == key or role.family in ("prediction", "target"))
