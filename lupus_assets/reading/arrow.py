"""Arrow columns as numpy arrays.

pyarrow imports pandas (1.5 s) in ``to_numpy``, ``pa.array`` and ``pa.scalar``; the functions here read and
write the buffers directly.
"""

from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lupus_assets.errors import ColumnMismatch
from lupus_assets.stats.siphash import LONG, hash_bytes, seeds

Kind = Literal["numeric", "categorical", "timestamp", "identity"]


def natural_kind(kind: pa.DataType) -> Kind | None:
    """Return the kind of profile of an Arrow type; None for types without one, such as nested types."""
    if pa.types.is_dictionary(kind):
        return natural_kind(kind.value_type)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind):
        return "categorical"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "numeric"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "timestamp"
    return None


def _texts(*values: str) -> pa.Array:
    data = "".join(values).encode()
    bounds = np.cumsum([0, *map(len, values)], dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), len(values), [None, pa.py_buffer(bounds), pa.py_buffer(data)])


COARSE_UNITS = {"s": 1_000_000, "ms": 1_000}  # in microseconds; their range exceeds that of microseconds
LAST_MICROSECOND = 2**63 - 1
BOOLEANS = _texts("false", "true")


def buffer_of(array: pa.Array, dtype: str) -> npt.NDArray[Any]:
    """Return the values of a fixed-width array without a copy; those of null rows are undefined."""
    data = array.buffers()[1]
    if data is None or not len(array):
        return np.empty(0, dtype=dtype)
    return np.frombuffer(data, dtype=dtype, count=len(array) + array.offset)[array.offset :]


def _dtype(kind: pa.DataType) -> str:
    """Return the numpy name of an integer or float type; ``to_pandas_dtype`` may import pandas."""
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))


def absences(array: pa.Array) -> npt.NDArray[np.intp]:
    """Return the row numbers of the nulls, increasing."""
    bitmap = array.buffers()[0]
    if array.null_count == 0:
        return np.empty(0, np.intp)
    if bitmap is None:
        return np.arange(len(array))
    first, last = array.offset // 8, (array.offset + len(array) + 7) // 8
    octets = np.frombuffer(bitmap, np.uint8, last)[first:]
    # Few bytes hold a null: only those are unpacked.
    with_null = np.flatnonzero(octets != 0xFF)
    unset = np.flatnonzero(np.unpackbits(octets[with_null], bitorder="little") == 0)
    nulls = with_null[unset >> 3] * 8 + (unset & 7) - array.offset % 8
    return np.asarray(nulls[(nulls >= 0) & (nulls < len(array))])


def valid(array: pa.Array) -> npt.NDArray[np.bool_]:
    """Return a mask of the entries that are not null."""
    present = np.ones(len(array), dtype=bool)
    present[absences(array)] = False
    return present


def numbers(array: pa.Array, column: str) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return ``(values, row numbers of the nulls)`` of a numeric or boolean column, uncopied if possible.

    Values keep the column's type, booleans are 0 and 1; undefined at null rows.

    Raises
    ------
    ColumnMismatch
        The column is not numeric.
    """
    kind = array.type
    if pa.types.is_boolean(kind):
        return bits(array), absences(array)
    plain = pa.types.is_integer(kind) or pa.types.is_float32(kind) or pa.types.is_float64(kind)
    if plain and array.buffers()[1] is not None:
        return buffer_of(array, _dtype(kind)), absences(array)
    values, present = floats(array, column)
    return values, np.flatnonzero(~present)


def bits(array: pa.Array) -> npt.NDArray[np.uint8]:
    """Return a boolean column as 0 and 1; undefined at null rows."""
    data = array.buffers()[1]
    if data is None:
        return np.zeros(len(array), np.uint8)
    first = array.offset // 8
    octets = np.frombuffer(data, np.uint8)[first:]
    start = array.offset % 8
    return np.unpackbits(octets, count=start + len(array), bitorder="little")[start:]


def floats(array: pa.Array, column: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return ``(values, valid)`` of a numeric or boolean column; NaN at null rows.

    Raises
    ------
    ColumnMismatch
        The column is not numeric.
    """
    if pa.types.is_boolean(array.type) or pa.types.is_null(array.type):
        array = array.cast(pa.int8())
    if not (
        pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type)
    ):
        raise _mismatch(column, array.type, "a number", "int or double")
    present = valid(array)
    values = buffer_of(array.cast(pa.float64(), safe=False), "<f8").astype(np.float64)
    values[~present] = np.nan
    return values, present


