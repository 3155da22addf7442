"""One column over many windows, stacked: any two of them compare without looking at a row again.

The counts of all windows lie on the bins that any of them filled, so that a window of many partitions is a
difference of two running sums, and a distance a sum over a row of the stack.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats import distance
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.reference import DECILES, TOP, quantile_cuts
from lupus_assets.stats.state import Bins, Counts, Floats, Hashes, union

BINNED = ("psi", "jensen_shannon", "chi_square", "chi_square_p", "l_infinity")
FULL = ("ks", "wasserstein")
LEFT, RIGHT, NULL = 0, 1, 2  # places in `NumericStack.apart`


@dataclass(frozen=True)
class _Windows:
    """What stacks of both kinds share: rows counted by window, in bins and `apart` from them."""

    counts: Counts
    apart: Counts

    def windows(self, first: ArrayLike, end: ArrayLike) -> Self:
        """Return windows that each hold the rows of this stack from `first` to before `end`."""
        return replace(
            self, counts=_between(self._upto, first, end), apart=_between(_running(self.apart), first, end)
        )

    @property
    def rows(self) -> Counts:
        """Rows of each window, nulls included; int64, shape (windows,)."""
        return np.asarray(self.counts.sum(axis=1) + self.apart.sum(axis=1))

    @cached_property
    def _upto(self) -> Counts:
        return _running(self.counts)


@dataclass(frozen=True)
class NumericStack(_Windows):
    """A numeric column over windows.

    Attributes
    ----------
    grid : Grid
        Shared by all windows.
    bins : ndarray of int32, shape (bins,)
        Grid bins that any window filled, increasing.
    counts : ndarray of int64, shape (windows, bins)
        Finite values per bin.
    apart : ndarray of int64, shape (windows, 3)
        Negative infinities, positive infinities, and nulls with NaN.
    """

    grid: Grid
    bins: Bins

    @classmethod
    def of(cls, columns: Sequence[NumericColumn]) -> Self:
        """Stack the states of one column; at least one.

        Raises
        ------
        StateError
            They lie on different grids.
        """
        grid = columns[0].histogram.grid
        if any(column.histogram.grid != grid for column in columns):
            raise StateError("the windows lie on different grids; profile them with one reference")
        bins = union(*(column.histogram.bins for column in columns))
        counts = np.zeros((len(columns), bins.size), np.int64)
        for row, column in zip(counts, columns, strict=True):
            row[np.searchsorted(bins, column.histogram.bins)] = column.histogram.counts
        apart = [(c.negative_infinities, c.positive_infinities, c.nulls + c.nans) for c in columns]
        return cls(counts, np.array(apart, np.int64).reshape(-1, 3), grid, bins)

    @cached_property
    def _cumulative(self) -> Counts:
        """Values below each bin, and all at the end; shape (windows, bins + 1)."""
        return np.concatenate(
            [np.zeros((len(self.counts), 1), np.int64), np.cumsum(self.counts, axis=1)], axis=1
        )

    def binned(self, cuts: Bins) -> Counts:
        """Return the rows of each window between `cuts`, and its nulls and NaN in a last bin.

        Laid out as `lupus_assets.stats.reference.NumericReference.binned`.
        """
        at = np.concatenate(([0], np.searchsorted(self.bins, cuts), [self.bins.size]))
        counts = np.concatenate([np.diff(self._cumulative[:, at], axis=1), self.apart[:, [NULL]]], axis=1)
        counts[:, 0] += self.apart[:, LEFT]
        counts[:, -2] += self.apart[:, RIGHT]
        return counts

    def cuts(self, window: int) -> Bins:
        """Return the grid bins that cut one window into ten parts of nearly equal mass."""
        return quantile_cuts(self._histogram(window), DECILES)

    def _histogram(self, window: int) -> Histogram:
        filled = np.flatnonzero(self.counts[window])
        return Histogram(self.grid, self.bins[filled], self.counts[window, filled])

    def quantile(self, window: int, q: float) -> float | None:
        """Return a quantile of one window, as `Histogram.quantile` does; None without finite values."""
        histogram = self._histogram(window)
        return float(histogram.quantile(q)) if histogram.counts.size else None

    def bins_compared(self, reference: int) -> int:
        """Return how many bins the distances of `BINNED` from one window are taken on."""
        return self.cuts(reference).size + 2

    def distances(self, reference: int) -> dict[str, Floats]:
        """Return how far each window lies from the one at `reference`.

        Returns
        -------
        dict of str to ndarray of float64, shape (windows,)
            The names of `BINNED` and `FULL`, as `lupus_assets.stats.distance` defines them; NaN where a
            window holds no rows or, for `FULL`, no finite value.
        """
        found = _binned_distances(self.binned(self.cuts(reference)), reference)
        return found | self._full(reference, np.arange(len(self.counts)))

    def pairs(self) -> dict[str, Floats]:
        """Return the distances of all pairs of windows, each as (reference, current).

        Returns
        -------
        dict of str to ndarray of float64, shape (windows, windows)
            As `distances`, one row per reference.
        """
        size = len(self.counts)
        found = {name: np.zeros((size, size)) for name in (*BINNED, *FULL)}
        for at in range(size):
            for name, values in _binned_distances(self.binned(self.cuts(at)), at).items():
                found[name][at] = values
            later = np.arange(at, size)
            for name, values in self._full(at, later).items():  # the same both ways
                found[name][at, later] = found[name][later, at] = values
        return found

    @cached_property
    def _shares(self) -> Floats:
        """Empirical CDF of each window at the upper end of each bin; NaN without values."""
        upto = self._cumulative[:, 1:]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(upto / self.counts.sum(axis=1, keepdims=True))

    def _full(self, reference: int, windows: NDArray[np.intp]) -> dict[str, Floats]:
        if not self.bins.size:
            return {name: np.full(windows.size, np.nan) for name in FULL}
        gaps = self._shares[windows] - self._shares[reference]
        np.abs(gaps, out=gaps)
        largest = gaps.max(axis=1)  # NaN where a window has no values
        widths = np.diff(self.grid.middle(self.bins))
        return {"ks": largest, "wasserstein": np.where(np.isnan(largest), np.nan, gaps[:, :-1] @ widths)}


@dataclass(frozen=True)
class CategoricalStack(_Windows):
    """A categorical column over windows.

    Attributes
    ----------
    hashes : ndarray of uint64, shape (categories,)
        Values that any window held, by hash, increasing.
    counts : ndarray of int64, shape (windows, categories)
        Rows per value.
    apart : ndarray of int64, shape (windows, 2)
        Rows of values that were moved out by the cap, and nulls.
    """

    hashes: Hashes

    @classmethod
    def of(cls, columns: Sequence[CategoricalColumn]) -> Self:
        """Stack the states of one column; at least one."""
        hashes = union(*(column.categories.hashes for column in columns))
        counts = np.zeros((len(columns), hashes.size), np.int64)
        for row, column in zip(counts, columns, strict=True):
            row[np.searchsorted(hashes, column.categories.hashes)] = column.categories.counts
        apart = [(column.categories.other, column.nulls) for column in columns]
        return cls(counts, np.array(apart, np.int64).reshape(-1, 2), hashes)

    def binned(self, window: int) -> Counts:
        """Return the rows of each window per top category of one, of all the rest, and null.

        Laid out as `lupus_assets.stats.reference.CategoricalReference.binned`.
        """
        counts = self.counts[:, self._top(window)]
        rest = self.rows - counts.sum(axis=1) - self.apart[:, 1]
        return np.column_stack([counts, rest, self.apart[:, 1]])

    def _top(self, window: int) -> NDArray[np.intp]:
        mine = self.counts[window]
        top = np.argsort(-mine, kind="stable")[:TOP]
        return np.asarray(top[mine[top] > 0])

    def bins_compared(self, reference: int) -> int:
        """Return how many bins the distances from one window are taken on."""
        return self._top(reference).size + 2

    def distances(self, reference: int) -> dict[str, Floats]:
        """Return how far each window lies from the one at `reference`.

        Returns
        -------
        dict of str to ndarray of float64, shape (windows,)
            The names of `BINNED`, as `lupus_assets.stats.distance` defines them; NaN where a window
            holds no rows.
        """
        return _binned_distances(self.binned(reference), reference)

    def pairs(self) -> dict[str, Floats]:
        """Return the distances of all pairs of windows, as `NumericStack.pairs` does."""
        each = [self.distances(at) for at in range(len(self.counts))]
        return {name: np.stack([found[name] for found in each]) for name in BINNED}


Stack = NumericStack | CategoricalStack


def _running(counts: Counts) -> Counts:
    """Return the sums of the rows before each row, and of all at the end."""
    running = np.zeros((len(counts) + 1, counts.shape[1]), np.int64)
    np.cumsum(counts, axis=0, out=running[1:])
    return running


def _between(running: Counts, first: ArrayLike, end: ArrayLike) -> Counts:
    return np.asarray(running[np.atleast_1d(end)] - running[np.atleast_1d(first)])


def _binned_distances(counts: Counts, reference: int) -> dict[str, Floats]:
    filled = counts.sum(axis=1) > 0
    found = {name: np.full(len(counts), np.nan) for name in BINNED}
    if not filled[reference]:
        return found
    old, new = counts[reference], counts[filled]
    statistic, p = distance.chi_square(old, new)
    values = (distance.psi(old, new), distance.jensen_shannon(old, new), statistic, p,
              distance.l_infinity(old, new))  # fmt: skip
    for name, each in zip(BINNED, values, strict=True):
        found[name][filled] = each
    return found
