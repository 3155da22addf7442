"""A numeric column of the reference window, and the metrics of later windows against it.

A reference stores only the column's state. Parts, counts and limits are derived from it once and
cached; ranks are computed only for the bins of the current column. Current columns must have the same
grid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from lupus_assets.errors import StateError
from lupus_assets.stats.column import NumericColumn
from lupus_assets.stats.distance.binning import Parts, pooled_deciles
from lupus_assets.stats.estimate import Estimate
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.state import Bins, Counts, Floats, State

RANGE_MARGIN = 0.25  # fraction of the reference's range: longer windows have slightly wider extremes
CLIP = 12.0  # in spreads; the distance of values further out carries no information
HILL = 0.98  # quantile at which the tail for Hill's exponent begins
HEAVIEST = 1.0  # maximum exponent: from it on the mean is infinite
TAIL = 0.995  # quantile at which the tail begins whose length is a margin

NO_REFERENCE = "the reference holds no finite values"
NO_VALUES = "the window holds no finite values"


@dataclass(frozen=True, eq=False)
class NumericReference(State):
    """A numeric column of the reference window.

    Attributes
    ----------
    column : NumericColumn
        State of the column over the reference window.
    """

    column: NumericColumn

    @classmethod
    def of(cls, column: NumericColumn) -> Self:
        """Return the reference of a column's state."""
        return cls(column)

    @cached_property
    def parts(self) -> Parts:
        """Ten parts of the finite values; fewer with ties."""
        return Parts.of(self.column.histogram)

    @cached_property
    def reference_counts(self) -> Counts:
        """The reference's own rows in the layout of `binned`."""
        return self.binned(self.column)

    def ranks(self, bins: Bins) -> Floats:
        """Return the mid-rank of grid bins in the reference, in [0, 1].

        Share of the reference's finite values below the bin plus half of the share in it; for a
        bin that is empty in the reference, the share below it. All 0 without finite values.

        Parameters
        ----------
        bins : ndarray of int32
            Bins of the grid in any order; increasing order is fastest.
        """
        histogram = self.column.histogram
        upto = np.concatenate(([0], np.cumsum(histogram.counts)))
        below, through = (upto[np.searchsorted(histogram.bins, bins, side)] for side in ("left", "right"))
        return np.asarray((through - (through - below) / 2) / max(histogram.total, 1))

    @cached_property
    def limits(self) -> tuple[float, float] | None:
        """Limits of the range, in the column's unit; None without finite values.

        The reference's extremes plus a margin, the largest of three: `RANGE_MARGIN` of its range, the
        length of its outermost half per cent, and the extension of its tail in ten times as many
        values: by the factor 10**exponent for a power-law tail, with the exponent of Hill, *A simple
        general approach to inference about the tail of a distribution* (1975).
        """
        low, high = self.column.minimum, self.column.maximum
        if low is None or high is None:
            return None
        histogram = self.column.histogram
        margin = RANGE_MARGIN * (high - low)
        below, middle, above = histogram.quantile(np.array([1 - TAIL, 0.5, TAIL])).tolist()
        away = histogram.grid.middle(histogram.bins) - middle
        return (
            low - max(margin, below - low, (middle - low) * _further(-away, histogram.counts)),
            high + max(margin, high - above, (high - middle) * _further(away, histogram.counts)),
        )

    @cached_property
    def _limit_bins(self) -> tuple[int, int] | None:
        if self.limits is None:
            return None
        low, high = self.column.histogram.grid.bins(np.array(self.limits)).tolist()
        return low, high

    def binned(self, column: NumericColumn) -> Counts:
        """Return the rows of `column` per part, outside of all parts, and null or NaN.

        Returns
        -------
        ndarray of int64, shape (parts + 2,)
            Sums to ``column.rows``; infinities are outside of all parts.

        Raises
        ------
        StateError
            The column has another grid.
        """
        counts = np.append(self.parts.counts(self._same_grid(column)), column.nulls + column.nans)
        counts[-2] += column.negative_infinities + column.positive_infinities
        return counts

    def pooled(self, column: NumericColumn) -> Counts:
        """Return the rows of the reference and of `column` in bins of both together, which favour neither.

        Returns
        -------
        ndarray of int64, shape (2, bins)
            Ten parts of the finite values, either infinity, and nulls with NaNs.

        Raises
        ------
        StateError
            The column has another grid.
        """
        apart = [
            (each.negative_infinities, each.positive_infinities, each.nulls + each.nans)
            for each in (self.column, column)
        ]
        return np.hstack([pooled_deciles(self.column.histogram, self._same_grid(column)), apart])

    def mean_rank(self, column: NumericColumn) -> Estimate:
        """Return the mean reference mid-rank of the finite values, in [0, 1]: their location.

        0.5 for the reference itself. Undefined without finite values on either side.

        Raises
        ------
        StateError
            The column has another grid.
        """
        return self._mean(column, self.ranks)

    def rank_spread(self, column: NumericColumn) -> Estimate:
        """Return the mean distance of the mid-rank from 0.5, in [0, 0.5]: the spread of the finite values.

        0.25 for a continuous reference itself. Undefined without finite values on either side.

        Raises
        ------
        StateError
            The column has another grid.
        """
        return self._mean(column, lambda bins: np.abs(self.ranks(bins) - 0.5))

    @cached_property
    def _clips(self) -> tuple[float, float]:
        """`CLIP` spreads below and above the median, or the grid's centre without finite values."""
        histogram = self.column.histogram
        grid = histogram.grid
        median = float(histogram.quantile(0.5)) if histogram.total else grid.centre
        return median - CLIP * grid.scale, median + CLIP * grid.scale

    def clipped_mean(self, column: NumericColumn) -> Estimate:
        """Return the mean of the finite values, clipped at `CLIP` spreads from the reference's median.

        In the column's unit; the spread is the grid's scale. One wrong value moves the mean by at most
        about `CLIP` spreads over the number of rows. Values are rounded to the middle of their grid bin, by
        at most 0.4 % of their distance from the centre. Undefined without finite values on either side.

        Raises
        ------
        StateError
            The column has another grid.
        """
        grid = self.column.histogram.grid
        return self._mean(column, lambda bins: np.clip(grid.middle(bins), *self._clips))

    def out_of_range(self, column: NumericColumn) -> int | None:
        """Return the number of values beyond `limits`, infinities included; None without limits.

        Counted by whole bins: values in the grid bin of a limit are in range.

        Raises
        ------
        StateError
            The column has another grid.
        """
        histogram = self._same_grid(column)
        if self._limit_bins is None:
            return None
        low, high = self._limit_bins
        beyond = (histogram.bins < low) | (histogram.bins > high)
        infinities = column.negative_infinities + column.positive_infinities
        return int(histogram.counts[beyond].sum()) + infinities

    def _mean(self, column: NumericColumn, of_bins: Callable[[Bins], Floats]) -> Estimate:
        """Return the mean of `of_bins` over the bins of the column's finite values."""
        histogram = self._same_grid(column)
        n = histogram.total
        if self.column.histogram.total == 0:
            return Estimate.undefined(NO_REFERENCE, n)
        if n == 0:
            return Estimate.undefined(NO_VALUES)
        values = of_bins(histogram.bins)
        with np.errstate(over="ignore"):
            mean = float(values @ histogram.counts) / n
            if not np.isfinite(mean):  # the sum overflowed
                mean = float(values @ (histogram.counts / n))
            squares = float((values - mean) ** 2 @ histogram.counts)
        variance = squares / (n - 1) / n if n > 1 and np.isfinite(squares) else None
        return Estimate(mean, variance, n, None)

    def _same_grid(self, column: NumericColumn) -> Histogram:
        if column.histogram.grid != self.column.histogram.grid:
            raise StateError(
                "the column lies on another grid than the reference; profile it with the reference's grid"
            )
        return column.histogram


def _further(away: Floats, counts: Counts) -> float:
    """Return the relative extension of a tail in ten times as many values; 0 without a tail.

    Parameters
    ----------
    away : array of float
        Distances from the median in the direction of the tail.
    counts : array of int
        Number of values at each distance.
    """
    order = np.argsort(away)
    upto = np.cumsum(counts[order])
    start = float(away[order[np.searchsorted(upto, HILL * upto[-1])]])
    outer = away > start
    if start <= 0 or not outer.any():
        return 0.0
    exponent = float(np.log(away[outer] / start) @ counts[outer]) / ((1 - HILL) * float(upto[-1]))
    return float(10.0 ** min(exponent, HEAVIEST) - 1)
