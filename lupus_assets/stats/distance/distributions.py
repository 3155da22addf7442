"""Distances of the distribution functions of a column of numbers.

Functions take the result of `lupus_assets.stats.distance.pair.gaps`: the absolute difference of two
distribution functions at the end of each bin, shape (..., bins), and half of the distance between the values
of adjacent bins, in the column's unit, shape (bins - 1,). They return an array of shape (...).
"""

from typing import TYPE_CHECKING

from lupus_assets.stats.metric import Distance, Metric

if TYPE_CHECKING:
    from lupus_assets.stats.state import Floats


def ks(gaps: "Floats", half_steps: "Floats") -> "Floats":  # noqa: ARG001 - common signature
    """Return the Kolmogorov-Smirnov distance, the largest difference of two CDFs, in [0, 1].

    Computed at the bounds of the aligned bins, without smoothing: at most the distance of the
    raw values, and smaller by at most the largest mass of one bin on either side (0.2-0.5 %
    on a smooth column; repeated values have their own bins, without error).
    """
    import numpy as np

    return np.asarray(np.maximum.reduce(gaps, axis=-1))


def wasserstein(gaps: "Floats", half_steps: "Floats") -> "Floats":
    """Return the first Wasserstein distance in the column's unit, at least 0; inf beyond the largest float.

    ∫ |F − G| with every row at the middle of its bin, without smoothing; bins are narrower
    than 0.8 % of the distance to the grid's centre, which also bounds the error. If the values
    of a column are known, rows of a bin with a single value are at that value.

    References
    ----------
    Vallender (1974), Calculation of the Wasserstein distance between probability
    distributions on the line.
    """
    import numpy as np

    with np.errstate(over="ignore"):
        return np.asarray(np.add.reduce(gaps[..., :-1] * half_steps, axis=-1) * 2)


DISTRIBUTIONS = (
    Distance(
        "ks",
        ks,
        Metric(
            "Kolmogorov-Smirnov distance: largest gap of the distribution functions; 0 to 1",
            "Kolmogorov-Smirnov distance to the reference of",
            "distance",
            side=1,
        ),
        heading="ks",
        title="Kolmogorov-Smirnov",
    ),
    Distance(
        "wasserstein",
        wasserstein,
        Metric(
            "first Wasserstein (earth mover's) distance; in the column's unit",
            "Wasserstein distance to the reference of",
            "distance",
            side=1,
        ),
        heading="w1",
        title="Wasserstein",
    ),
)
