"""Rows as documents of Elasticsearch: their ids, their fields, and the digest of a table."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import orjson
import pyarrow as pa
import pytest

from lupus_assets.records import MetricRow, Place, VerdictRow
from lupus_assets.sinks.elasticsearch.document import KEYS, digest, documents, mapping, place_id, values
from lupus_assets.sinks.schema import SCHEMAS, to_table
from lupus_assets.sinks.word import words
from tests.models import metric

START = datetime(2025, 3, 1, 4, tzinfo=UTC)
PLACE = Place("flights.delay", "champion", START, START + timedelta(days=1), "2025-03")


def metrics(*values: float | None, **other: object) -> list[MetricRow]:
    """Return a row of a metric each for the place."""
    of_place = {
        "track": PLACE.track,
        "version": "v1",
        "partition_key": "2025-03-01",
        "window_start": PLACE.start,
        "as_of": PLACE.as_of,
        "column_name": "temp",
        "n": 1,
        "reason": None,
    }
    return [metric(0, value, metric=f"m{at}", **of_place | other) for at, value in enumerate(values)]


def test_ids_are_the_same_for_the_same_rows_and_distinct_otherwise():
    rows = to_table("metrics", metrics(1.0, 2.0, None))
    ids = [document_id for document_id, _ in documents("metrics", PLACE, rows)]
    assert ids == [document_id for document_id, _ in documents("metrics", PLACE, rows)]
    other_values = to_table("metrics", metrics(9.0, 8.0, 7.0))
    assert ids == [document_id for document_id, _ in documents("metrics", PLACE, other_values)]
    places = [
        PLACE,
        replace(PLACE, model="flights.other"),
        replace(PLACE, track="new"),
        replace(PLACE, start=START + timedelta(days=1)),
        replace(PLACE, as_of=START + timedelta(days=2)),
    ]
    assert len({place_id(table, place) for table in KEYS for place in places}) == len(KEYS) * len(places)


@pytest.mark.parametrize("column", KEYS["metrics"])
def test_every_column_of_the_key_is_in_the_id(column):
    (row,) = metrics(1.0)
    rows = to_table("metrics", [row, replace(row, **{column: "another"})])
    assert len({document_id for document_id, _ in documents("metrics", PLACE, rows)}) == 2


def test_rows_of_one_key_have_ids_of_their_own():
    (row,) = metrics(1.0)
    rows = to_table("metrics", [row, replace(row, value=2.0), row])
    assert len({document_id for document_id, _ in documents("metrics", PLACE, rows)}) == 3


def test_a_document_holds_its_row_and_where_it_is_from():
    written = metrics(5e-324, None, -0.0, 1e308, reason='駅 " \n')
    found = [orjson.loads(text) for _, text in documents("metrics", PLACE, to_table("metrics", written))]
    assert [values("metrics", document) for document in found] == to_table("metrics", written).to_pylist()
    around = {
        "model": "flights.delay",
        "team": "flights",
        "name": "delay",
        "month": "2025-03",
        "place": "champion~20250301T0400Z~20250302T0400Z",
    }
    assert all(document.items() >= around.items() for document in found)
    assert found[0]["window_start"] == "2025-03-01T04:00:00.000000Z"


@pytest.mark.parametrize("table", KEYS)
def test_every_field_of_a_document_is_mapped_and_nothing_else_is_let_in(table):
    assert mapping(table)["dynamic"] == "strict"
    fields = {*SCHEMAS[table].names, "model", "team", "name", "month", "place"}
    assert set(mapping(table)["properties"]) - {"words"} == fields


def test_only_alarms_are_found_by_their_words():
    (numbers,) = metrics(1.0)
    names = ("track", "version", "partition_key", "window_start", "as_of")
    shared = {name: getattr(numbers, name) for name in names}
    row = VerdictRow(
        **shared, segment="origin=JFK", family="input", column_name="dep_delay", metric="mean",
        rule="history", value=1.0, expected=None, low=None, high=None, p=None, effect=None, surprise=None,
        history=1, partitions=1, since="2013-05-01", severity="alarm", flagged=True,
        incident=None, sentence="Mean of `dep_delay`",
    )  # fmt: skip
    rows = to_table("verdicts", [row, replace(row, flagged=False)])
    alarm, quiet = (orjson.loads(text) for _, text in documents("verdicts", PLACE, rows))
    assert alarm["words"] == ["delay", "dep", "history", "jfk", "mean", "of", "origin"]
    assert "words" not in quiet


def test_words_are_the_same_however_a_text_is_encoded():
    assert (
        words("ＦＵＬＬ Zu\u0308rich STRASSE") == words("full Zürich Straße") == ["full", "strasse", "zürich"]
    )
    assert words("a_b-c.d%25") == ["25", "a", "b", "c", "d"]
    assert words(" \n`'\"*?") == []
    assert words("x" * 40_000) == ["x" * 100]


def test_a_digest_is_of_the_values_and_not_of_how_arrow_holds_them():
    rows = to_table("metrics", metrics(1.0, None, 3.0, 4.0, None, reason=None))
    more = to_table("metrics", metrics(0.0, 1.0, None, 3.0, 4.0, None, reason=None))
    whole = digest(rows)
    assert digest(pa.concat_tables([rows.slice(0, 2), rows.slice(2)])) == whole
    assert digest(rows.slice(0, 3)) == digest(to_table("metrics", metrics(1.0, None, 3.0)))
    shifted = more.slice(1)
    renamed = shifted.set_column(shifted.column_names.index("metric"), "metric", rows["metric"])
    assert digest(renamed) == whole
    # What stands under a null is no value.
    validity = pa.py_buffer(np.packbits([True, False, True, True, False], bitorder="little"))
    odd = pa.Array.from_buffers(
        pa.float64(), 5, [validity, pa.py_buffer(np.array([1.0, 7.0, 3.0, 4.0, 7.0]))]
    )
    assert digest(rows.set_column(rows.column_names.index("value"), "value", odd)) == whole


def test_a_digest_differs_with_every_value_and_with_the_order():
    one, two = metrics(1.0, 2.0)
    tables = [
        [one, two],
        [two, one],
        [one],
        [],
        [one, replace(two, value=None)],
        [one, replace(two, value=0.0)],
        [one, replace(two, value=-0.0)],
        [replace(one, value=None), two],
        [one, replace(two, reason="")],
        [one, replace(two, segment="*x", family="nput")],
        [one, replace(two, window_start=START + timedelta(microseconds=1))],
        [one, replace(two, n=2)],
    ]
    assert len({digest(to_table("metrics", rows)) for rows in tables}) == len(tables)


def test_nothing_here_imports_pandas():
    """It would cost every process a second or more."""
    code = """
import sys
from datetime import UTC, datetime
from lupus_assets.records import IncidentRow, Place
from lupus_assets.sinks.schema import to_table
from lupus_assets.sinks.elasticsearch.view import SearchView, digest, documents
day = datetime(2013, 5, 1, tzinfo=UTC)
rows = to_table("incidents", [IncidentRow("c", "k", day, day, *"abcde")])
assert len(list(documents("incidents", Place("a.b", "c", day, day, "2013-05"), rows))) == 1
assert digest(rows)
assert "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
