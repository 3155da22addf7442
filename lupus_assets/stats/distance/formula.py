"""How far a current distribution lies from a reference distribution.

Distances on counts take bins on the last axis and broadcast over the others, so one
reference meets many windows at once: ``(bins,)`` against ``(windows, bins)`` gives
``(windows,)``. One rule smooths them, so that an empty bin costs a finite amount: `HALF` a row is added to
every bin of the smaller side, and to every bin of the larger one as many times more as it has more rows.
Equal shares stay equal, however many rows they are of. The chi-square statistic takes rows as they are, and
distances on histograms use every bin of both.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincc, gammaln, rel_entr

from lupus_assets.errors import StateError
from lupus_assets.stats.histogram import Histogram, places
from lupus_assets.stats.state import Bins, Counts, Floats, union

HALF = 0.5  # Jeffreys prior of a multinomial: an empty bin costs a finite amount (Jeffreys 1946)
POINTS = np.linspace(0, 1, 65)  # where the count of a bin is looked at; their sum is that over all to 1e-3
BELOW, ABOVE = 8.0, 12.0  # standard deviations of it that are looked at; few counts have a long upper tail
LEAST = 4  # rows of both sides that a p value takes; of fewer none is below a third


class Binned(NamedTuple):
    """The distances on smoothed counts, as the functions of these names return them."""

    psi: Floats
    jensen_shannon: Floats
    l_infinity: Floats


class ChiSquare(NamedTuple):
    """A two-sample chi-square statistic, at least 0 and without unit, and its p value in [0, 1]."""

    statistic: Floats
    p: Floats


def binned(reference_counts: ArrayLike, counts: ArrayLike) -> Binned:
    """Return `psi`, `jensen_shannon` and `l_infinity` of the same counts, which are smoothed once."""
    p, q = _shares(reference_counts, counts)
    return Binned(_psi(p, q), _jensen_shannon(p, q), _l_infinity(p, q))


def psi(reference_counts: ArrayLike, counts: ArrayLike) -> Floats:
    """Return the population stability index in nats, at least 0.

    Σ (q − p) ln(q / p) over the bins: the Jeffreys divergence, symmetric in its arguments.
    Rows are taken as independent; without drift it is near `expected_psi`, not near 0.

    Parameters
    ----------
    reference_counts, counts : array_like of int, shape (..., bins)
        Rows per bin, aligned: usually ten reference-quantile bins, one for what the reference does not
        hold, and one for null. Smoothed as above.

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
    Kullback and Leibler (1951), On information and sufficiency, eq. 2.6.
    Lewis (1994), An Introduction to Credit Scoring, for the name and the ten bins.
    """
    return _psi(*_shares(reference_counts, counts))


def _psi(p: Floats, q: Floats) -> Floats:
    return np.asarray(np.add.reduce((q - p) * np.log(q / p), axis=-1))


def jensen_shannon(reference_counts: ArrayLike, counts: ArrayLike) -> Floats:
    """Return the Jensen-Shannon distance in square-root nats, in [0, √ln 2] = [0, 0.8326].

    The square root of the divergence (KL(p‖m) + KL(q‖m)) / 2 with m = (p + q) / 2: a metric.
    Some packages use base 2, which multiplies it by 1.2011.

    Parameters
    ----------
    reference_counts, counts : array_like of int, shape (..., bins)
        Rows per bin, aligned; smoothed as above.

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
    return _jensen_shannon(*_shares(reference_counts, counts))


def _jensen_shannon(p: Floats, q: Floats) -> Floats:
    middle = (p + q) / 2
    divergence = np.add.reduce(rel_entr(p, middle) + rel_entr(q, middle), axis=-1) / 2
    return np.asarray(np.sqrt(np.maximum(divergence, 0.0)))  # equal shares may round to just below 0


def chi_square(reference_counts: ArrayLike, counts: ArrayLike) -> ChiSquare:
    """Return the two-sample chi-square statistic of homogeneity, and its p value.

    Of rows as they are: bins that are empty on both sides count for nothing, and no continuity is corrected.
    The p value takes the pooled counts of the bins as given, and which of these rows are whose as chance.
    The statistic then has a known mean and variance, however few rows a bin expects; a gamma distribution of
    both gives the p value. With many rows that is the chi-square distribution.

    The bins must not favour a side (`lupus_assets.stats.reference.column.NumericReference.pooled`): in
    quantiles of one sample its own counts are no chance. With one filled bin there is nothing to compare:
    statistic 0, p value 1; with fewer than `LEAST` rows the p value is 1. With very many rows any
    difference is significant;
    the p value says nothing about size.

    Parameters
    ----------
    reference_counts, counts : array_like of int, shape (..., bins)
        Rows per bin, aligned.

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
    Dawson (1954), A simplified expression for the variance of the chi-square function on a contingency table.
    """
    (a, n), (b, m) = _filled(reference_counts), _filled(counts)
    _aligned(a, b)
    pooled = a + b
    filled = pooled > 0
    inverse = 1 / np.where(filled, pooled, np.inf)
    statistic = np.add.reduce(n * m * (a / n - b / m) ** 2 * inverse, axis=-1)
    bins, inverses = np.add.reduce(filled, axis=-1), np.add.reduce(inverse, axis=-1)
    mean, variance = chance(n[..., 0], m[..., 0], bins, inverses)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = mean / variance
        p = np.where(variance > 0, gammaincc(mean * scale, statistic * scale), 1.0)
    return ChiSquare(np.asarray(statistic), np.asarray(p))


