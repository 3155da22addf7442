"""How good predictions turned out to be: numbers read off joint states.

Every function returns an `Estimate`; without labels it is undefined, and says so. Variances
take rows as independent; where a ratio or a square is taken they are first-order (delta method).
"""

import math

import numpy as np

from lupus_assets.stats.estimate import Estimate
from lupus_assets.stats.joint import Confusion, ErrorSums
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.score_label import ScoreLabel
from lupus_assets.stats.state import Floats

NO_LABELS = "no labels yet"
ALL_POSITIVE = "labels are all positive"
ALL_NEGATIVE = "labels are all negative"
NONE_DECIDED = "no row is decided positive"
OVERFLOW = "errors exceed the range of floats"


def auc(state: ScoreLabel) -> Estimate:
    """Return the area under the ROC curve, in [0, 1]; ties count half.

    Exact while no more scores differ than `lupus_assets.stats.roc.MOST`. Of more, those that share a bin
    count as tied: the area is off by half the share of such pairs at most, and by a hundredth of its standard
    error where scores do not crowd. The variance is DeLong's, and what ties may cost; None with a single
    row of either label. Undefined unless both labels occur.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson (1988), Comparing the areas under two or more
    correlated receiver operating characteristic curves.
    """
    if state.n == 0:
        return Estimate.undefined(NO_LABELS)
    if state.positives in (0, state.n):
        return Estimate.undefined(ALL_POSITIVE if state.positives else ALL_NEGATIVE, state.n)
    positives, negatives = state.roc.positives.astype(np.float64), state.roc.negatives.astype(np.float64)
    # A row's placement is the share of the other label's rows that its score outranks or undercuts.
    value, of_positives = _mean_and_variance(_mid_ranks(negatives), positives)
    _, of_negatives = _mean_and_variance(_mid_ranks(positives), negatives)
    if of_positives is None or of_negatives is None:
        return Estimate(value, None, state.n, None)
    of_ties = (state.roc.tied / 2) ** 2 / 3  # of an error anywhere between half of them either way
    return Estimate(value, of_positives + of_negatives + of_ties, state.n, None)


def log_loss(state: ScoreLabel) -> Estimate:
    """Return the mean negative log likelihood in nats, at least 0; scores are clipped by 1e-15."""
    return Estimate.of_mean(state.log_loss, NO_LABELS)


def brier(state: ScoreLabel) -> Estimate:
    """Return the mean squared error of the score, in [0, 1].

    References
    ----------
    Brier (1950), Verification of forecasts expressed in terms of probability.
    """
    return Estimate.of_mean(state.squared_error, NO_LABELS)


def bias(state: ScoreLabel) -> Estimate:
    """Return mean(label − score), in [−1, 1]: positive if the scores are too low."""
    return Estimate.of_mean(state.residual, NO_LABELS)


def brier_excess(state: ScoreLabel) -> Estimate:
    """Return the Brier score less what calibrated scores would have, mean((y − p)(1 − 2p)), in [−1, 1].

    0 in expectation while the scores are calibrated, above 0 where they are too sure of themselves. The
    variance is that of labels drawn from the scores, so that a few rows do not vouch for themselves.

    References
    ----------
    Spiegelhalter (1986), Probabilistic prediction in patient management and clinical trials.
    """
    if state.n == 0:
        return Estimate.undefined(NO_LABELS)
    p1, p2, p3, p4 = _powers(state.score)
    variance = p1 - 5 * p2 + 8 * p3 - 4 * p4  # of p (1 − p) (1 − 2p)², row by row
    return Estimate(state.squared_error.mean - p1 + p2, max(variance, 0.0) / state.n, state.n, None)


def slope_excess(state: ScoreLabel) -> Estimate:
    """Return cov(label − score, score), in [−1/4, 1/4]: below 0 where the score has lost its grip.

    0 in expectation while the scores are calibrated. Variance as `brier_excess`.

    References
    ----------
    Cox (1958), Two further applications of a model for binary regression.
    """
    if state.n == 0:
        return Estimate.undefined(NO_LABELS)
    p1, p2, p3, p4 = _powers(state.score)
    rate = state.positives / state.n
    # Labels are their own squares: (label − score)² has the product of label and score in it.
    both = (rate + p2 - state.squared_error.mean) / 2
    value = both - p2 - p1 * state.residual.mean
    variance = (p3 - 2 * p1 * p2 + p1**3) - (p4 - 2 * p1 * p3 + p1 * p1 * p2)  # of p (1 − p) (p − mean)²
    return Estimate(value, max(variance, 0.0) / state.n, state.n, None)


def _powers(score: Moments) -> tuple[float, float, float, float]:
    """Return the means of the first four powers."""
    mean, second, third, fourth = (
        score.mean,
        *(each / score.n for each in (score.m2, score.m3, score.m4)),
    )
    square = mean * mean
    return (
        mean,
        second + square,
        third + 3 * mean * second + mean * square,
        fourth + 4 * mean * third + 6 * square * second + square * square,
    )


