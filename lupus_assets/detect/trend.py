"""Whether a history has gone one way for long: Theil and Sen's slope, Mann and Kendall's test.

The test counts pairs that rise against pairs that fall, so that no outlier makes a trend. What resembles its
neighbours has fewer independent pairs than it seems: the variance is widened by the autocorrelation of the
ranks that are left when the trend is taken out.

References
----------
Sen (1968), Estimates of the regression coefficient based on Kendall's tau.
Kendall (1975), Rank Correlation Methods, chapter 4, for ties.
Hamed and Rao (1998), A modified Mann-Kendall trend test for autocorrelated data, eq. 15.
Marriott and Pope (1954), Bias in the estimation of autocorrelations.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from lupus_assets.detect.history import Array

LEAST = 8  # partitions: below, the normal approximation of the test says little
STRONGEST = 0.97  # correlation of neighbours: beyond, no history of this length can be told from a trend


@dataclass(frozen=True)
class Trend:
    """A trend over some partitions.

    Attributes
    ----------
    slope : float
        Median change from one partition to the next, in the metric's unit.
    z : float
        Above 0 where it rises.
    rises, falls : float
        p values, one-sided.
    """

    slope: float
    z: float
    rises: float
    falls: float


def trend(values: Array) -> Trend:
    """Return the trend of evenly spaced values.

    Parameters
    ----------
    values : array of float, shape (n,)
        Finite; at least `LEAST` of them.

    Raises
    ------
    ValueError
        Fewer values, or one that is not finite.
    """
    n = values.size
    if n < LEAST or not np.isfinite(values).all():
        raise ValueError(f"{n} values; a trend needs {LEAST} or more, all finite")
    later, earlier = np.triu_indices(n, 1)[::-1]
    rises = values[later] - values[earlier]
    slope = float(np.median(rises / (later - earlier)))
    score = float(np.sign(rises).sum())
    _, ties = np.unique(values, return_counts=True)
    variance = (_pairs(n) - sum(map(_pairs, ties.tolist()))) / 18
    if variance == 0:  # all alike
        return Trend(0.0, 0.0, 0.5, 0.5)
    widened = variance * _dependence(values - slope * np.arange(n))
    z = float((score - np.sign(score)) / np.sqrt(widened))  # a step of 2 is the smallest there is
    return Trend(slope, z, float(ndtr(-z)), float(ndtr(z)))


def _pairs(n: int) -> float:
    return n * (n - 1) * (2 * n + 5)


def _dependence(rest: Array) -> float:
    """Return how many times wider dependence makes the test's variance; at least 1.

    Hamed and Rao's sum for correlations that fall off geometrically. Taking a trend out biases the first one
    down, by about (2 + 4 r)/n, which is put back; that of further lags is too uncertain to be looked at.
    """
    n = rest.size
    _, place, equal = np.unique(rest, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(equal) - (equal - 1) / 2)[place] - (n + 1) / 2  # scipy.stats takes a second to import
    power = float(ranks @ ranks)
    first = float(ranks[1:] @ ranks[:-1]) / power if power else 0.0
    lags = np.arange(1, n - 1)
    correlation = np.clip((n * first + 2) / (n - 4), 0.0, STRONGEST) ** lags
    weight = (n - lags) * (n - lags - 1) * (n - lags - 2)
    return 1 + 2 / (n * (n - 1) * (n - 2)) * float(weight @ correlation)
