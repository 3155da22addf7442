"""A prediction log from a query of Hive: for views, for ORC, for tables without partitions."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from lupus_assets.errors import PartitionMissing, SourceError, SourceUnreadable, StoreError
from lupus_assets.ports import Database
from lupus_assets.records import Window
from lupus_assets.sources.column import select
from lupus_assets.sources.hive_type import arrow_array, arrow_type, quoted
from lupus_assets.sources.pattern import Pattern


class HiveQuerySource:
    """The rows of a SELECT, in the order that Hive gives; implements `lupus_assets.ports.Source`.

    Hive sends some 30,000 rows of 20 columns a second. A window for which it has none has not arrived.

    Parameters
    ----------
    query : str
        One SELECT with ``{partition}`` (the partition key) and ``{start}``, ``{end}`` (the window in
        local time, as in ``{start:%Y-%m-%d %H:%M}``).
    database : Database
    zone : ZoneInfo
        Zone of the cadence.

    Raises
    ------
    SourceError
        The query has other fields than these.
    """

    def __init__(self, query: str, database: Database, zone: ZoneInfo) -> None:
        self._query = Pattern(query, zone)
        self._database = database

    def arrived(self, window: Window) -> bool:
        """Return whether the query returns a row for `window`.

        Raises
        ------
        SourceError
            Hive does not answer, or refuses us or the query.
        """
        try:
            _, rows = self._database.run(f"SELECT 1 FROM {self._rows(window)} LIMIT 1")  # noqa: S608  # the user's own
        except StoreError as error:
            raise self._failed(error) from error
        return bool(rows)

    def schema(self, window: Window) -> pa.Schema:
        """Return the schema of the query's answer, strings as they come in batches.

        Raises
        ------
        PartitionMissing, SourceError
        """
        if not self.arrived(window):
            raise self._missing(window)
        return self._schema(window)

    def batches(self, window: Window, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the query's answer; Hive reads and sends `columns` only.

        Raises
        ------
        PartitionMissing, ColumnMismatch, SourceError
        """
        schema = select(self._schema(window), columns, f"the query of {self._database.place}")
        blocks = self._blocks(window, schema)
        first = next(blocks, None)
        if first is None:
            raise self._missing(window)
        return chain([first], blocks)

    def _blocks(self, window: Window, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        names = ", ".join(map(quoted, schema.names)) or "1"
        try:
            query = f"SELECT {names} FROM {self._rows(window)}"  # noqa: S608  # the user's own
            for rows in self._database.stream(query):
                yield self._batch(rows, schema)
        except StoreError as error:
            raise self._failed(error) from error

    def _batch(self, rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
        if not schema.names:
            nothing = pa.nulls(len(rows))
            return pa.RecordBatch.from_arrays([nothing], ["0"]).select([])  # which knows how many rows it has
        columns = []
        for values, field in zip(zip(*rows, strict=True), schema, strict=True):
            try:
                columns.append(arrow_array(values, field.type))
            except (pa.ArrowException, ValueError, TypeError):
                # Without the error: its text is a value.
                problem = f"{self._database.place} gave values of column {field.name!r} that no {field.type}"
                raise SourceUnreadable(f"{problem} can be; cast the column in the query") from None
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _schema(self, window: Window) -> pa.Schema:
        try:
            columns = self._database.columns(self._query.filled(window))
        except StoreError as error:
            raise self._failed(error) from error
        return pa.schema([(name, arrow_type(kind)) for name, kind in columns])

    def _rows(self, window: Window) -> str:
        return f"({self._query.filled(window)}) `lupus`"

    def _missing(self, window: Window) -> PartitionMissing:
        return PartitionMissing(
            f"{self._database.place}: the query has no row for partition {window.key}; "
            "run it again once the log has arrived, or correct hive_query in the declaration"
        )

    def _failed(self, error: StoreError) -> SourceError:
        return SourceError(str(error))
