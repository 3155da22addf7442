"""Interfaces of the tables and of the files beneath them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from lupus_assets.records import Entry, Month, Pending, Place, Row


class Replacement(Protocol):
    """Rows for one place of a table, encoded once."""

    def is_held(self) -> bool:
        """Return whether they are exactly what the table holds at the place; an unknown place holds nothing.

        Raises
        ------
        StoreError
        """
        ...

    def write(self) -> None:
        """Make them exactly what the table holds at the place; no reader ever sees a mixture.

        Raises
        ------
        StoreError
        """
        ...


class MetricStore(Protocol):
    """Tables of rows; a write replaces all rows of one place.

    Attributes
    ----------
    files : ObjectStore
        Files beside the tables: what is no table.
    """

    @property
    def files(self) -> "ObjectStore":
        """Files beside the tables."""
        ...

    def replace(self, table: str, place: Place, rows: Sequence[Row]) -> None:
        """Make `rows` exactly what `table` holds at `place`; no reader ever sees a mixture.

        Raises
        ------
        StoreError
        """
        ...

    def replacement(self, table: str, place: Place, rows: Sequence[Row]) -> Replacement:
        """Return `rows` encoded for a place, to be compared with what it holds before they are written.

        Raises
        ------
        StoreError
            The rows do not fit the table.
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

    def places(self, table: str, *, models: Sequence[str], since: datetime | None = None) -> set[Place]:
        """Return the places of `models` in `table` whose window starts at `since` or later; reads no rows."""
        ...

    def common_places(
        self, tables: Sequence[str], *, models: Sequence[str], since: datetime | None = None
    ) -> set[Place]:
        """Return the places that every one of `tables` holds; reads no rows.

        Of a month that is compacted in a table, the last of `tables` speaks for it.
        """
        ...


class Tables(MetricStore, Protocol):
    """A store with versions of its months, which views follow."""

    def months(
        self,
        tables: Sequence[str] | None = None,
        *,
        model: str | None = None,
        strays: list[str] | None = None,
    ) -> list[Month]:
        """Return the months of `tables` and of `model`, by default of all, sorted; reads no rows.

        `strays` takes up the errors of files that are none of the store's, which are left out then.

        Raises
        ------
        StoreError
            There is such a file, and nothing takes up the error.
        """
        ...

    def month(self, table: str, *, model: str, month: str) -> list[tuple[Place, pa.Table]]:
        """Return every place of a month with its rows, sorted by place; an unknown month is empty.

        Raises
        ------
        StoreError
        """
        ...

    def compact(self, table: str, *, model: str, month: str) -> bool:
        """Compact a month into one file; return whether there was anything to do.

        Safe beside writers, readers and other compactions, and at any moment of being killed.

        Raises
        ------
        StoreError
        """
        ...

    def open_months(self, before: str) -> list[Month]:
        """Return the months before `before` (``yyyy-mm``) that are not one file; reads no rows."""
        ...

    def sweep(self, table: str, *, model: str, month: str) -> int:
        """Remove the files that compaction has superseded; return their number.

        Only for a month of which every view shows the file in force.

        Raises
        ------
        StoreError
        """
        ...


class ObjectStore(Protocol):
    """Files by relative path with ``/`` between its parts; writes are atomic.

    Attributes
    ----------
    snapshot : bool
        Whether a listing is of one moment. Where it is not, a file made and one removed while it
        is under way may both be missing from it.
    """

    snapshot: bool

    def list(self, prefix: str) -> list[Entry]:
        """Return every file below the folder `prefix`, sorted by path; nothing below it is an empty list.

        Raises
        ------
        StoreError
        """
        ...

    def paths(self, prefix: str) -> Sequence[str]:
        """Return the path of every file below the folder `prefix`, in any order: cheaper than `list`.

        Raises
        ------
        StoreError
        """
        ...

    def get(self, path: str) -> bytes:
        """Return the bytes of a file.

        Raises
        ------
        ObjectMissing
            There is no such file (any more).
        StoreError
        """
        ...

    def put(self, path: str, data: bytes) -> None:
        """Make `data` the bytes of a file; a reader sees the old ones or the new."""
        ...

    def create(self, path: str, data: bytes) -> bool:
        """Make a file unless there is one already; return whether this call made it, as only one can."""
        ...

    def delete(self, paths: Sequence[str]) -> None:
        """Remove files; those that are gone already are no error."""
        ...

    def uri(self, path: str) -> str:
        """Return the address of a folder for Hive."""
        ...


class Journal(Protocol):
    """Partitions that runs have begun to write and not reported yet; it survives the runs."""

    def note(self, pending: Pending) -> None:
        """Replace the note of a run, model and track by `pending`; without windows, remove it.

        Raises
        ------
        StoreError
        """
        ...

    def noted(self, model: str | None = None, track: str | None = None) -> list[Pending]:
        """Return the notes of a model and track, by default of all.

        Raises
        ------
        StoreError
        """
        ...
