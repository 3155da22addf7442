"""Exact counts on a `Grid`, stored for non-empty bins only."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.grid import BINS, CENTRE, Grid
from lupus_assets.stats.state import Bins, Counts, Floats, State, add_counts, counted, filled, union

FEW = 4_096  # below this number of values, sorting is faster than clearing and reading 65,536 counters


@dataclass(frozen=True, eq=False)
class Histogram(State):
    """Number of values per bin of a grid.

    A smooth column has 3 to 4 thousand bins, none with more than about 0.5 % of the mass;
    a repeated value has a bin of its own.

    Parameters
    ----------
    grid : Grid
        Position of the bins.
    bins : array of int32
        Non-empty bins, sorted and unique, in [0, BINS).
    counts : array of int64
        Number of values of each of these bins, above 0.
    """

    grid: Grid
    bins: Bins
    counts: Counts

    @classmethod
    def of(cls, x: Floats, grid: Grid) -> Self:
        """Return the histogram of finite values; empty without values."""
        keys = grid.bins(x)
        if x.size >= FEW:
            return cls.of_counts(np.bincount(keys, minlength=BINS), grid)
        return cls(grid, *counted(keys))

    @classmethod
    def of_counts(cls, dense: Counts, grid: Grid) -> Self:
        """Return the histogram of the counts of all bins, an int64 array of shape ``(BINS,)``."""
        bins = filled(dense)
        return cls(grid, bins.astype(np.int32), dense[bins])

    @classmethod
    def of_bins(cls, bins: NDArray[np.signedinteger], counts: Counts, grid: Grid) -> Self:
        """Return the histogram of bins in any order, possibly repeated, and counts above 0 of each."""
        order = np.argsort(bins, kind="stable")
        ordered, sums = bins[order], counts[order]
        first = np.flatnonzero(np.diff(ordered, prepend=-1))
        if first.size < ordered.size:
            ordered, sums = ordered[first], np.add.reduceat(sums, first)
        return cls(grid, ordered.astype(np.int32), sums.astype(np.int64, copy=False))

    @classmethod
    def empty(cls, grid: Grid) -> Self:
        """Return the histogram of no values."""
        return cls(grid, np.empty(0, np.int32), np.empty(0, np.int64))

    def __add__(self, other: Self) -> Self:
        if self.grid != other.grid:
            raise StateError(
                f"histograms on {self.grid} and on {other.grid} cannot be added;"
                " profile both windows with the same reference"
            )
        bins, counts, _, _ = add_counts(self.bins, self.counts, other.bins, other.counts)
        return type(self)(self.grid, bins, counts)

    @classmethod
    def sum(cls, parts: Sequence[Self]) -> Self:
        """Return the sum of one or more histograms, in counters of all bins, without sorting partial sums."""
        if len(parts) == 1:
            return parts[0]
        if any(part.grid != parts[0].grid for part in parts):
            return reduce(add, parts)
        dense = np.zeros(BINS, np.int64)
        for part in parts:
            dense[part.bins] += part.counts
        return cls.of_counts(dense, parts[0].grid)

    def without(self, grid_bin: int, count: int) -> Self:
        """Return the histogram less `count` values of a bin, which has at least that many."""
        if not count:
            return self
        counts = self.counts.copy()
        counts[np.searchsorted(self.bins, grid_bin)] -= count
        left = counts > 0
        return type(self)(self.grid, self.bins[left], counts[left])

    @property
    def total(self) -> int:
        """Number of values."""
        return int(self.counts.sum())

    @property
    def cumulative(self) -> Counts:
        """Cumulative number of values up to each bin of `bins`, int64, of the same shape."""
        return np.cumsum(self.counts)

    @property
    def largest_mass(self) -> float:
        """Share of the values in the fullest bin, in [0, 1]; 0 when empty."""
        return float(self.counts.max() / self.total) if self.counts.size else 0.0

    def quantile(self, q: ArrayLike, values: Floats | None = None) -> Floats:
        """Return quantiles in the column's unit as ``np.quantile``, accurate to the width of a bin.

        The values of a bin are taken as evenly spread over it. With `values`, a quantile is exact in bins
        with one of them, and one of them in other bins.

        Parameters
        ----------
        q : float or array of float
            Probabilities in [0, 1].
        values : array of float64, optional
            All distinct values, increasing.

        Returns
        -------
        array of float64
            The shape of `q`; finite.

        Raises
        ------
        ValueError
            If the histogram is empty (check `total` first), or a probability is outside [0, 1].
        """
        asked = np.asarray(q, np.float64)
        if not self.counts.size:
            raise ValueError("an empty histogram has no quantiles; ask for its total first")
        if not np.all((asked >= 0) & (asked <= 1)):
            raise ValueError(f"quantiles are asked for by probabilities in [0, 1], not {asked}")
        upto = self.cumulative
        rank = asked * (upto[-1] - 1)
        below = np.floor(rank)
        low, high = self._ranked(np.array([below, np.minimum(below + 1, upto[-1] - 1)]), upto, values)
        share = rank - below
        # A weighted sum cannot overflow, unlike adding a difference.
        return np.asarray(np.where(low == high, low, (1 - share) * low + share * high))

    def agreeing(self, values: Floats | None) -> Floats | None:
        """Return `values` if they are finite and fill exactly the non-empty bins; else None."""
        if values is None or not np.isfinite(values).all():
            return None
        own = self.grid.bins(values)
        return values if np.array_equal(union(own), self.bins) else None

    def _ranked(self, rank: Floats, upto: Counts, values: Floats | None) -> Floats:
        """Return the values of ranks, counted from 0."""
        at = np.searchsorted(upto, rank, side="right")
        bins = self.bins[at]
        share = 1 - (upto[at] - rank - 0.5) / self.counts[at]
        found = (1 - share) * self.grid.lower(bins) + share * self.grid.upper(bins)
        if values is not None:
            return _nearest(found, bins, values, self.grid)
        # Values equal to the centre are common, others within 1e-40 of it are not.
        return np.where(bins == CENTRE, self.grid.centre, found)

    def mass(self, table: Floats) -> float:
        """Return the sum over all values of the table's entry for their bin.

        Parameters
        ----------
        table : array of float64, shape (BINS,)
            A number for every bin; the result has its unit. An empty histogram gives 0.
        """
        return float((self.counts * table[self.bins]).sum())


def places(grid: Grid, bins: Bins, values: Floats | None) -> Floats:
    """Return the representative value of each bin, in the column's unit.

    Parameters
    ----------
    grid : Grid
    bins : array of int32
        Increasing.
    values : array of float64 or None
        All distinct values, increasing; None if unknown. The representative is the single value of a bin, or
        else its middle.
    """
    middles = grid.middle(bins)
    if values is None:
        return middles
    own = grid.bins(values)
    first, behind = np.searchsorted(own, bins), np.searchsorted(own, bins, side="right")
    return np.where(behind - first == 1, values[np.minimum(first, own.size - 1)], middles)


def all_values(*parts: Floats | None) -> Floats | None:
    """Return the distinct values of all parts, increasing; None if those of any part are unknown."""
    known = [part for part in parts if part is not None]
    return np.unique(np.concatenate(known)) if known and len(known) == len(parts) else None


def _nearest(x: Floats, bins: Bins, values: Floats, grid: Grid) -> Floats:
    """Return for each x the nearest of increasing `values` in its bin, which has at least one."""
    own = grid.bins(values)
    first, last = np.searchsorted(own, bins), np.searchsorted(own, bins, side="right") - 1
    above = np.clip(np.searchsorted(values, x), first, last)
    below = np.maximum(above - 1, first)
    low, high = values[below], values[above]
    return np.where(x / 2 - low / 2 <= high / 2 - x / 2, low, high)  # halves do not overflow
