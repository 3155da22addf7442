"""The sampling interval of a metric, computed on its variance-stabilising scale."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from lupus_assets.declare.metric import METRICS
from lupus_assets.detect.scale import SCALES, Array, count_variance, share_variance
from lupus_assets.stats.estimate import Estimate

NORMAL_975 = 1.959964  # two-sided 95 %

INVERSE_SLOPES: dict[str, Callable[[Array], Array]] = {
    "natural": np.ones_like,
    "fraction": np.ones_like,
    "positive": lambda x: x,
    "probability": lambda x: x * (1 - x),
    "correlation": lambda x: 1 - x * x,
    "distance": lambda x: 2 * np.sqrt(np.maximum(x, 0.0)),
}


def interval(scale: str, estimate: Estimate) -> tuple[float | None, float | None]:
    """Return the 95 % sampling interval of one estimate on `scale`; (None, None) without theory."""
    return _bounds(scale, [estimate])[0]


def intervals(
    metrics: Sequence[str], estimates: Sequence[Estimate]
) -> list[tuple[float | None, float | None]]:
    """Return the 95 % sampling interval of each estimate in its own unit; (None, None) without theory.

    An interval is symmetric on the metric's scale and contains the estimate. The variance of a share or a
    count follows from the number of rows; every other metric has its own variance.
    """
    by_scale: dict[str, list[int]] = {}
    for at, metric in enumerate(metrics):
        by_scale.setdefault(METRICS[metric].scale, []).append(at)
    found: list[tuple[float | None, float | None]] = [(None, None)] * len(metrics)
    for scale, mine in by_scale.items():
        for at, bounds in zip(mine, _bounds(scale, [estimates[at] for at in mine]), strict=True):
            found[at] = bounds
    return found


def _bounds(name: str, estimates: Sequence[Estimate]) -> list[tuple[float | None, float | None]]:
    scale = SCALES[name]
    value = np.array([_number(estimate.value) for estimate in estimates])
    n = np.array([float(estimate.n) for estimate in estimates])
    variance = _on_scale(name, value, n, np.array([_number(estimate.variance) for estimate in estimates]))
    with np.errstate(invalid="ignore", over="ignore"):
        reach = NORMAL_975 * np.sqrt(variance)
        at_value = scale.forward(value, n)
        # On a bounded scale, such as the logit near 1, the interval could exclude the value itself.
        low = np.fmin(scale.backward(at_value - reach, n), value)
        high = np.fmax(scale.backward(at_value + reach, n), value)
    known = np.isfinite(value) & np.isfinite(reach) & np.isfinite(low) & np.isfinite(high)
    return [
        (lower, upper) if defined else (None, None)
        for lower, upper, defined in zip(low.tolist(), high.tolist(), known.tolist(), strict=True)
    ]


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _on_scale(scale: str, value: Array, n: Array, variance: Array) -> Array:
    """Return sampling variances on `scale`: from the number of rows, or else by the delta method."""
    if scale == "share":
        return share_variance(n)
    if scale == "count":
        return count_variance(value)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore", under="ignore"):
        return np.asarray(variance / INVERSE_SLOPES[scale](value) ** 2)
