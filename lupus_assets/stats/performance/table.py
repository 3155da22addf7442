"""The performance metrics of all kinds of prediction, in the order of their rows in the table ``metrics``."""

from lupus_assets.stats.metric import Measure
from lupus_assets.stats.performance.classes import CLASSES
from lupus_assets.stats.performance.decision import DECISIONS
from lupus_assets.stats.performance.score import SCORE
from lupus_assets.stats.performance.value import VALUE

PERFORMANCE = (*SCORE, *DECISIONS, *VALUE, *CLASSES)


def performance_of(kind: str) -> list[Measure]:
    """Return the performance metrics of a kind of prediction: ``score``, ``value`` or ``class``."""
    return [measure for measure in PERFORMANCE if kind in measure.metric.predictions]
