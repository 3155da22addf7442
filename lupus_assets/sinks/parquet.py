"""Tables as Parquet files, one per place: the truth that Hive, DuckDB and Elasticsearch are fed from."""

import os
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import count
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lupus_assets.errors import StoreError
from lupus_assets.records import Place, Row
from lupus_assets.sinks.layout import (
    SUFFIX,
    check_model,
    check_place,
    in_utc,
    month_may_hold,
    path_of,
    place_of,
)
from lupus_assets.sinks.schema import conform, schema_of, to_table


def encode(table: pa.Table) -> pa.Buffer:
    """Return `table` as the bytes of a Parquet file: the same rows give the same bytes.

    Without the Arrow schema in the footer, which says nothing that Parquet's own does not,
    and would be a fifth of a small file.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", store_schema=False)
    return sink.getvalue()


def decode(data: bytes, schema: pa.Schema) -> pa.Table:
    """Return the columns of `schema` from the bytes of a Parquet file; columns newer than it are null."""
    file = pq.ParquetFile(pa.BufferReader(data))
    present = set(file.schema_arrow.names)
    names = [name for name in schema.names if name in present]
    return conform(file.read(columns=names, use_threads=False), schema)


class ParquetStore:
    """Parquet files under `root`; implements `lupus_assets.ports.MetricStore`.

    A file is written under ``root/.tmp`` and then moved over its place, so that a reader sees
    the old rows or the new, and a killed writer leaves nothing behind that is read. Any number
    of processes may write and read at once.

    Parameters
    ----------
    root : Path
        Created at the first write.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._serial = count()

    def replace(self, table: str, place: Place, rows: Sequence[Row]) -> None:
        """Make `rows` exactly what `table` holds at `place`; no rows are a file, and a place, too."""
        data = encode(to_table(table, rows))
        path = self._root / path_of(table, check_place(place))
        try:
            temporary = self._temporary()
            try:
                with temporary.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())  # else a power cut may leave the new name with none of its bytes
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error}") from error

    def read(
        self,
        table: str,
        *,
        model: str,
        track: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return the rows of `model` whose window starts in ``[since, until)``, sorted by place.

        Every row is of a whole version of its place; of two places written one after the other,
        the read may see the second and not yet the first.
        """
        schema = schema_of(table, columns)
        check_model(model)
        since = since and in_utc(since, "since")
        until = until and in_utc(until, "until")
        try:
            return self._read(table, schema, model, track, since, until)
        except StoreError:  # a file may have gone between listing and opening it; what fails twice is damaged
            return self._read(table, schema, model, track, since, until)

    def places(self, table: str, *, models: Sequence[str]) -> set[Place]:
        """Return every place that `table` holds of `models`, from the names of its files."""
        schema_of(table)
        return {place for model in models for place, _ in self._files(table, check_model(model), None, None)}

    def _read(
        self,
        table: str,
        schema: pa.Schema,
        model: str,
        track: str | None,
        since: datetime | None,
        until: datetime | None,
    ) -> pa.Table:
        found = sorted(
            (place, path)
            for place, path in self._files(table, model, since, until)
            if (track is None or place.track == track)
            and (since is None or place.start >= since)
            and (until is None or place.start < until)
        )
        with ThreadPoolExecutor() as threads:
            pieces = threads.map(lambda path: _read_file(path, schema), [path for _, path in found])
            return pa.concat_tables([to_table(table, []).select(schema.names), *pieces])

    def _files(
        self, table: str, model: str, since: datetime | None, until: datetime | None
    ) -> Iterator[tuple[Place, str]]:
        for month in _entries(f"{self._root}/{table}/model={model}"):
            if month.name.startswith("month=") and month_may_hold(month.name[6:], since, until):
                for entry in _entries(month.path):
                    if entry.name.endswith(SUFFIX):
                        yield place_of(entry.path), entry.path

    def _temporary(self) -> Path:
        folder = self._root / ".tmp"
        folder.mkdir(parents=True, exist_ok=True)
        host = socket.gethostname()
        for entry in _entries(str(folder)):
            # Whether a process of another host lives cannot be told from here.
            if entry.name.startswith(f"{host}~") and not _alive(int(entry.name.split("~")[1])):
                Path(entry.path).unlink(missing_ok=True)
        return folder / f"{host}~{os.getpid()}~{id(self)}-{next(self._serial)}{SUFFIX}"


def _read_file(path: str, schema: pa.Schema) -> pa.Table:
    try:
        # All bytes at once: a file opened a second time for its pages may be another version than its footer.
        return decode(Path(path).read_bytes(), schema)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{path} cannot be read: {error}; remove it and run its partition again") from error


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{folder} cannot be listed: {error}") from error


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # someone else's
    return True
