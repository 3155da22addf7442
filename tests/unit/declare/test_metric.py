from collections import Counter

import numpy as np

from lupus_assets.declare.metric import METRICS, NOT_FOR_ALL, OF_KIND
from lupus_assets.detect.scale import SCALES
from lupus_assets.judging.check import OF_COMPLETENESS
from lupus_assets.stats.distance.table import DISTANCES
from lupus_assets.stats.performance.table import PERFORMANCE
from tests.models import declared, frozen, log, measured, profiled


def test_no_name_stands_for_two_metrics():
    names = Counter([*(each.name for each in DISTANCES), *(each.name for each in PERFORMANCE)])
    assert set(names.values()) == {1}
    assert sum(metric.family in ("performance", "target") for metric in METRICS.values()) == 1 + len(
        PERFORMANCE
    )


def test_everything_that_is_said_about_metrics_is_known_elsewhere():
    assert {metric.scale for metric in METRICS.values()} == SCALES.keys()
    families = {"input", "prediction", "target", "performance", None}
    assert {metric.family for metric in METRICS.values()} <= families


def test_the_check_of_completeness_hears_of_rows_and_of_what_is_missing():
    assert {
        "row_count", "duplicate_rate", "null_rate", "nan_rate", "infinity_rate", "outside_rate",
        "invalid_rate", "labelled_rate",
    } == set(OF_COMPLETENESS)  # fmt: skip


def tables():
    """Yield a kind of prediction, a model and a log; together they have every metric."""
    yield "score", declared(), log(5)
    amount = [None, np.inf, *log(5)["amount"].to_pylist()[2:]]
    yield "score", declared(), log(5, amount=amount)
    value = declared({"prediction": {"value": "p"}, "label": {"column": "y"}})
    yield "value", value, log(5, y=np.arange(300.0))
    classes = ["a", "b", "c", "d", "e"] * 60
    yield "class", declared({"prediction": {"class": "c"}}), log(5, p=None, c=classes, y=classes)


def of(model, table):
    reference = frozen(model, [table])
    return {row.metric for row in measured(model, reference, profiled(model, reference, table))}


def test_every_metric_of_the_catalogue_is_measured_by_some_model():
    found = set().union(*(of(model, table) for _, model, table in tables()))
    assert found == METRICS.keys()


def test_each_kind_of_prediction_has_the_metrics_that_are_measured_for_it():
    for kind, model, table in tables():
        assert of(model, table) & NOT_FOR_ALL == set(OF_KIND[kind])
