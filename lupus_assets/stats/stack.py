"""One column over many windows, stacked: any two of them compare without looking at a row again.

The counts of all windows lie on the bins that any of them filled, so that a distance is a sum over a row of
the stack. A window may be of many partitions. Of a stored state only its *marginal* is needed, which
`lupus_assets.stats.codec.marginal_of` reads without the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats import distance
from lupus_assets.stats.binning import DECILES, TOP, Parts, forecast_categories, most_frequent
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.grid import BINS, Grid
from lupus_assets.stats.histogram import Histogram, all_values, places
from lupus_assets.stats.state import Bins, Counts, Floats, Hashes, places_of

BINNED: dict[str, Callable[[Counts, Counts], Floats]] = {
    "psi": distance.psi,
    "jensen_shannon": distance.jensen_shannon,
    "l_infinity": distance.l_infinity,
}
POOLED = ("chi_square", "chi_square_p")
FULL = ("ks", "wasserstein")
NULL = 2  # the last place in `NumericStack.apart`


@dataclass(frozen=True, eq=False)
class NumericMarginal:
    """What distances take of a `NumericColumn`, in its words."""

    nulls: int
    nans: int
    positive_infinities: int
    negative_infinities: int
    histogram: Histogram
    minimum: float | None = None
    maximum: float | None = None
    distinct: Distinct | None = None  # and where it does not tell the values

    @property
    def values(self) -> Floats | None:
        """All finite values that occur, as `NumericColumn.values`."""
        return self.histogram.agreeing(None if self.distinct is None else self.distinct.numbers())


@dataclass(frozen=True, eq=False)
class CategoryCounts:
    """What distances take of `Categories`, in their words."""

    hashes: Hashes
    counts: Counts
    other: int


@dataclass(frozen=True, eq=False)
class CategoricalMarginal:
    """What distances take of a `CategoricalColumn`, in its words."""

    nulls: int
    categories: CategoryCounts


Numeric = NumericColumn | NumericMarginal
Categorical = CategoricalColumn | CategoricalMarginal


@dataclass(frozen=True)
class _Windows:
    """What stacks of both kinds share: rows counted by window, in bins and `apart` from them."""

    counts: Counts
    apart: Counts

    @property
    def rows(self) -> Counts:
        """Rows of each window, nulls included; int64, shape (windows,)."""
        return np.asarray(self.counts.sum(axis=1) + self.apart.sum(axis=1))


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
    extremes : tuple of (float, float) or None
        Lowest and highest finite value of each window, where there are some.
    values : tuple of array or None
        All finite values of each window, increasing, where they are few.
    """

    grid: Grid
    bins: Bins
    extremes: tuple[tuple[float, float] | None, ...]
    values: tuple[Floats | None, ...]

    @classmethod
    def of(cls, windows: Sequence[Sequence[Numeric]]) -> Self:
        """Stack windows, each given as the states of its partitions; one state at least.

        Raises
        ------
        StateError
            They lie on different grids.
        """
        histograms = [column.histogram for window in windows for column in window]
        grid = histograms[0].grid
        if any(histogram.grid != grid for histogram in histograms):
            raise StateError("the windows lie on different grids; profile them with one reference")
        filled = np.zeros(BINS, np.bool_)
        for histogram in histograms:
            filled[histogram.bins] = True
        bins = np.flatnonzero(filled)
        places = np.zeros(BINS, np.intp)
        places[bins] = np.arange(bins.size)
        counts = [
            _summed(
                [places[column.histogram.bins] for column in window],
                [column.histogram.counts for column in window],
                bins.size,
            )
            for window in windows
        ]
        apart = [
            [(c.negative_infinities, c.positive_infinities, c.nulls + c.nans) for c in window]
            for window in windows
        ]
        return cls(
            np.array(counts),
            _apart(apart, 3),
            grid,
            bins.astype(np.int32),
            tuple([_extremes(window) for window in windows]),
            tuple([_values(window) for window in windows]),
        )

    @cached_property
    def _cumulative(self) -> Counts:
        """Values below each bin, and all at the end; shape (windows, bins + 1)."""
        return np.concatenate(
            [np.zeros((len(self.counts), 1), np.int64), np.cumsum(self.counts, axis=1)], axis=1
        )

    def parts(self, window: int) -> Parts:
        """Return ten parts of the finite values of one window; fewer with ties."""
        return Parts.of(self._histogram(window))

    def binned(self, parts: Parts) -> Counts:
        """Return the rows of each window per part, outside of all parts, and its nulls and NaN in a last bin.

        Laid out as `lupus_assets.stats.reference.NumericReference.binned`.
        """
        begin, end = np.searchsorted(self.bins, parts.first), np.searchsorted(self.bins, parts.last, "right")
        inside = self._cumulative[:, end] - self._cumulative[:, begin]
        outside = self.rows - inside.sum(axis=1) - self.apart[:, NULL]
        return np.column_stack([inside, outside, self.apart[:, NULL]])

    def pooled(self, reference: int, windows: NDArray[np.intp]) -> Counts:
        """Return the rows of one window, and of others, on bins of both together, which favour neither.

        Returns
        -------
        ndarray of int64, shape (2, windows, bins)
            Laid out as `lupus_assets.stats.reference.NumericReference.pooled`, the infinities and nulls
            first; bins may be empty.
        """
        mine, size = self._cumulative[reference], self.bins.size
        ends = np.zeros((windows.size, DECILES + 1), np.intp)
        ends[:, -1] = size
        if size:
            of_all = self._cumulative[windows, -1] + mine[-1]
            wanted = of_all[:, None] * np.arange(1, DECILES) / DECILES
            above = np.array(
                [
                    np.searchsorted(mine + self._cumulative[window], least)
                    for window, least in zip(windows.tolist(), np.ceil(wanted).astype(np.int64), strict=True)
                ]
            ).clip(1, size)
            low, high = (mine[at] + self._cumulative[windows[:, None], at] for at in (above - 1, above))
            ends[:, 1:-1] = above - (wanted - low < high - wanted)  # as `binning.cut_places`
        parted = np.diff(mine[ends]), np.diff(self._cumulative[windows[:, None], ends])
        apart = np.broadcast_to(self.apart[reference], (windows.size, NULL + 1)), self.apart[windows]
        return np.concatenate([apart, parted], axis=2)

    def _histogram(self, window: int) -> Histogram:
        filled = np.flatnonzero(self.counts[window])
        return Histogram(self.grid, self.bins[filled], self.counts[window, filled])

    def quantile(self, window: int, q: float) -> float | None:
        """Return a quantile of one window, as `NumericColumn.quantiles` does; None without finite values."""
        histogram, extremes = self._histogram(window), self.extremes[window]
        if extremes is None or not histogram.counts.size:
            return None
        return float(np.clip(histogram.quantile(q, self.values[window]), *extremes))

    def expected_psi(self, reference: int, rows: int) -> float:
        """Return the PSI of `rows` rows from one window without any drift."""
        parts = self.parts(reference)
        counts = self.binned(parts)[reference]
        return distance.expected_psi(counts, parts.forecast(counts), rows)

    def distances(self, reference: int) -> dict[str, Floats]:
        """Return how far each window lies from the one at `reference`.

        Returns
        -------
        dict of str to ndarray of float64, shape (windows,)
            The names of `BINNED`, `POOLED` and `FULL`, as `lupus_assets.stats.distance` defines them; NaN
            where a window holds no rows or, for `FULL`, no finite value.
        """
        windows = np.arange(len(self.counts))
        found = _binned_distances(self.binned(self.parts(reference)), reference)
        return (
            found
            | _chi_square(self.rows, self.pooled(reference, windows), windows)
            | self._full(reference, windows)
        )

    def pairs(self) -> dict[str, Floats]:
        """Return the distances of all pairs of windows, each as (reference, current).

        Returns
        -------
        dict of str to ndarray of float64, shape (windows, windows)
            As `distances`, one row per reference.
        """

        def symmetric(at: int, later: NDArray[np.intp]) -> dict[str, Floats]:
            return _chi_square(self.rows, self.pooled(at, later), later) | self._full(at, later)

        return _pairs(
            len(self.counts), lambda at: _binned_distances(self.binned(self.parts(at)), at), symmetric
        )

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
        steps = np.diff(places(self.grid, self.bins, all_values(*self.values)) / 2)  # halves do not overflow
        with np.errstate(over="ignore"):
            far = gaps[:, :-1] @ steps * 2
        return {"ks": largest, "wasserstein": np.where(np.isnan(largest), np.nan, far)}


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
    def of(cls, windows: Sequence[Sequence[Categorical]]) -> Self:
        """Stack windows, each given as the states of its partitions; one state at least."""
        hashes, places = places_of([c.categories.hashes for window in windows for c in window])
        rest = iter(places)
        counts = [
            _summed([next(rest) for _ in window], [c.categories.counts for c in window], hashes.size)
            for window in windows
        ]
        apart = [[(c.categories.other, c.nulls) for c in window] for window in windows]
        return cls(np.array(counts), _apart(apart, 2), hashes)

    def binned(self, window: int) -> Counts:
        """Return the rows of each window per top category of one, of all the rest, and null.

        Laid out as `lupus_assets.stats.reference.CategoricalReference.binned`.
        """
        counts = self.counts[:, most_frequent(self.counts[window])]
        rest = self.rows - counts.sum(axis=1) - self.apart[:, 1]
        return np.column_stack([counts, rest, self.apart[:, 1]])

    @cached_property
    def _held(self) -> list[NDArray[np.intp]]:
        """Places of the values that each window held."""
        return [np.flatnonzero(counts) for counts in self.counts]

    def pooled(self, reference: int, windows: NDArray[np.intp]) -> Counts:
        """Return the rows of one window, and of others, per most frequent value of both together.

        Returns
        -------
        ndarray of int64, shape (2, windows, bins)
            Laid out as `lupus_assets.stats.reference.CategoricalReference.pooled`, the rest and nulls first,
            and filled up with empty bins.
        """
        found = np.zeros((2, windows.size, 2 + TOP), np.int64)
        mine = self.counts[reference]
        own = self._held[reference]
        for at, window in enumerate(windows.tolist()):
            theirs = self.counts[window]
            held = np.concatenate([self._held[window], own[theirs[own] == 0]])
            top = most_frequent(mine[held] + theirs[held], held)
            found[0, at, 2 : 2 + top.size], found[1, at, 2 : 2 + top.size] = mine[top], theirs[top]
        totals = self.rows - self.apart[:, 1]
        found[0, :, 0], found[1, :, 0] = totals[reference], totals[windows]
        found[..., 0] -= found[..., 2:].sum(axis=2)
        found[0, :, 1], found[1, :, 1] = self.apart[reference, 1], self.apart[windows, 1]
        return found

    def expected_psi(self, reference: int, rows: int) -> float:
        """Return the PSI of `rows` rows from one window without any drift."""
        counts = self.binned(reference)[reference]
        return distance.expected_psi(counts, forecast_categories(counts, self.counts[reference]), rows)

    def distances(self, reference: int) -> dict[str, Floats]:
        """Return how far each window lies from the one at `reference`.

        Returns
        -------
        dict of str to ndarray of float64, shape (windows,)
            The names of `BINNED` and `POOLED`, as `lupus_assets.stats.distance` defines them; NaN where a
            window holds no rows.
        """
        windows = np.arange(len(self.counts))
        pooled = self.pooled(reference, windows)
        return _binned_distances(self.binned(reference), reference) | _chi_square(self.rows, pooled, windows)

    def pairs(self) -> dict[str, Floats]:
        """Return the distances of all pairs of windows, as `NumericStack.pairs` does."""
        return _pairs(
            len(self.counts),
            lambda at: _binned_distances(self.binned(at), at),
            lambda at, later: _chi_square(self.rows, self.pooled(at, later), later),
        )


