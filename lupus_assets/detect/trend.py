"""Monotone trends of a history: the Theil-Sen slope and the Mann-Kendall test.

The test compares the number of rising and falling pairs, so it is robust to outliers. Its variance is
corrected for the autocorrelation of the ranks of the detrended values.

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

LEAST_VALUES = 8  # below, the normal approximation of the test is poor
MOST_AUTOCORRELATION = 0.97  # beyond, histories of this length cannot be told from a trend


@dataclass(frozen=True)
class Trend:
    """A trend over some partitions.

    Attributes
    ----------
    slope : float
        Median change from one partition to the next, in the metric's unit.
    z : float
        Test statistic: standard normal without a trend, above 0 for a rise.
    rises, falls : float
        One-sided p values of a rise and of a fall.
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
        Finite; at least `LEAST_VALUES` of them.

    Raises
    ------
    ValueError
        Fewer values, or one that is not finite.
    """
    n = values.size
    if n < LEAST_VALUES or not np.isfinite(values).all():
        raise ValueError(f"{n} values; a trend needs {LEAST_VALUES} or more, all finite")
    later, earlier = np.triu_indices(n, 1)[::-1]
    rises = values[later] - values[earlier]
    slope = float(np.median(rises / (later - earlier)))
    score = float(np.sign(rises).sum())
    _, ties = np.unique(values, return_counts=True)
    variance = (_pairs(n) - sum(map(_pairs, ties.tolist()))) / 18
    if variance == 0:  # all equal
        return Trend(0.0, 0.0, 0.5, 0.5)
    widened = variance * _dependence(values - slope * np.arange(n))
    z = float((score - np.sign(score)) / np.sqrt(widened))  # a step of 2 is the smallest there is
    return Trend(slope, z, float(ndtr(-z)), float(ndtr(z)))


def _pairs(n: int) -> float:
    return n * (n - 1) * (2 * n + 5)


def _dependence(rest: Array) -> float:
    """Return the factor, at least 1, by which autocorrelation enlarges the test's variance.

    Hamed and Rao's sum for geometrically decreasing correlations. Detrending biases the first one down by
    about (2 + 4 r)/n, which is corrected; those of longer lags are too uncertain to be estimated.
    """
    n = rest.size
    _, place, equal = np.unique(rest, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(equal) - (equal - 1) / 2)[place] - (n + 1) / 2  # scipy.stats takes a second to import
    power = float(ranks @ ranks)
    first = float(ranks[1:] @ ranks[:-1]) / power if power else 0.0
    lags = np.arange(1, n - 1)
    correlation = np.clip((n * first + 2) / (n - 4), 0.0, MOST_AUTOCORRELATION) ** lags
    weight = (n - lags) * (n - lags - 1) * (n - lags - 2)
    return 1 + 2 / (n * (n - 1) * (n - 2)) * float(weight @ correlation)