def instants(
    array: pa.Array, column: str, zone: ZoneInfo
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return ``(microseconds since the epoch in UTC, valid)`` of a timestamp or date column.

    Naive times are in `zone`. Where a daylight-saving change repeats an hour, its first occurrence is taken;
    a skipped time moves forward.

    Raises
    ------
    ColumnMismatch
        The column is not a timestamp or date, or a value is out of the range of microseconds.
    """
    if pa.types.is_date(array.type) or pa.types.is_null(array.type):
        try:
            array = array.cast(pa.timestamp("us"))
        except pa.ArrowInvalid:  # its text holds the value
            raise _no_calendar(column, "days") from None
    if not pa.types.is_timestamp(array.type):
        raise _mismatch(column, array.type, "a timestamp", "timestamp[us, tz=UTC]")
    present = valid(array)
    if array.type.unit in COARSE_UNITS and len(array.drop_null()):
        extremes = pc.min_max(array.cast(pa.int64())).as_py().values()
        if max(map(abs, extremes)) * COARSE_UNITS[array.type.unit] > LAST_MICROSECOND:
            raise _no_calendar(column, "times")
    micros = array.cast(pa.timestamp("us", array.type.tz), safe=False)
    if array.type.tz is None:
        micros = pc.assume_timezone(micros, str(zone.key), ambiguous="earliest", nonexistent="latest")
    return buffer_of(micros, "<i8").astype(np.int64), present


def words(array: pa.Array, column: str) -> tuple[pa.Array, npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return ``(dictionary, index of each row's value, row numbers of the nulls)`` of a categorical column.

    The column holds text, booleans, numbers, or a dictionary of text. The index is undefined at null rows.

    Raises
    ------
    ColumnMismatch
        The column is neither text nor of a type with an exact text form.
    """
    kind = array.type
    if pa.types.is_boolean(kind):
        return BOOLEANS, bits(array), absences(array)
    if not pa.types.is_dictionary(kind):
        if not _is_text(kind):
            if not (_has_text_form(kind) or pa.types.is_null(kind)):
                raise _mismatch(column, kind, "text", "string or bool")
            array = array.cast(pa.string())
        array = array.dictionary_encode()
    values = array.dictionary
    if not pa.types.is_string(values.type):
        values = values.cast(pa.string())
    index = buffer_of(array.indices, _dtype(array.indices.type))
    absent = absences(array.indices)
    if values.null_count:  # the dictionary may contain null as a value
        without = np.ones(len(array), dtype=bool)
        without[absent] = False
        without[without] = valid(values)[index[without]]
        absent = np.flatnonzero(~without)
    return values, index, absent


def levels(array: pa.Array, column: str) -> tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return ``(values, index of each row's value, valid)`` of a categorical column, as Python strings.

    The index is 0 at null rows.

    Raises
    ------
    ColumnMismatch
        The column is neither text nor of a type with an exact text form.
    """
    values, places, absent = words(array, column)
    index = places.astype(np.int64)
    index[absent] = 0
    present = np.ones(len(array), dtype=bool)
    present[absent] = False
    return [_text(value) for value in values.to_pylist()], index, present


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _has_text_form(kind: pa.DataType) -> bool:
    """Return whether each value of `kind` has exactly one text form."""
    return bool(pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind))


def hashes(array: pa.Array, column: str, salt: bytes) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    """Return ``(salted hash of each row's value, valid)``; the hash is undefined at null rows."""
    text = as_text(array)
    if _is_text(text.type):
        return string_hashes(text, salt), valid(text)
    values, index, absent = words(text, column)
    present = np.ones(len(array), dtype=bool)
    present[absent] = False
    of_values = np.append(string_hashes(values, salt), np.uint64(0))
    return of_values[np.where(present, index, len(values))], present


def as_text(array: pa.Array) -> pa.Array:
    """Return times, numbers and booleans as text (times as integers); other types unchanged."""
    if pa.types.is_date32(array.type) or pa.types.is_time32(array.type):
        array = array.cast(pa.int32())  # Arrow casts these types to int64 only from int32
    if pa.types.is_temporal(array.type):
        array = array.cast(pa.int64())
    return array.cast(pa.string()) if _has_text_form(array.type) else array


def string_hashes(array: pa.Array, salt: bytes) -> npt.NDArray[np.uint64]:
    """Return the salted hash of each string of an Arrow array; undefined at nulls."""
    bounds = _bounds(array)
    if bounds.size < 2:
        return np.zeros(len(array), np.uint64)
    data = array.buffers()[2]
    octets = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return hash_bytes(octets, bounds, seeds(salt))


def long_strings(array: pa.Array) -> npt.NDArray[np.bool_]:
    """Return a mask of the strings of an Arrow array with more than `LONG` bytes."""
    bounds = _bounds(array)
    return np.diff(bounds) > LONG if bounds.size else np.zeros(len(array), np.bool_)


def _bounds(array: pa.Array) -> npt.NDArray[Any]:
    """Return the byte offset of each string, and the end of the last; empty for no strings."""
    offsets = array.buffers()[1]
    if offsets is None or not len(array):
        return np.empty(0, np.int32)
    width = np.int64 if pa.types.is_large_string(array.type) else np.int32
    return np.frombuffer(offsets, width)[array.offset : array.offset + len(array) + 1]


def positions(at: npt.NDArray[np.intp]) -> pa.Array:
    """Return row numbers as an Arrow array, for ``take``."""
    return pa.Array.from_buffers(
        pa.int64(), at.size, [None, pa.py_buffer(np.ascontiguousarray(at, np.int64))]
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _no_calendar(column: str, things: str) -> ColumnMismatch:
    return ColumnMismatch(
        f"column {column!r} holds {things} that no calendar has; store it as timestamp[us, tz=UTC]"
    )


def _mismatch(column: str, kind: pa.DataType, needed: str, remedy: str) -> ColumnMismatch:
    actual = kind.value_type if pa.types.is_dictionary(kind) else kind
    return ColumnMismatch(
        f"column {column!r} is {actual} where {needed} is needed; store it as {remedy}, or declare another"
    )
