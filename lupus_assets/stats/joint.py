"""Predicted values and classes together with the true ones: additive, one pass, no rows kept.

Callers leave out rows whose prediction or label is missing, and count them elsewhere.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from lupus_assets.stats.moments import Moments
from lupus_assets.stats.score_label import ScoreLabel
from lupus_assets.stats.state import Counts, Hashes, State


@dataclass(frozen=True)
class ErrorSums:
    """A predicted value and the true one, in the label's unit.

    Attributes
    ----------
    error : Moments
        prediction − label.
    absolute : Moments
        Its absolute value.
    label : Moments
        The label itself.
    """

    error: Moments
    absolute: Moments
    label: Moments

    @classmethod
    def of(cls, prediction: ArrayLike, label: ArrayLike) -> Self:
        """Return the state of some rows: finite predictions and labels, both of shape (rows,).

        Raises
        ------
        ValueError
            A value that is not finite, or shapes that differ.
        """
        predicted, actual = np.asarray(prediction, dtype=np.float64), np.asarray(label, dtype=np.float64)
        if predicted.shape != actual.shape:
            raise ValueError(f"{predicted.shape} predictions against {actual.shape} labels; give one each")
        error = predicted - actual
        if not np.all(np.isfinite(error)):
            raise ValueError("a prediction or label is not finite; leave such rows out and count them")
        return cls(Moments.of(error), Moments.of(np.abs(error)), Moments.of(actual))

    @classmethod
    def empty(cls) -> Self:
        """Return the state of no rows."""
        return cls(Moments.empty(), Moments.empty(), Moments.empty())

    @property
    def n(self) -> int:
        """Rows."""
        return self.error.n

    def __add__(self, other: Self) -> Self:
        return type(self)(self.error + other.error, self.absolute + other.absolute, self.label + other.label)


@dataclass(frozen=True, eq=False)
class Confusion(State):
    """Predicted and true classes: rows of every pair that occurred.

    Attributes
    ----------
    predicted, actual : ndarray of uint64, shape (pairs,)
        Hashes of the classes, sorted by `predicted`, then by `actual`.
    counts : ndarray of int64, shape (pairs,)
        Rows of each pair, at least 1.
    """

    predicted: Hashes
    actual: Hashes
    counts: Counts

    @classmethod
    def of(cls, predicted: Hashes, actual: Hashes) -> Self:
        """Return the state of some rows: class hashes, both of shape (rows,).

        Raises
        ------
        ValueError
            Shapes that differ.
        """
        if predicted.shape != actual.shape:
            raise ValueError(f"{predicted.shape} predictions against {actual.shape} labels; give one each")
        return cls._summed(predicted, actual, np.ones(predicted.shape, dtype=np.int64))

    @classmethod
    def empty(cls) -> Self:
        """Return the state of no rows."""
        return cls.of(np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.uint64))

    @property
    def n(self) -> int:
        """Rows."""
        return int(self.counts.sum())

    @property
    def correct(self) -> int:
        """Rows whose class was predicted."""
        return int(self.counts[self.predicted == self.actual].sum())

    def __add__(self, other: Self) -> Self:
        return self._summed(
            np.concatenate((self.predicted, other.predicted)),
            np.concatenate((self.actual, other.actual)),
            np.concatenate((self.counts, other.counts)),
        )

    @classmethod
    def _summed(cls, predicted: Hashes, actual: Hashes, counts: Counts) -> Self:
        rows, row = np.unique(predicted, return_inverse=True)
        columns, column = np.unique(actual, return_inverse=True)
        pairs, pair = np.unique(row * columns.size + column, return_inverse=True)
        summed = np.zeros(pairs.size, dtype=np.int64)
        np.add.at(summed, pair, counts)
        width = max(columns.size, 1)  # no pairs to split if there are no columns
        return cls(rows[pairs // width], columns[pairs % width], summed)


Joint = ScoreLabel | ErrorSums | Confusion
