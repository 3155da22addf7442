"""A thousand reads beside a writer that replaces, compacts, follows and sweeps: every answer is whole.

The writer moves from month to month, each with a few places. A place of version `v` has its own number of
rows, all of which say `v` in two columns: whatever is mixed, doubled or missing cannot go unseen. Readers ask
again by themselves where a file was replaced since it was listed; how often is printed.
"""

import itertools
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lupus_assets.errors import StoreError
from lupus_assets.ports import ObjectStore
from lupus_assets.records import MetricRow, Place
from lupus_assets.sinks.duckdb.query import Warehouse
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.sinks.files.s3 import Bucket, BucketAddress
from lupus_assets.sinks.hive.connection import Hive
from lupus_assets.sinks.hive.view import HiveView
from lupus_assets.upkeep import follow, tidy
from tests.contract.shown_by_hive import address_of
from tests.services.hive import HiveServer
from tests.services.seaweed import SeaweedFS

pytestmark = pytest.mark.services

MODEL = "shop.churn"
READS, READERS = 1_000, 3
LIVE = 10  # months before the newest that are read: four that are written, and some that are swept
REWRITES = 3  # of every place of a month in pieces, a round
LONGEST = timedelta(seconds=20)  # what Hive's view takes for the longest query
QUERY = "SELECT month, window_start, as_of, metric, value, n FROM metrics WHERE month >= '{since}'"
SERIAL = itertools.count()

Rows = list[tuple[Any, ...]]
Ask = Callable[[str], tuple[Rows, int]]
"""From a query to its rows, and how often it was asked again."""


def month_of(serial: int) -> str:
    """Return a month by its number."""
    return f"{2000 + serial // 12}-{serial % 12 + 1:02d}"


def places_of(month: str) -> list[Place]:
    """Return two days of a month, each judged twice."""
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    return [
        Place(MODEL, "champion", start, start + timedelta(days=late), month)
        for start in (first, first + timedelta(days=9))
        for late in (1, 5)
    ]


def rows_of(place: Place, version: int) -> list[MetricRow]:
    """Return the rows of one version: as many, and as wide, as no other version near it has."""
    return [
        MetricRow(
            track=place.track,
            version="1",
            partition_key=f"{place.start:%Y-%m-%d}",
            window_start=place.start,
            as_of=place.as_of,
            segment="all",
            family="input",
            column_name="c",
            metric=f"m{i}",
            value=float(version),
            lower=None,
            upper=None,
            n=version,
            reference="r",
            reason=f"{version}-{i} " * (version % 7),
        )
        for i in range(10 + version % 23)
    ]


@dataclass
class Written:
    """What the writer has done, by place.

    Attributes
    ----------
    begun, shown : dict of Place to int
        The version that is being written or was, and the oldest that a reader may still meet.
    newest : int
        Number of the month that was shown last.
    """

    begun: dict[Place, int] = field(default_factory=dict)
    shown: dict[Place, int] = field(default_factory=dict)
    newest: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def replace(self, tables: ParquetStore, month: int) -> None:
        """Write the next version of every place of a month."""
        for place in places_of(month_of(month)):
            self.begun[place] = self.begun.get(place, 0) + 1
            tables.replace("metrics", place, rows_of(place, self.begun[place]))


def write(tables: ParquetStore, written: Written, show: Callable[[], object]) -> int:
    """Write months until the readers have done; return how many. `show` makes readers see them."""
    for serial in itertools.count():
        if written.done.is_set():
            return serial
        written.replace(tables, serial)
        show()
        written.shown |= written.begun
        written.newest = serial
        for month in [*range(max(0, serial - 1), serial + 1)] * REWRITES:
            written.replace(tables, month)  # in pieces
        if serial >= 2:
            tables.compact("metrics", model=MODEL, month=month_of(serial - 2))
            show()
        if serial >= 3:
            written.replace(tables, serial - 3)  # compacted
            show()
        written.shown |= written.begun
    return 0


@dataclass
class Read:
    """What came of the reads."""

    answers: set[tuple[int, ...]] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    again: Counter[int] = field(default_factory=Counter)
    count: Iterator[int] = field(default_factory=lambda: iter(range(READS)))
    done: int = 0
    longest: float = 0.0


def read(ask: Ask, written: Written, found: Read, lock: threading.Lock) -> None:
    """Ask until all have asked often enough."""
    while True:
        with lock:
            if next(found.count, None) is None:
                return
        since = month_of(max(0, written.newest - LIVE))
        oldest = {place: version for place, version in dict(written.shown).items() if place.month >= since}
        query = QUERY.format(since=since)
        began = time.monotonic()
        try:
            rows, again = ask(query)
        except StoreError as error:
            found.failed.append(str(error))
            continue
        taken = time.monotonic() - began
        seen, problems = checked(rows, oldest, dict(written.begun))
        with lock:
            found.done += 1
            found.longest = max(found.longest, taken)
            found.again[again] += 1
            found.wrong += problems
            found.answers.add(tuple(seen))


