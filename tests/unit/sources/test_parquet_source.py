"""A prediction log in Parquet files: where they are, what is read of them, every way of being broken."""

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lupus_assets.errors import ColumnMismatch, PartitionMissing, SourceError, SourceUnreadable
from lupus_assets.sources import file as files
from lupus_assets.sources.column import TEXT
from lupus_assets.sources.parquet import ParquetSource

NEW_YORK = ZoneInfo("America/New_York")
ROWS = pa.table({"score": [0.1, 0.9, 0.5], "dest": ["JFK", None, "JFK"], "late": [True, False, None]})


@pytest.fixture
def write(tmp_path):
    def write(name: str, table: pa.Table = ROWS, **options: object) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, **options)
        return path

    return write


@pytest.fixture
def source(tmp_path):
    return lambda pattern="{partition}.parquet": ParquetSource(pattern, tmp_path, NEW_YORK)


@pytest.fixture
def day(window):
    return window(2013, 5, 1)


def read(source, window, columns):
    batches = list(source.batches(window, columns))
    return pa.Table.from_batches(batches) if batches else None


@pytest.mark.parametrize(
    ("pattern", "file"),
    [
        ("{partition}.parquet", "2013-05-01.parquet"),
        ("{start:%Y/%m/%d}.parquet", "2013/05/01.parquet"),
        ("{start:%Y-%m-%dT%H}_{end:%Y-%m-%dT%H}.parquet", "2013-05-01T00_2013-05-02T00.parquet"),
        ("log/dt={partition}", "log/dt=2013-05-01/part-0.parquet"),
        ("log/dt={partition}/*.parquet", "log/dt=2013-05-01/part-0.parquet"),
        ("log/*/{partition}", "log/eu/2013-05-01/part-0.parquet"),
        ("{partition}/{{braces}}.parquet", "2013-05-01/{braces}.parquet"),
    ],
)
def test_a_pattern_names_a_file_a_directory_or_a_glob_in_local_time(write, source, day, pattern, file):
    assert not source(pattern).arrived(day)
    write(file)
    assert source(pattern).arrived(day)
    assert read(source(pattern), day, ["score"])["score"].to_pylist() == [0.1, 0.9, 0.5]


def test_the_hour_that_autumn_has_twice_is_told_apart_by_its_key(write, source, window):
    hours = [
        window(2013, 11, 3, 1, key=f"2013-11-03-01:00-0{hour}00", hours=1, fold=fold)
        for fold, hour in enumerate((4, 5))
    ]
    for value, hour in enumerate(hours):
        write(f"{hour.key}.parquet", pa.table({"score": [float(value)]}))
    assert [read(source(), hour, ["score"])["score"].to_pylist() for hour in hours] == [[0.0], [1.0]]
    offset = source("{start:%Y%m%dT%H%z}.parquet")
    write("20131103T01-0500.parquet")
    assert [offset.arrived(hour) for hour in hours] == [False, True]


def test_a_directory_is_its_parquet_files_in_the_order_of_their_names(write, source, day):
    for name in ("b", "a", "c"):
        write(f"2013-05-01/{name}.parquet", pa.table({"name": [name]}))
    write("2013-05-01/deeper/d.parquet")
    write("2013-05-01/_metadata.parquet")
    (write("2013-05-01/x.parquet").parent / "_SUCCESS").touch()
    (write("2013-05-01/x.parquet")).unlink()
    assert read(source("{partition}"), day, ["name"])["name"].to_pylist() == ["a", "b", "c"]
    assert read(source("{partition}/?.parquet"), day, ["name"])["name"].to_pylist() == ["a", "b", "c"]


def test_a_directory_without_parquet_files_has_not_arrived(source, day, tmp_path):
    (tmp_path / "2013-05-01" / "_temporary").mkdir(parents=True)
    assert not source("{partition}").arrived(day)


def test_brackets_in_the_root_are_no_glob(day, tmp_path):
    root = tmp_path / "[data]"
    (root / "2013-05-01").mkdir(parents=True)
    pq.write_table(ROWS, root / "2013-05-01" / "x.parquet")
    assert ParquetSource("{partition}/*", root, NEW_YORK).arrived(day)


@pytest.mark.parametrize("pattern", ["{day}.parquet", "{start:{x}}", "{partition:%Y}", "{", "{}"])
def test_a_pattern_that_cannot_be_filled_in_is_refused_at_once(source, pattern):
    with pytest.raises(SourceError, match=r"pattern .* cannot be filled in: .*write \{partition\}"):
        source(pattern)


