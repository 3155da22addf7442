"""Stack of a numeric column over many windows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np

from lupus_assets.errors import StateError
from lupus_assets.stats.distance.binning import DECILES, Parts
from lupus_assets.stats.distance.distributions import DISTRIBUTIONS
from lupus_assets.stats.distance.expectation import expected_psi
from lupus_assets.stats.distance.marginal import Numeric
from lupus_assets.stats.distance.pair import half_steps
from lupus_assets.stats.distance.stack import Stack, summed_apart
from lupus_assets.stats.grid import BINS, Grid
from lupus_assets.stats.histogram import Histogram, all_values
from lupus_assets.stats.state import Bins, Counts, Floats

NULL = 2  # the last column of `NumericStack.apart`
DECILE = np.arange(1, DECILES)
BLOCK = 2**15  # numbers per block; they fit into a processor's second-level cache


@dataclass(frozen=True)
class NumericStack(Stack):
    """A numeric column over many windows.

    Attributes
    ----------
    grid : Grid
        Shared by all windows.
    bins : ndarray of int32, shape (bins,)
        Grid bins with values in any window, increasing.
    counts : ndarray of int64, shape (windows, bins)
        Finite values per bin.
    apart : ndarray of int64, shape (windows, 3)
        Negative infinities, positive infinities, and nulls with NaN.
    histograms : tuple of Histogram
        The same counts per window, with only its own bins.
    extremes : tuple of (float, float) or None
        Lowest and highest finite value of each window; None without any.
    values : tuple of array or None
        Distinct finite values of each window, increasing; None if there are too many.
    """

    grid: Grid
    bins: Bins
    histograms: tuple[Histogram, ...]
    extremes: tuple[tuple[float, float] | None, ...]
    values: tuple[Floats | None, ...]
    _parts: dict[int, Parts] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, windows: Sequence[Sequence[Numeric]]) -> Self:
        """Return the stack of windows, each given as the states of its partitions; at least one state.

        Raises
        ------
        StateError
            The windows have different grids.
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
            summed_apart(apart, 3),
            grid,
            bins.astype(np.int32),
            histograms,
            tuple([_extremes(window) for window in windows]),
            tuple([_values(window) for window in windows]),
        )

    @cached_property
    def _cumulative(self) -> Counts:
        """Number of values below each bin, and of all values; shape (windows, bins + 1)."""
        return np.concatenate(
            [np.zeros((len(self.counts), 1), np.int64), np.cumsum(self.counts, axis=1)], axis=1
        )

    def parts(self, window: int) -> Parts:
        """Return the ten parts of the finite values of one window; fewer with ties."""
        if window not in self._parts:
            self._parts[window] = Parts.of(self.histograms[window])
        return self._parts[window]

    def binned(self, reference: int) -> Counts:
        """Return the rows of each window per part of `reference`, outside of all parts, and null or NaN.

        Laid out as `lupus_assets.stats.reference.numeric.NumericReference.binned`.
        """
        parts = self.parts(reference)
        begin, end = np.searchsorted(self.bins, parts.first), np.searchsorted(self.bins, parts.last, "right")
        inside = self._cumulative[:, end] - self._cumulative[:, begin]
        outside = self.rows - inside.sum(axis=1) - self.apart[:, NULL]
        return np.column_stack([inside, outside, self.apart[:, NULL]])

    def pooled(self, reference: int, first: int = 0) -> Counts:
        """Return the rows of `reference`, and of each window from `first` on, in bins of both together.

        Returns
        -------
        ndarray of int64, shape (2, windows, bins)
            As `lupus_assets.stats.reference.numeric.NumericReference.pooled`, with the infinities and nulls
            first; bins may be empty.
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
        """Return a quantile of one window, as `NumericColumn.quantiles`; None without finite values."""
        histogram, extremes = self.histograms[window], self.extremes[window]
        if extremes is None or not histogram.counts.size:
            return None
        return float(np.clip(histogram.quantile(q, self.values[window]), *extremes))

    def expected_psi(self, reference: int, rows: int) -> float:
        """Return the expected PSI of `rows` rows against `reference` without drift."""
        counts = self.binned(reference)[reference]
        return expected_psi(counts, self.parts(reference).forecast(counts), rows)

    @cached_property
    def _shares(self) -> Floats:
        """Empirical CDF of each window at the upper end of each bin; NaN without values."""
        upto = self._cumulative[:, 1:]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(upto / self.counts.sum(axis=1, keepdims=True))

    @cached_property
    def _half_steps(self) -> Floats:
        return half_steps(self.grid, self.bins, all_values(*self.values))

    def of_distributions(self, reference: int, first: int = 0) -> dict[str, Floats]:
        """Return the distances of the windows from `first` on to `reference`, by name; NaN without values."""
        theirs, mine = self._shares[first:], self._shares[reference]
        found = {each.name: np.full(len(theirs), np.nan) for each in DISTRIBUTIONS}
        if not self.bins.size:
            return found
        step = max(BLOCK // self.bins.size, 1)
        for begin in range(0, len(theirs), step):
            gaps = theirs[begin : begin + step] - mine
            np.abs(gaps, out=gaps)
            for each in DISTRIBUTIONS:
                found[each.name][begin : begin + step] = each.function(gaps, self._half_steps)
        defined = ~np.isnan(theirs[:, 0] - mine[0])
        return {name: np.where(defined, values, np.nan) for name, values in found.items()}


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
