"""Stores in memory: the reference of the contract tests, used by tests, backtests and notebooks."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from lupus_assets.errors import ObjectMissing
from lupus_assets.ports import Replacement
from lupus_assets.records import Entry, Place, Row
from lupus_assets.sinks.files.layout import check_model, check_place, in_utc
from lupus_assets.sinks.schema import SCHEMAS, schema_of, to_table


@dataclass(frozen=True)
class _Replacement:
    held: dict[Place, pa.Table]
    place: Place
    rows: pa.Table

    def is_held(self) -> bool:
        held = self.held.get(self.place)
        return held is not None and bool(held.equals(self.rows))

    def write(self) -> None:
        self.held[self.place] = self.rows


class MemoryStore:
    """The reference implementation of `lupus_assets.ports.MetricStore`, in memory."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[Place, pa.Table]] = {table: {} for table in SCHEMAS}
        self.files = MemoryFiles()

    def copy(self) -> "MemoryStore":
        """Return a store of its own with the same tables, and no files beside them."""
        copied = MemoryStore()
        copied._tables = {table: dict(places) for table, places in self._tables.items()}
        return copied

    def replace(self, table: str, place: Place, rows: Sequence[Row]) -> None:
        """Make `rows` exactly what `table` holds at `place`; no rows are a place too."""
        self.replacement(table, place, rows).write()

    def replacement(self, table: str, place: Place, rows: Sequence[Row]) -> Replacement:
        """Return `rows` as they would be held at `place`."""
        encoded = to_table(table, rows)
        return _Replacement(self._tables[table], check_place(place), encoded)

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
        """Return the rows of `model` whose window starts in ``[since, until)``, sorted by place."""
        schema = schema_of(table, columns)
        check_model(model)
        since = since and in_utc(since, "since")
        until = until and in_utc(until, "until")
        found = [
            (place, rows)
            for place, rows in list(self._tables[table].items())
            if place.model == model
            and (track is None or place.track == track)
            and (since is None or place.start >= since)
            and (until is None or place.start < until)
        ]
        pieces = [rows.select(schema.names) for _, rows in sorted(found, key=lambda pair: pair[0])]
        return pa.concat_tables([to_table(table, []).select(schema.names), *pieces])

    def places(self, table: str, *, models: Sequence[str], since: datetime | None = None) -> set[Place]:
        """Return the places of `models` in `table` whose window starts at `since` or later."""
        schema_of(table)
        wanted = {check_model(model) for model in models}
        since = since and in_utc(since, "since")
        return {
            place
            for place in list(self._tables[table])
            if place.model in wanted and (since is None or place.start >= since)
        }

    def common_places(
        self, tables: Sequence[str], *, models: Sequence[str], since: datetime | None = None
    ) -> set[Place]:
        """Return the places that every one of `tables` holds."""
        return set.intersection(*(self.places(table, models=models, since=since) for table in tables))


class MemoryFiles:
    """The reference implementation of `lupus_assets.ports.ObjectStore`, in memory."""

    snapshot = True

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    def list(self, prefix: str) -> list[Entry]:
        """Return every file below the folder `prefix`, sorted by path."""
        found = [each for each in list(self.held.items()) if each[0].startswith(f"{prefix}/")]
        return sorted(Entry(path, hashlib.sha256(data).hexdigest()) for path, data in found)

    def paths(self, prefix: str) -> Sequence[str]:
        """Return the path of every file below the folder `prefix`."""
        return [path for path in list(self.held) if path.startswith(f"{prefix}/")]

    def get(self, path: str) -> bytes:
        """Return the bytes of a file."""
        if path not in self.held:
            raise ObjectMissing(f"{path} does not exist")
        return self.held[path]

    def put(self, path: str, data: bytes) -> None:
        """Make `data` the bytes of a file."""
        self.held[path] = data

    def create(self, path: str, data: bytes) -> bool:
        """Make a file unless there is one already; return whether this call made it."""
        return self.held.setdefault(path, data) is data

    def delete(self, paths: Sequence[str]) -> None:
        """Remove files."""
        for path in paths:
            self.held.pop(path, None)

    def uri(self, path: str) -> str:
        """Return an address that only this process can read."""
        return f"memory:{path}"
