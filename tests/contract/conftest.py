"""What the contract tests share: every store by name, and places and rows that are easily told apart."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from lupus_assets.ports import MetricStore, ObjectStore
from lupus_assets.records import MetricRow, Place
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.sinks.files.s3 import Bucket, BucketAddress
from lupus_assets.sinks.memory import MemoryFiles, MemoryStore
from tests.contract.shown_by_hive import ShownByHive
from tests.services.seaweed import SeaweedFS

On = Callable[[pytest.FixtureRequest, Path], MetricStore]
STORES: dict[str, On] = {
    "memory": lambda _, __: MemoryStore(),
    "parquet": lambda _, folder: ParquetStore(Folder(folder / "warehouse")),
}
ON_SERVERS: dict[str, On] = {
    "s3": lambda request, _: ParquetStore(request.getfixturevalue("bucket")),
    "hive": lambda request, folder: ShownByHive.of(
        request.getfixturevalue("hive"), Folder(folder / "warehouse")
    ),
}
SERIAL = count()
MAY = datetime(2013, 5, 1, tzinfo=UTC)


@pytest.fixture(params=[*STORES, *(pytest.param(name, marks=pytest.mark.services) for name in ON_SERVERS)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MetricStore:
    """Return every store in turn, empty."""
    return {**STORES, **ON_SERVERS}[request.param](request, tmp_path)


@pytest.fixture
def bucket(bucket_server: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Return an empty folder of a bucket on a real S3 store."""
    for name, value in bucket_server.variables().items():
        monkeypatch.setenv(name, value)
    address = BucketAddress(bucket_server.buckets[0], f"t{next(SERIAL)}", bucket_server.endpoint)
    return Bucket(address)


@pytest.fixture(scope="session")
def place() -> Callable[..., Place]:
    """Return a function from a day, counted from 1 May 2013, to its place, judged `late` days after due."""

    def place(day: int = 0, *, model: str = "flights.delay", track: str = "champion", late: int = 0) -> Place:
        start = MAY + timedelta(days=day)
        return Place(model, track, start, start + timedelta(days=1 + late, hours=6), f"{start:%Y-%m}")

    return place


@pytest.fixture(scope="session")
def rows() -> Callable[[Place, Sequence[float | None]], list[MetricRow]]:
    """Return a function from a place and values to a row of metric ``m0``, ``m1``, … for each of them."""

    def rows(place: Place, values: Sequence[float | None]) -> list[MetricRow]:
        return [
            MetricRow(
                track=place.track,
                version="2013-04",
                partition_key=f"{place.start:%Y-%m-%d}",
                window_start=place.start,
                as_of=place.as_of,
                segment="all",
                family="input",
                column_name="temp",
                metric=f"m{i}",
                value=value,
                lower=None,
                upper=None,
                n=1_000 + i,
                reference="5f1c",
                reason="no rows" if value is None else None,
            )
            for i, value in enumerate(values)
        ]

    return rows


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.services)])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """Return every lasting object store in turn, empty."""
    if request.param == "folder":
        return Folder(tmp_path / "files")
    bucket: Bucket = request.getfixturevalue("bucket")
    return bucket


@pytest.fixture(params=["memory", "folder", pytest.param("s3", marks=pytest.mark.services)])
def any_files(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """Return every object store in turn, empty."""
    match request.param:
        case "memory":
            return MemoryFiles()
        case "folder":
            return Folder(tmp_path / "files")
    bucket: Bucket = request.getfixturevalue("bucket")
    return bucket
