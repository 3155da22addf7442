"""Compaction: invisible to readers, safe beside writers and other compactions, and at every kill."""

import random
import signal
import subprocess
import sys
import time
from itertools import product
from threading import Event, Thread

import pytest

from lupus_assets.errors import StoreError
from lupus_assets.sinks.duckdb.query import Warehouse
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.layout import generation_path, path_of
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.sinks.files.piece import encode
from lupus_assets.sinks.memory import MemoryFiles
from lupus_assets.sinks.schema import SCHEMAS, to_table

MODEL, MONTH = "flights.delay", "2013-05"
COMPACTED = {"model": MODEL, "month": MONTH}


def nothing(_verb, _path):
    """Do nothing before a call."""


class Watched:
    """Files in memory, with a hook that runs before every call."""

    def __init__(self):
        self.files = MemoryFiles()
        self.held = self.files.held
        self.before = nothing

    def __getattr__(self, verb):
        def call(*arguments):
            self.before(verb, arguments[0])
            return getattr(self.files, verb)(*arguments)

        return call


@pytest.fixture
def store(files):
    return ParquetStore(files)


@pytest.fixture
def filled(store, place, rows):
    """Return the store with three days of two tracks, a day without rows, and a day of another month."""
    for day in (0, 1, 2):
        for track in ("champion", "challenger"):
            at = place(day, track=track)
            store.replace("metrics", at, rows(at, [float(day), None]))
    store.replace("metrics", place(3), [])
    store.replace("metrics", place(31), rows(place(31), [31.0]))
    return store


def seen(store):
    return store.read("metrics", model=MODEL)


def parquets(paths):
    """Return the files of rows, without the marks."""
    return [path for path in paths if path.endswith(".parquet")]


@pytest.mark.parametrize("table", ["metrics", "verdicts"])
def test_what_tables_have_in_common_is_found_though_one_is_compacted(filled, table):
    for place in filled.places("metrics", models=[MODEL]):
        filled.replace("verdicts", place, [])
    before = filled.common_places(["metrics", "verdicts"], models=[MODEL])
    assert before == filled.places("metrics", models=[MODEL])
    assert filled.compact(table, **COMPACTED)
    assert filled.common_places(["metrics", "verdicts"], models=[MODEL]) == before
    filled.files.put("verdicts/model=a.b/month=2013-05/champion copy.parquet", b"")
    assert filled.common_places(["metrics", "verdicts"], models=[MODEL, "a.b"]) == before


def test_a_compacted_month_is_one_file_with_the_same_rows_and_places(filled):
    before, places = seen(filled), filled.places("metrics", models=[MODEL])
    assert filled.compact("metrics", **COMPACTED)
    assert seen(filled).equals(before)
    assert filled.places("metrics", models=[MODEL]) == places
    inside = [entry.path for entry in filled.files.list("metrics") if MONTH in entry.path]
    assert inside == []
    assert [entry.path for entry in filled.files.list("generations")] == [
        generation_path("metrics", MODEL, MONTH, 1)
    ]


def test_compacting_twice_changes_nothing(filled):
    assert filled.compact("metrics", **COMPACTED)
    before = filled.files.list("generations")
    assert not filled.compact("metrics", **COMPACTED)
    assert filled.files.list("generations") == before
    assert not filled.compact("metrics", model="nobody.nothing", month=MONTH)


def test_the_same_rows_compact_to_the_same_bytes(filled, place, rows, tmp_path):
    other = ParquetStore(Folder(tmp_path / "other"))
    for at, table in filled.month("metrics", **COMPACTED):
        other.replace("metrics", at, rows(at, table["value"].to_pylist()))
    path = generation_path("metrics", MODEL, MONTH, 1)
    for each in (filled, other):
        each.compact("metrics", **COMPACTED)
    assert filled.files.get(path) == other.files.get(path)


def test_a_part_of_a_compacted_month_can_be_read(filled, place):
    filled.compact("metrics", **COMPACTED)
    found = filled.read(
        "metrics",
        model=MODEL,
        track="champion",
        since=place(1).start,
        until=place(2).start,
        columns=["value"],
    )
    assert found["value"].to_pylist() == [1.0, None]
    assert filled.places("metrics", models=[MODEL, "a.b"], since=place(3).start) == {place(3), place(31)}


