"""Distances of the rows in bins of both windows together, which favour neither window.

Functions take the unsmoothed rows of both sides, arrays of int of shape (..., bins), and return an array of
shape (...). They raise ValueError if a side has no rows or the bins are not aligned. The bins are those of
`lupus_assets.stats.reference.numeric.NumericReference.pooled`: in quantile bins of one sample, the counts of
that sample are not random. Comparisons of tracks have no such bins.
"""

from typing import TYPE_CHECKING

from lupus_assets.stats.metric import Distance, Metric

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from lupus_assets.stats.state import Counts, Floats

LEAST = 4  # minimum rows of both sides for a p value; with fewer, none is below 1/3


def chi_square(a: "ArrayLike", b: "ArrayLike") -> "Floats":
    """Return the two-sample chi-square statistic of homogeneity, at least 0 and without unit.

    Bins that are empty on both sides are ignored; there is no continuity correction. With one filled bin it
    is 0.

    References
    ----------
    Pearson (1911), On the probability that two independent distributions of frequency are
    really samples from the same population.
    """
    import numpy as np

    from lupus_assets.stats.distance.pair import aligned

    (a, n), (b, m) = aligned(a, b)
    return np.asarray(np.add.reduce(n * m * (a / n - b / m) ** 2 * _inverse(a + b), axis=-1))


def chi_square_p(a: "ArrayLike", b: "ArrayLike") -> "Floats":
    """Return the p value of `chi_square`, in [0, 1].

    It is conditional on the pooled counts of the bins; the side of each row is random. The mean and variance
    of the statistic are then known, however few rows a bin expects; the p value is from a gamma distribution
    with this mean and variance, with many rows the chi-square distribution. It is 1 with one filled bin and
    with fewer than `LEAST` rows. With very many rows any difference is significant; the p value does not
    measure its size.

    References
    ----------
    Dawson (1954), A simplified expression for the variance of the chi-square function on a contingency table.
    """
    import numpy as np
    from scipy.special import gammaincc

    from lupus_assets.stats.distance.pair import aligned

    statistic = chi_square(a, b)
    (a, n), (b, m) = aligned(a, b)
    pooled = a + b
    bins, inverses = np.add.reduce(pooled > 0, axis=-1), np.add.reduce(_inverse(pooled), axis=-1)
    mean, variance = chance(n[..., 0], m[..., 0], bins, inverses)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = mean / variance
        return np.asarray(np.where(variance > 0, gammaincc(mean * scale, statistic * scale), 1.0))


def _inverse(pooled: "Floats") -> "Floats":
    """Return the reciprocal of the rows of each bin; 0 for an empty bin."""
    import numpy as np

    return np.asarray(1 / np.where(pooled > 0, pooled, np.inf))


def chance(n: "Floats", m: "Floats", bins: "Counts", inverse: "Floats") -> tuple["Floats", "Floats"]:
    """Return the mean and variance of the chi-square statistic without a difference, by Dawson (1954).

    A variance of 0 means that they are unknown, or that only one table is possible.

    Parameters
    ----------
    n, m : array of float
        Rows of each side.
    bins : array of int
        Number of filled bins.
    inverse : array of float
        Sum of the reciprocals of their pooled rows.
    """
    import numpy as np

    rows = n + m
    enough = (rows >= LEAST) & (bins > 1)
    total = np.where(enough, rows, float(LEAST))
    mean = total / (total - 1) * (bins - 1)
    lopsided = (total * (1 / n + 1 / m) - 4) / (total - 2)
    uneven = (total * inverse - bins * bins) / (total - 2)
    sides = (total - 2) / (total - 1) - lopsided
    across = (bins - 1) * (total - bins) / (total - 1) - uneven
    variance = 2 * total / (total - 3) * sides * across + total * total / (total - 1) * uneven * lopsided
    # If only one table is possible, the computed variance is rounding error.
    return mean, np.where(enough & (variance > 1e-9 * mean), variance, 0.0)


POOLED = (
    Distance(
        "chi_square",
        chi_square,
        Metric(
            "chi-square statistic over the shared bins; no unit, at least 0",
            "chi-square statistic against the reference of",
            "distance",
            side=1,
        ),
        of_tracks=False,
    ),
    Distance(
        "chi_square_p",
        chi_square_p,
        None,
        heading="χ² p",
        title="p of a chi-square test",
        of_tracks=False,
    ),
)
