"""How the columns of a window go together, against how they did in the reference.

A column that was shuffled, shifted within groups or joined to other rows may look as ever by itself. Its rank
correlations with the other columns do not.
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

LEAST = 0.08  # correlation below which a pair of the reference says nothing
LEAST_ROWS = 10  # of a window
LEAST_WINDOWS = 8  # of the reference, behind how much a correlation varies from one to the next
RIDGE = 0.02  # on the diagonal: columns that follow from each other are the rule
MOST = 0.995  # correlation: of columns that are copies of each other Fisher's z is infinite
LEAST_RATIO = 1e-4  # of variances: that of a copy is nothing, and no number on a log scale
FEW_ROWS = f"fewer than {LEAST_ROWS} rows"
CONSTANT = "it does not vary, or no column that it went with does"


@dataclass(frozen=True, eq=False)
class Association(State):
    """How K columns went together in the reference.

    Attributes
    ----------
    ranking : Ranking
    correlation : ndarray of float64, shape (K, K)
        Rank correlations within a partition of the reference, averaged over its partitions; over all its rows
        where the partitions are too few. NaN where there is none, as of a column that is constant in each.
    spread : ndarray of float64, shape (K, K)
        Standard deviation of its Fisher z from one partition of the reference to another; 0 where there are
        too few of them to say.
    """

    ranking: Ranking
    correlation: Floats
    spread: Floats

    @classmethod
    def of(cls, ranking: Ranking, windows: list[RankMoments]) -> Self:
        """Take the partitions of the reference, one at least."""
        each = np.stack([window.correlation() for window in windows])
        counts = np.sum(~np.isnan(each), axis=0)
        enough = counts >= LEAST_WINDOWS
        if not enough.any():
            return cls(ranking, reduce(add, windows).correlation(), np.zeros(enough.shape))
        # The mean of correlations is one of some data, as that of their Fisher z is not.
        mean, of_fisher = (np.nansum(x, axis=0) / np.maximum(counts, 1) for x in (each, _fisher(each)))
        squares = np.nansum((_fisher(each) - of_fisher) ** 2, axis=0) / np.maximum(counts - 1, 1)
        return cls(ranking, np.where(enough, mean, np.nan), np.where(enough, np.sqrt(squares), 0.0))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return self.ranking.names

    def measure(self, window: RankMoments) -> dict[str, tuple[Estimate, Estimate]]:
        """Return two numbers of every column that went with another in the reference; 1 is as it was there.

        *Association*: the slope of the window's correlations on the reference's, both as Fisher's z and each
        weighed by how steady it was there; 0 where the column goes with the others no more, −1 where it goes
        against them.

        *Conditional spread*: of the column given the others, over that of the reference. With the reference's
        precision matrix Ω and the window's correlations R, both of the columns that vary in the window, it is
        the root of (ΩRΩ)ⱼⱼ over what R of the reference gives. No column's own level or spread matters.

        Sampling variances take rows, and the pairs of a column, for independent. Undefined below ten rows,
        and where the column or all that it went with do not vary.

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
        """Return the variance of each column given the others over the reference's; NaN of a constant."""
        there = np.flatnonzero(~np.isnan(np.diag(now)) & self._strong.any(axis=1))
        both = np.ix_(there, there)
        usual = self._usual[both]
        current = np.where(np.isnan(now[both]), usual, now[both])  # of pairs that share too few rows
        precision = np.linalg.inv(usual + RIDGE * np.eye(there.size))
        found = np.full(len(self.names), np.nan)
        # Of a symmetric matrix, the diagonals of two products.
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
    """Return Fisher's z, whose noise hardly depends on the correlation: variance 1/(rows − 3)."""
    return np.asarray(np.arctanh(np.clip(correlation, -MOST, MOST)))
