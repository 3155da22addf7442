"""How good scores between 0 and 1 turned out to be."""

from functools import partial
from typing import TYPE_CHECKING

from lupus_assets.stats.estimate import Estimate
from lupus_assets.stats.metric import Measure, Metric

if TYPE_CHECKING:
    from lupus_assets.stats.moments import Moments
    from lupus_assets.stats.score_label import ScoreLabel
    from lupus_assets.stats.state import Floats

NO_LABELS = "no labels yet"
ALL_POSITIVE = "labels are all positive"
ALL_NEGATIVE = "labels are all negative"


def base_rate(state: "ScoreLabel") -> Estimate:
    """Return the share of positive labels, in [0, 1]."""
    return Estimate.of_share(state.positives, state.n, NO_LABELS)


def auc(state: "ScoreLabel") -> Estimate:
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
    positives, negatives = state.roc.positives.astype(float), state.roc.negatives.astype(float)
    # A row's placement is the share of the other label's rows that its score outranks or undercuts.
    value, of_positives = _mean_and_variance(_mid_ranks(negatives), positives)
    _, of_negatives = _mean_and_variance(_mid_ranks(positives), negatives)
    if of_positives is None or of_negatives is None:
        return Estimate(value, None, state.n, None)
    of_ties = (state.roc.tied / 2) ** 2 / 3  # of an error anywhere between half of them either way
    return Estimate(value, of_positives + of_negatives + of_ties, state.n, None)


def log_loss(state: "ScoreLabel") -> Estimate:
    """Return the mean negative log likelihood in nats, at least 0; scores are clipped by 1e-15."""
    return Estimate.of_mean(state.log_loss, NO_LABELS)


def brier(state: "ScoreLabel") -> Estimate:
    """Return the mean squared error of the score, in [0, 1].

    References
    ----------
    Brier (1950), Verification of forecasts expressed in terms of probability.
    """
    return Estimate.of_mean(state.squared_error, NO_LABELS)


def brier_excess(state: "ScoreLabel") -> Estimate:
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


def slope_excess(state: "ScoreLabel") -> Estimate:
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


def calibration_error(state: "ScoreLabel") -> Estimate:
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
    gaps = abs(state.calibration.labels - state.calibration.scores)
    return Estimate(float(gaps.sum()) / state.n, None, state.n, None)


def bias(state: "ScoreLabel") -> Estimate:
    """Return mean(label − score), in [−1, 1]: positive if the scores are too low."""
    return Estimate.of_mean(state.residual, NO_LABELS)


def _powers(score: "Moments") -> tuple[float, float, float, float]:
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


def _mid_ranks(counts: "Floats") -> "Floats":
    """Return, per bin, the share of `counts` below it plus half its own."""
    ranks: Floats = (counts.cumsum() - counts / 2) / counts.sum()
    return ranks


def _mean_and_variance(values: "Floats", counts: "Floats") -> tuple[float, float | None]:
    """Return the mean of `values`, each `counts` times, and the sampling variance of that mean."""
    n = float(counts.sum())
    mean = float(values @ counts) / n
    if n == 1:
        return mean, None
    return mean, float((values - mean) ** 2 @ counts) / (n - 1) / n


_metric = partial(Metric, family="performance", predictions=("score",))
SCORE = (
    Measure(
        "base_rate",
        base_rate,
        _metric(
            "share of positive labels; 0 to 1",
            "share of positives in",
            "probability",
            judged=True,
            percent=True,
            family="target",
        ),
    ),
    Measure(
        "auc",
        auc,
        _metric(
            "area under the ROC curve; 0 to 1, 0.5 for guessing",
            "AUC of",
            "probability",
            side=-1,
            judged=True,
        ),
    ),
    Measure(
        "log_loss",
        log_loss,
        _metric(
            "mean negative log-likelihood of the label; nats, at least 0",
            "log loss of",
            "positive",
            side=1,
            judged=True,
        ),
    ),
    Measure(
        "brier",
        brier,
        _metric(
            "mean squared difference of score and label; 0 to 1",
            "Brier score of",
            "positive",
            side=1,
            judged=True,
        ),
    ),
    Measure(
        "brier_excess",
        brier_excess,
        _metric(
            "Brier score less what calibrated scores would have; -1 to 1, above 0 if too sure",
            "excess of the Brier score over calibrated scores of",
            "natural",
            judged=True,
        ),
    ),
    Measure(
        "slope_excess",
        slope_excess,
        _metric(
            "covariance of label minus score with the score; below 0 if the score lost its grip",
            "covariance of label minus score with the score of",
            "natural",
            side=-1,
            judged=True,
        ),
    ),
    Measure(
        "calibration_error",
        calibration_error,
        _metric(
            "mean gap of score and observed rate over score bins, by rows; 0 to 1",
            "calibration error of",
            "distance",
            side=1,
        ),
    ),
    Measure(
        "bias",
        bias,
        _metric(
            "mean of label minus score; -1 to 1, above 0 if scores are too low",
            "mean of label minus prediction for",
            "natural",
            judged=True,
        ),
    ),
)