def test_a_place_of_a_compacted_month_is_replaced_and_the_month_stays_one_file(filled, place, rows):
    filled.compact("metrics", **COMPACTED)
    late = place(1, late=5)
    for at, values in ((place(1), [7.0]), (late, [8.0]), (place(2), [])):
        filled.replace("metrics", at, rows(at, values))
    found = filled.read("metrics", model=MODEL, track="champion", until=place(31).start)
    assert found["value"].to_pylist() == [0.0, None, 7.0, 8.0]
    assert filled.places("metrics", models=[MODEL]) >= {late, place(2)}
    assert [entry.path for entry in filled.files.list("metrics") if MONTH in entry.path] == []
    assert len(parquets(entry.path for entry in filled.files.list("generations"))) == 1


def test_writing_the_same_rows_again_changes_nothing(filled, place, rows):
    filled.compact("metrics", **COMPACTED)
    before = seen(filled)
    filled.replace("metrics", place(1), rows(place(1), [1.0, None]))
    assert seen(filled).equals(before)


def test_what_a_view_points_to_is_left_until_it_is_swept(files, place, rows):
    store = ParquetStore(files, followed=True)
    for day in (0, 1):
        store.replace("metrics", place(day), rows(place(day), [float(day)]))
    store.compact("metrics", **COMPACTED)
    store.replace("metrics", place(0), rows(place(0), [5.0]))
    assert len(files.list("metrics")) == 2
    assert len(files.list("generations")) == 2
    (month,) = store.months()
    assert month.unswept
    assert month.location == generation_path("metrics", MODEL, MONTH, 2).removesuffix("/rows.parquet")
    assert seen(store)["value"].to_pylist() == [5.0, 1.0]
    assert store.sweep("metrics", **COMPACTED) == 3
    assert [month.unswept for month in store.months()] == [False]
    assert seen(store)["value"].to_pylist() == [5.0, 1.0]


def test_a_month_has_another_version_whenever_it_is_another(store, place, rows):
    versions = []
    for values in ([1.0], [2.0], [1.0]):
        store.replace("metrics", place(), rows(place(), values))
        versions.append([month.version for month in store.months(["metrics"])])
    store.compact("metrics", **COMPACTED)
    versions.append([month.version for month in store.months(model=MODEL)])
    assert versions[0] != versions[1]
    assert versions[1] != versions[2]
    assert versions[3] != versions[2]
    assert store.months(["verdicts"]) == []


@pytest.mark.parametrize("verb", ["list", "get", "create", "delete"])
def test_killed_anywhere_the_month_is_whole_and_the_next_compaction_ends_it(verb, place, rows):
    """The process dies before its n-th call, for every n; readers see the same before and after."""

    class Killed(BaseException):
        pass

    for n in range(1, 40):
        files = Watched()
        store = ParquetStore(files)
        for day in (0, 1, 2):
            store.replace("metrics", place(day), rows(place(day), [float(day)]))
        left = [n]

        def die(called, path, left=left):
            left[0] -= called == verb
            if left[0] == 0:
                raise Killed

        files.before = die
        try:
            store.compact("metrics", **COMPACTED)
            store.replace("metrics", place(1), rows(place(1), [9.0]))
            done = True
        except Killed:
            done = False
        files.before = nothing
        found = seen(store)["value"].to_pylist()
        assert found in ([0.0, 1.0, 2.0], [0.0, 9.0, 2.0])
        assert not done or found == [0.0, 9.0, 2.0]
        store.compact("metrics", **COMPACTED)
        assert seen(store)["value"].to_pylist() == found
        assert len(parquets(files.held)) == 1
        if done:
            return
    pytest.fail("the work has no end")


def test_a_write_at_any_moment_of_a_compaction_is_not_lost(place, rows):
    """A whole write happens before the n-th call of a compaction, for every n."""
    for n in range(1, 60):
        files = Watched()
        store = ParquetStore(files)
        for day in (0, 1):
            store.replace("metrics", place(day), rows(place(day), [float(day)]))
        left = [n]

        def write(called, path, left=left, files=files, store=store):
            left[0] -= 1
            if left[0] == 0:
                store.replace("metrics", place(1), rows(place(1), [7.0]))
                store.replace("metrics", place(2), rows(place(2), [2.0]))

        files.before = write
        store.compact("metrics", **COMPACTED)
        files.before = nothing
        if left[0] > 0:
            return
        assert seen(store)["value"].to_pylist() == [0.0, 7.0, 2.0], n
        store.compact("metrics", **COMPACTED)
        assert seen(store)["value"].to_pylist() == [0.0, 7.0, 2.0], n
        assert len(parquets(files.held)) == 1
    pytest.fail("the compaction has no end")


