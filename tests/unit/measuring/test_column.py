"""Metrics of a table small enough to count by hand."""

import math

import pyarrow as pa
import pytest

from tests.models import declared, frozen, log, measured, profiled

MODEL = declared({"decision": {"threshold": 0.5}}, segments=())
# Ten rows: amount 1 to 8, a null and a NaN; two wrong decisions out of eight labelled rows.
AMOUNT = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, None, math.nan]
SCORE = [0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2, 0.1, 0.9, 0.1]
LABEL = [True, True, True, False, True, False, False, False, None, None]
COUNTRY = ["de", "de", "de", "de", "jp", "jp", "xx", None, "de", "jp"]
IDS = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "a"]
TABLE = log(5, 10, amount=AMOUNT, p=SCORE, y=LABEL, country=COUNTRY, id=IDS)
PAST = log(0, 8, amount=AMOUNT[:8], country=["de", "de", "de", "de", "jp", "jp", "jp", "jp"])


@pytest.fixture(scope="module")
def metrics():
    reference = frozen(MODEL, [PAST])
    rows = measured(MODEL, reference, profiled(MODEL, reference, TABLE))
    assert len({(row.column_name, row.metric) for row in rows}) == len(rows)
    return {(row.column_name, row.metric): row for row in rows}


@pytest.mark.parametrize(
    ("column", "metric", "value"),
    [
        ("", "row_count", 10),
        ("", "duplicate_rate", 0.1),
        ("at", "outside_rate", 0.0),
        ("at", "null_rate", 0.0),
        ("id", "distinct", 9),
        ("user", "distinct", 3),
        ("amount", "null_rate", 0.1),
        ("amount", "nan_rate", 1 / 9),
        ("amount", "infinity_rate", 0.0),
        ("amount", "mean", 4.5),
        ("amount", "sd", math.sqrt(6)),
        ("amount", "skewness", 0.0),
        ("amount", "minimum", 1.0),
        ("amount", "maximum", 8.0),
        ("amount", "distinct", 8),
        ("amount", "zero_rate", 0.0),
        ("amount", "out_of_range_rate", 0.0),
        ("amount", "mean_rank", 0.5),
        ("amount", "rank_spread", 0.25),
        ("amount", "ks", 0.0),
        ("amount", "wasserstein", 0.0),
        ("country", "null_rate", 0.1),
        ("country", "unseen_rate", 1 / 9),
        ("country", "distinct", 3),
        ("country", "top_share", 5 / 9),
        # Of de, jp, rest, null: (4.5, 4.5, .5, .5)/10; with 10/8 of half a row (5.6, 3.6, 1.6, 1.6)/12.5.
        ("country", "l_infinity", 0.45 - 3.625 / 12.5),
        ("p", "invalid_rate", 0.0),
        ("y", "labelled_rate", 0.8),
        ("y", "base_rate", 0.5),
        ("p", "auc", 15 / 16),
        ("p", "accuracy", 0.75),
        ("p", "precision", 0.75),
        ("p", "recall", 0.75),
        ("p", "brier", (0.01 + 0.04 + 0.09 + 0.36) * 2 / 8),
        ("p", "bias", 0.0),
        ("p", "log_loss", -2 * math.log(0.9 * 0.8 * 0.7 * 0.4) / 8),
        ("p", "calibration_error", (0.1 + 0.2 + 0.3 + 0.6) * 2 / 8),
    ],
)
def test_a_metric_by_hand(metrics, column, metric, value):
    assert metrics[column, metric].value == pytest.approx(value, abs=1e-9)


def test_psi_by_hand(metrics):
    p, q = [4.5, 4.5, 0.5, 0.5], [5.625, 3.625, 1.625, 1.625]
    psi = sum((b / 12.5 - a / 10) * math.log(b / 12.5 / (a / 10)) for a, b in zip(p, q, strict=True))
    assert metrics["country", "psi"].value == pytest.approx(psi)


def test_metrics_know_their_family_and_rows(metrics):
    families = {key: row.family for key, row in metrics.items()}
    assert families["amount", "mean"] == families["", "row_count"] == "input"
    assert families["p", "psi"] == families["p", "residual_mean"] == "prediction"
    assert families["y", "base_rate"] == families["y", "labelled_rate"] == "target"
    assert families["p", "auc"] == "performance"
    assert (metrics["amount", "mean"].n, metrics["amount", "null_rate"].n) == (8, 10)


def test_what_is_undefined_has_a_reason_and_no_number():
    reference = frozen(MODEL, [PAST])
    rows = measured(MODEL, reference, profiled(MODEL, reference, log(5, 0)))
    for row in rows:
        if row.metric in ("row_count", "distinct"):
            assert (row.value, row.reason) == (0.0, None)
        else:
            assert row.value is None
            assert row.lower is None
            assert row.reason
    reasons = {(row.column_name, row.metric): row.reason for row in rows}
    assert reasons["p", "auc"] == "no labels yet"
    assert reasons["amount", "mean"] == "no values"
    assert reasons["amount", "null_rate"] == "no rows"


def test_a_column_without_a_reference_has_the_metrics_that_need_none():
    reference = frozen(MODEL, [PAST])
    found = measured(MODEL, reference, profiled(MODEL, reference, log(5, 10, id=list(range(10)))))
    assert {row.metric for row in found if row.column_name == "id"} == {"null_rate", "distinct"}


def test_segments_and_versions_carry_the_judged_metrics_only():
    model = declared()
    reference = frozen(model)
    table = log(5, version=["v1"] * 100 + ["v2"] * 200)
    rows = measured(model, reference, profiled(model, reference, table))
    of = {cell: {row.metric for row in rows if (row.version, row.segment) == cell} for cell in (
        ("*", "*"), ("*", "country=de"), ("v1", "*"),
    )}  # fmt: skip
    assert of["*", "country=de"] | {"share_2", "share_3"} == of["v1", "*"]  # one country has one name
    assert {"mean", "sd", "ks", "q95"} <= of["*", "*"] - of["v1", "*"]
    assert {"clipped_mean", "psi", "auc", "residual_mean", "row_count"} <= of["v1", "*"]


def test_a_segment_carries_every_metric_where_a_rule_asks_for_one_that_is_not_judged():
    model = declared(rules=[{"metric": "q95", "column": "amount", "segment": "country=de", "above": 90}])
    reference = frozen(model)
    rows = measured(model, reference, profiled(model, reference, log(5)))
    having = {row.segment for row in rows if row.metric == "q95"}
    assert having == {"*", "country=de"}


def test_every_number_carries_the_hash_of_its_reference():
    reference = frozen(MODEL, [PAST])
    assert {row.reference for row in measured(MODEL, reference, profiled(MODEL, reference, TABLE))} == {
        reference.digest
    }


def test_an_infinite_mean_is_no_number():
    reference = frozen(MODEL, [PAST])
    table = log(5, 4, amount=pa.array([1.7e308, 1.7e308, -1e308, 5.0]))
    rows = measured(MODEL, reference, profiled(MODEL, reference, table))
    assert all(row.value is None or math.isfinite(row.value) for row in rows)
