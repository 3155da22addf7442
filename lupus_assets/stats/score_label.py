"""Joint state of scores and their labels: additive, no rows kept."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.grid import BLOCK
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.roc import RocCounts
from lupus_assets.stats.state import Counts, Floats, State, union

CALIBRATION_BINS = 10  # equal width, as in Guo et al. (2017), On calibration of modern neural networks
CLIP = 1e-15  # keeps the log loss of a certain, wrong score finite; scikit-learn's former default


@dataclass(frozen=True, eq=False)
class Calibration(State):
    """Scores against labels in `CALIBRATION_BINS` bins of equal width over [0, 1].

    Attributes
    ----------
    rows, labels : ndarray of int64, shape (10,)
        Rows and positive labels of each bin; a score of 1 is in the last bin.
    scores : ndarray of float64, shape (10,)
        Sum of the scores of each bin.
    """

    rows: Counts
    labels: Counts
    scores: Floats

    @classmethod
    def of(cls, score: Floats, label: NDArray[np.bool_]) -> Self:
        """Return the table of scores in [0, 1] and labels, both of shape (rows,)."""
        # Processors convert doubles to 4-byte integers many at a time, to 8-byte ones one at a time.
        bins = np.minimum((score * CALIBRATION_BINS).astype(np.int32), CALIBRATION_BINS - 1).astype(np.intp)
        by_label, scores = np.zeros((2, CALIBRATION_BINS), np.int64), np.zeros(CALIBRATION_BINS)
        np.add.at(by_label.reshape(-1), bins + CALIBRATION_BINS * label, 1)
        np.add.at(scores, bins, score)
        negative, positive = by_label
        return cls(rows=negative + positive, labels=positive, scores=scores)

    def __add__(self, other: Self) -> Self:
        return type(self)(self.rows + other.rows, self.labels + other.labels, self.scores + other.scores)


@dataclass(frozen=True)
class Decisions:
    """Rows by decision and label; a row is decided positive if its score is at least `threshold`."""

    threshold: float
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @classmethod
    def of(cls, score: Floats, label: NDArray[np.bool_], threshold: float) -> Self:
        """Return the counts of scores and labels, both of shape (rows,)."""
        decided = score >= threshold
        both, either, decided_rows, label_rows = (
            int(np.count_nonzero(each)) for each in (decided & label, decided | label, decided, label)
        )
        return cls(float(threshold), both, decided_rows - both, label_rows - both, score.size - either)

    def __add__(self, other: Self) -> Self:
        if self.threshold != other.threshold:
            raise StateError(
                f"decisions at threshold {self.threshold} and at {other.threshold} do not add; "
                "profile both windows with the same decision.threshold"
            )
        return type(self)(
            self.threshold,
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
            self.true_negatives + other.true_negatives,
        )


@dataclass(frozen=True, eq=False)
class ScoreLabel(State):
    """State of a score in [0, 1] and its label.

    Attributes
    ----------
    roc : RocCounts
        Rows of each label by score.
    score : Moments
        The score itself.
    log_loss : Moments
        −log of the score's probability of the label, in nats; the score is clipped by `CLIP`.
    squared_error : Moments
        (label − score)².
    residual : Moments
        label − score.
    calibration : Calibration
        Scores against labels in bins of equal width.
    decisions : Decisions
        Rows by decision and label.
    """

    roc: RocCounts
    score: Moments
    log_loss: Moments
    squared_error: Moments
    residual: Moments
    calibration: Calibration
    decisions: Decisions

    @classmethod
    def of(cls, score: ArrayLike, label: ArrayLike, threshold: float) -> Self:
        """Return the state of rows.

        Parameters
        ----------
        score : array_like of float, shape (rows,)
            In [0, 1]; the caller drops NaN and values outside.
        label : array_like of bool, or of 0 and 1, shape (rows,)
            True or 1 for a positive label.
        threshold : float
            A row is decided positive if its score is at least this.

        Raises
        ------
        ValueError
            A score is outside [0, 1], a label is neither 0 nor 1, or the shapes differ.
        """
        p = np.asarray(score, dtype=np.float64)
        y = _binary(label)
        if p.shape != y.shape:
            raise ValueError(f"{p.shape} scores against {y.shape} labels; give one label per score")
        if p.size and not (np.minimum.reduce(p) >= 0 and np.maximum.reduce(p) <= 1):  # also false for NaN
            raise ValueError("a score lies outside [0, 1]; leave such rows out and count them")
        loss, squared, residual = _errors(p, y)
        return cls(
            roc=RocCounts.of(p, y),
            score=_scores(p),
            log_loss=loss,
            squared_error=squared,
            residual=residual,
            calibration=Calibration.of(p, y),
            decisions=Decisions.of(p, y, threshold),
        )

    @classmethod
    def empty(cls, threshold: float) -> Self:
        """Return the state of no rows."""
        return cls.of(np.empty(0), np.empty(0, dtype=bool), threshold)

    @classmethod
    def older(cls, positive_scores: Histogram, negative_scores: Histogram, **others: Any) -> Self:
        """Return the state of a format before 6, whose scores are the middles of their grid bins."""
        bins = union(positive_scores.bins, negative_scores.bins)
        scores = np.clip(positive_scores.grid.middle(bins), 0.0, 1.0)
        counts = np.zeros((2, bins.size), np.int64)
        for own, histogram in zip(counts, (positive_scores, negative_scores), strict=True):
            own[np.searchsorted(bins, histogram.bins)] = histogram.counts
        # Bins beyond 0 or 1 are clipped to one score.
        scores, place = np.unique(scores, return_inverse=True)
        by_label = [np.bincount(place, own, scores.size).astype(np.int64) for own in counts]
        return cls(
            roc=RocCounts.of_counts(scores, *by_label),
            score=Moments.of_counts(scores, by_label[0] + by_label[1]),
            **others,
        )

    @property
    def n(self) -> int:
        """Rows."""
        return self.residual.n

    @property
    def positives(self) -> int:
        """Rows with a positive label."""
        return int(self.roc.positives.sum())

    @property
    def correct(self) -> int:
        """Number of rows with a correct decision."""
        return self.decisions.true_positives + self.decisions.true_negatives

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.roc + other.roc,
            self.score + other.score,
            self.log_loss + other.log_loss,
            self.squared_error + other.squared_error,
            self.residual + other.residual,
            self.calibration + other.calibration,
            self.decisions + other.decisions,
        )


def log_losses(score: Floats, label: NDArray[np.bool_]) -> Floats:
    """Return −log of each score's probability of its label, in nats; scores are clipped by `CLIP`."""
    given = np.clip(score, CLIP, 1 - CLIP)
    given -= ~label  # the score for a positive label, else the score − 1; twice as fast as `np.where`
    np.abs(given, out=given)
    np.log(given, out=given)
    return np.negative(given, out=given)