Stack = NumericStack | CategoricalStack


def _extremes(window: Sequence[Numeric]) -> tuple[float, float] | None:
    ranges = [(c.minimum, c.maximum) for c in window if c.minimum is not None and c.maximum is not None]
    return (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None


def _values(window: Sequence[Numeric]) -> Floats | None:
    found = []
    for column in window:
        if not column.histogram.counts.size:
            continue
        values = column.values
        if values is None:
            return None
        found.append(values)
    return all_values(*found) if found else np.empty(0)


def _summed(places: Sequence[NDArray[np.intp]], counts: Sequence[Counts], size: int) -> Counts:
    """Return the sum of counts by place; exact below 2^53."""
    if not places:
        return np.zeros(size, np.int64)
    weights = np.concatenate(counts)
    return np.bincount(np.concatenate(places), weights, size).astype(np.int64)


def _apart(windows: Sequence[Sequence[tuple[int, ...]]], width: int) -> Counts:
    return np.array([np.reshape(window, (-1, width)).sum(axis=0) for window in windows], np.int64)


def _binned_distances(counts: Counts, reference: int) -> dict[str, Floats]:
    filled = counts.sum(axis=1) > 0
    found = {name: np.full(len(counts), np.nan) for name in BINNED}
    if filled[reference]:
        old, new = counts[reference], counts[filled]
        for name, measure in BINNED.items():
            found[name][filled] = measure(old, new)
    return found


def _chi_square(rows: Counts, pooled: Counts, windows: NDArray[np.intp]) -> dict[str, Floats]:
    """Return the chi-square statistic and its p value; NaN where a side has no rows."""
    filled = (rows[windows] > 0) & (pooled[0].sum(axis=1) > 0)
    found = {name: np.full(windows.size, np.nan) for name in POOLED}
    for name, values in zip(POOLED, distance.chi_square(*pooled[:, filled]), strict=True):
        found[name][filled] = values
    return found


def _pairs(
    size: int,
    either_way: Callable[[int], dict[str, Floats]],
    symmetric: Callable[[int, NDArray[np.intp]], dict[str, Floats]],
) -> dict[str, Floats]:
    """Return the distances of all pairs of windows: those of a reference from each, and those without one."""
    found: dict[str, Floats] = {}
    for at in range(size):
        later = np.arange(at, size)
        for name, values in either_way(at).items():
            found.setdefault(name, np.zeros((size, size)))[at] = values
        for name, values in symmetric(at, later).items():
            matrix = found.setdefault(name, np.zeros((size, size)))
            matrix[at, later] = matrix[later, at] = values
    return found
