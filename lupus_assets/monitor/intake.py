"""Arrow columns as numpy arrays.

pyarrow imports pandas (1.5 s) inside ``to_numpy``; the buffers themselves are read instead.
"""

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
    if pa.types.is_boolean(array.type):
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
    if pa.types.is_date(array.type):
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
    if not pa.types.is_dictionary(array.type):
        kind = array.type
        if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
            array = array.cast(pa.string())
        elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise _mismatch(column, kind, "text", "string or bool")
        array = array.dictionary_encode()
    present = valid(array.indices)
    index = _buffer(array.indices.cast(pa.int64(), safe=False), "<i8").astype(np.int64)
    index[~present] = 0
    return [_text(value) for value in array.dictionary.to_pylist()], index, present


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


def table_integers(table: pa.Table, name: str) -> npt.NDArray[np.int64]:
    """Return a column of integers or times (as microseconds) of a table; it holds no nulls."""
    return _buffer(table[name].combine_chunks().cast(pa.int64()), "<i8").astype(np.int64)


def table_floats(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    """Return a column of numbers of a table; nulls become NaN."""
    array = pc.fill_null(table[name].combine_chunks().cast(pa.float64(), safe=False), float("nan"))
    return _buffer(array, "<f8").astype(np.float64)


def microseconds(moment: datetime) -> int:
    """Return the microseconds since the epoch of an aware `moment`."""
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