def checked(rows: Rows, oldest: dict[Place, int], newest: dict[Place, int]) -> tuple[list[int], list[str]]:
    """Return the versions of an answer, and what is wrong in it."""
    by_key = defaultdict(list)
    for month, start, as_of, metric, value, n in rows:
        by_key[month, start.replace(tzinfo=UTC), as_of.replace(tzinfo=UTC)].append((metric, value, n))
    versions, problems = [], []
    places = {(place.month, place.start, place.as_of): place for place in newest}
    for key, held in by_key.items():
        version = held[0][2]
        wanted = Counter((row.metric, row.value, row.n) for row in rows_of(places[key], version))
        if Counter(held) != wanted:
            problems.append(f"{key}: {len(held)} rows of versions {sorted({n for *_, n in held})}")
        if not oldest.get(places[key], 1) <= version <= newest[places[key]]:
            problems.append(f"{key}: version {version}, not {oldest.get(places[key])} or later")
        versions.append(version)
    missing = [place for key, place in places.items() if place in oldest and key not in by_key]
    return versions, problems + [f"{place} is missing" for place in missing]


def report(what: str, found: Read, months: int) -> None:
    """Print what came of the reads, and hold it to the promise."""
    print(
        f"\n{what}: {found.done} reads of at most {found.longest:.1f} s, "
        f"{len(found.answers)} different answers, {months} months written; "
        f"asked again {dict(sorted(found.again.items()))}, {len(found.failed)} failed, "
        f"{len(found.wrong)} wrong"
    )
    assert found.wrong == []
    assert found.failed == [], "\n".join(found.failed)
    assert found.done == READS
    assert len(found.answers) > READS // 50, "the writer stood still"


def run(tables: ParquetStore, show: Callable[[], object], readers: list[Ask]) -> tuple[Read, int]:
    """Write and read at once; return what was read, and how many months were written."""
    written, found, lock = Written(), Read(), threading.Lock()
    with ThreadPoolExecutor(len(readers) + 1) as threads:
        writer = threads.submit(write, tables, written, show)
        try:
            while not written.newest and not writer.done():
                written.done.wait(0.05)
            working = [threads.submit(read, ask, written, found, lock) for ask in readers]
            for each in working:
                each.result()
        finally:
            written.done.set()
            found.count = iter(())
        return found, writer.result()


@pytest.fixture(params=["folder", "s3"])
def files(
    request: pytest.FixtureRequest, tmp_path: Path, bucket_server: SeaweedFS, monkeypatch: pytest.MonkeyPatch
) -> ObjectStore:
    """Return a folder, and a bucket, that Hive reads."""
    if request.param == "folder":
        return Folder(tmp_path / "warehouse")
    for name, value in bucket_server.variables().items():
        monkeypatch.setenv(name, value)
    prefix = f"readers{next(SERIAL)}"
    return Bucket(BucketAddress(bucket_server.buckets[0], prefix, bucket_server.endpoint))


def test_hive_answers_whole_versions(hive: HiveServer, files: ObjectStore) -> None:
    tables, address = ParquetStore(files, followed=True), address_of(hive)
    followed = Hive(address)
    view = HiveView(followed, files, longest_query=LONGEST)
    follow(tables, view)
    removed, pauses = [], [[] for _ in range(READERS)]
    connections = [Hive(address, sleep=waiting(each)) for each in pauses]

    def asking(connection: Hive, paused: list[float]) -> Ask:
        def ask(query: str) -> tuple[Rows, int]:
            paused.clear()
            return connection.sql(query)[1], len(paused)

        return ask

    try:
        readers = [asking(*each) for each in zip(connections, pauses, strict=True)]
        found, months = run(tables, lambda: removed.append(tidy(tables, view)), readers)
    finally:
        for connection in [followed, *connections]:
            connection.close()
    print(f"\n{sum(removed)} files swept", end="")
    report(f"Hive over {type(files).__name__}", found, months)
    assert found.longest < LONGEST.total_seconds(), "the machine is too busy for what was assumed"
    assert sum(removed) > months, "nothing was swept beside the readers"


def waiting(pauses: list[float]) -> Callable[[float], None]:
    """Return a pause that is written down."""

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        time.sleep(seconds)

    return wait


class Counted(Warehouse):
    """Counts how often it lists the tables."""

    listed = 0

    def _answer(self, *arguments: Any) -> Any:
        self.listed += 1
        return super()._answer(*arguments)


def test_the_embedded_reader_answers_whole_versions(tmp_path: Path) -> None:
    tables = ParquetStore(Folder(tmp_path / "warehouse"))

    def asking(warehouse: Counted) -> Ask:
        def ask(query: str) -> tuple[Rows, int]:
            warehouse.listed = 0
            rows = [tuple(row.values()) for row in warehouse.sql(query).to_pylist()]
            return rows, warehouse.listed - 1

        return ask

    tables.replace("metrics", places_of(month_of(0))[0], rows_of(places_of(month_of(0))[0], 1))
    readers = [asking(Counted(tmp_path / "warehouse")) for _ in range(READERS)]
    found, months = run(tables, lambda: None, readers)
    report("DuckDB over a folder", found, months)
