import subprocess
import sys
import weakref
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from lupus_assets.errors import ColumnMismatch
from lupus_assets.reading.arrow import floats, hashes, instants, levels
from lupus_assets.reading.table import at_least_one, every, rows_where

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1, None, 3]),
        pa.array([1, None, 3], pa.uint8()),
        pa.array([1.0, None, 3.0], pa.float32()),
        pa.array([1, None, 3], pa.decimal128(10, 2)),
        pa.array([0, 1, None, 3, 4])[1:4],
    ],
)
def test_every_kind_of_number_is_a_float_and_null_is_nan(array):
    values, present = floats(array, "x")
    np.testing.assert_array_equal(values, [1.0, np.nan, 3.0])
    assert present.tolist() == [True, False, True]


def test_booleans_are_0_and_1():
    assert floats(pa.array([True, False]), "x")[0].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    "read",
    [
        lambda array: floats(array, "x"),
        lambda array: levels(array, "x")[1:],
        lambda array: instants(array, "x", NEW_YORK),
        lambda array: hashes(array, "x", b""),
    ],
)
def test_a_column_without_a_type_is_null_throughout(read):
    _, present = read(pa.nulls(2))
    assert present.tolist() == [False, False]


def test_naive_times_are_in_the_zone_and_aware_ones_keep_their_instant():
    noon = datetime(2024, 1, 1, 12)  # noqa: DTZ001 - naive on purpose
    naive, _ = instants(pa.array([noon]), "t", NEW_YORK)
    aware, _ = instants(pa.array([noon.replace(tzinfo=NEW_YORK)]), "t", ZoneInfo("UTC"))
    assert naive.tolist() == aware.tolist() == [int(noon.replace(tzinfo=NEW_YORK).timestamp() * 1e6)]


def test_an_hour_that_repeats_is_its_first_and_one_that_is_skipped_moves_forward():
    autumn, spring = datetime(2024, 11, 3, 1, 30), datetime(2024, 3, 10, 2, 30)  # noqa: DTZ001 - naive on purpose
    first, forward = (
        np.array(instants(pa.array([each]), "t", NEW_YORK)[0]) / 1e6 for each in (autumn, spring)
    )
    assert first[0] == autumn.replace(tzinfo=NEW_YORK, fold=0).timestamp()
    assert forward[0] == datetime(2024, 3, 10, 3, tzinfo=NEW_YORK).timestamp()


def test_days_are_their_midnight_in_the_zone():
    (micros,), _ = instants(pa.array([date(2024, 1, 1)]), "t", NEW_YORK)
    assert micros / 1e6 == datetime(2024, 1, 1, tzinfo=NEW_YORK).timestamp()


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["b", None, "a", "b"]),
        pa.array(["b", None, "a", "b"]).dictionary_encode(),
        pa.array(["b", None, "a", "b"], pa.large_string()),
    ],
)
def test_text_is_its_distinct_values_and_an_index(array):
    names, index, present = levels(array, "x")
    assert present.tolist() == [True, False, True, True]
    assert [names[at] for at, there in zip(index.tolist(), present, strict=True) if there] == ["b", "a", "b"]


def test_what_has_one_spelling_is_text_too():
    for array in (pa.array([True, False, None, True]), pa.array([7, 8, None, 7])):
        names, index, present = levels(array, "x")
        said = [names[at] if there else None for at, there in zip(index, present, strict=True)]
        assert said == array.cast(pa.string()).to_pylist()


def test_equal_values_have_equal_hashes_and_another_salt_others():
    array = pa.array(["a", "b", "a"])
    (first, second, third), _ = hashes(array, "x", b"one")
    assert first == third != second
    assert hashes(array, "x", b"two")[0][0] != first


@pytest.mark.parametrize("read", [floats, levels, lambda array, name: instants(array, name, NEW_YORK)])
def test_what_cannot_be_read_is_named_with_its_type_and_the_remedy(read):
    with pytest.raises(
        ColumnMismatch, match=r"column 'x' is list<item: int64> where .* is needed; store it as"
    ):
        read(pa.array([[1]]), "x")


def test_rows_are_picked_by_mask_and_by_step():
    table = pa.table({"x": list(range(10))})
    assert rows_where(table, np.arange(10) % 4 == 1)["x"].to_pylist() == [1, 5, 9]
    assert every(table.to_batches()[0], 4).column(0).to_pylist() == [0, 4, 8]


def test_reading_a_partition_does_not_import_pandas():
    """It takes longer to import than a small partition takes to profile."""
    script = (
        "import sys, numpy as np, pyarrow as pa\n"
        "from lupus_assets.reading.arrow import floats, instants, levels\n"
        "from lupus_assets.reading.table import is_in, rows_where, table_floats\n"
        "import lupus_assets.pipeline\n"
        "from zoneinfo import ZoneInfo\n"
        "ints = pa.Array.from_buffers(pa.int64(), 2, [None, pa.py_buffer(np.arange(2))])\n"
        "text = ints.cast(pa.string())\n"
        "table = pa.Table.from_arrays([ints, text], names=['i', 't'])\n"
        "floats(ints, 'i'); levels(text, 't'); table_floats(table, 'i')\n"
        "instants(ints.cast(pa.timestamp('us')), 'i', ZoneInfo('Asia/Tokyo'))\n"
        "rows_where(table, is_in(table, 't', {'1'}))\n"
        "assert 'pandas' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_of_some_rows_dictionaries_keep_what_these_hold():
    names = pa.array([f"value-{row}" for row in range(1_000)]).dictionary_encode()
    batch = pa.record_batch({"name": names, "x": pa.array(range(1_000))})
    some = every(batch, 100)
    assert some["name"].to_pylist() == [f"value-{row}" for row in range(0, 1_000, 100)]
    assert some["x"].to_pylist() == [*range(0, 1_000, 100)]
    assert (len(some["name"].dictionary), some.schema) == (10, batch.schema)


def test_no_batches_at_all_are_one_of_no_rows():
    schema = pa.schema({"x": pa.float64(), "t": pa.dictionary(pa.int32(), pa.string())})
    (batch,) = at_least_one([], schema)
    assert batch.num_rows == 0
    assert batch.schema == schema


def test_a_batch_is_let_go_when_the_next_one_comes():
    batches = (pa.record_batch({"x": [at]}) for at in range(3))
    rows = at_least_one(batches, pa.schema({"x": pa.int64()}))
    first = weakref.ref(next(rows))
    assert next(rows)["x"].to_pylist() == [1]
    assert first() is None
    assert [batch["x"].to_pylist() for batch in rows] == [[2]]
