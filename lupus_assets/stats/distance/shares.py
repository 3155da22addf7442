"""Distances of the shares of rows in bins of the reference.

Functions take the shares p of the reference and q of the current window, smoothed to be above 0 by
`lupus_assets.stats.distance.pair.smoothed`: shape (..., bins) gives (...).
"""

from typing import TYPE_CHECKING

from lupus_assets.stats.metric import Distance, Metric

if TYPE_CHECKING:
    from lupus_assets.stats.state import Floats


def psi(p: "Floats", q: "Floats") -> "Floats":
    """Return the population stability index in nats, at least 0.

    Σ (q − p) ln(q / p) over the bins: the Jeffreys divergence, symmetric in its arguments.
    Rows are taken as independent; without drift it is near
    `lupus_assets.stats.distance.expectation.expected_psi`, not near 0.

    References
    ----------
    Kullback and Leibler (1951), On information and sufficiency, eq. 2.6.
    Lewis (1994), An Introduction to Credit Scoring, for the name and the ten bins.
    """
    import numpy as np

    return np.asarray(np.add.reduce((q - p) * np.log(q / p), axis=-1))


def psi_variance(value: float, n: int, m: int) -> float:
    """Return the sampling variance of a PSI of `n` and `m` rows.

    Without drift, PSI is (1/n + 1/m) times a chi-square variable; its square root then has the variance
    (1/n + 1/m)/2 for any number of bins.
    """
    return 2 * value * (1 / n + 1 / m)


def jensen_shannon(p: "Floats", q: "Floats") -> "Floats":
    """Return the Jensen-Shannon distance in square-root nats, in [0, √ln 2] = [0, 0.8326].

    The square root of the divergence (KL(p‖m) + KL(q‖m)) / 2 with m = (p + q) / 2: a metric.
    Some packages use base 2, which multiplies it by 1.2011.

    References
    ----------
    Endres and Schindelin (2003), A new metric for probability distributions.
    """
    import numpy as np
    from scipy.special import rel_entr

    middle = (p + q) / 2
    divergence = np.add.reduce(rel_entr(p, middle) + rel_entr(q, middle), axis=-1) / 2
    return np.asarray(np.sqrt(np.maximum(divergence, 0.0)))  # equal shares may round to just below 0


def l_infinity(p: "Floats", q: "Floats") -> "Floats":
    """Return the largest absolute difference of the shares of a bin, in [0, 1)."""
    import numpy as np

    return np.asarray(np.maximum.reduce(np.abs(q - p), axis=-1))


SHARES = (
    Distance(
        "psi",
        psi,
        Metric(
            "population stability index; nats, at least 0",
            "distance to the reference (PSI) of",
            "distance",
            side=1,
            judged=True,
        ),
        # No heading: tables of the command show PSI separately, beside its expectation without drift.
        variance=psi_variance,
    ),
    Distance(
        "jensen_shannon",
        jensen_shannon,
        Metric(
            "Jensen-Shannon distance, the root of the divergence in nats; 0 to 0.8326",
            "Jensen-Shannon distance to the reference of",
            "distance",
            side=1,
        ),
        heading="js",
        title="Jensen-Shannon distance",
    ),
    Distance(
        "l_infinity",
        l_infinity,
        Metric(
            "largest difference of one bin's share; 0 to 1",
            "largest change of a bin's share against the reference of",
            "distance",
            side=1,
        ),
        heading="l∞",
        title="largest difference of a share",
        of_tracks=False,
    ),
)