def calibration_error(state: ScoreLabel) -> Estimate:
    """Return the expected calibration error over ten bins of equal width, in [0, 1].

    Σ (rows of the bin / rows) |mean label − mean score|. It is above 0 by chance even for a
    perfect score; its variance is not known.

    References
    ----------
    Naeini, Cooper and Hauskrecht (2015), Obtaining well calibrated probabilities using
    Bayesian binning.
    """
    if state.n == 0:
        return Estimate.undefined(NO_LABELS)
    gaps = np.abs(state.calibration.labels - state.calibration.scores)
    return Estimate(float(gaps.sum()) / state.n, None, state.n, None)


def base_rate(state: ScoreLabel) -> Estimate:
    """Return the share of positive labels, in [0, 1]."""
    return Estimate.of_share(state.positives, state.n, NO_LABELS)


def accuracy(state: ScoreLabel | Confusion) -> Estimate:
    """Return the share of rows decided (at the state's threshold) or classified rightly, in [0, 1]."""
    return Estimate.of_share(state.correct, state.n, NO_LABELS)


def precision(state: ScoreLabel) -> Estimate:
    """Return the share of positive labels among rows decided positive, in [0, 1].

    Its `n` is those rows; undefined without any.
    """
    decided = state.decisions.true_positives + state.decisions.false_positives
    reason = NONE_DECIDED if state.n else NO_LABELS
    return Estimate.of_share(state.decisions.true_positives, decided, reason)


def recall(state: ScoreLabel) -> Estimate:
    """Return the share decided positive among rows with a positive label, in [0, 1].

    Its `n` is those rows; undefined without any.
    """
    reason = ALL_NEGATIVE if state.n else NO_LABELS
    return Estimate.of_share(state.decisions.true_positives, state.positives, reason)


def mae(state: ErrorSums) -> Estimate:
    """Return the mean absolute error in the label's unit, at least 0."""
    return Estimate.of_mean(state.absolute, NO_LABELS)


def mean_error(state: ErrorSums) -> Estimate:
    """Return mean(prediction − label) in the label's unit: positive if predictions are too high."""
    return Estimate.of_mean(state.error, NO_LABELS)


def wape(state: ErrorSums) -> Estimate:
    """Return the mean absolute error over the mean absolute label, at least 0 and without unit.

    Labels are taken as of one sign, as counts and amounts are: undefined where they sum to nothing. The
    variance is first-order, error and label taken as uncorrelated.
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
    # Products and quotients overflow to inf, and a square of what is small would be 0.
    variance = (of_error / level / level + value * value * (of_label / level / level)) / n
    return Estimate(value, variance if math.isfinite(variance) else None, n, None)


def rmse(state: ErrorSums) -> Estimate:
    """Return the root mean squared error in the label's unit, at least 0.

    The variance follows from the fourth moments of the error; None with a single row, when
    the error is 0 throughout, and when they overflow. Undefined if its square overflows.
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


def macro_f1(state: Confusion) -> Estimate:
    """Return the unweighted mean of the classes' F1, in [0, 1].

    Classes are those that were predicted or came true; one that was never both counts 0. The
    variance is that of a multinomial over the pairs, to first order: it ignores which classes
    a larger window would add.

    References
    ----------
    Takahashi et al. (2022), Confidence interval for micro-averaged F1 and macro-averaged F1 scores.
    """
    if state.n == 0:
        return Estimate.undefined(NO_LABELS)
    classes = np.union1d(state.predicted, state.actual)
    predicted, actual = np.searchsorted(classes, state.predicted), np.searchsorted(classes, state.actual)
    counts = state.counts.astype(np.float64)
    right = predicted == actual
    rows = np.bincount(predicted, counts, classes.size) + np.bincount(actual, counts, classes.size)
    f1 = 2 * np.bincount(predicted[right], counts[right], classes.size) / rows
    # Derivative of Σ F1 by the count of a pair. Euler: counts × derivative sums to 0, F1 being scale-free.
    slope = np.where(right, 2 / rows[predicted], 0.0) - (f1 / rows)[predicted] - (f1 / rows)[actual]
    variance = float(counts @ slope**2) / classes.size**2
    return Estimate(float(f1.mean()), variance, state.n, None)


def _mid_ranks(counts: Floats) -> Floats:
    """Return, per bin, the share of `counts` below it plus half its own."""
    return np.asarray((np.cumsum(counts) - counts / 2) / counts.sum())


def _mean_and_variance(values: Floats, counts: Floats) -> tuple[float, float | None]:
    """Return the mean of `values`, each `counts` times, and the sampling variance of that mean."""
    n = float(counts.sum())
    mean = float(values @ counts) / n
    if n == 1:
        return mean, None
    return mean, float((values - mean) ** 2 @ counts) / (n - 1) / n
