"""One column over many windows, stacked: any two of them compare without looking at a row again.

The counts of all windows lie on the bins that any of them filled, so that a distance is a sum over a row of
the stack. A window may be of many partitions. Of each only its *marginal* is needed
(`lupus_assets.stats.distance.marginal`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.distance import formula as distance
from lupus_assets.stats.distance.binning import DECILES, TOP, Parts, forecast_categories, most_frequent
from lupus_assets.stats.distance.contingency import binned_distances, both_ways, pooled_distances
from lupus_assets.stats.distance.marginal import Categorical, Numeric
from lupus_assets.stats.grid import BINS, Grid
from lupus_assets.stats.histogram import Histogram, all_values, places
from lupus_assets.stats.state import Bins, Counts, Floats, Hashes, places_of

FULL = ("ks", "wasserstein")
NULL = 2  # the last place in `NumericStack.apart`
DECILE = np.arange(1, DECILES)
LIKELY = 4 * TOP  # most frequent values of one window among which those of two are looked for first


@dataclass(frozen=True)
class _Windows:
    """What stacks of both kinds share: rows counted by window, in bins and `apart` from them."""

    counts: Counts
    apart: Counts

    @cached_property
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
    histograms : tuple of Histogram
        The same, of the bins that each window filled.
    extremes : tuple of (float, float) or None
        Lowest and highest finite value of each window, where there are some.
    values : tuple of array or None
        All finite values of each window, increasing, where they are few.
    """

    grid: Grid
    bins: Bins
    histograms: tuple[Histogram, ...]
    extremes: tuple[tuple[float, float] | None, ...]
    values: tuple[Floats | None, ...]
    _parts: dict[int, Parts] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, windows: Sequence[Sequence[Numeric]]) -> Self:
        """Stack windows, each given as the states of its partitions; one state at least.

        Raises
        ------
        StateError
            They lie on different grids.
        """
        each = [[column.histogram for column in window] for window in windows]
        grid = next(histogram.grid for window in each for histogram in window)
        if any(histogram.grid != grid for window in each for histogram in window):
            raise StateError("the windows lie on different grids; profile them with one reference")
        histograms = tuple([Histogram.sum(window or [Histogram.empty(grid)]) for window in each])
        filled = np.zeros(BINS, np.bool_)
        for histogram in histograms:
            filled[histogram.bins] = True
        bins = np.flatnonzero(filled)
        places = np.empty(BINS, np.intp)
        places[bins] = np.arange(bins.size)
        counts = np.zeros((len(windows), bins.size), np.int64)
        for row, histogram in zip(counts, histograms, strict=True):
            row[places[histogram.bins]] = histogram.counts
        apart = [
            [(c.negative_infinities, c.positive_infinities, c.nulls + c.nans) for c in window]
            for window in windows
        ]
        return cls(
            counts,
            _apart(apart, 3),
            grid,
            bins.astype(np.int32),
            histograms,
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
        if window not in self._parts:
            self._parts[window] = Parts.of(self.histograms[window])
        return self._parts[window]

    def binned(self, reference: int) -> Counts:
        """Return the rows of each window per part of one, outside of all parts, and null or NaN.

        Laid out as `lupus_assets.stats.reference.column.NumericReference.binned`.
        """
        parts = self.parts(reference)
        begin, end = np.searchsorted(self.bins, parts.first), np.searchsorted(self.bins, parts.last, "right")
        inside = self._cumulative[:, end] - self._cumulative[:, begin]
        outside = self.rows - inside.sum(axis=1) - self.apart[:, NULL]
        return np.column_stack([inside, outside, self.apart[:, NULL]])

    def pooled(self, reference: int, first: int = 0) -> Counts:
        """Return the rows of one window, and of those from `first` on, on bins of both, which favour neither.

        Returns
        -------
        ndarray of int64, shape (2, windows, bins)
            Laid out as `lupus_assets.stats.reference.column.NumericReference.pooled`, the infinities and
            nulls first; bins may be empty.
        """
        mine, theirs, size = self._cumulative[reference], self._cumulative[first:], self.bins.size
        ends = np.zeros((len(theirs), DECILES + 1), np.intp)
        ends[:, -1] = size
        window = np.arange(len(theirs))[:, None]
        if size:
            wanted = (theirs[:, -1:] + mine[-1]) * DECILE / DECILES
            above = np.array(
                [
                    (mine + each).searchsorted(least)
                    for each, least in zip(theirs, np.ceil(wanted).astype(np.int64), strict=True)
                ]
            )
            above = np.maximum(above, 1)
            low, high = (mine[at] + theirs[window, at] for at in (above - 1, above))
            ends[:, 1:-1] = above - (wanted - low < high - wanted)  # as `binning.cut_places`
        below = np.array([mine[ends], theirs[window, ends]])
        found = np.empty((2, len(theirs), NULL + 1 + DECILES), np.int64)
        found[0, :, : NULL + 1], found[1, :, : NULL + 1] = self.apart[reference], self.apart[first:]
        found[..., NULL + 1 :] = below[..., 1:] - below[..., :-1]
        return found

    def quantile(self, window: int, q: float) -> float | None:
        """Return a quantile of one window, as `NumericColumn.quantiles` does; None without finite values."""
        histogram, extremes = self.histograms[window], self.extremes[window]
        if extremes is None or not histogram.counts.size:
            return None
        return float(np.clip(histogram.quantile(q, self.values[window]), *extremes))

    def expected_psi(self, reference: int, rows: int) -> float:
        """Return the PSI of `rows` rows from one window without any drift."""
        counts = self.binned(reference)[reference]
        return distance.expected_psi(counts, self.parts(reference).forecast(counts), rows)

    def distances(self, reference: int) -> dict[str, Floats]:
        """Return how far each window lies from the one at `reference`.

        Returns
        -------
        dict of str to ndarray of float64, shape (windows,)
            The names of `lupus_assets.stats.distance.contingency` and `FULL`, as
            `lupus_assets.stats.distance.formula` defines them; NaN where a window holds no rows or, for
            `FULL`, no finite value.
        """
        return distances([self], reference)[0]

    def pairs(self) -> dict[str, Floats]:
        """Return the distances of all pairs of windows, each as (reference, current).

        Returns
        -------
        dict of str to ndarray of float64, shape (windows, windows)
            As `distances`, one row per reference.
        """
        full = [self.full(at, at) for at in range(len(self.counts))]
        return _pairs(self) | {name: both_ways([each[name] for each in full]) for name in FULL}

    @cached_property
    def _shares(self) -> Floats:
        """Empirical CDF of each window at the upper end of each bin; NaN without values."""
        upto = self._cumulative[:, 1:]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(upto / self.counts.sum(axis=1, keepdims=True))

    @cached_property
    def _half_steps(self) -> Floats:
        """Half of how far each bin's values lie from those of the next; whole ones may overflow."""
        return np.diff(places(self.grid, self.bins, all_values(*self.values)) / 2)

    def full(self, reference: int, first: int = 0) -> dict[str, Floats]:
        """Return how far windows, from `first` on, lie from one by `FULL`; NaN without finite values."""
        if not self.bins.size:
            return {name: np.full(len(self.counts) - first, np.nan) for name in FULL}
        gaps = self._shares[first:] - self._shares[reference]
        np.abs(gaps, out=gaps)
        largest = np.maximum.reduce(gaps, axis=1)  # NaN where a window has no values
        with np.errstate(over="ignore"):
            far = gaps[:, :-1] @ self._half_steps * 2
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

        Laid out as `lupus_assets.stats.reference.column.CategoricalReference.binned`.
        """
        held = self._held[window]
        counts = self.counts[:, most_frequent(self.counts[window, held], held)]
        rest = self.rows - counts.sum(axis=1) - self.apart[:, 1]
        return np.column_stack([counts, rest, self.apart[:, 1]])

    @cached_property
    def _held(self) -> list[NDArray[np.intp]]:
        """Places of the values that each window held."""
        return [np.flatnonzero(counts > 0) for counts in self.counts]

    @cached_property
    def _entries(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Counts]:
        """Window, place and count of every value that a window held, in the order of windows."""
        sizes = [held.size for held in self._held]
        windows, held = np.repeat(np.arange(len(sizes)), sizes), np.concatenate(self._held)
        return windows, held, self.counts[windows, held]

    def pooled(self, reference: int, first: int = 0) -> Counts:
        """Return the rows of one window, and of those from `first` on, per most frequent value of both.

        Returns
        -------
        ndarray of int64, shape (2, windows, bins)
            Laid out as `lupus_assets.stats.reference.column.CategoricalReference.pooled`, the rest and nulls
            first, and filled up with empty bins.
        """
        mine, theirs, size = self.counts[reference], self.counts[first:], self.hashes.size
        window, place = self._candidates(reference, first)
        order = np.argsort(window, kind="stable")
        window, place = window[order], place[order]
        column = np.arange(window.size) - np.searchsorted(window, np.arange(len(theirs)))[window]
        ranked = np.zeros((len(theirs), max(TOP, column.max(initial=0) + 1)), np.int64)
        # One number to sort by: the larger count first, of equal ones the first place; rows times values fit.
        ranked[window, column] = (mine[place] + theirs[window, place]) * size + size - 1 - place
        ranked = np.sort(ranked, axis=1)[:, : -TOP - 1 : -1]
        window, column = np.nonzero(ranked)
        place = size - 1 - ranked[window, column] % size
        found = np.zeros((2, len(theirs), 2 + TOP), np.int64)
        found[0, window, 2 + column], found[1, window, 2 + column] = mine[place], theirs[window, place]
        totals = self.rows - self.apart[:, 1]
        found[0, :, 0], found[1, :, 0] = totals[reference], totals[first:]
        found[..., 0] -= found[..., 2:].sum(axis=2)
        found[0, :, 1], found[1, :, 1] = self.apart[reference, 1], self.apart[first:, 1]
        return found

    def _candidates(self, reference: int, first: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return windows, from `first` on, and places of values: the most frequent of each pair, and more.

        The reference's own frequent values give a lower bound of the `TOP`th largest pooled count.
        """
        mine, theirs, own = self.counts[reference], self.counts[first:], self._held[reference]
        least = np.ones(len(theirs), np.int64)
        if own.size >= TOP:
            frequent = own[np.argpartition(mine[own], -LIKELY)[-LIKELY:]] if own.size > LIKELY else own
            least = np.partition(theirs[:, frequent] + mine[frequent], -TOP, axis=1)[:, -TOP]
        start = sum(map(len, self._held[:first]))
        window, place, count = (each[start:] for each in self._entries)
        sums = mine[place] + count
        held = np.flatnonzero(sums >= least.min())
        held = held[sums[held] >= least[window[held] - first]]
        own = own[mine[own] >= least.min()]
        missing, at = np.nonzero((theirs[:, own] == 0) & (mine[own] >= least[:, None]))
        return np.concatenate([window[held] - first, missing]), np.concatenate([place[held], own[at]])

    def expected_psi(self, reference: int, rows: int) -> float:
        """Return the PSI of `rows` rows from one window without any drift."""
        counts = self.binned(reference)[reference]
        return distance.expected_psi(counts, forecast_categories(counts, self.counts[reference]), rows)

    def distances(self, reference: int) -> dict[str, Floats]:
        """Return how far each window lies from the one at `reference`, as `NumericStack.distances`."""
        return distances([self], reference)[0]

    def pairs(self) -> dict[str, Floats]:
        """Return the distances of all pairs of windows, as `NumericStack.pairs` does."""
        return _pairs(self)


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


def distances(stacks: Sequence[Stack], reference: int) -> list[dict[str, Floats]]:
    """Return how far the windows of each column lie from the one at `reference`, as `NumericStack.distances`.

    Parameters
    ----------
    stacks : sequence of NumericStack or CategoricalStack
        Of as many windows.
    reference : int
    """
    if not stacks:
        return []
    binned = binned_distances([stack.binned(reference) for stack in stacks], [reference] * len(stacks))
    tables = [stack.pooled(reference) for stack in stacks]
    pooled = np.zeros((*tables[0].shape[:2], len(stacks), max(each.shape[2] for each in tables)), np.int64)
    for at, table in enumerate(tables):
        pooled[:, :, at, : table.shape[2]] = table
    chi_square = pooled_distances(pooled)
    return [
        {name: values[at] for name, values in binned.items()}
        | {name: values[:, at] for name, values in chi_square.items()}
        | (stack.full(reference) if isinstance(stack, NumericStack) else {})
        for at, stack in enumerate(stacks)
    ]


def _pairs(stack: Stack) -> dict[str, Floats]:
    """Return the distances on counts of all pairs of windows."""
    windows = range(len(stack.counts))
    found = binned_distances([stack.binned(at) for at in windows], list(windows))
    chi_square = pooled_distances(np.concatenate([stack.pooled(at, at) for at in windows], axis=1))
    ends = np.cumsum(range(len(windows), 1, -1))
    return found | {name: both_ways(np.split(values, ends)) for name, values in chi_square.items()}
