"""Joint states of predicted and true values or classes: additive, one pass, no rows kept.

Callers drop rows without a prediction or label, and count them elsewhere.
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
    """Moments of the errors of predicted values, in the label's unit.

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
        """Return the state of finite predictions and labels, both of shape (rows,).

        Raises
        ------
        ValueError
            A value is not finite, or the shapes differ.
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
    """Rows per pair of predicted and true class.

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
        """Return the state of class hashes, both of shape (rows,).

        Raises
        ------
        ValueError
            The shapes differ.
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
        """Number of rows with a correct prediction."""
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
        width = max(columns.size, 1)  # there are no pairs without columns
        return cls(rows[pairs // width], columns[pairs % width], summed)


Joint = ScoreLabel | ErrorSums | Confusion
