"""Rows of a path, an Arrow table or stream, or a data frame as Arrow batches."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import pyarrow as pa

from lupus_assets.errors import SourceUnreadable, UsageError
from lupus_assets.sources.column import conform, encoded_schema
from lupus_assets.sources.disk import Disk, files_at
from lupus_assets.sources.file import File, batches_of, count_rows, schema_of

FORMS = "a path, a pyarrow Table or RecordBatchReader, or a pandas or Polars DataFrame"
REMEDY = "give another file or folder"
INDEX = re.compile(r"__index_level_\d+__")  # the column name that pandas gives to an unnamed index
GLOB = re.compile(r"[*?\[]")


class ArrowStream(Protocol):
    """Rows with the Arrow C stream interface, as in pyarrow, pandas and Polars."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return a capsule of the stream."""
        ...


Data: TypeAlias = "str | Path | ArrowStream"


@dataclass(frozen=True)
class Rows:
    """Rows that can be read once.

    Attributes
    ----------
    name : str
        The name of the rows in messages.
    schema : pyarrow.Schema
        Strings are dictionary-encoded.
    batches : iterator of pyarrow.RecordBatch
    count : callable
        Returns the number of rows; 0 where it is unknown before the rows are read.
    """

    name: str
    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    count: Callable[[], int]


# Passes the batches of rows on, and may report progress.
Watch: TypeAlias = Callable[[Rows], Iterator[pa.RecordBatch]]


def unwatched(rows: Rows) -> Iterator[pa.RecordBatch]:
    """Return the batches without progress reports."""
    return rows.batches


def rows_of(data: Data, name: str = "data") -> Rows:
    """Return the rows of a file, a folder, a glob, an S3 address, an Arrow table or stream, or a frame.

    An unnamed pandas index that is not a range is left out.

    Parameters
    ----------
    data : str, Path, or an object with ``__arrow_c_stream__``
    name : str
        The name in messages of rows that are not from a file.

    Raises
    ------
    UsageError
        `data` has none of these types, or no Parquet file exists at the path.
    SourceError
    """
    if isinstance(data, str | os.PathLike):
        path = os.fspath(data)
        files = _files(path)
        schema = schema_of(files)
        return Rows(path, schema, batches_of(files, schema), lambda: count_rows(files))
    if not hasattr(data, "__arrow_c_stream__"):
        raise UsageError(f"{name} is a {_type(data)}; give {FORMS}")
    try:
        reader = pa.RecordBatchReader.from_stream(data)
    except (pa.ArrowException, TypeError, ValueError, NotImplementedError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{name} is a {_type(data)} that is no table ({reason}); give {FORMS}") from error
    repeated = {each for each in reader.schema.names if reader.schema.names.count(each) > 1}
    if repeated:
        raise UsageError(f"{name} has several columns {min(repeated)!r}; give each a name of its own")
    kept = [field for field in encoded_schema(reader.schema) if not INDEX.fullmatch(field.name)]
    schema = pa.schema(kept)
    return Rows(name, schema, _batches(reader, schema, name), lambda: _length(data))


def table_of(rows: Rows, watch: Watch = unwatched) -> pa.Table:
    """Return all rows as one table in memory."""
    return pa.Table.from_batches(watch(rows), rows.schema).unify_dictionaries()


def _batches(reader: pa.RecordBatchReader, schema: pa.Schema, name: str) -> Iterator[pa.RecordBatch]:
    try:
        for batch in reader:
            yield conform(batch, schema, name)
    except (pa.ArrowException, OSError) as error:
        raise SourceUnreadable(f"{name} cannot be read: {' '.join(str(error).split())}") from error


def _length(data: Any) -> int:
    return len(data) if hasattr(data, "__len__") else 0


def _type(data: object) -> str:
    kind = type(data)
    return (
        kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__.split('.')[0]} {kind.__name__}"
    )


def _files(path: str) -> list[File]:
    """Return the Parquet files of a path: a file, a folder, a glob or an S3 address."""
    if path.startswith("s3://"):
        from lupus_assets.installation import Installation

        root, name = Installation.from_environment(os.environ, Path()).folder(path)
        files = root.find(name)
        if not files:
            raise UsageError(f"{path} does not exist, {REMEDY}")
        return files
    if _exists(Path(path)):
        files = files_at(Path(path))
    elif GLOB.search(path):
        files = Disk(Path()).find(path)
    else:
        from lupus_assets.declare.mistake import missing

        raise missing(Path(path), REMEDY)
    if not files:
        raise UsageError(f"{path} holds no Parquet file, {REMEDY}")
    return files


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # the name is too long or contains a NUL: no such file can exist
        return False
