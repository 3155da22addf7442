"""Arrow tables, and streams of batches."""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.reading.arrow import buffer_of, floats, positions


def integers(array: pa.Array) -> npt.NDArray[np.int64]:
    """Return an array of integers, times or booleans without nulls as int64."""
    return buffer_of(array.cast(pa.int64()), "<i8").astype(np.int64)


def table_integers(table: pa.Table, name: str) -> npt.NDArray[np.int64]:
    """Return a table's column of integers, times (in its unit) or booleans without nulls as int64."""
    return integers(table[name].combine_chunks())


def table_levels(table: pa.Table, name: str) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return ``(values, index of each row's value)`` of a table's text column without nulls."""
    encoded = table[name].combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), integers(encoded.indices)


def table_floats(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    """Return a table's numeric column as float64; NaN at null rows."""
    return floats(table[name].combine_chunks(), name)[0]


def table_bytes(table: pa.Table, name: str) -> list[memoryview]:
    """Return the values of a table's binary column without nulls, as views of its buffers."""
    values = []
    for chunk in table[name].chunks:
        _, offsets, data = chunk.buffers()
        width = np.int64 if pa.types.is_large_binary(chunk.type) else np.int32
        bounds = np.frombuffer(offsets, width)[chunk.offset : chunk.offset + len(chunk) + 1].tolist()
        octets = memoryview(b"" if data is None else data)
        values += [octets[start:end] for start, end in pairwise(bounds)]
    return values


def is_in(table: pa.Table, name: str, values: Collection[str]) -> npt.NDArray[np.bool_]:
    """Return a mask of the rows of `table` with one of `values` in the text column `name`."""
    distinct, index = table_levels(table, name)
    return np.array([value in values for value in distinct], dtype=bool)[index]


def comparable(metrics: pa.Table, reference: str) -> npt.NDArray[np.bool_]:
    """Return a mask of the rows of the table ``metrics`` for all versions and against `reference`."""
    return is_in(metrics, "version", {"*"}) & is_in(metrics, "reference", {reference})


def rows_where(table: pa.Table, kept: npt.NDArray[np.bool_]) -> pa.Table:
    """Return the rows of `table` where the mask `kept` is True."""
    bits = pa.py_buffer(np.packbits(kept, bitorder="little"))
    return table.filter(pa.Array.from_buffers(pa.bool_(), len(kept), [None, bits]))


def microseconds(moment: datetime) -> int:
    """Return the microseconds since the epoch of an aware `moment`."""
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def every(batch: pa.RecordBatch, step: int) -> pa.RecordBatch:
    """Return every `step`-th row of `batch`, from the first; dictionaries are reduced to these rows."""
    taken = batch.take(positions(np.arange(0, batch.num_rows, step)))
    columns = [
        column.dictionary_decode().dictionary_encode().cast(column.type)
        if pa.types.is_dictionary(column.type)
        else column
        for column in taken
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema) if columns else taken


def at_least_one(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield `batches`, or one batch without rows if there are none: segments have a state in any case."""
    empty = True
    for batch in batches:
        empty = False
        yield batch
    if empty:
        yield pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)
