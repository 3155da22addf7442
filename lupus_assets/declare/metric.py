"""How each metric is read: its scale, which direction counts, whether it is judged, and how it is said."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lupus_assets.declare.catalogue import RANKS
from lupus_assets.detect.scale import SCALES, Array, count_variance, share_variance
from lupus_assets.stats.estimate import Estimate

NORMAL_975 = 1.959964  # two-sided 95 %
STUCK = 0.5  # share of one value from which a column may have stopped


@dataclass(frozen=True)
class Measure:
    """One metric's reading.

    Attributes
    ----------
    scale : str
        Key of `lupus_assets.detect.scale.SCALES`.
    phrase : str
        What the number is, before the column's name: "share of null".
    side : {-1, 0, 1}
        1 where only a rise counts as news, -1 where only a fall does, 0 where both do.
    judged : bool
        Whether its history gets a verdict.
    percent : bool
        Whether people read it as a percentage.
    rare : bool
        Whether it is a share that should be near 0: its count is judged, and only a rise is news.
    least : float
        Value below which its history is no news; in its own unit.
    """

    scale: str
    phrase: str
    side: Literal[-1, 0, 1] = 0
    judged: bool = False
    percent: bool = False
    rare: bool = False
    least: float = -math.inf


def _share(phrase: str, side: Literal[-1, 0, 1] = 0, judged: bool = True) -> Measure:
    return Measure("share", phrase, side, judged, percent=True)


def _rare(phrase: str) -> Measure:
    return Measure("share", phrase, 1, judged=True, percent=True, rare=True)


MEASURES: dict[str, Measure] = {
    "row_count": Measure("count", "number of rows", judged=True),
    "duplicate_rate": _rare("share of duplicated rows"),
    "outside_rate": _rare("share of rows timed outside their window in"),
    "invalid_rate": _rare("share of scores outside [0, 1] in"),
    "null_rate": _rare("share of null"),
    "nan_rate": _rare("share of NaN in"),
    "infinity_rate": _rare("share of infinities in"),
    "zero_rate": _share("share of zeros in", judged=False),
    "unseen_rate": _rare("share of values unseen in the reference in"),
    "out_of_range_rate": _rare("share of values beyond the reference's range in"),
    "null_design_effect": Measure("positive", "design effect of nulls in"),
    "range_design_effect": Measure("positive", "design effect of values out of range in"),
    "off_grid_rate": _rare("share of values with more decimals than the reference's in"),
    "top_share": Measure(
        "share", "share of the most frequent value of", 1, judged=True, percent=True, least=STUCK
    ),
    **{
        f"share_{rank}": _share(f"share of the reference's {word}most frequent value of")
        for rank, word in enumerate(RANKS, start=1)
    },
    "labelled_rate": _share("share of rows with a label in", side=-1),
    "mean": Measure("natural", "mean of"),
    "clipped_mean": Measure("natural", "clipped mean of", judged=True),
    "sd": Measure("positive", "standard deviation of"),
    "skewness": Measure("natural", "skewness of"),
    "kurtosis": Measure("natural", "excess kurtosis of"),
    "minimum": Measure("natural", "minimum of"),
    "q01": Measure("natural", "1 % quantile of"),
    "q05": Measure("natural", "5 % quantile of"),
    "q25": Measure("natural", "lower quartile of"),
    "median": Measure("natural", "median of"),
    "q75": Measure("natural", "upper quartile of"),
    "q95": Measure("natural", "95 % quantile of"),
    "q99": Measure("natural", "99 % quantile of"),
    "maximum": Measure("natural", "maximum of"),
    "distinct": Measure("positive", "number of distinct values of"),
    "mean_rank": Measure("fraction", "mean rank within the reference of", judged=True),
    "rank_spread": Measure("fraction", "spread of ranks within the reference of", judged=True),
    "psi": Measure("distance", "distance to the reference (PSI) of", 1, judged=True),
    "jensen_shannon": Measure("distance", "Jensen-Shannon distance to the reference of", 1),
    "ks": Measure("distance", "Kolmogorov-Smirnov distance to the reference of", 1),
    "wasserstein": Measure("distance", "Wasserstein distance to the reference of", 1),
    "chi_square": Measure("distance", "chi-square statistic against the reference of", 1),
    "l_infinity": Measure("distance", "largest change of a bin's share against the reference of", 1),
    "association": Measure(
        "natural", "association with other columns, of the reference's, of", -1, judged=True, percent=True
    ),
    "conditional_spread": Measure(
        "positive", "spread given other columns, of the reference's, of", 1, judged=True, percent=True
    ),
    "residual_mean": Measure("natural", "mean deviation from what the inputs explain of", judged=True),
    "residual_spread": Measure(
        "positive", "mean absolute deviation from what the inputs explain of", 1, judged=True
    ),
    "explained_correlation": Measure(
        "correlation", "correlation with what the inputs explain of", -1, judged=True
    ),
    "base_rate": Measure("probability", "share of positives in", judged=True, percent=True),
    "auc": Measure("probability", "AUC of", -1, judged=True),
    "log_loss": Measure("positive", "log loss of", 1, judged=True),
    "brier": Measure("positive", "Brier score of", 1, judged=True),
    "brier_excess": Measure("natural", "excess of the Brier score over calibrated scores of", judged=True),
    "slope_excess": Measure("natural", "covariance of label minus score with the score of", -1, judged=True),
    "calibration_error": Measure("distance", "calibration error of", 1),
    "bias": Measure("natural", "mean of label minus prediction for", judged=True),
    "accuracy": _share("accuracy of", side=-1, judged=False),
    "precision": _share("precision of", side=-1, judged=False),
    "recall": _share("recall of", side=-1, judged=False),
    "macro_f1": Measure("probability", "macro F1 of", -1, judged=True),
    "mean_error": Measure("natural", "mean of prediction minus label for", judged=True),
    "mae": Measure("positive", "mean absolute error of", 1, judged=True),
    "wape": Measure("positive", "absolute error relative to the label of", 1, judged=True),
    "rmse": Measure("positive", "root mean squared error of", 1, judged=True),
}


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

    An interval is symmetric on the metric's scale and holds the estimate. A share's and a count's noise is
    known from the number of rows; every other metric brings its own variance.
    """
    by_scale: dict[str, list[int]] = {}
    for at, metric in enumerate(metrics):
        by_scale.setdefault(MEASURES[metric].scale, []).append(at)
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
        # A scale that is cut off, as the logit is near 1, would leave the value itself outside.
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
    """Return sampling variances on `scale`, by the delta method where the rows do not tell the noise."""
    if scale == "share":
        return share_variance(n)
    if scale == "count":
        return count_variance(value)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore", under="ignore"):
        return np.asarray(variance / INVERSE_SLOPES[scale](value) ** 2)
