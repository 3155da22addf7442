"""Interfaces that prediction logs are read through."""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Protocol

import pyarrow as pa

from lupus_assets.records import Window


class Source(Protocol):
    """The prediction log of one track."""

    def arrived(self, window: Window) -> bool:
        """Return whether the log holds anything for `window`; reads no rows, or one.

        Raises
        ------
        SourceError
            Who holds the log does not answer or refuses us, here and in what follows.
        """
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


class Files(Protocol):
    """Read-only files by path with ``/`` between its parts."""

    def beginning(self, prefix: str) -> tuple[Sequence[str], Sequence[str]]:
        """Return the files and folders one level below `prefix`, which may end within a name.

        Both are sorted; a folder ends in ``/``. What is deeper is not listed.

        Raises
        ------
        StoreError
        """
        ...

    def open(self, path: str) -> BinaryIO:
        """Return a seekable file that fetches only the ranges that are read.

        Raises
        ------
        ObjectMissing, StoreError
            Here, or when it is read.
        """
        ...


class Database(Protocol):
    """A warehouse that answers SQL."""

    @property
    def place(self) -> str:
        """The name of the server, for messages."""
        ...

    def run(self, *statements: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run statements, each of which can be repeated; return columns and rows of the last one's answer.

        Raises
        ------
        ServiceUnreachable, ServiceRefused
        """
        ...

    def columns(self, query: str) -> list[tuple[str, str]]:
        """Return the name and the type, as in DESCRIBE, of every column of a SELECT; reads no rows.

        Raises
        ------
        ServiceUnreachable, ServiceRefused
        """
        ...

    def stream(self, query: str) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a SELECT, some thousand at a time.

        Raises
        ------
        ServiceUnreachable, ServiceRefused
        """
        ...
