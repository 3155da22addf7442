"""What the library asks of the world: a source of rows, and a store of tables."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from lupus_assets.records import Place, Row, Window


class Source(Protocol):
    """The prediction log of one track."""

    def arrived(self, window: Window) -> bool:
        """Return whether the log holds anything for `window`; reads no rows."""
        ...

    def schema(self, window: Window) -> pa.Schema:
        """Return the Arrow schema of the rows of `window`.

        Raises
        ------
        PartitionMissing, SourceUnreadable
        """
        ...

    def batches(self, window: Window, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of `window` in their stored order, `columns` only, strings dictionary-encoded.

        An empty partition yields nothing.

        Raises
        ------
        PartitionMissing, SourceUnreadable, ColumnMismatch
        """
        ...


class MetricStore(Protocol):
    """Tables of rows, of which one place at a time is replaced as a whole."""

    def replace(self, table: str, place: Place, rows: Sequence[Row]) -> None:
        """Make `rows` exactly what `table` holds at `place`; no reader ever sees a mixture.

        Raises
        ------
        StoreError
        """
        ...

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
        """Return the rows of `model` whose window starts in ``[since, until)``.

        Sorted by track, window_start and as_of, and within a place in the order written;
        times come back as naive UTC microseconds. An unknown model gives no rows.

        Raises
        ------
        StoreError
        """
        ...

    def places(self, table: str, *, models: Sequence[str]) -> set[Place]:
        """Return every place that `table` holds of `models`, in one query; reads no rows."""
        ...