def _scores(p: Floats) -> Moments:
    """Return the moments of scores in [0, 1]; their powers are summed about 0, block by block."""
    if not p.size:
        return Moments.empty()
    sums = [0.0] * 4
    for start in range(0, p.size, BLOCK):
        score = p[start : start + BLOCK]
        square = score * score
        sums[0] += float(np.add.reduce(score))
        sums[1] += float(score @ score)
        sums[2] += float(square @ score)
        sums[3] += float(square @ square)
    return Moments.of_sums(p.size, 0.0, *sums) or Moments.of(p)


def _errors(p: Floats, y: NDArray[np.bool_]) -> tuple[Moments, Moments, Moments]:
    """Return the moments of log loss, squared error and residual.

    The last two need powers of the residual up to the eighth; all sums are about 0, block by block.
    """
    if not p.size:
        return Moments.empty(), Moments.empty(), Moments.empty()
    powers = dict.fromkeys((1, 2, 3, 4, 6, 8), 0.0)
    losses = [0.0] * 4
    for start in range(0, p.size, BLOCK):
        score, label = p[start : start + BLOCK], y[start : start + BLOCK]
        residual = label - score
        square = residual * residual
        fourth = square * square
        powers[1] += float(np.add.reduce(residual))
        powers[2] += float(residual @ residual)
        powers[3] += float(square @ residual)
        powers[4] += float(square @ square)
        powers[6] += float(fourth @ square)
        powers[8] += float(fourth @ fourth)
        loss = log_losses(score, label)
        square = np.multiply(loss, loss, out=square)
        losses[0] += float(np.add.reduce(loss))
        losses[1] += float(loss @ loss)
        losses[2] += float(square @ loss)
        losses[3] += float(square @ square)
    found = (
        Moments.of_sums(p.size, 0.0, *losses),
        Moments.of_sums(p.size, 0.0, powers[2], powers[4], powers[6], powers[8]),
        Moments.of_sums(p.size, 0.0, powers[1], powers[2], powers[3], powers[4]),
    )
    loss_, squared, residual_ = found
    return (
        loss_ or Moments.of(log_losses(p, y)),
        squared or Moments.of((y - p) ** 2),
        residual_ or Moments.of(y - p),
    )


def _binary(label: ArrayLike) -> NDArray[np.bool_]:
    """Return labels as bool; values other than 0 and 1 are an error, since NaN would become True."""
    values = np.asarray(label)
    if values.dtype != np.bool_ and not np.all((values == 0) | (values == 1)):
        raise ValueError("a label is neither 0 nor 1; leave such rows out or declare what is positive")
    return values.astype(np.bool_)
