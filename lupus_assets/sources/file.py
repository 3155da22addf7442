"""Parquet files of one partition, on a disk or in a bucket: their common schema, and their rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lupus_assets.errors import ColumnMismatch, ObjectMissing, SourceError, SourceUnreadable, StoreError
from lupus_assets.sources.column import conform, encoded_schema, is_text, own_entries, select, unify

WRITER_ZONE = b"writer.time.zone"  # Hive's, in the footer: it writes the times of this zone as UTC's
LONGEST_DICTIONARY = 1 << 20  # bytes: what parquet-cpp and parquet-java stop at if not told otherwise
BATCH = 1 << 17  # rows: 1 MiB of doubles, large enough that Python's share of a batch is nothing
MOST_VALUES = 1 << 25  # of a batch: 256 MiB of doubles, which 256 columns of so many rows have
READ_AHEAD = 1 << 16  # bytes of a column: page headers, and small pages; large ones are read past it
MOST_TEXT = 1 << 26  # bytes of text in a batch: rows of documents come fewer at a time


@dataclass(frozen=True)
class File:
    """One Parquet file.

    Attributes
    ----------
    where : str
        What messages call it.
    open : callable
        Opens it.
    remote : bool
        Whether every read is a question to a server, so that few large ones are better than many small.
    values : mapping of str to pyarrow.Scalar
        Columns that are the same in all its rows and not in the file, as partition columns of Hive are.
    """

    where: str
    open: Callable[[], pa.NativeFile]
    remote: bool = False
    values: Mapping[str, pa.Scalar] = field(default_factory=dict)


class Root(Protocol):
    """A place with folders of Parquet files."""

    def find(self, name: str) -> list[File]:
        """Return the files that a file, a directory or a glob names, in the order of their names.

        Raises
        ------
        SourceError
        """
        ...

    def shown(self, name: str) -> str:
        """Return what messages call `name`."""
        ...


def is_data(name: str) -> bool:
    """Return whether a file of this name holds rows; Spark's _SUCCESS, for example, does not."""
    return not name.startswith(("_", "."))


def schema_of(files: Sequence[File], columns: Sequence[str] | None = None) -> pa.Schema:
    """Return the common schema of files, of `columns` only if given; strings as in batches.

    Raises
    ------
    SourceError
    """
    return unify((file.where, _schema(file, columns)) for file in files)


