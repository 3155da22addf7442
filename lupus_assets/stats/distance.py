"""How far a current distribution lies from a reference distribution.

Distances on counts take bins on the last axis and broadcast over the others, so one
reference meets many windows at once: ``(bins,)`` against ``(windows, bins)`` gives
``(windows,)``. `HALF` a row is added to every bin on both sides before anything else.
Distances on histograms use every bin of both and smooth nothing.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, rel_entr

from lupus_assets.errors import StateError
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.state import Bins, Floats, union

HALF = 0.5  # Jeffreys prior of a multinomial: an empty bin costs a finite amount (Jeffreys 1946)


class ChiSquare(NamedTuple):
    """A two-sample chi-square statistic, at least 0 and without unit, and its p value in [0, 1]."""

    statistic: Floats
    p: Floats


def psi(reference_counts: ArrayLike, counts: ArrayLike) -> Floats:
    """Return the population stability index in nats, at least 0.

    Σ (q − p) ln(q / p) over the bins: the Jeffreys divergence, symmetric in its arguments.
    Rows are taken as independent; without drift it is near `expected_psi`, not near 0.

    Parameters
    ----------
    reference_counts, counts : array_like of int, shape (..., bins)
        Rows per bin, aligned: usually ten reference-quantile bins and one for null.

    Returns
    -------
    ndarray of float64, shape (...)
        Natural logarithm; `HALF` is added to every bin.

    Raises
    ------
    ValueError
        One side has no rows, or the bins are not aligned.

    References
    ----------
    Kullback and Leibler (1951), On information and sufficiency, eq. 2.6.
    Lewis (1994), An Introduction to Credit Scoring, for the name and the ten bins.
    """
    p, q = _shares(reference_counts), _shares(counts)
    _aligned(p, q)
    return np.asarray(np.add.reduce((q - p) * np.log(q / p), axis=-1))


def jensen_shannon(reference_counts: ArrayLike, counts: ArrayLike) -> Floats:
    """Return the Jensen-Shannon distance in square-root nats, in [0, √ln 2] = [0, 0.8326].

    The square root of the divergence (KL(p‖m) + KL(q‖m)) / 2 with m = (p + q) / 2: a metric.
    Some packages use base 2, which multiplies it by 1.2011.

    Parameters
    ----------
    reference_counts, counts : array_like of int, shape (..., bins)
        Rows per bin, aligned; `HALF` is added to every bin.

    Returns
    -------
    ndarray of float64, shape (...)
        Natural logarithm.

    Raises
    ------
    ValueError
        One side has no rows, or the bins are not aligned.

    References
    ----------
    Endres and Schindelin (2003), A new metric for probability distributions.
    """
    p, q = _shares(reference_counts), _shares(counts)
    _aligned(p, q)
    middle = (p + q) / 2
    divergence = np.sum(rel_entr(p, middle) + rel_entr(q, middle), axis=-1) / 2
    return np.asarray(np.sqrt(np.maximum(divergence, 0.0)))  # equal shares may round to just below 0


def chi_square(reference_counts: ArrayLike, counts: ArrayLike) -> ChiSquare:
    """Return the two-sample chi-square statistic of homogeneity, and its p value.

    Bins − 1 degrees of freedom, no continuity correction. With one bin there is nothing to
    compare: statistic 0, p value 1. With very many rows any difference is significant; the
    p value says nothing about size.

    Parameters
    ----------
    reference_counts, counts : array_like of int, shape (..., bins)
        Rows per bin, aligned; `HALF` is added to every bin.

    Returns
    -------
    ChiSquare
        Statistic and p value, each of shape (...).

    Raises
    ------
    ValueError
        One side has no rows, or the bins are not aligned.

    References
    ----------
    Pearson (1911), On the probability that two independent distributions of frequency are
    really samples from the same population.
    """
    a, b = _smoothed(reference_counts), _smoothed(counts)
    _aligned(a, b)
    n, m = a.sum(axis=-1, keepdims=True), b.sum(axis=-1, keepdims=True)
    statistic = np.sum(n * m * (a / n - b / m) ** 2 / (a + b), axis=-1)
    freedom = a.shape[-1] - 1
    p = chdtrc(freedom, statistic) if freedom else np.ones_like(statistic)
    return ChiSquare(np.asarray(statistic), np.asarray(p))


def l_infinity(reference_counts: ArrayLike, counts: ArrayLike) -> Floats:
    """Return the largest absolute difference of a bin's share, in [0, 1).

    Parameters
    ----------
    reference_counts, counts : array_like of int, shape (..., bins)
        Rows per bin, aligned; `HALF` is added to every bin.

    Returns
    -------
    ndarray of float64, shape (...)
        A difference of shares, without unit; no logarithm is taken.

    Raises
    ------
    ValueError
        One side has no rows, or the bins are not aligned.
    """
    p, q = _shares(reference_counts), _shares(counts)
    _aligned(p, q)
    return np.asarray(np.max(np.abs(q - p), axis=-1))


def expected_psi(bins: int, n: int, m: int) -> float:
    """Return the PSI in nats that `n` and `m` rows of one distribution give on average.

    (bins − 1)(1/n + 1/m): each half of the PSI is a chi-square over its sample size. Good
    while every bin expects a few rows; an excess over it is drift, the rest is sample size.

    Parameters
    ----------
    bins : int
        Bins of the comparison, the one for null included if it can be filled.
    n, m : int
        Rows of the reference and of the current window.

    Raises
    ------
    ValueError
        One side has no rows.

    References
    ----------
    Yurdakul and Naranjo (2020), Statistical properties of the population stability index.
    """
    if n < 1 or m < 1:
        raise ValueError("a window without rows has no distance; check its count first")
    return (bins - 1) * (1 / n + 1 / m)


def ks(reference: Histogram, current: Histogram) -> float:
    """Return the Kolmogorov-Smirnov distance, the largest difference of two CDFs, in [0, 1].

    Taken at the bounds of the aligned bins, without smoothing: at most the distance of the
    raw values, and below it by at most the largest mass of one bin on either side (0.2-0.5 %
    on a smooth column; repeated values have bins of their own and lose nothing).

    Raises
    ------
    ValueError
        One histogram is empty.
    StateError
        The histograms lie on different grids.
    """
    _, below, at = _cumulative_shares(reference, current)
    return float(np.max(np.abs(at - below)))


def wasserstein(reference: Histogram, current: Histogram) -> float:
    """Return the first Wasserstein distance in the column's unit, at least 0.

    ∫ |F − G| with every row moved to the middle of its bin, without smoothing; bins are
    narrower than 0.8 % of the distance to the grid's centre, which bounds the error alike.

    Raises
    ------
    ValueError
        One histogram is empty.
    StateError
        The histograms lie on different grids.

    References
    ----------
    Vallender (1974), Calculation of the Wasserstein distance between probability
    distributions on the line.
    """
    bins, below, at = _cumulative_shares(reference, current)
    return float(np.sum(np.abs(at - below)[:-1] * np.diff(reference.grid.middle(bins))))


def _smoothed(counts: ArrayLike) -> Floats:
    values = np.asarray(counts, dtype=np.float64)
    if values.shape[-1] == 0 or not (np.add.reduce(values, axis=-1) > 0).all():
        raise ValueError("a window without rows has no distance; check its count first")
    return values + HALF


def _shares(counts: ArrayLike) -> Floats:
    smoothed = _smoothed(counts)
    return np.asarray(smoothed / np.add.reduce(smoothed, axis=-1, keepdims=True))


def _aligned(reference: Floats, current: Floats) -> None:
    """Refuse bins that numpy would otherwise broadcast."""
    if reference.shape[-1] != current.shape[-1]:
        raise ValueError(
            f"{reference.shape[-1]} reference bins against {current.shape[-1]}; bin both by one reference"
        )


def _cumulative_shares(reference: Histogram, current: Histogram) -> tuple[Bins, Floats, Floats]:
    """Return the bins filled on either side, and the share of either side up to the end of each."""
    if reference.grid != current.grid:
        raise StateError("the histograms lie on different grids; profile both with the reference's grid")
    if reference.total == 0 or current.total == 0:
        raise ValueError("a histogram without values has no distance; check its total first")
    bins = union(reference.bins, current.bins)
    counts = np.zeros((2, bins.size), np.int64)
    counts[0, np.searchsorted(bins, reference.bins)] = reference.counts
    counts[1, np.searchsorted(bins, current.bins)] = current.counts
    upto = np.cumsum(counts, axis=1)  # of counts, which unlike sums of shares is exact
    return bins, upto[0] / reference.total, upto[1] / current.total
