"""A prediction log of many partitions in one table, cut into windows by its timestamp."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.errors import ColumnMismatch, PartitionMissing
from lupus_assets.reading.arrow import instants
from lupus_assets.reading.table import microseconds
from lupus_assets.records import Window
from lupus_assets.sources.column import conform, encoded_schema, select


class LogSource:
    """Rows in memory; implements `lupus_assets.ports.Source`.

    Rows without a timestamp belong to no window, and to no partition.

    Parameters
    ----------
    rows : pyarrow.Table
    timestamp : str
        Column that says to which window a row belongs.
    zone : ZoneInfo
        Zone of naive timestamps.
    name : str
        What messages call the log.

    Raises
    ------
    ColumnMismatch
        There is no such column, or it is no timestamp.
    """

    def __init__(self, rows: pa.Table, *, timestamp: str, zone: ZoneInfo, name: str) -> None:
        if timestamp not in rows.column_names:
            raise ColumnMismatch(f"{name} has no column {timestamp!r}; correct columns.timestamp")
        micros, present = instants(rows[timestamp].combine_chunks(), timestamp, zone)
        order = np.flatnonzero(present)
        order = order[np.argsort(micros[order], kind="stable")]
        self._micros = micros[order]
        self._rows = _encoded(_taken(rows, order), name)
        self.name = name

    @property
    def span(self) -> tuple[int, int] | None:
        """Microseconds since the epoch of the first and the last row; None without rows."""
        return (int(self._micros[0]), int(self._micros[-1])) if self._micros.size else None

    def occupied(self, period: timedelta) -> int:
        """Return the number of spans of this length that hold rows."""
        return int(np.unique(self._micros // (period // timedelta(microseconds=1))).size)

    def arrived(self, window: Window) -> bool:
        """Return whether the log reaches into `window` or beyond; a window without rows may be an outage."""
        return self._micros.size > 0 and self._micros[-1] >= microseconds(window.start)

    def schema(self, window: Window) -> pa.Schema:
        """Return the schema of the log, strings as they come in batches.

        Raises
        ------
        PartitionMissing
            The log ends before `window`.
        """
        if not self.arrived(window):
            raise PartitionMissing(f"{self.name} ends before partition {window.key}")
        return self._rows.schema

    def batches(self, window: Window, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of `window`, by timestamp and then in their stored order.

        Raises
        ------
        PartitionMissing, ColumnMismatch
        """
        schema = select(self.schema(window), columns, self.name)
        first, end = np.searchsorted(self._micros, [microseconds(window.start), microseconds(window.end)])
        if end > first:
            yield conform(self._rows.slice(int(first), int(end - first)), schema, self.name)


def _taken(rows: pa.Table, order: npt.NDArray[np.intp]) -> pa.Table:
    at = order.astype(np.int64)
    return rows.take(pa.Array.from_buffers(pa.int64(), at.size, [None, pa.py_buffer(at)]))


def _encoded(rows: pa.Table, name: str) -> pa.RecordBatch:
    """Return all rows as one batch, strings dictionary-encoded."""
    schema = encoded_schema(rows.schema)
    columns = [rows[column].combine_chunks() for column in rows.column_names]
    return conform(pa.RecordBatch.from_arrays(columns, names=rows.column_names), schema, name)