def batches_of(files: Sequence[File], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the columns of `schema` file by file and row group by row group, never a whole file at once.

    Raises
    ------
    SourceError
    """
    return (batch for file in files for batch in _stream(file, schema))


def count_rows(files: Sequence[File]) -> int:
    """Return the number of rows by the footers of files; unreadable files count as empty."""
    return sum(map(_rows, files))


def _rows(file: File) -> int:
    try:
        with file.open() as handle:
            return int(pq.read_metadata(handle).num_rows)
    except (OSError, pa.ArrowException, StoreError):  # reading its rows says so
        return 0


def _schema(file: File, columns: Sequence[str] | None) -> pa.Schema:
    try:
        with file.open() as handle:
            stored = encoded_schema(pq.read_schema(handle))
    except (OSError, pa.ArrowException, StoreError) as error:
        raise unreadable(file.where, error) from error
    # Hive, too, says what the folder says where a file has a column of that name as well.
    own = [each for each in stored if each.name not in file.values]
    whole = pa.schema(own + [pa.field(name, value.type) for name, value in file.values.items()])
    return whole if columns is None else select(whole, columns, file.where)


def _stream(file: File, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    stored = pa.schema([each for each in schema if each.name not in file.values])
    try:
        with file.open() as handle:
            for batch in _read(handle, stored, file.where, remote=file.remote):
                if len(batch):
                    yield _with_values(conform(batch, stored, file.where), schema, file.values)
    except (OSError, pa.ArrowException, StoreError) as error:
        raise unreadable(file.where, error) from error


def _read(handle: pa.NativeFile, schema: pa.Schema, where: str, *, remote: bool) -> Iterator[pa.RecordBatch]:
    footer = pq.ParquetFile(handle)
    _require(schema.names, footer.schema_arrow.names, where)
    texts = [each.name for each in footer.schema_arrow if each.name in schema.names and is_text(each.type)]
    spread = _written_row_by_row(footer, texts)
    # What is buffered before is everything that one call of iter_batches reads: of a disk nothing, where it
    # would be the file, and of a server a row group, where it saves a question for every column. Without a
    # buffer size, Arrow would read each column of a row group whole, and a row group may be the file.
    file = pq.ParquetFile(
        handle,
        metadata=footer.metadata,
        read_dictionary=[name for name in texts if name not in spread],
        pre_buffer=remote,
        buffer_size=READ_AHEAD,
    )
    rows = min(_rows_at_once(footer, texts), MOST_VALUES // max(len(schema.names), 1))
    zone = (footer.metadata.metadata or {}).get(WRITER_ZONE, b"UTC").decode()
    shifted = _hive_times(footer, schema.names) if zone != "UTC" else []
    for groups in [[group] for group in range(file.num_row_groups)] if remote else [None]:
        for batch in file.iter_batches(batch_size=rows, row_groups=groups, columns=schema.names):
            yield _as_written(_by_row(batch, spread), shifted, zone)


def _require(columns: Sequence[str], held: Sequence[str], where: str) -> None:
    missing = [name for name in columns if name not in held]
    if missing:
        names = ", ".join(map(repr, missing))
        raise ColumnMismatch(
            f"{where} has no column {names}, as files beside it have; write it again, or leave it out"
        )


def _written_row_by_row(file: pq.ParquetFile, texts: Sequence[str]) -> list[str]:
    """Return the columns of `texts` that the first row group stores without a dictionary.

    It does so beyond 1 MiB; a row's place in a smaller one takes at most 4 bytes. Arrow would make one
    of each batch, row by row, which costs as much as bringing the rows of many batches together at once.
    """
    if not texts or not file.num_row_groups:
        return []
    group = file.metadata.row_group(0)
    chunks = {chunk.path_in_schema: chunk for chunk in map(group.column, range(group.num_columns))}
    most = LONGEST_DICTIONARY + 4 * group.num_rows
    return [
        name
        for name in texts
        if name in chunks and chunks[name].has_dictionary_page and chunks[name].total_uncompressed_size > most
    ]


def _rows_at_once(file: pq.ParquetFile, texts: Sequence[str]) -> int:
    """Return the rows of a batch: at most `BATCH`, and at most `MOST_TEXT` bytes of text."""
    widest = 0
    for group in map(file.metadata.row_group, range(file.num_row_groups)):
        chunks = map(group.column, range(group.num_columns)) if texts else ()
        held = sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema in texts)
        widest = max(widest, held // max(group.num_rows, 1))
    return max(1, min(BATCH, MOST_TEXT // max(widest, 1)))


def _by_row(batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
    """Return `batch` with one dictionary entry per row in some columns of text."""
    for name in columns:
        at = batch.schema.names.index(name)
        if pa.types.is_string(batch.schema.types[at]):
            batch = batch.set_column(at, name, own_entries(batch.column(at)))
    return batch


def _hive_times(file: pq.ParquetFile, columns: Sequence[str]) -> list[str]:
    """Return the columns that Hive wrote as instants; the others hold local clock times."""
    stored = (file.schema.column(index) for index in range(len(file.schema.names)))
    return [each.name for each in stored if each.physical_type == "INT96" and each.path in columns]


def _as_written(batch: pa.RecordBatch, columns: Sequence[str], zone: str) -> pa.RecordBatch:
    for name in columns:
        moments = pc.assume_timezone(batch[name], "UTC").cast(pa.timestamp("ns", zone))
        batch = batch.set_column(batch.schema.names.index(name), name, pc.local_timestamp(moments))
    return batch


def _with_values(batch: pa.RecordBatch, schema: pa.Schema, values: Mapping[str, pa.Scalar]) -> pa.RecordBatch:
    if not values or not schema.names:
        return batch
    columns = [
        pa.repeat(values[each.name], len(batch)).cast(each.type) if each.name in values else batch[each.name]
        for each in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def unreadable(where: str, error: Exception) -> SourceError:
    """Return the source error for a file at `where` that cannot be read."""
    reason = " ".join(str(error).split())  # some of Arrow's have several lines
    if isinstance(error, ObjectMissing):
        return SourceUnreadable(f"{where} was removed or replaced while it was read; run its partition again")
    if isinstance(error, StoreError):  # it says place and remedy, and nothing of the file itself
        return SourceError(reason)
    return SourceUnreadable(f"{where} is no readable Parquet file: {reason}; write it again")
