"""Rank correlations of the columns of a window, against those of the reference.

A column that was shuffled, shifted within groups or joined to wrong rows may have its usual distribution, but
not its usual rank correlations with the other columns.
"""

from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lupus_assets.stats.estimate import Estimate
from lupus_assets.stats.reference.ranking import Ranking, RankMoments
from lupus_assets.stats.state import Counts, Floats, State

LEAST = 0.08  # minimum absolute correlation of a pair in the reference
LEAST_ROWS = 10  # minimum rows of a window
LEAST_WINDOWS = 8  # minimum partitions of the reference for the spread of a correlation
RIDGE = 0.02  # added to the diagonal: columns are often functions of each other
MOST = 0.995  # maximum absolute correlation: Fisher's z of identical columns is infinite
LEAST_RATIO = 1e-4  # minimum ratio of variances: that of a copy is 0, whose logarithm is infinite
FEW_ROWS = f"fewer than {LEAST_ROWS} rows"
CONSTANT = "it does not vary, or no column that it went with does"


@dataclass(frozen=True, eq=False)
class Association(State):
    """Rank correlations of K columns in the reference.

    Attributes
    ----------
    ranking : Ranking
    correlation : ndarray of float64, shape (K, K)
        Rank correlations within partitions of the reference, averaged over partitions; over all its rows if
        there are too few partitions. NaN if undefined, as for a column that is constant in each partition.
    spread : ndarray of float64, shape (K, K)
        Standard deviation of its Fisher z over partitions of the reference; 0 with too few partitions.
    """

    ranking: Ranking
    correlation: Floats
    spread: Floats

    @classmethod
    def of(cls, ranking: Ranking, windows: list[RankMoments]) -> Self:
        """Return the state of one or more partitions of the reference."""
        each = np.stack([window.correlation() for window in windows])
        counts = np.sum(~np.isnan(each), axis=0)
        enough = counts >= LEAST_WINDOWS
        if not enough.any():
            return cls(ranking, reduce(add, windows).correlation(), np.zeros(enough.shape))
        # A mean of correlation matrices is a correlation matrix; a mean of their Fisher z is not.
        mean, of_fisher = (np.nansum(x, axis=0) / np.maximum(counts, 1) for x in (each, _fisher(each)))
        squares = np.nansum((_fisher(each) - of_fisher) ** 2, axis=0) / np.maximum(counts - 1, 1)
        return cls(ranking, np.where(enough, mean, np.nan), np.where(enough, np.sqrt(squares), 0.0))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return self.ranking.names

    def measure(self, window: RankMoments) -> dict[str, tuple[Estimate, Estimate]]:
        """Return association and conditional spread of each column correlated with another in the reference.

        Both are 1 if the correlations are as in the reference.

        *Association*: the slope of the window's correlations on the reference's, both as Fisher's z, weighted
        by their steadiness in the reference; 0 if the column is no longer correlated with the others, −1 if
        all signs are reversed.

        *Conditional spread*: that of the column given the others, over that of the reference. With the
        reference's precision matrix Ω and the window's correlations R, both of the columns that vary in the
        window, it is the root of (ΩRΩ)ⱼⱼ over its value for the reference's R. It does not depend on the
        level or spread of any single column.

        Sampling variances assume independent rows, and independent pairs of a column. Undefined below ten
        rows, and if the column, or every column correlated with it, does not vary.

        References
        ----------
        Fisher (1921), On the probable error of a coefficient of correlation.
        Whittaker (1990), Graphical Models in Applied Multivariate Statistics, section 5.7: the inverse of a
        precision matrix's diagonal is the variance given all others.
        """
        now = window.correlation()
        ratio = self._conditional(now)
        found = {}
        for at in np.flatnonzero(self._strong.any(axis=1)).tolist():
            n = int(window.pairs[at, at])
            use = self._strong[at] & ~np.isnan(now[at]) & (window.pairs[at] >= LEAST_ROWS)
            if n < LEAST_ROWS or not use.any():
                undefined = Estimate.undefined(FEW_ROWS if n < LEAST_ROWS else CONSTANT, n)
                found[self.names[at]] = (undefined, undefined)
                continue
            spread = float(np.sqrt(max(float(ratio[at]), LEAST_RATIO)))
            association = self._slope(now[at][use], at, use, window.pairs[at][use])
            found[self.names[at]] = (association, Estimate(spread, spread * spread / (2 * n), n, None))
        return found

    def _slope(self, now: Floats, at: int, use: NDArray[np.bool_], pairs: Counts) -> Estimate:
        usual, now = _fisher(self.correlation[at][use]), _fisher(now)
        noise = 1 / (pairs - 3.0)
        weight = usual / np.maximum(self.spread[at][use] ** 2, noise)
        scale = float(weight @ usual)
        variance = float(weight**2 @ noise) / scale**2
        return Estimate(float(weight @ now) / scale, variance, int(pairs.max()), None)

    def _conditional(self, now: Floats) -> Floats:
        """Return the variance of each column given the others over the reference's; NaN for a constant."""
        there = np.flatnonzero(~np.isnan(np.diag(now)) & self._strong.any(axis=1))
        both = np.ix_(there, there)
        usual = self._usual[both]
        current = np.where(np.isnan(now[both]), usual, now[both])  # for pairs with too few common rows
        precision = np.linalg.inv(usual + RIDGE * np.eye(there.size))
        found = np.full(len(self.names), np.nan)
        # The diagonals of two matrix products; precision is symmetric.
        found[there] = np.sum(precision @ current * precision, axis=1) / np.sum(
            precision @ usual * precision, axis=1
        )
        return found

    @cached_property
    def _usual(self) -> Floats:
        usual = np.nan_to_num(self.correlation)
        np.fill_diagonal(usual, 1.0)
        return usual

    @cached_property
    def _strong(self) -> NDArray[np.bool_]:
        return (np.abs(self._usual) >= LEAST) & ~np.eye(len(self.names), dtype=bool)


def _fisher(correlation: Floats) -> Floats:
    """Return Fisher's z; its variance, 1/(rows − 3), hardly depends on the correlation."""
    return np.asarray(np.arctanh(np.clip(correlation, -MOST, MOST)))
