"""Arrow columns as numpy arrays.

pyarrow imports pandas (1.5 s) inside ``to_numpy``, ``pa.array`` and ``pa.scalar``; the buffers themselves
are read and written instead.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lupus_assets.errors import ColumnMismatch
from lupus_assets.stats.category import hash_values


def _buffer(array: pa.Array, dtype: str) -> npt.NDArray[np.generic]:
    data = array.buffers()[1]
    if data is None or not len(array):
        return np.empty(0, dtype=dtype)
    return np.frombuffer(data, dtype=dtype, count=len(array) + array.offset)[array.offset :]


def valid(array: pa.Array) -> npt.NDArray[np.bool_]:
    """Return which entries are not null."""
    bitmap = array.buffers()[0]
    if array.null_count == 0 or bitmap is None:
        return np.full(len(array), array.null_count == 0)
    bits = np.unpackbits(np.frombuffer(bitmap, dtype=np.uint8), bitorder="little")
    return bits[array.offset : array.offset + len(array)].astype(bool)


def floats(array: pa.Array, column: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return ``(values, valid)`` of a numeric or boolean column; null entries hold NaN.

    Raises
    ------
    ColumnMismatch
        The column is no number.
    """
    if pa.types.is_boolean(array.type) or pa.types.is_null(array.type):
        array = array.cast(pa.int8())
    if not (
        pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type)
    ):
        raise _mismatch(column, array.type, "a number", "int or double")
    present = valid(array)
    values = _buffer(array.cast(pa.float64(), safe=False), "<f8").astype(np.float64)
    values[~present] = np.nan
    return values, present


def instants(
    array: pa.Array, column: str, zone: ZoneInfo
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return ``(microseconds since the epoch in UTC, valid)`` of a timestamp or date column.

    Naive times are in `zone`; an hour that a daylight-saving change repeats is its first occurrence,
    one that it skips moves forward.

    Raises
    ------
    ColumnMismatch
        The column is no timestamp.
    """
    if pa.types.is_date(array.type) or pa.types.is_null(array.type):
        array = array.cast(pa.timestamp("us"))
    if not pa.types.is_timestamp(array.type):
        raise _mismatch(column, array.type, "a timestamp", "timestamp[us, tz=UTC]")
    present = valid(array)
    micros = array.cast(pa.timestamp("us", array.type.tz), safe=False)
    if array.type.tz is None:
        micros = pc.assume_timezone(micros, str(zone.key), ambiguous="earliest", nonexistent="latest")
    return _buffer(micros, "<i8").astype(np.int64), present


def levels(array: pa.Array, column: str) -> tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return ``(values, index of each row's value, valid)`` of a text, boolean, integer or dictionary column.

    Raises
    ------
    ColumnMismatch
        The column is neither text nor something with an exact text form.
    """
    kind = array.type
    if not pa.types.is_dictionary(kind):
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            if not (_spelt(kind) or pa.types.is_null(kind)):
                raise _mismatch(column, kind, "text", "string or bool")
            array = array.cast(pa.string())
        array = array.dictionary_encode()
    present = valid(array.indices)
    index = _buffer(array.indices.cast(pa.int64(), safe=False), "<i8").astype(np.int64)
    index[~present] = 0
    return [_text(value) for value in array.dictionary.to_pylist()], index, present


def _spelt(kind: pa.DataType) -> bool:
    """Return whether values of `kind` have one spelling each."""
    return bool(pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind))


def hashes(array: pa.Array, column: str, salt: bytes) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    """Return ``(salted hash of each row's value, valid)``; only distinct values of a batch are hashed."""
    if pa.types.is_temporal(array.type):
        array = array.cast(pa.int64())
    values, index, present = levels(array, column)
    table = hash_values(values or [""], salt)
    return table[index], present


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _mismatch(column: str, kind: pa.DataType, wanted: str, remedy: str) -> ColumnMismatch:
    return ColumnMismatch(f"column {column!r} is {kind} where {wanted} is needed; store it as {remedy}")


def integers(array: pa.Array) -> npt.NDArray[np.int64]:
    """Return an array of integers, times or booleans that holds no nulls."""
    return _buffer(array.cast(pa.int64()), "<i8").astype(np.int64)


def table_integers(table: pa.Table, name: str) -> npt.NDArray[np.int64]:
    """Return a column of integers, times (as microseconds) or booleans of a table; it holds no nulls."""
    return integers(table[name].combine_chunks())


def table_levels(table: pa.Table, name: str) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return ``(values, index of each row's value)`` of a column of text of a table; it holds no nulls."""
    encoded = table[name].combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), integers(encoded.indices)


def table_floats(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    """Return a column of numbers of a table; nulls become NaN."""
    return floats(table[name].combine_chunks(), name)[0]


def is_in(table: pa.Table, name: str, wanted: Collection[str]) -> npt.NDArray[np.bool_]:
    """Return which rows of `table` hold one of `wanted` in a column of text."""
    names, index = table_levels(table, name)
    return np.array([each in wanted for each in names], dtype=bool)[index]


def comparable(metrics: pa.Table, reference: str) -> npt.NDArray[np.bool_]:
    """Return which rows of the table ``metrics`` are about all versions and measured against `reference`."""
    return is_in(metrics, "version", {"*"}) & is_in(metrics, "reference", {reference})


def rows_where(table: pa.Table, kept: npt.NDArray[np.bool_]) -> pa.Table:
    """Return the rows of `table` that are `kept`."""
    bits = pa.py_buffer(np.packbits(kept, bitorder="little"))
    return table.filter(pa.Array.from_buffers(pa.bool_(), len(kept), [None, bits]))


def every(batch: pa.RecordBatch, step: int) -> pa.RecordBatch:
    """Return every `step`-th row of `batch`, from the first."""
    at = np.arange(0, batch.num_rows, step, dtype=np.int64)
    return batch.take(pa.Array.from_buffers(pa.int64(), at.size, [None, pa.py_buffer(at)]))


def microseconds(moment: datetime) -> int:
    """Return the microseconds since the epoch of an aware `moment`."""
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
