"""A prediction log in Parquet files: a file, a directory or a glob per partition."""

import glob
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from lupus_assets.errors import PartitionMissing, SourceError, SourceUnreadable
from lupus_assets.records import Window
from lupus_assets.sources.column import conform, encoded_schema, is_text, select, unify

ANY_TIME = datetime(2013, 5, 1, tzinfo=UTC)  # to try a pattern with
BATCH = 1 << 17  # rows: 1 MiB of doubles, large enough that Python's share of a batch is nothing


class ParquetSource:
    """Parquet files named by partition; implements `lupus_assets.ports.Source`.

    Parameters
    ----------
    pattern : str
        Path relative to `root` with ``{partition}`` (the partition key) and ``{start}``,
        ``{end}`` (the window in local time, as in ``{start:%Y/%m/%d}``). It names a file, a
        directory (all ``*.parquet`` directly in it) or a glob.
    root : Path
        Root of the data.
    zone : ZoneInfo
        Zone of the cadence.

    Raises
    ------
    SourceError
        The pattern has other fields than these.
    """

    def __init__(self, pattern: str, root: Path, zone: ZoneInfo) -> None:
        try:
            pattern.format(partition="", start=ANY_TIME, end=ANY_TIME)
        except (AttributeError, IndexError, KeyError, ValueError) as error:
            raise SourceError(
                f"pattern {pattern!r} cannot be filled in: {type(error).__name__}: {error}; "
                "write {partition}, {start:%Y/%m/%d} or {end:…}, and braces that are meant twice"
            ) from error
        self._pattern = pattern
        self._root = root
        self._zone = zone

    def arrived(self, window: Window) -> bool:
        """Return whether there is a file for `window`; opens none."""
        return bool(self._find(window))

    def schema(self, window: Window) -> pa.Schema:
        """Return the schema that the files of `window` have together, strings as they come in batches.

        Raises
        ------
        PartitionMissing, SourceUnreadable, ColumnMismatch
        """
        return unify((str(path), encoded_schema(_schema(path))) for path in self._files(window))

    def batches(self, window: Window, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of `window` file by file and row group by row group, never a whole file at once.

        Every file is looked at before the first row is given: what is missing, damaged or
        does not fit raises here and not half way.

        Raises
        ------
        PartitionMissing, SourceUnreadable, ColumnMismatch
        """
        files = self._files(window)
        schema = unify(
            (str(path), select(encoded_schema(_schema(path)), columns, str(path))) for path in files
        )
        return (batch for path in files for batch in _stream(path, schema))

    def _path(self, window: Window) -> str:
        start, end = window.start.astimezone(self._zone), window.end.astimezone(self._zone)
        return self._pattern.format(partition=window.key, start=start, end=end)

    def _find(self, window: Window) -> list[Path]:
        named = self._path(window)
        found = [named]
        if not (self._root / named).exists():
            found = sorted(glob.glob(named, root_dir=self._root))  # noqa: PTH207 - Path.glob takes no absolute pattern
        return [file for name in found for file in files_at(self._root / name)]

    def _files(self, window: Window) -> list[Path]:
        files = self._find(window)
        if not files:
            raise PartitionMissing(
                f"{self._root / self._path(window)}: nothing there for partition {window.key}; "
                "run it again once the log has arrived, or correct the pattern in the declaration"
            )
        return files


def files_at(path: Path) -> list[Path]:
    """Return the Parquet files that a path names: itself, or those directly in it."""
    if path.is_dir():
        return sorted(path.glob("[!._]*.parquet"))
    return [] if path.name.startswith("_") else [path]  # Spark's _SUCCESS and the like are no data


def read_files(files: Sequence[Path]) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the schema that files have together, and their rows, row group by row group.

    Raises
    ------
    SourceUnreadable, ColumnMismatch
    """
    schema = unify((str(path), encoded_schema(_schema(path))) for path in files)
    return schema, (batch for path in files for batch in _stream(path, schema))


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def _stream(path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    try:
        with pa.OSFile(str(path)) as handle:
            footer = pq.ParquetFile(handle)
            texts = [
                field.name
                for field in footer.schema_arrow
                if field.name in schema.names and is_text(field.type)
            ]
            # Without pre_buffer, which would hold every row group of the file in memory.
            file = pq.ParquetFile(handle, metadata=footer.metadata, read_dictionary=texts, pre_buffer=False)
            for batch in file.iter_batches(batch_size=BATCH, columns=schema.names):
                if len(batch):
                    yield conform(batch, schema, str(path))
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> SourceUnreadable:
    reason = " ".join(str(error).split())  # some of Arrow's have several lines
    return SourceUnreadable(f"{path} is no readable Parquet file: {reason}; write it again")
