"""A prediction log from a Python function: for every technology without a module here."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from importlib import import_module
from inspect import signature
from itertools import chain
from typing import Self, TypeAlias

import pyarrow as pa

from lupus_assets.errors import LupusError, PartitionMissing, SourceError, SourceUnreadable
from lupus_assets.records import Window
from lupus_assets.sources.column import conform, encoded_schema, select

Rows: TypeAlias = pa.Table | pa.RecordBatch | Iterable[pa.Table | pa.RecordBatch]
Function: TypeAlias = Callable[[datetime, datetime], Rows | None]


class FunctionSource:
    """The rows that ``function(start, end)`` returns; implements `lupus_assets.ports.Source`.

    Parameters
    ----------
    function : callable
        Takes the bounds of the window, aware and in `zone`, and returns a `pyarrow.Table`, a
        `pyarrow.RecordBatch`, an iterable of them, or None where the window has not arrived.
        Each question is a call of its own, `arrived` too: return a lazy iterable where reading
        is dear. A generator function never returns None, so to it every window has arrived.
    zone : tzinfo, optional
        Zone of the cadence: there the bounds of a day are midnights, and of its date.
    name : str, optional
        What errors call it; by default its module and name.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> def log(start, end):
    ...     return pa.table({"score": [0.2, 0.9]})
    >>> day = Window(datetime(2013, 5, 1, tzinfo=UTC), datetime(2013, 5, 2, tzinfo=UTC), "2013-05-01")
    >>> [batch.num_rows for batch in FunctionSource(log).batches(day, ["score"])]
    [2]
    """

    def __init__(self, function: Function, zone: tzinfo = UTC, name: str | None = None) -> None:
        self._function = function
        self._zone = zone
        self._name = name or f"{function.__module__}:{getattr(function, '__qualname__', function)}"

    @classmethod
    def from_path(cls, path: str, zone: tzinfo = UTC) -> Self:
        """Return the source of the function at ``package.module:function``.

        Raises
        ------
        SourceError
            There is none, its module cannot be imported, or it cannot be called with two times.
        """
        module, colon, attribute = path.partition(":")
        if not (module and colon and attribute):
            raise SourceError(f"function {path!r} is no path; write package.module:function")
        try:
            function = getattr(import_module(module), attribute)
        except (Exception, SystemExit) as error:  # a user's module may fail in any way while it is imported
            raise SourceError(
                f"function {path!r} cannot be imported: {type(error).__name__}: {error}; "
                "correct its name, or install what it needs where this runs"
            ) from error
        if not callable(function):
            raise SourceError(
                f"{path!r} is {type(function).__name__}, not a function; name one of (start, end)"
            )
        try:
            signature(function).bind(None, None)
        except TypeError as error:
            raise SourceError(
                f"{path!r} does not take (start, end): {error}; correct its parameters"
            ) from None
        except ValueError:  # what is written in C may not say what it takes
            pass
        return cls(function, zone, path)

    def arrived(self, window: Window) -> bool:
        """Return whether the function returns rows for `window`; calls it."""
        return self._call(window) is not None

    def schema(self, window: Window) -> pa.Schema:
        """Return the schema of the first batch, empty if there is none; strings as they come in batches.

        Raises
        ------
        PartitionMissing, SourceUnreadable
        """
        first = next(self._pieces(window), None)
        return pa.schema([]) if first is None else encoded_schema(first.schema)

    def batches(self, window: Window, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield `columns` of the rows of the function, every batch with the types of the first.

        Raises
        ------
        PartitionMissing, SourceUnreadable, ColumnMismatch
        """
        pieces = self._pieces(window)
        first = next(pieces, None)
        if first is None:
            return iter(())
        schema = select(encoded_schema(first.schema), columns, self._name)
        return self._conforming(chain([first], pieces), schema)

    def _conforming(
        self, pieces: Iterator[pa.Table | pa.RecordBatch], schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        for piece in pieces:
            select(piece.schema, schema.names, self._name)
            for batch in piece.to_batches() if isinstance(piece, pa.Table) else [piece]:
                conforming = conform(batch, schema, self._name)
                if len(conforming):
                    yield conforming

    def _pieces(self, window: Window) -> Iterator[pa.Table | pa.RecordBatch]:
        rows = self._call(window)
        if rows is None:
            raise PartitionMissing(
                f"{self._name} has nothing for partition {window.key}; run it again once the log has arrived"
            )
        return self._checked([rows] if isinstance(rows, pa.Table | pa.RecordBatch) else rows)

    def _checked(self, rows: Iterable[pa.Table | pa.RecordBatch]) -> Iterator[pa.Table | pa.RecordBatch]:
        try:
            for piece in rows:
                if not isinstance(piece, pa.Table | pa.RecordBatch):
                    raise TypeError(
                        f"it gave {type(piece).__name__}, not pyarrow.Table or pyarrow.RecordBatch"
                    )
                yield piece
        except LupusError:
            raise
        except Exception as error:  # anything can go wrong in a user's code, and all of it is this source's
            raise self._unreadable(error) from error

    def _call(self, window: Window) -> Rows | None:
        try:
            return self._function(window.start.astimezone(self._zone), window.end.astimezone(self._zone))
        except LupusError:
            raise
        except Exception as error:  # as above
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> SourceUnreadable:
        return SourceUnreadable(f"{self._name} failed: {type(error).__name__}: {error}; correct the function")