def chance(n: Floats, m: Floats, bins: Counts, inverse: Floats) -> tuple[Floats, Floats]:
    """Return mean and variance of the chi-square statistic where nothing differs, as Dawson (1954) has them.

    A variance of 0 says that they are not known, or that the rows can be dealt in one way only.

    Parameters
    ----------
    n, m : array of float
        Rows of either side.
    bins : array of int
        Filled bins.
    inverse : array of float
        Sum of one over the pooled rows of each of them.
    """
    rows = n + m
    enough = (rows >= LEAST) & (bins > 1)
    total = np.where(enough, rows, float(LEAST))
    mean = total / (total - 1) * (bins - 1)
    lopsided = (total * (1 / n + 1 / m) - 4) / (total - 2)
    uneven = (total * inverse - bins * bins) / (total - 2)
    sides = (total - 2) / (total - 1) - lopsided
    across = (bins - 1) * (total - bins) / (total - 1) - uneven
    variance = 2 * total / (total - 3) * sides * across + total * total / (total - 1) * uneven * lopsided
    # A table that can be filled in one way only has no variance but what rounding leaves.
    return mean, np.where(enough & (variance > 1e-9 * mean), variance, 0.0)


def l_infinity(reference_counts: ArrayLike, counts: ArrayLike) -> Floats:
    """Return the largest absolute difference of a bin's share, in [0, 1).

    Parameters
    ----------
    reference_counts, counts : array_like of int, shape (..., bins)
        Rows per bin, aligned; smoothed as above.

    Returns
    -------
    ndarray of float64, shape (...)
        A difference of shares, without unit; no logarithm is taken.

    Raises
    ------
    ValueError
        One side has no rows, or the bins are not aligned.
    """
    return _l_infinity(*_shares(reference_counts, counts))


def _l_infinity(p: Floats, q: Floats) -> Floats:
    return np.asarray(np.maximum.reduce(np.abs(q - p), axis=-1))


def expected_psi(reference_counts: ArrayLike, forecast: ArrayLike, rows: int) -> float:
    """Return the PSI in nats that `rows` more rows of the reference's distribution give on average.

    An excess over it is drift, the rest is sample size. With a few rows in every bin it is near
    (bins − 1)(1/n + 1/rows); bins that are empty or hardly filled add less, as they are smoothed.
    The count of a bin is taken as beta-binomial: what is to be expected of it is as uncertain as n rows leave
    it. Right to a few per cent from some hundred rows of reference on, and to a quarter at twenty.

    Parameters
    ----------
    reference_counts : array_like of int, shape (bins,)
        Rows of the reference per bin.
    forecast : array_like of float, shape (bins,)
        How many of as many new rows are to be expected in each: hardly other than its own, but for what the
        reference has not seen (`lupus_assets.stats.distance.binning`).
    rows : int
        Of the current window.

    Raises
    ------
    ValueError
        One side has no rows.

    References
    ----------
    Yurdakul and Naranjo (2020), Statistical properties of the population stability index.
    Johnson, Kemp and Kotz (2005), Univariate discrete distributions, 6.2.2, for the beta-binomial.
    """
    a, (n,) = _filled(reference_counts)
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
    # Each point stands for the counts about it; where there are fewer of them, some points are the same.
    likelihood = np.exp(_log_beta_binomial(count, rows, weight, n))
    beside = np.concatenate([low - 1, count, high + 1], axis=1)
    likelihood *= (beside[:, 2:] - beside[:, :-2]) / 2
    mean_terms = np.add.reduce(likelihood * terms(own, count), axis=1) / np.add.reduce(likelihood, axis=1)
    return certain + float(np.add.reduce(mean_terms))


def _log_beta_binomial(count: Floats, rows: int, weight: Floats, n: Floats) -> Floats:
    """Return the logarithm of the likelihood of each count, the largest of a bin 0."""
    log = (
        gammaln(count + weight)
        + gammaln(rows - count + n - weight)
        - gammaln(count + 1)
        - gammaln(rows - count + 1)
    )
    return np.asarray(log - log.max(axis=1, keepdims=True))


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


def wasserstein(reference: Histogram, current: Histogram, values: Floats | None = None) -> float:
    """Return the first Wasserstein distance in the column's unit, at least 0.

    ∫ |F − G| with every row moved to the middle of its bin, without smoothing; bins are
    narrower than 0.8 % of the distance to the grid's centre, which bounds the error alike.
    Where all `values` of both are given, increasing, rows stay where their bin holds only one.

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
    steps = np.diff(places(reference.grid, bins, values) / 2)  # halves do not overflow
    return 2.0 * float(np.sum(np.abs(at - below)[:-1] * steps))


def _filled(counts: ArrayLike) -> tuple[Floats, Floats]:
    """Return counts, and their sums over the bins, which stay as an axis of one."""
    values = np.asarray(counts, dtype=np.float64)
    rows = np.add.reduce(values, axis=-1, keepdims=True)
    if not (rows > 0).all():
        raise ValueError("a window without rows has no distance; check its count first")
    return values, rows


def _shares(reference: ArrayLike, current: ArrayLike) -> tuple[Floats, Floats]:
    """Return the smoothed share of each bin on either side."""
    (a, n), (b, m) = _filled(reference), _filled(current)
    _aligned(a, b)
    half = HALF / np.minimum(n, m)
    return (a / n + half) / (1 + a.shape[-1] * half), (b / m + half) / (1 + a.shape[-1] * half)


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
