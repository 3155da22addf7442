"""Performance metrics of scores between 0 and 1."""

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

    Exact up to `lupus_assets.stats.roc.MOST` distinct scores. Beyond, scores in one bin count as tied: the
    error is at most half the share of such pairs, and a hundredth of the standard error unless scores are
    crowded. The variance is DeLong's plus that of the ties; None with a single row of either label. Undefined
    unless both labels occur.

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
    # The placement of a row is the share of rows of the other label that are ranked below it.
    value, of_positives = _mean_and_variance(_mid_ranks(negatives), positives)
    _, of_negatives = _mean_and_variance(_mid_ranks(positives), negatives)
    if of_positives is None or of_negatives is None:
        return Estimate(value, None, state.n, None)
    of_ties = (state.roc.tied / 2) ** 2 / 3  # variance of a uniform error in ± half the tied share
    return Estimate(value, of_positives + of_negatives + of_ties, state.n, None)


def log_loss(state: "ScoreLabel") -> Estimate:
    """Return the mean negative log likelihood in nats, at least 0.

    Scores are clipped to [1e-15, 1 − 1e-15].
    """
    return Estimate.of_mean(state.log_loss, NO_LABELS)


def brier(state: "ScoreLabel") -> Estimate:
    """Return the mean squared error of the score, in [0, 1].

    References
    ----------
    Brier (1950), Verification of forecasts expressed in terms of probability.
    """
    return Estimate.of_mean(state.squared_error, NO_LABELS)


def brier_excess(state: "ScoreLabel") -> Estimate:
    """Return the Brier score less its expectation if calibrated, mean((y − p)(1 − 2p)), in [−1, 1].

    Its expectation is 0 for calibrated scores, above 0 for overconfident scores. The variance is that of
    labels drawn from the scores; the observed labels do not enter it.

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
    """Return cov(label − score, score), in [−1/4, 1/4]: below 0 if scores discriminate too little.

    Its expectation is 0 for calibrated scores. The variance is as for `brier_excess`.

    References
    ----------
    Cox (1958), Two further applications of a model for binary regression.
    """
    if state.n == 0:
        return Estimate.undefined(NO_LABELS)
    p1, p2, p3, p4 = _powers(state.score)
    rate = state.positives / state.n
    # label² = label: (label − score)² contains the product of label and score.
    both = (rate + p2 - state.squared_error.mean) / 2
    value = both - p2 - p1 * state.residual.mean
    variance = (p3 - 2 * p1 * p2 + p1**3) - (p4 - 2 * p1 * p3 + p1 * p1 * p2)  # of p (1 − p) (p − mean)²
    return Estimate(value, max(variance, 0.0) / state.n, state.n, None)


def calibration_error(state: "ScoreLabel") -> Estimate:
    """Return the expected calibration error over ten bins of equal width, in [0, 1].

    Σ (rows of the bin / rows) |mean label − mean score|. It is above 0 by chance even for
    calibrated scores; its variance is unknown.

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
    """Return mean(label − score), in [−1, 1]: above 0 if the scores are too low."""
    return Estimate.of_mean(state.residual, NO_LABELS)


def _powers(score: "Moments") -> tuple[float, float, float, float]:
    """Return the means of the first four powers of the score."""
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
    """Return per bin the share of `counts` below it plus half of its own share."""
    ranks: Floats = (counts.cumsum() - counts / 2) / counts.sum()
    return ranks


def _mean_and_variance(values: "Floats", counts: "Floats") -> tuple[float, float | None]:
    """Return the mean of `values`, weighted by `counts`, and its sampling variance; None for one row."""
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
