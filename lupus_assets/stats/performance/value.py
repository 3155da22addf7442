"""Performance metrics of predicted values: their errors against the labels."""

import math
from functools import partial
from typing import TYPE_CHECKING

from lupus_assets.stats.estimate import Estimate
from lupus_assets.stats.metric import Measure, Metric
from lupus_assets.stats.performance.score import NO_LABELS

if TYPE_CHECKING:
    from lupus_assets.stats.joint import ErrorSums

OVERFLOW = "errors exceed the range of floats"


def mae(state: "ErrorSums") -> Estimate:
    """Return the mean absolute error in the label's unit, at least 0."""
    return Estimate.of_mean(state.absolute, NO_LABELS)


def rmse(state: "ErrorSums") -> Estimate:
    """Return the root mean squared error in the label's unit, at least 0.

    The variance is computed from the fourth moments of the error; None with a single row, if
    all errors are 0, and on overflow. Undefined if the square of the metric overflows.
    """
    moments, n = state.error, state.n
    if n == 0:
        return Estimate.undefined(NO_LABELS)
    second, third, fourth = moments.m2 / n, moments.m3 / n, moments.m4 / n
    square = second + moments.mean * moments.mean  # unlike **, a product overflows to inf
    if not math.isfinite(square):
        return Estimate.undefined(OVERFLOW, n)
    value = math.sqrt(square)
    if n == 1 or square == 0 or not math.isfinite(fourth):
        return Estimate(value, None, n, None)
    mean = moments.mean
    of_squares = fourth + 4 * mean * third + 4 * mean * mean * second - second * second
    return Estimate(value, max(of_squares, 0.0) / (n - 1) / (4 * square), n, None)


def wape(state: "ErrorSums") -> Estimate:
    """Return the mean absolute error over the absolute mean of the labels, at least 0 and without unit.

    Labels are assumed to have one sign, as counts and amounts do; undefined if they sum to 0. The variance
    is first-order, for uncorrelated error and label.
    """
    n, level = state.n, abs(state.label.mean) if state.n else 0.0
    if n == 0 or level == 0:
        return Estimate.undefined("the labels sum to 0" if n else NO_LABELS, n)
    value = state.absolute.mean / level
    if not math.isfinite(value):
        return Estimate.undefined(OVERFLOW, n)
    of_error, of_label = state.absolute.variance, state.label.variance
    if of_error is None or of_label is None:
        return Estimate(value, None, n, None)
    # Products and quotients overflow to inf; the square of a small level would underflow to 0.
    variance = (of_error / level / level + value * value * (of_label / level / level)) / n
    return Estimate(value, variance if math.isfinite(variance) else None, n, None)


def mean_error(state: "ErrorSums") -> Estimate:
    """Return mean(prediction − label) in the label's unit: above 0 if predictions are too high."""
    return Estimate.of_mean(state.error, NO_LABELS)


_metric = partial(Metric, family="performance", predictions=("value",))
VALUE = (
    Measure(
        "mae",
        mae,
        _metric(
            "mean absolute error; in the label's unit",
            "mean absolute error of",
            "positive",
            side=1,
            judged=True,
        ),
    ),
    Measure(
        "rmse",
        rmse,
        _metric(
            "root of the mean squared error; in the label's unit",
            "root mean squared error of",
            "positive",
            side=1,
            judged=True,
        ),
    ),
    Measure(
        "wape",
        wape,
        _metric(
            "mean absolute error over the mean absolute label; no unit, at least 0",
            "absolute error relative to the label of",
            "positive",
            side=1,
            judged=True,
        ),
    ),
    Measure(
        "mean_error",
        mean_error,
        _metric(
            "mean of predicted value minus label; in the label's unit, above 0 if too high",
            "mean of prediction minus label for",
            "natural",
            judged=True,
        ),
    ),
)
