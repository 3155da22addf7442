"""What only files can get wrong: names, bytes, killed writers, readers in between."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event, Thread

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lupus_assets.errors import StoreError
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.layout import path_of, place_of
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.sinks.schema import SCHEMAS

MODEL = "flights.delay"
WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from lupus_assets.records import Place, ProfileRow
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.parquet import ParquetStore

start = datetime(2013, 5, 1, tzinfo=UTC)
place = Place("flights.delay", "champion", start, start, "2013-05")
store = ParquetStore(Folder(Path(sys.argv[1])))
version = 0
while True:
    version += 1
    row = ProfileRow("champion", str(version), "k", start, start, "all", "c", "number", "r", bytes(200_000))
    store.replace("profiles", place, [row] * 20)
    print(version, flush=True)
"""


@pytest.fixture
def store(tmp_path):
    return ParquetStore(Folder(tmp_path))


def files(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_place_is_one_file_and_its_name_says_which(store, place, rows, tmp_path):
    hour = replace(
        place(), start=datetime(2013, 5, 1, 4, 30, tzinfo=UTC), as_of=datetime(2013, 5, 2, 10, tzinfo=UTC)
    )
    store.replace("metrics", hour, rows(hour, [1.0]))
    store.replace("comparisons", place(track="champion~challenger"), [])
    assert files(tmp_path) == [
        "comparisons/model=flights.delay/month=2013-05/champion~challenger~20130501T0000Z~20130502T0600Z.parquet",
        "metrics/model=flights.delay/month=2013-05/champion~20130501T0430Z~20130502T1000Z.parquet",
    ]


def test_a_path_and_its_place_are_inverse(place):
    for at in (place(), place(40, track="a~b", late=7), place(track="20130501T0000Z".lower())):
        assert place_of(path_of("metrics", at)) == at


def test_the_same_rows_are_the_same_bytes(place, rows, tmp_path):
    def digest(root):
        ParquetStore(Folder(root)).replace("metrics", place(), rows(place(), [1.0, None, 3.0] * 500))
        return hashlib.sha256((root / path_of("metrics", place())).read_bytes()).hexdigest()

    assert digest(tmp_path / "one") == digest(tmp_path / "two") == digest(tmp_path / "one")


def test_times_in_the_file_are_naive_microseconds(store, place, rows, tmp_path):
    """Hive shifts times that are stored as UTC-adjusted into the zone of its server."""
    store.replace("metrics", place(), rows(place(), [1.0]))
    column = pq.ParquetFile(tmp_path / path_of("metrics", place())).schema.column(3)
    assert (column.name, column.physical_type) == ("window_start", "INT64")
    assert "isAdjustedToUTC=false, timeUnit=microseconds" in str(column.logical_type)


def test_a_writer_killed_at_any_moment_leaves_only_whole_files(store, place, tmp_path):
    left_behind = 0
    for _ in range(4):
        command = [sys.executable, "-c", WRITER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            for _ in range(5):
                writer.stdout.readline()
            time.sleep(0.005)
            writer.send_signal(signal.SIGKILL)
        left_behind = max(left_behind, len(list((tmp_path / ".tmp").iterdir())))
        versions = store.read("profiles", model=MODEL, columns=["version"])["version"].to_pylist()
        assert len(versions) == 20
        assert len(set(versions)) == 1
        (visible,) = (name for name in files(tmp_path) if not name.startswith(".tmp/"))
        assert (
            visible
            == "profiles/model=flights.delay/month=2013-05/champion~20130501T0000Z~20130501T0000Z.parquet"
        )
    assert left_behind <= 1, "the next writer clears up after the dead one"
    store.replace("profiles", place(), [])
    assert list((tmp_path / ".tmp").iterdir()) == []


def test_temporary_files_of_the_dead_are_removed_and_of_the_living_kept(store, place, tmp_path):
    with subprocess.Popen([sys.executable, "-c", "pass"]) as dead:
        dead.wait()
    host = os.uname().nodename
    (tmp_path / ".tmp").mkdir()
    kept = {f"{host}~{os.getpid()}~1.parquet", f"elsewhere~{dead.pid}~1.parquet"}
    kept.add("stray")
    for name in (*kept, f"{host}~{dead.pid}~1.parquet"):
        (tmp_path / ".tmp" / name).touch()
    store.replace("metrics", place(), [])
    assert {path.name for path in (tmp_path / ".tmp").iterdir()} == kept


def test_a_reader_meets_only_whole_versions_while_a_place_is_replaced(store, place, rows):
    """The versions have equal sizes: a footer of one with the pages of another would go unnoticed."""
    done = Event()

    def write():
        for version in range(300):
            store.replace("metrics", place(), rows(place(), [float(version)] * 50))
        done.set()

    store.replace("metrics", place(), rows(place(), [-1.0] * 50))
    writer = Thread(target=write)
    writer.start()
    seen = []
    while not done.is_set():
        found = ParquetStore(Folder(store.files.root)).read("metrics", model=MODEL)["value"].to_pylist()
        assert len(found) == 50
        assert len(set(found)) == 1
        seen.append(found[0])
    writer.join()
    assert seen == sorted(seen)
    assert len(set(seen)) > 3


def test_a_file_that_goes_between_listing_and_opening_is_looked_for_again(store, place, rows, monkeypatch):
    store.replace("metrics", place(), rows(place(), [1.0]))
    listed = store.files.list("metrics")
    gone = [replace(entry, path=entry.path.replace("champion", "gone")) for entry in listed]
    answers = [gone, [], [], listed, [], []]
    monkeypatch.setattr(store.files, "list", lambda _: answers.pop(0))
    assert store.read("metrics", model=MODEL)["value"].to_pylist() == [1.0]


@pytest.mark.parametrize("damage", [b"", b"no parquet", None])
def test_a_damaged_file_is_an_error_that_names_it(store, place, rows, tmp_path, damage):
    store.replace("metrics", place(), rows(place(), [1.0]))
    path = tmp_path / path_of("metrics", place())
    path.write_bytes(path.read_bytes()[:-9] if damage is None else damage)
    with pytest.raises(
        StoreError, match=rf"{path.name} cannot be read: .*remove it and run its partition again"
    ):
        store.read("metrics", model=MODEL)


def test_a_column_newer_than_a_file_is_null_in_it(store, place, rows, tmp_path):
    for day in (0, 1):
        store.replace("metrics", place(day), rows(place(day), [float(day)]))
    path = tmp_path / path_of("metrics", place())
    old = pq.ParquetFile(path).read().drop_columns(["reason", "lower"]).append_column("dropped_since", [[1]])
    pq.write_table(old, path)
    found = store.read("metrics", model=MODEL)
    assert found.schema == SCHEMAS["metrics"]
    assert found["value"].to_pylist() == [0.0, 1.0]
    assert found["lower"].to_pylist() == [None, None]
    assert store.read("metrics", model=MODEL, columns=["reason"])["reason"].to_pylist() == [None, None]


def test_a_column_that_needs_values_cannot_be_missing_from_a_file(store, place, rows, tmp_path):
    store.replace("metrics", place(), rows(place(), [1.0]))
    path = tmp_path / path_of("metrics", place())
    pq.write_table(pq.ParquetFile(path).read().drop_columns(["metric"]), path)
    with pytest.raises(StoreError, match="column 'metric' is missing"):
        store.read("metrics", model=MODEL)


def test_a_strange_file_in_a_partition_is_an_error_that_names_it(store, place, rows, tmp_path):
    store.replace("metrics", place(), rows(place(), [1.0]))
    (tmp_path / path_of("metrics", place())).with_name("copy.parquet").touch()
    with pytest.raises(StoreError, match=r"copy\.parquet is no file of this store; move it"):
        store.read("metrics", model=MODEL)


def test_a_root_that_cannot_be_written_is_an_error(place, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        ParquetStore(Folder(tmp_path / "file")).replace("metrics", place(), [])


def test_nothing_here_imports_pandas(tmp_path):
    """It would cost every process 1.5 s; pyarrow imports it in `pa.array` and `Schema.empty_table`."""
    code = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from lupus_assets.records import IncidentRow, Place
from lupus_assets.sinks.duckdb.query import Warehouse
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.parquet import ParquetStore
day = datetime(2013, 5, 1, tzinfo=UTC)
store = ParquetStore(Folder(Path({str(tmp_path)!r})))
place = Place("a.b", "c", day, day, "2013-05")
store.replace("incidents", place, [IncidentRow("c", "k", day, day, *"abcde")])
assert len(store.read("incidents", model="a.b")) == 1
assert len(Warehouse(Path({str(tmp_path)!r})).sql("FROM incidents")) == 1
assert "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_empty_read_is_a_table(store):
    assert store.read("metrics", model=MODEL) == pa.table([[]] * 15, schema=SCHEMAS["metrics"])
