"""Tables as Parquet files: the source of the views in Hive, DuckDB and Elasticsearch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import pyarrow as pa

from lupus_assets.errors import ObjectMissing
from lupus_assets.ports import ObjectStore, Replacement
from lupus_assets.records import TABLES, Month, Place, Row
from lupus_assets.sinks.files.content import holds, places_of, rows_of
from lupus_assets.sinks.files.generation import fold, sweep
from lupus_assets.sinks.files.layout import check_model, check_place, in_utc, path_of
from lupus_assets.sinks.files.month import Files, listed, newest
from lupus_assets.sinks.files.piece import encode
from lupus_assets.sinks.files.presence import common_places
from lupus_assets.sinks.schema import schema_of, to_table

ATTEMPTS = 20  # listings whose files were folded away by others before they were read

T = TypeVar("T")


class ParquetStore:
    """Parquet files in an object store; implements `lupus_assets.ports.Tables`.

    One file holds one place; a month that was compacted is one file
    (`lupus_assets.sinks.files.generation`), and stays one when a place of it is replaced. Any number of
    processes may write, read and compact at once.

    Parameters
    ----------
    files : ObjectStore
    followed : bool
        Whether a view points at these files. Then what compaction has made superfluous is left until
        the view has moved on, and whoever moves it sweeps.
    """

    def __init__(self, files: ObjectStore, *, followed: bool = False) -> None:
        self.files = files
        self.followed = followed

    def replace(self, table: str, place: Place, rows: Sequence[Row]) -> None:
        """Make `rows` exactly what `table` holds at `place`; no rows are a file, and a place, too."""
        self.replacement(table, place, rows).write()

    def replacement(self, table: str, place: Place, rows: Sequence[Row]) -> Replacement:
        """Return `rows` as the bytes of the file of `place`."""
        data = encode(to_table(table, rows))
        return _Replacement(self, table, check_place(place), data)

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

        def wanted(place: Place) -> bool:
            return (
                (track is None or place.track == track)
                and (since is None or place.start >= since)
                and (until is None or place.start < until)
            )

        def found() -> list[tuple[Place, pa.Table]]:
            months = listed(self.files, table, model=model, since=since, until=until)
            return rows_of(self.files, months, schema, wanted)

        pieces = [rows for _, rows in _steady(found)]
        return pa.concat_tables([to_table(table, []).select(schema.names), *pieces])

    def places(self, table: str, *, models: Sequence[str], since: datetime | None = None) -> set[Place]:
        """Return the places of `models` in `table` whose window starts at `since` or later."""
        schema_of(table)
        wanted = {check_model(model) for model in models}
        since = since and in_utc(since, "since")

        def found() -> set[Place]:
            # One listing of the table is cheaper than one of each of many models. A stray file among those
            # of one model is no reason to know nothing of the others; whoever reads that model is told.
            several = len(wanted) > 1
            strays: list[str] | None = [] if several else None
            return {
                place
                for model in ([None] if several else wanted)
                for files in listed(self.files, table, model=model, since=since, strays=strays)
                if files.model in wanted
                for place in places_of(self.files, files)
                if since is None or place.start >= since
            }

        return _steady(found)

    def common_places(
        self, tables: Sequence[str], *, models: Sequence[str], since: datetime | None = None
    ) -> set[Place]:
        """Return the places that every one of `tables` holds, by one listing of each."""
        for table in tables:
            schema_of(table)
        wanted = {check_model(model) for model in models}
        since = since and in_utc(since, "since")
        return _steady(lambda: common_places(self.files, tables, wanted, since))

    def months(
        self,
        tables: Sequence[str] | None = None,
        *,
        model: str | None = None,
        strays: list[str] | None = None,
    ) -> list[Month]:
        """Return the months of `tables` and of `model`, by default of all, sorted; `strays` takes others."""
        return [files.as_month() for files in self._files(tables, model, strays)]

    def month(self, table: str, *, model: str, month: str) -> list[tuple[Place, pa.Table]]:
        """Return every place of a month with its rows, sorted by place."""
        schema = schema_of(table)
        check_model(model)
        return _steady(
            lambda: rows_of(self.files, [newest(self.files, table, model, month)], schema, lambda _: True)
        )

    def compact(self, table: str, *, model: str, month: str) -> bool:
        """Compact a month into one file; return whether there was anything to do.

        Safe beside writers, readers and other compactions, and at any moment of being killed.
        """
        schema_of(table)
        made = False
        # Again, until nothing is left: a piece may have come between the listing and the generation.
        while fold(self.files, table, check_model(model), month):
            made = True
        if not self.followed:
            self.sweep(table, model=model, month=month)
        return made

    def sweep(self, table: str, *, model: str, month: str) -> int:
        """Remove the files that the newest generation of a month supersedes; return their number.

        Only for months of which every view shows that generation.
        """
        schema_of(table)
        return sweep(self.files, table, check_model(model), month)

    def open_months(self, before: str) -> list[Month]:
        """Return the months before `before` (``yyyy-mm``) that are not one file."""
        # Compacting the month of a stray file says so; the other months are compacted.
        files = self._files(None, None, strays=[])
        return [each.as_month() for each in files if each.pieces and each.month < before]

    def _files(
        self, tables: Sequence[str] | None, model: str | None, strays: list[str] | None = None
    ) -> list[Files]:
        wanted = sorted(TABLES) if tables is None else sorted(tables)
        for table in wanted:
            schema_of(table)
        return [files for table in wanted for files in listed(self.files, table, model=model, strays=strays)]


@dataclass(frozen=True)
class _Replacement:
    """The bytes of one place's file."""

    store: ParquetStore
    table: str
    place: Place
    data: bytes

    def is_held(self) -> bool:
        """Return whether the place holds them, to the byte of its file."""
        return _steady(lambda: holds(self.store.files, self.table, self.place, self.data))

    def write(self) -> None:
        files, place = self.store.files, self.place
        files.put(path_of(self.table, place), self.data)
        # After the piece is there: a compaction that begins now finds the piece.
        folded = fold(files, self.table, place.model, place.month, place, self.data)
        if folded and not self.store.followed:
            self.store.sweep(self.table, model=place.model, month=place.month)


def _steady(look: Callable[[], T]) -> T:
    """Return the result of `look`; repeat it while files are removed between its listing and its reading."""
    for _ in range(ATTEMPTS - 1):
        try:
            return look()
        except ObjectMissing:
            continue
    return look()
