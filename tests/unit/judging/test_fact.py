from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from lupus_assets.judging.fact import fact_rows, facts
from tests.models import START, by_column, day, declared, frozen, log, profiled

MODEL = declared()
REFERENCE = frozen(MODEL)
TIMES = [day(5).start + row * timedelta(minutes=1) for row in range(300)]


def found(table, model=MODEL, reference=REFERENCE):
    """Return ``{(column, metric): (value, sentence)}`` of a day's facts."""
    (each,) = profiled(model, reference, table).values()
    said = list(facts(each, reference, model.columns))
    rows = fact_rows(said, by_column(model, reference), track="champion", window=day(5), as_of=day(5).end)
    assert all(row.flagged and row.rule == "fact" for row in rows)
    assert [(row.column_name, row.metric, row.value, row.sentence) for row in rows] == said
    return {(column, metric): (value, sentence) for column, metric, value, sentence in said}


def test_an_ordinary_day_has_no_facts():
    assert found(log(5)) == {}


FEATURES = {"numeric": ["amount"], "categorical": ["country"]}


@pytest.mark.parametrize(
    ("model", "column", "remedy"),
    [
        (declared(columns={"features": FEATURES}), "amount", "take it out of the declaration"),
        (declared(), "p", "take it out of the declaration"),
        (
            declared(columns={"features": "auto"}),
            "amount",
            "list the columns that it reads in `columns.features`, and materialise m_reference again",
        ),
    ],
)
def test_a_missing_column_is_named_with_the_remedy_that_its_declaration_leaves(model, column, remedy):
    ((where, (value, sentence)),) = found(log(5, **{column: None}), model, frozen(model)).items()
    assert (where, value) == ((column, "null_rate"), None)
    assert sentence.startswith(f"column '{column}' is missing; write it to the log")
    assert remedy in sentence


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("amount", ["many"] * 300, "is string where a number is needed; store it as int or double"),
        ("amount", TIMES, "where a number is needed"),
        ("at", list(range(300)), "is int64 where a timestamp is needed"),
        ("country", [[1]] * 300, "where text is needed"),
        ("p", ["high"] * 300, "where a number is needed"),
    ],
)
def test_a_column_of_the_wrong_type_is_named_and_costs_nothing_else(column, values, said):
    ((where, (value, sentence)),) = found(log(5, **{column: values})).items()
    assert where == (column, "null_rate")
    assert value is None
    assert f"column {column!r} is" in sentence.replace(
        "dictionary<values=string, indices=int32, ordered=0>", "string"
    )
    assert said in sentence.replace("dictionary<values=string, indices=int32, ordered=0>", "string")


@pytest.mark.parametrize("kind", [pa.float64(), pa.null()])
def test_a_column_that_is_null_throughout_is_a_fact_whatever_type_it_then_has(kind):
    assert found(log(5, amount=pa.nulls(300, kind))) == {
        ("amount", "null_rate"): (1.0, "`amount` is null in all 300 rows")
    }


def test_a_column_that_was_null_throughout_in_the_reference_is_no_news():
    empty = pa.nulls(300, pa.float64())
    assert found(log(5, amount=empty), reference=frozen(MODEL, [log(0, amount=empty)])) == {}


def test_nan_and_infinities_are_facts_where_the_reference_held_none():
    amount = [float("nan")] * 3 + [float("inf")] + [float("-inf")] + [50.0] * 295
    assert found(log(5, amount=amount)) == {
        ("amount", "nan_rate"): (0.01, "3 of 300 values of `amount` are NaN; the reference held none"),
        ("amount", "infinity_rate"): (
            pytest.approx(2 / 300),
            "2 of 300 values of `amount` are infinite; the reference held none",
        ),
    }
    used_to = frozen(MODEL, [log(0, amount=amount)])
    assert found(log(5, amount=amount), reference=used_to) == {}


def test_scores_outside_0_and_1_are_counted():
    p = [1.5, -0.5, 2.0] + [0.5] * 297
    assert found(log(5, p=p)) == {("p", "invalid_rate"): (0.01, "3 of 300 scores in `p` lie outside [0, 1]")}


def test_keys_that_repeat_are_counted():
    ids = ["same"] * 4 + [f"key-{row}" for row in range(296)]
    assert found(log(5, id=ids)) == {("", "duplicate_rate"): (0.01, "3 of 300 rows repeat another row")}


def test_equal_rows_without_a_declared_key_are_left_to_their_history():
    model = declared({"key": None})
    table = pa.concat_tables([log(5, id=None), log(5, id=None)])
    assert found(table, model, frozen(model, [log(0, id=None)])) == {}


def test_no_rows_are_one_fact_and_no_other():
    assert found(log(5, 0)) == {("", "row_count"): (0.0, "the partition holds no rows")}


def test_a_million_categories_where_there_were_three_is_a_fact():
    table = log(5, 300)
    many = pa.DictionaryArray.from_arrays(
        pa.array(np.arange(300) % 300, pa.int32()), pa.array([f"c{row}" for row in range(300)])
    )
    assert found(table.set_column(5, "country", many)) == {}  # 300 are counted one by one
    model = declared({"key": None, "entity": None, "version": None, "label": None})
    million = 1_000_000
    values = pa.array(np.arange(million)).cast(pa.string())
    wide = pa.table(
        {
            "at": pa.array(np.full(million, np.datetime64("2024-01-06", "us")), pa.timestamp("us", "UTC")),
            "country": pa.DictionaryArray.from_arrays(np.arange(million, dtype=np.int32), values),
            "p": pa.array(np.full(million, 0.5)),
        }
    )
    ordinary = log(0).select(wide.column_names)
    ((where, (value, sentence)),) = found(wide, model, frozen(model, [ordinary])).items()
    assert where == ("country", "distinct")
    assert value == pytest.approx(million, rel=0.1)
    assert "3 in the reference; only the most frequent are counted one by one" in sentence


def test_naive_times_are_in_the_cadences_zone_and_aware_ones_are_taken_as_they_are():
    tokyo = declared(cadence={"every": "day", "start": START.date(), "timezone": "Asia/Tokyo"})
    naive = [datetime(2024, 1, 6) + row * timedelta(minutes=1) for row in range(300)]  # noqa: DTZ001 - naive times are the point
    # Day 5 is a day of UTC: midnight in Tokyo is nine hours before it.
    ((where, (value, sentence)),) = found(log(5, at=naive), tokyo, frozen(tokyo)).items()
    assert (where, value) == (("at", "outside_rate"), 1.0)
    assert "300 of 300 rows are timed outside the partition's window in `at`" in sentence
    assert "declare `columns.timezone`, correct `cadence.timezone`, or store UTC" in sentence
    assert found(log(5, at=TIMES), tokyo, frozen(tokyo)) == {}
    told = declared(
        {"timezone": "UTC"}, cadence={"every": "day", "start": START.date(), "timezone": "Asia/Tokyo"}
    )
    assert found(log(5, at=naive), told, frozen(told)) == {}


def test_a_cut_of_labels_alone_repeats_nothing_about_the_rows():
    model = declared({"label": {"column": "y", "arrives_within": "2d"}})
    reference = frozen(model)
    _, late = profiled(model, reference, log(5, id=["same"] * 300, y=pa.nulls(300, pa.bool_()))).values()
    assert list(facts(late, reference, model.columns)) == []