def test_a_read_at_any_moment_of_a_compaction_sees_the_same(filled, place, rows):
    files = Watched()
    store = ParquetStore(files)
    for day in (0, 1):
        store.replace("metrics", place(day), rows(place(day), [float(day)]))
    wrong = []

    def look(verb, path):
        files.before = nothing
        found = seen(store)["value"].to_pylist()
        if found != [0.0, 1.0]:
            wrong.append((verb, path, found))
        files.before = look

    files.before = look
    store.compact("metrics", **COMPACTED)
    files.before = nothing
    assert wrong == []


def test_of_two_compactions_at_once_one_makes_the_generation(place, rows):
    files = Watched()
    store = ParquetStore(files)
    store.replace("metrics", place(), rows(place(), [1.0]))

    def other(verb, path):
        if verb == "create":
            files.before = nothing
            assert ParquetStore(files).compact("metrics", **COMPACTED)

    files.before = other
    assert not store.compact("metrics", **COMPACTED)
    assert list(files.held) == [generation_path("metrics", MODEL, MONTH, 1)]


WORKER = """
import random, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from lupus_assets.records import MetricRow, Place
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.parquet import ParquetStore

store, what, rng = ParquetStore(Folder(Path(sys.argv[1]))), sys.argv[2], random.Random(int(sys.argv[3]))
start = datetime(2013, 5, 1, tzinfo=UTC)
version = 0
while True:
    if what == "compact":
        store.compact("metrics", model="flights.delay", month="2013-05")
        continue
    at = start + timedelta(days=rng.randrange(5))
    version += 1
    place = Place("flights.delay", what, at, at + timedelta(days=1), "2013-05")
    key = what, "v", f"{at:%Y-%m-%d}", at, place.as_of, "all", "input", "c", "m"
    row = MetricRow(*key, version, None, None, 1, "r", None)
    store.replace("metrics", place, [row] * 40)
    print(place.start.day, version, flush=True)
"""


def test_writers_and_compactions_killed_at_random_lose_and_double_nothing(tmp_path):
    """Two backfills and two compactions of one month, all killed at any moment, six times over.

    What is read of a place is the last version its writer said it had written, or the one it was writing.
    """
    rng = random.Random(5)  # noqa: S311 - a seed, no secret
    store = ParquetStore(Folder(tmp_path))
    for serial in range(6):
        command = [sys.executable, "-c", WORKER, str(tmp_path)]
        workers = [
            subprocess.Popen([*command, what, str(serial)], stdout=subprocess.PIPE, text=True)
            for what in ("champion", "challenger", "compact", "compact")
        ]
        for worker in workers[:2]:
            assert worker.stdout.readline()
        time.sleep(0.2 + rng.random() * 0.6)
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
        said = {}
        for track, worker in zip(("champion", "challenger"), workers, strict=False):
            lines = [line.split() for line in worker.communicate()[0].splitlines()]
            said |= {(track, int(day)): int(version) for day, version in lines}
            last = max((int(version) for _, version in lines), default=1)
            said[track] = last + 1
        for worker in workers[2:]:
            worker.communicate()
        for _ in range(2):
            found = {}
            for row in seen(store).to_pylist():
                found.setdefault((row["track"], row["window_start"].day), []).append(row["value"])
            for (track, day), values in found.items():
                assert len(values) == 40
                assert len(set(values)) == 1
                if (track, day) in said:
                    assert values[0] in (said[track, day], said[track])
            store.compact("metrics", **COMPACTED)
    assert len(parquets(entry.path for entry in store.files.list("generations"))) == 1


def by_partition(found):
    values = {}
    for row in found.to_pylist():
        values.setdefault(row["partition_key"], []).append(row["value"])
    return values


def test_readers_beside_writers_and_compactions_meet_whole_versions(tmp_path, place, rows):
    store = ParquetStore(Folder(tmp_path))
    for day in range(5):
        store.replace("metrics", place(day), rows(place(day), [0.0] * 30))
    done = Event()

    def write():
        for version, day in product(range(1, 40), range(5)):
            store.replace("metrics", place(day), rows(place(day), [float(version)] * 30))
        done.set()

    def compact():
        while not done.is_set():
            ParquetStore(Folder(tmp_path)).compact("metrics", **COMPACTED)

    workers = [Thread(target=write), Thread(target=compact)]
    for worker in workers:
        worker.start()
    warehouse = Warehouse(tmp_path)
    versions = [0.0]
    whole = {f"{place(day).start:%Y-%m-%d}": (30, 1) for day in range(5)}
    while not done.is_set():
        for found in (seen(store), warehouse.sql("SELECT partition_key, value FROM metrics")):
            values = by_partition(found)
            assert {key: (len(each), len(set(each))) for key, each in values.items()} == whole
            versions.append(min(map(min, values.values())))
    for worker in workers:
        worker.join()
    assert versions == sorted(versions)
    assert len(set(versions)) > 3


