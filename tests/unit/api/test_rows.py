"""Rows come in from whatever holds them, and all forms say the same of them."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lupus_assets
from lupus_assets.errors import UsageError

TABLE = pa.table(
    {
        "x": pa.array([1.0, 2.5, None, 4.0]),
        "n": pa.array([1, 2, 3, 4]),
        "word": pa.array(["a", "b", None, "a"]),
        "at": pa.array([datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3, 4)]),
        "yes": pa.array([True, False, True, True]),
    }
)
PLAIN = lupus_assets.profile(TABLE).to_dict()


class Stream:
    """Rows of a library that nobody here knows, with strings as views as Polars has them."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


def viewed(table: pa.Table) -> pa.Table:
    at = table.schema.get_field_index("word")
    return table.set_column(at, "word", table["word"].cast(pa.string_view()))


def categorical(table: pa.Table) -> pa.Table:
    at = table.schema.get_field_index("word")
    return table.set_column(at, "word", table["word"].cast(pa.large_string()).dictionary_encode())


@pytest.mark.parametrize(
    "form",
    [
        lambda table: table,
        lambda table: table.to_reader(),
        lambda table: table.to_batches()[0],
        lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
        lambda table: Stream(viewed(table)),
        lambda table: Stream(categorical(table)),
        lambda table: pa.concat_tables([table.slice(0, 1), table.slice(1)]),
    ],
)
def test_every_form_of_the_same_rows_has_the_same_profile(form):
    assert lupus_assets.profile(form(TABLE)).to_dict() == PLAIN


def test_a_frame_of_pandas_is_profiled_without_its_index():
    frame = pd.DataFrame({"x": [1.0, 2.5, np.nan, 4.0], "word": ["a", "b", None, "a"]})
    found = lupus_assets.profile(frame[frame["x"] != 2.5])  # whose index is no range
    assert list(found.columns) == ["x", "word"]
    assert found.columns["x"].nulls + (found.columns["x"].nans or 0) == 1
    assert found.columns["word"].most_frequent == {"a": 2}


@pytest.mark.parametrize("form", [str, lambda path: path])
def test_a_file_a_folder_and_a_glob_are_read(tmp_path, form):
    for at in range(2):
        pq.write_table(TABLE.slice(2 * at, 2), tmp_path / f"part-{at}.parquet")
    pq.write_table(TABLE, tmp_path / "other.pq")
    assert lupus_assets.profile(form(tmp_path)).to_dict() == PLAIN
    assert lupus_assets.profile(form(tmp_path / "part-*.parquet")).to_dict() == PLAIN
    assert lupus_assets.profile(form(tmp_path / "part-0.parquet")).rows == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, "data is a int; give a path, a pyarrow Table"),
        (None, "data is a NoneType; give a path"),
        ({"x": [1]}, "data is a dict; give a path"),
        (np.ones(3), "data is a numpy ndarray; give a path"),
        (pd.Series([1.0]), "data is a pandas Series that is no table"),
        (pa.chunked_array([[1, 2]]), "data is a pyarrow ChunkedArray that is no table"),
        ("nowhere.parquet", "nowhere.parquet does not exist, give another file"),
        ("nowhere-*.parquet", "holds no Parquet file"),
        (pa.table([[1], [2]], names=["x", "x"]), "several columns 'x'"),
    ],
)
def test_anything_else_is_refused_with_what_to_give(given, said):
    with pytest.raises(UsageError, match=said.replace("*", r"\*")):
        lupus_assets.profile(given)
