"""Variance-stabilising scales: the sampling noise of a metric hardly depends on its level.

A history is judged on its scale and reported in its own unit, so each scale has an inverse.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# A share of exactly 0 or 1 keeps a finite scale (Anscombe 1948, "The transformation of Poisson,
# binomial and negative-binomial data", Biometrika 35).
ANSCOMBE = 3 / 8
JEFFREYS = 0.5  # prior count: a count of 0 has a finite logarithm
LEAST_PROBABILITY = 1e-3  # logits are clipped here, and at its complement
MOST_CORRELATION = 0.995  # Fisher's z is clipped here


@dataclass(frozen=True)
class Scale:
    """A monotone map with its inverse; `n` is the number of rows behind a value."""

    forward: Callable[[Array, Array], Array]
    backward: Callable[[Array, Array], Array]


def _arcsine(x: Array, n: Array) -> Array:
    return np.arcsin(np.sqrt(np.clip((x * n + ANSCOMBE) / (n + 2 * ANSCOMBE), 0.0, 1.0)))


def _sine(y: Array, n: Array) -> Array:
    k = np.sin(np.clip(y, 0.0, np.pi / 2)) ** 2 * (n + 2 * ANSCOMBE) - ANSCOMBE
    return np.clip(k / np.maximum(n, 1), 0.0, 1.0)


def _logit(x: Array, _: Array) -> Array:
    clipped = np.clip(x, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.log(clipped / (1 - clipped))


SCALES: dict[str, Scale] = {
    "natural": Scale(lambda x, _: x, lambda y, _: y),
    "fraction": Scale(
        lambda x, _: x, lambda y, _: np.clip(y, 0.0, 1.0)
    ),  # for values far from 0 and 1, such as mean ranks
    "count": Scale(lambda x, _: np.log(x + JEFFREYS), lambda y, _: np.maximum(np.exp(y) - JEFFREYS, 0.0)),
    "positive": Scale(lambda x, _: np.log(np.maximum(x, 1e-300)), lambda y, _: np.exp(y)),
    "share": Scale(_arcsine, _sine),
    "probability": Scale(_logit, lambda y, _: 1 / (1 + np.exp(-y))),
    "correlation": Scale(
        lambda x, _: np.arctanh(np.clip(x, -MOST_CORRELATION, MOST_CORRELATION)), lambda y, _: np.tanh(y)
    ),
    "distance": Scale(lambda x, _: np.sqrt(np.maximum(x, 0.0)), lambda y, _: np.maximum(y, 0.0) ** 2),
}


def share_variance(n: Array) -> Array:
    """Return the sampling variance of a share of `n` rows on the scale ``share``: 1/(4n + 2)."""
    return 1.0 / (4.0 * n + 2.0)


def count_variance(count: Array) -> Array:
    """Return the sampling variance of a Poisson count on the scale ``count``: 1/(count + 1/2)."""
    return 1.0 / (count + JEFFREYS)
