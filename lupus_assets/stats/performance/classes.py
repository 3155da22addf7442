"""Performance metrics of predicted classes; their accuracy is in `decision`."""

from functools import partial
from typing import TYPE_CHECKING

from lupus_assets.stats.estimate import Estimate
from lupus_assets.stats.metric import Measure, Metric
from lupus_assets.stats.performance.score import NO_LABELS

if TYPE_CHECKING:
    from lupus_assets.stats.joint import Confusion


def macro_f1(state: "Confusion") -> Estimate:
    """Return the unweighted mean of the classes' F1, in [0, 1].

    Classes are those with a prediction or a label; a class without a correct prediction counts 0.
    The variance is that of a multinomial over the pairs, to first order; it ignores classes that
    a larger window would add.

    References
    ----------
    Takahashi et al. (2022), Confidence interval for micro-averaged F1 and macro-averaged F1 scores.
    """
    import numpy as np

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


_metric = partial(Metric, family="performance", predictions=("class",))
CLASSES = (
    Measure(
        "macro_f1",
        macro_f1,
        _metric(
            "mean over the classes of their F1; 0 to 1", "macro F1 of", "probability", side=-1, judged=True
        ),
    ),
)
