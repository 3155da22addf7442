"""The expected population stability index without drift."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from lupus_assets.stats.distance.pair import HALF, filled
from lupus_assets.stats.state import Floats

POINTS = np.linspace(0, 1, 65)  # quadrature points of a bin's count; accurate to 1e-3
BELOW, ABOVE = 8.0, 12.0  # range of the points, in standard deviations; small counts have a long upper tail


def expected_psi(reference_counts: ArrayLike, forecast: ArrayLike, rows: int) -> float:
    """Return the mean PSI in nats of `rows` new rows from the reference's distribution.

    A PSI above it indicates drift; the rest is due to sample size. With a few rows in every bin it is near
    (bins − 1)(1/n + 1/rows); empty or nearly empty bins add less, since they are smoothed. The count of a bin
    is taken as beta-binomial: its expectation is as uncertain as an estimate from n rows. Accurate to a few
    per cent from some hundred reference rows on, and to 25 % at twenty.

    Parameters
    ----------
    reference_counts : array_like of int, shape (bins,)
        Rows of the reference per bin.
    forecast : array_like of float, shape (bins,)
        Expected rows per bin in a new sample of the reference's size: near `reference_counts`, except for
        values that the reference has not seen (`lupus_assets.stats.distance.binning`).
    rows : int
        Rows of the current window.

    Raises
    ------
    ValueError
        One side has no rows.

    References
    ----------
    Yurdakul and Naranjo (2020), Statistical properties of the population stability index.
    Johnson, Kemp and Kotz (2005), Univariate discrete distributions, 6.2.2, for the beta-binomial.
    """
    a, (n,) = filled(reference_counts)
    if rows < 1:
        raise ValueError("a window without rows has no distance; check its count first")
    weight = np.asarray(forecast, dtype=np.float64)
    half = HALF / min(n, rows)

    def terms(own: Floats, count: Floats) -> Floats:
        p, q = (own / n + half) / (1 + a.size * half), (count / rows + half) / (1 + a.size * half)
        return np.asarray((q - p) * np.log(q / p))

    uncertain = (weight > 0) & (weight < n)
    certain = float(np.add.reduce(terms(a[~uncertain], np.where(weight[~uncertain] > 0, rows, 0.0))))
    if not uncertain.any():
        return certain
    own, weight = a[uncertain, None], weight[uncertain, None]
    mean = rows * weight / n
    sd = np.sqrt(mean * (1 - weight / n) * (n + rows) / (n + 1))
    low = np.maximum(np.floor(mean - BELOW * sd), 0.0)
    high = np.minimum(np.ceil(mean + ABOVE * sd), float(rows))
    count = np.rint(low + (high - low) * POINTS)
    # Each point represents the counts around it; with fewer counts than points, some points coincide.
    likelihood = np.exp(_log_beta_binomial(count, rows, weight, n))
    beside = np.concatenate([low - 1, count, high + 1], axis=1)
    likelihood *= (beside[:, 2:] - beside[:, :-2]) / 2
    mean_terms = np.add.reduce(likelihood * terms(own, count), axis=1) / np.add.reduce(likelihood, axis=1)
    return certain + float(np.add.reduce(mean_terms))


def _log_beta_binomial(count: Floats, rows: int, weight: Floats, n: Floats) -> Floats:
    """Return the log likelihood of each count, shifted to a maximum of 0 per bin."""
    log = (
        gammaln(count + weight)
        + gammaln(rows - count + n - weight)
        - gammaln(count + 1)
        - gammaln(rows - count + 1)
    )
    return np.asarray(log - log.max(axis=1, keepdims=True))
