"""How each metric is read: its scale, which direction counts, whether it is judged, and how it is said."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lupus_assets.detect.scale import SCALES, Array, count_variance, share_variance
from lupus_assets.stats.estimate import Estimate

NORMAL_975 = 1.959964  # two-sided 95 %


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
    """

    scale: str
    phrase: str
    side: Literal[-1, 0, 1] = 0
    judged: bool = False
    percent: bool = False


def _share(phrase: str, side: Literal[-1, 0, 1] = 1, judged: bool = True) -> Measure:
    return Measure("share", phrase, side, judged, percent=True)


MEASURES: dict[str, Measure] = {
    "row_count": Measure("count", "number of rows", judged=True),
    "duplicate_rate": _share("share of duplicated rows"),
    "outside_rate": _share("share of rows timed outside their window in"),
    "invalid_rate": _share("share of scores outside [0, 1] in"),
    "null_rate": _share("share of null", side=0),
    "nan_rate": _share("share of NaN in"),
    "infinity_rate": _share("share of infinities in"),
    "zero_rate": _share("share of zeros in", side=0, judged=False),
    "unseen_rate": _share("share of values unseen in the reference in"),
    "out_of_range_rate": _share("share of values beyond the reference's range in"),
    "top_share": _share("share of the most frequent value of", side=0, judged=False),
    "labelled_rate": _share("share of rows with a label in", side=-1),
    "mean": Measure("natural", "mean of", judged=True),
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
    "mean_rank": Measure("natural", "mean rank within the reference of", judged=True),
    "rank_spread": Measure("natural", "spread of ranks within the reference of", judged=True),
    "psi": Measure("distance", "distance to the reference (PSI) of", 1, judged=True),
    "jensen_shannon": Measure("distance", "Jensen-Shannon distance to the reference of", 1),
    "ks": Measure("distance", "Kolmogorov-Smirnov distance to the reference of", 1),
    "wasserstein": Measure("distance", "Wasserstein distance to the reference of", 1),
    "chi_square": Measure("distance", "chi-square statistic against the reference of", 1),
    "l_infinity": Measure("distance", "largest change of a bin's share against the reference of", 1),
    "residual_mean": Measure(
        "natural", "mean deviation from what the inputs explain (logit) of", judged=True
    ),
    "residual_spread": Measure(
        "positive", "mean absolute deviation from what the inputs explain (logit) of", 1, judged=True
    ),
    "base_rate": Measure("probability", "share of positives in", judged=True, percent=True),
    "auc": Measure("probability", "AUC of", -1, judged=True),
    "log_loss": Measure("positive", "log loss of", 1, judged=True),
    "brier": Measure("positive", "Brier score of", 1, judged=True),
    "calibration_error": Measure("distance", "calibration error of", 1),
    "bias": Measure("natural", "mean of label minus prediction for", judged=True),
    "accuracy": Measure("probability", "accuracy of", -1, percent=True),
    "precision": Measure("probability", "precision of", -1, percent=True),
    "recall": Measure("probability", "recall of", -1, percent=True),
    "macro_f1": Measure("probability", "macro F1 of", -1, judged=True),
    "mean_error": Measure("natural", "mean of prediction minus label for", judged=True),
    "mae": Measure("positive", "mean absolute error of", 1, judged=True),
    "rmse": Measure("positive", "root mean squared error of", 1, judged=True),
}


def intervals(
    metrics: Sequence[str], estimates: Sequence[Estimate]
) -> list[tuple[float | None, float | None]]:
    """Return the 95 % sampling interval of each estimate in its own unit; (None, None) without theory.

    An interval is symmetric on the metric's scale. A share's and a count's noise is known from the number of
    rows; every other metric brings its own variance.
    """
    found: list[tuple[float | None, float | None]] = [(None, None)] * len(metrics)
    for name, scale in SCALES.items():
        mine = [at for at, metric in enumerate(metrics) if MEASURES[metric].scale == name]
        value = np.array([_number(estimates[at].value) for at in mine])
        n = np.array([float(estimates[at].n) for at in mine])
        variance = _on_scale(name, value, n, np.array([_number(estimates[at].variance) for at in mine]))
        with np.errstate(invalid="ignore", over="ignore"):
            reach = NORMAL_975 * np.sqrt(variance)
            at_value = scale.forward(value, n)
            low, high = scale.backward(at_value - reach, n), scale.backward(at_value + reach, n)
        for at, lower, upper in zip(mine, low.tolist(), high.tolist(), strict=True):
            if math.isfinite(lower) and math.isfinite(upper):
                found[at] = (lower, upper)
    return found


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _on_scale(scale: str, value: Array, n: Array, variance: Array) -> Array:
    """Return sampling variances on `scale`, by the delta method where the noise is not known from the rows."""
    if scale == "share":
        return share_variance(n)
    if scale == "count":
        return count_variance(value)
    slope = {
        "natural": np.ones_like(value),
        "positive": value,
        "probability": value * (1 - value),
        "distance": 2 * np.sqrt(np.maximum(value, 0.0)),
    }[scale]
    with np.errstate(invalid="ignore", divide="ignore"):
        return variance / slope**2
