"""Performance metrics of decisions, by scores with a threshold or by classes."""

from functools import partial
from typing import TYPE_CHECKING

from lupus_assets.stats.estimate import Estimate
from lupus_assets.stats.metric import Measure, Metric
from lupus_assets.stats.performance.score import ALL_NEGATIVE, NO_LABELS

if TYPE_CHECKING:
    from lupus_assets.stats.joint import Confusion
    from lupus_assets.stats.score_label import ScoreLabel

NONE_DECIDED = "no row is decided positive"


def accuracy(state: "ScoreLabel | Confusion") -> Estimate:
    """Return the share of rows with a correct decision (at the state's threshold) or class, in [0, 1]."""
    return Estimate.of_share(state.correct, state.n, NO_LABELS)


def precision(state: "ScoreLabel") -> Estimate:
    """Return the share of positive labels among rows decided positive, in [0, 1].

    `n` is the number of rows decided positive; undefined without any.
    """
    decided = state.decisions.true_positives + state.decisions.false_positives
    reason = NONE_DECIDED if state.n else NO_LABELS
    return Estimate.of_share(state.decisions.true_positives, decided, reason)


def recall(state: "ScoreLabel") -> Estimate:
    """Return the share of rows decided positive among rows with a positive label, in [0, 1].

    `n` is the number of rows with a positive label; undefined without any.
    """
    reason = ALL_NEGATIVE if state.n else NO_LABELS
    return Estimate.of_share(state.decisions.true_positives, state.positives, reason)


_metric = partial(Metric, family="performance", predictions=("score",))
DECISIONS = (
    Measure(
        "accuracy",
        accuracy,
        _metric(
            "share of right decisions; 0 to 1",
            "accuracy of",
            "share",
            side=-1,
            percent=True,
            predictions=("score", "class"),
        ),
    ),
    Measure(
        "precision",
        precision,
        _metric(
            "share of positive decisions that were right; 0 to 1",
            "precision of",
            "share",
            side=-1,
            percent=True,
        ),
    ),
    Measure(
        "recall",
        recall,
        _metric(
            "share of positive labels that were found; 0 to 1", "recall of", "share", side=-1, percent=True
        ),
    ),
)