def test_duckdb_sees_pieces_that_a_generation_has_not_taken_in(place, rows, tmp_path):
    store, other = ParquetStore(Folder(tmp_path / "one")), ParquetStore(Folder(tmp_path / "other"))
    for day in (0, 1, 31):
        store.replace("metrics", place(day), rows(place(day), [float(day), None]))
    store.compact("metrics", **COMPACTED)
    warehouse = Warehouse(tmp_path / "one")
    count = "SELECT count(*) AS n, max(value) AS most, count(DISTINCT month) AS months FROM metrics"
    assert warehouse.sql(count).to_pylist() == [{"n": 6, "most": 31.0, "months": 2}]
    other.replace("metrics", place(1), rows(place(1), [99.0]))
    store.files.put(path_of("metrics", place(1)), other.files.get(path_of("metrics", place(1))))
    assert warehouse.sql(count).to_pylist() == [{"n": 5, "most": 99.0, "months": 2}]
    assert warehouse.sql("SELECT model FROM metrics WHERE value = 99").to_pylist() == [{"model": MODEL}]


@pytest.mark.parametrize("damage", [b"", b"no parquet", None])
def test_a_damaged_generation_is_an_error_that_names_it(filled, damage):
    filled.compact("metrics", **COMPACTED)
    path = generation_path("metrics", MODEL, MONTH, 1)
    data = filled.files.get(path)
    filled.files.put(path, data[:-9] if damage is None else damage)
    with pytest.raises(StoreError, match=r"generations/metrics.*000001/rows\.parquet cannot be read"):
        seen(filled)


def test_a_strange_file_among_generations_is_an_error_that_names_it(filled):
    filled.files.put(f"generations/metrics/model={MODEL}/month={MONTH}/copy/rows.parquet", b"")
    with pytest.raises(StoreError, match=r"copy/rows\.parquet is no file of this store; move it"):
        seen(filled)


def test_a_column_newer_than_a_generation_is_null_in_it(filled, place, rows, monkeypatch):
    older = SCHEMAS["metrics"].remove(SCHEMAS["metrics"].get_field_index("reason"))
    with monkeypatch.context() as patch:
        patch.setitem(SCHEMAS, "metrics", older)
        filled.compact("metrics", **COMPACTED)
    filled.replace("metrics", place(1), rows(place(1), [None]))
    found = seen(filled)
    assert found.schema == SCHEMAS["metrics"]
    assert [reason for reason in found["reason"].to_pylist() if reason] == ["no rows"]


def test_a_compacted_place_holds_what_was_written_there_last(filled, place, rows):
    first, second = rows(place(1), [1.0, None]), rows(place(1), [7.0])
    filled.compact("metrics", **COMPACTED)
    assert filled.replacement("metrics", place(1), first).is_held()
    assert filled.replacement("metrics", place(3), []).is_held()
    assert not filled.replacement("metrics", place(4), []).is_held()
    filled.replace("metrics", place(1), second)
    assert filled.replacement("metrics", place(1), second).is_held()
    assert not filled.replacement("metrics", place(1), first).is_held()
    filled.files.put(path_of("metrics", place(1)), encode(to_table("metrics", first)))  # and not taken in yet
    assert filled.replacement("metrics", place(1), first).is_held()


@pytest.mark.parametrize("compacted", [False, True])
def test_a_read_of_some_days_looks_at_their_months_only(place, rows, compacted):
    """A look at all there is would cost more with every day of a history."""
    files = Watched()
    store = ParquetStore(files)
    for day in range(0, 400, 20):
        store.replace("metrics", place(day), rows(place(day), [float(day)]))
    if compacted:
        for month in store.months(["metrics"]):
            store.compact("metrics", model=MODEL, month=month.month)
    looked_at = []
    files.before = lambda verb, path: looked_at.append((verb, path))
    found = store.read("metrics", model=MODEL, since=place(100).start, until=place(141).start)
    assert found["value"].to_pylist() == [100.0, 120.0, 140.0]
    assert all("/month=2013-" in path for _, path in looked_at)
    assert len([path for verb, path in looked_at if verb == "get"]) <= 4