def test_columns_come_in_the_order_asked_for_and_no_others(write, source, day):
    write("2013-05-01.parquet")
    (batch,) = source().batches(day, ["late", "score"])
    assert batch.schema == pa.schema({"late": pa.bool_(), "score": pa.float64()})


def test_no_columns_still_count_their_rows(write, source, day):
    write("2013-05-01.parquet")
    assert sum(batch.num_rows for batch in source().batches(day, [])) == 3


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int8(), pa.string()),
        pa.dictionary(pa.int32(), pa.large_string()),
    ],
    ids=str,
)
def test_strings_of_every_layout_come_dictionary_encoded(write, source, day, kind):
    texts = pa.array(["a", None, "b", "a"])
    write(
        "2013-05-01.parquet",
        pa.table({"t": (texts.dictionary_encode() if "dict" in str(kind) else texts).cast(kind)}),
    )
    (batch,) = source().batches(day, ["t"])
    assert batch.schema.field("t").type == TEXT
    assert batch["t"].to_pylist() == ["a", None, "b", "a"]
    assert source().schema(day) == batch.schema


def test_text_of_which_most_values_differ_comes_as_it_was_written(write, source, day):
    """Its writer gave up the dictionary; batches are slices of the row group."""
    rows = 300_000
    names = [None if row % 7 == 3 else f"value-{row * 7919 % 150_000:06d}" for row in range(rows)]
    few = [f"value-{row % 3}" for row in range(rows)]
    write("2013-05-01.parquet", pa.table({"many": names, "few": few}))
    batches = list(source().batches(day, ["many", "few"]))
    assert len(batches) == 3
    assert all(batch.schema == pa.schema({"many": TEXT, "few": TEXT}) for batch in batches)
    assert [name for batch in batches for name in batch["many"].to_pylist()] == names
    assert [name for batch in batches for name in batch["few"].to_pylist()] == few
    assert [len(batch["many"].dictionary) for batch in batches] == [batch.num_rows for batch in batches]
    assert [len(batch["few"].dictionary) for batch in batches] == [3, 3, 3]


def test_the_schema_is_that_of_the_batches(write, source, day):
    write("2013-05-01.parquet")
    assert source().schema(day) == pa.schema({"score": pa.float64(), "dest": TEXT, "late": pa.bool_()})


def test_a_batch_of_many_columns_has_fewer_rows(write, source, day, monkeypatch):
    """One of 1,000 columns would take 1 GiB."""
    monkeypatch.setattr(files, "MOST_VALUES", 3_000)
    write("2013-05-01.parquet", pa.table({f"f{at}": np.arange(1_000.0) for at in range(10)}))
    names = [f"f{at}" for at in range(10)]
    assert [batch.num_rows for batch in source().batches(day, names)] == [300] * 3 + [100]
    assert [batch.num_rows for batch in source().batches(day, names[:2])] == [1_000]


def test_row_groups_are_streamed(write, source, day):
    """What has been read of a file is a batch, and not the file."""
    rows = 1_000_000
    table = pa.table({"x": np.random.default_rng(1).random(rows)})
    write("2013-05-01.parquet", table, row_group_size=50_000)
    before = pa.total_allocated_bytes()
    batches = source().batches(day, ["x"])
    first = next(batches)
    assert pa.total_allocated_bytes() - before < table.nbytes / 2
    sizes = [len(first), *map(len, batches)]
    assert sum(sizes) == rows
    assert len(sizes) > 1


def test_a_large_row_group_is_streamed(write, source, day):
    """Of a row group in work, batches and pages are held, and not its columns."""
    rows = 4_000_000
    table = pa.table({"x": np.random.default_rng(1).random(rows)})  # which nothing compresses
    write("2013-05-01.parquet", table, row_group_size=rows, use_dictionary=False)
    before = pa.total_allocated_bytes()
    batches = source().batches(day, ["x"])
    sizes = [len(next(batches))]
    assert pa.total_allocated_bytes() - before < table.nbytes / 4
    sizes += map(len, batches)
    assert sum(sizes) == rows
    assert len(sizes) > 1


