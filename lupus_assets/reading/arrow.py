"""Arrow columns as numpy arrays.

pyarrow imports pandas (1.5 s) inside ``to_numpy``, ``pa.array`` and ``pa.scalar``; the buffers themselves
are read and written instead.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
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
    """Return how a column of an Arrow type is profiled; None where it has no profile, as nested ones."""
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


COARSE = {"s": 1_000_000, "ms": 1_000}  # microseconds of a unit that reaches further than they do
LAST_MICROSECOND = 2**63 - 1
BOOLEANS = _texts("false", "true")


def _buffer(array: pa.Array, dtype: str) -> npt.NDArray[Any]:
    data = array.buffers()[1]
    if data is None or not len(array):
        return np.empty(0, dtype=dtype)
    return np.frombuffer(data, dtype=dtype, count=len(array) + array.offset)[array.offset :]


def _dtype(kind: pa.DataType) -> str:
    """Return numpy's name of an integer or float type; Arrow's own way may import pandas."""
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))


def absences(array: pa.Array) -> npt.NDArray[np.intp]:
    """Return where the nulls are, increasing."""
    bitmap = array.buffers()[0]
    if array.null_count == 0:
        return np.empty(0, np.intp)
    if bitmap is None:
        return np.arange(len(array))
    first, last = array.offset // 8, (array.offset + len(array) + 7) // 8
    octets = np.frombuffer(bitmap, np.uint8, last)[first:]
    # Few bytes hold a null: only those are taken apart.
    some = np.flatnonzero(octets != 0xFF)
    unset = np.flatnonzero(np.unpackbits(octets[some], bitorder="little") == 0)
    found = some[unset >> 3] * 8 + (unset & 7) - array.offset % 8
    return np.asarray(found[(found >= 0) & (found < len(array))])


def valid(array: pa.Array) -> npt.NDArray[np.bool_]:
    """Return which entries are not null."""
    present = np.ones(len(array), dtype=bool)
    present[absences(array)] = False
    return present


def numbers(array: pa.Array, column: str) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return ``(values, where the nulls are)`` of a numeric or boolean column, without copying if possible.

    Values are of the column's own type, booleans 0 and 1; whatever they are where they are null.

    Raises
    ------
    ColumnMismatch
        The column is no number.
    """
    kind = array.type
    if pa.types.is_boolean(kind):
        return bits(array), absences(array)
    plain = pa.types.is_integer(kind) or pa.types.is_float32(kind) or pa.types.is_float64(kind)
    if plain and array.buffers()[1] is not None:
        return _buffer(array, _dtype(kind)), absences(array)
    values, present = floats(array, column)
    return values, np.flatnonzero(~present)


def bits(array: pa.Array) -> npt.NDArray[np.uint8]:
    """Return a boolean column as 0 and 1; whatever they are where they are null."""
    data = array.buffers()[1]
    if data is None:
        return np.zeros(len(array), np.uint8)
    first = array.offset // 8
    octets = np.frombuffer(data, np.uint8)[first:]
    start = array.offset % 8
    return np.unpackbits(octets, count=start + len(array), bitorder="little")[start:]


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
        try:
            array = array.cast(pa.timestamp("us"))
        except pa.ArrowInvalid:  # whose text is the value
            raise _no_calendar(column, "days") from None
    if not pa.types.is_timestamp(array.type):
        raise _mismatch(column, array.type, "a timestamp", "timestamp[us, tz=UTC]")
    present = valid(array)
    if array.type.unit in COARSE and len(array.drop_null()):
        extremes = pc.min_max(array.cast(pa.int64())).as_py().values()
        if max(map(abs, extremes)) * COARSE[array.type.unit] > LAST_MICROSECOND:
            raise _no_calendar(column, "times")
    micros = array.cast(pa.timestamp("us", array.type.tz), safe=False)
    if array.type.tz is None:
        micros = pc.assume_timezone(micros, str(zone.key), ambiguous="earliest", nonexistent="latest")
    return _buffer(micros, "<i8").astype(np.int64), present