def test_what_is_not_there_is_missing(source, day, tmp_path):
    for ask in (lambda: source().batches(day, ["score"]), lambda: source().schema(day)):
        with pytest.raises(
            PartitionMissing, match=rf"{tmp_path}/2013-05-01\.parquet: nothing there .*run it again"
        ):
            ask()


def test_an_empty_file_of_the_right_schema_gives_nothing(write, source, day):
    write("2013-05-01.parquet", ROWS.slice(0, 0))
    assert source().arrived(day)
    assert list(source().batches(day, ["score", "dest"])) == []


def damaged(path: Path, how: str) -> None:
    data = path.read_bytes()
    path.write_bytes(
        {
            "0 bytes": b"",
            "text": b"score,dest\n0.1,JFK\n",
            "truncated": data[: len(data) // 2],
            "no footer": data[:-4],
            "bad page": data[:4] + b"\xff" * 40 + data[44:],
        }[how]
    )


@pytest.mark.parametrize("how", ["0 bytes", "text", "truncated", "no footer", "bad page"])
def test_a_damaged_file_is_unreadable_and_named(write, source, day, how):
    write("2013-05-01/a.parquet")
    damaged(write("2013-05-01/b.parquet"), how)
    assert source("{partition}").arrived(day), "it is there, and not late"
    with pytest.raises(
        SourceUnreadable, match=r"/b\.parquet is no readable Parquet file: .+; write it again"
    ):
        list(source("{partition}").batches(day, ["score"]))


def test_a_missing_column_is_named_with_what_was_probably_meant(write, source, day):
    write("2013-05-01.parquet")
    with pytest.raises(
        ColumnMismatch,
        match=r"/2013-05-01\.parquet has no column 'scores' \(did you mean 'score'\?\), 'zzz'; .*: score, ",
    ):
        source().batches(day, ["scores", "zzz", "late"])


def test_every_file_is_checked_before_the_first_row_is_given(write, source, day):
    write("2013-05-01/a.parquet")
    write("2013-05-01/b.parquet", ROWS.drop_columns(["dest"]))
    with pytest.raises(ColumnMismatch, match=r"/b\.parquet has no column 'dest'"):
        source("{partition}").batches(day, ["dest"])
    assert len(read(source("{partition}"), day, ["score"])) == 6


def test_types_of_files_that_do_not_go_together_are_a_mismatch(write, source, day):
    write("2013-05-01/a.parquet", pa.table({"x": [1.0]}))
    write("2013-05-01/b.parquet", pa.table({"x": ["1.0"]}))
    with pytest.raises(ColumnMismatch, match=r"/b\.parquet does not go with the files before it: .*Field x"):
        source("{partition}").batches(day, ["x"])


def test_narrower_and_all_null_columns_take_the_type_of_the_others(write, source, day):
    """As pandas writes a column of integers, the same with a hole, and one that is all holes."""
    write(
        "2013-05-01/a.parquet", pa.table({"x": pa.array([None], pa.null()), "t": pa.array([None], pa.null())})
    )
    write("2013-05-01/b.parquet", pa.table({"x": [1], "t": ["a"]}))
    write("2013-05-01/c.parquet", pa.table({"x": [1.5], "t": ["b"]}))
    batches = list(source("{partition}").batches(day, ["x", "t"]))
    assert {batch.schema for batch in batches} == {pa.schema({"x": pa.float64(), "t": TEXT})}
    assert [row for batch in batches for row in batch.to_pylist()] == [
        {"x": None, "t": None},
        {"x": 1.0, "t": "a"},
        {"x": 1.5, "t": "b"},
    ]


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}, {"row_group_size": 300}])
def test_rows_of_long_text_come_fewer_at_a_time(write, source, day, monkeypatch, options):
    monkeypatch.setattr("lupus_assets.sources.file.MOST_TEXT", 200_000)
    rng = np.random.default_rng(1)
    documents = ["".join(chr(c) for c in rng.integers(97, 123, 2_000)) for _ in range(1_000)]
    table = pa.table({"text": documents, "n": np.arange(1_000)})
    write("2013-05-01.parquet", table, **options)
    batches = list(source().batches(day, ["text", "n"]))
    assert max(batch.num_rows for batch in batches) <= 100
    rows = pa.Table.from_batches(batches)
    assert rows["text"].to_pylist() == documents
    assert rows["n"].to_pylist() == list(range(1_000))
    (numbers,) = source().batches(day, ["n"])
    assert numbers.num_rows == 1_000