def words(array: pa.Array, column: str) -> tuple[pa.Array, npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return ``(distinct values, index of each row's value, where the nulls are)`` of a column of text.

    So does a boolean, integer or dictionary column. The index is whatever it is where a row is null.

    Raises
    ------
    ColumnMismatch
        The column is neither text nor something with an exact text form.
    """
    kind = array.type
    if pa.types.is_boolean(kind):
        return BOOLEANS, bits(array), absences(array)
    if not pa.types.is_dictionary(kind):
        if not _is_text(kind):
            if not (_spelt(kind) or pa.types.is_null(kind)):
                raise _mismatch(column, kind, "text", "string or bool")
            array = array.cast(pa.string())
        array = array.dictionary_encode()
    values = array.dictionary
    if not pa.types.is_string(values.type):
        values = values.cast(pa.string())
    index = _buffer(array.indices, _dtype(array.indices.type))
    absent = absences(array.indices)
    if values.null_count:  # a dictionary may spell null as a value of its own
        without = np.ones(len(array), dtype=bool)
        without[absent] = False
        without[without] = valid(values)[index[without]]
        absent = np.flatnonzero(~without)
    return values, index, absent


def levels(array: pa.Array, column: str) -> tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return ``(values, index of each row's value, valid)`` of a text, boolean, integer or dictionary column.

    Raises
    ------
    ColumnMismatch
        The column is neither text nor something with an exact text form.
    """
    values, places, absent = words(array, column)
    index = places.astype(np.int64)
    index[absent] = 0
    present = np.ones(len(array), dtype=bool)
    present[absent] = False
    return [_text(value) for value in values.to_pylist()], index, present


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _spelt(kind: pa.DataType) -> bool:
    """Return whether values of `kind` have one spelling each."""
    return bool(pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind))


def hashes(array: pa.Array, column: str, salt: bytes) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    """Return ``(salted hash of each row's value, valid)``; whatever it is where a row is null."""
    spelt = as_text(array)
    if _is_text(spelt.type):
        return string_hashes(spelt, salt), valid(spelt)
    values, index, absent = words(spelt, column)
    present = np.ones(len(array), dtype=bool)
    present[absent] = False
    each = np.append(string_hashes(values, salt), np.uint64(0))
    return each[np.where(present, index, len(values))], present


def as_text(array: pa.Array) -> pa.Array:
    """Return times and numbers spelt out, and what is text, or nothing that can be spelt, as it is."""
    if pa.types.is_date32(array.type) or pa.types.is_time32(array.type):
        array = array.cast(pa.int32())  # from which alone Arrow goes on to int64
    if pa.types.is_temporal(array.type):
        array = array.cast(pa.int64())
    return array.cast(pa.string()) if _spelt(array.type) else array


def string_hashes(array: pa.Array, salt: bytes) -> npt.NDArray[np.uint64]:
    """Return the salted hash of each string of an Arrow array; whatever it is where that is null."""
    bounds = _bounds(array)
    if bounds.size < 2:
        return np.zeros(len(array), np.uint64)
    data = array.buffers()[2]
    octets = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return hash_bytes(octets, bounds, seeds(salt))


def long_strings(array: pa.Array) -> npt.NDArray[np.bool_]:
    """Return which strings of an Arrow array have more than `LONG` bytes."""
    bounds = _bounds(array)
    return np.diff(bounds) > LONG if bounds.size else np.zeros(len(array), np.bool_)


def _bounds(array: pa.Array) -> npt.NDArray[Any]:
    """Return where each string begins, and the last ends; empty where there is none."""
    offsets = array.buffers()[1]
    if offsets is None or not len(array):
        return np.empty(0, np.int32)
    width = np.int64 if pa.types.is_large_string(array.type) else np.int32
    return np.frombuffer(offsets, width)[array.offset : array.offset + len(array) + 1]


def positions(at: npt.NDArray[np.intp]) -> pa.Array:
    """Return indices as Arrow wants them to take by."""
    return pa.Array.from_buffers(
        pa.int64(), at.size, [None, pa.py_buffer(np.ascontiguousarray(at, np.int64))]
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _no_calendar(column: str, what: str) -> ColumnMismatch:
    return ColumnMismatch(
        f"column {column!r} holds {what} that no calendar has; store it as timestamp[us, tz=UTC]"
    )


def _mismatch(column: str, kind: pa.DataType, wanted: str, remedy: str) -> ColumnMismatch:
    held = kind.value_type if pa.types.is_dictionary(kind) else kind
    return ColumnMismatch(
        f"column {column!r} is {held} where {wanted} is needed; store it as {remedy}, or declare another"
    )


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


def table_bytes(table: pa.Table, name: str) -> list[memoryview]:
    """Return a column of bytes of a table, not copied where it lies in one piece; it holds no nulls."""
    found = []
    for chunk in table[name].chunks:
        _, offsets, data = chunk.buffers()
        width = np.int64 if pa.types.is_large_binary(chunk.type) else np.int32
        bounds = np.frombuffer(offsets, width)[chunk.offset : chunk.offset + len(chunk) + 1].tolist()
        octets = memoryview(b"" if data is None else data)
        found += [octets[start:end] for start, end in pairwise(bounds)]
    return found


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
    """Return every `step`-th row of `batch`, from the first; dictionaries hold what these rows do."""
    taken = batch.take(positions(np.arange(0, batch.num_rows, step)))
    columns = [
        each.dictionary_decode().dictionary_encode().cast(each.type)
        if pa.types.is_dictionary(each.type)
        else each
        for each in taken
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema) if columns else taken


def at_least_one(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield `batches`, or one of no rows if there are none: every segment has a state, of whatever rows."""
    empty = True
    for batch in batches:
        empty = False
        yield batch
    if empty:
        yield pa.RecordBatch.from_arrays([pa.nulls(0, each.type) for each in schema], schema=schema)


def microseconds(moment: datetime) -> int:
    """Return the microseconds since the epoch of an aware `moment`."""
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
