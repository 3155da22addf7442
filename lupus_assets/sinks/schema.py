"""The Arrow schema of every table, derived from its row class, and the conversion of rows to it."""

import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from operator import attrgetter
from types import NoneType
from typing import Any, get_args, get_type_hints

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.errors import StoreError
from lupus_assets.records import TABLES, Row

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def _texts(values: Sequence[Any]) -> list[Any]:
    whole = "".join(values)
    if not whole.isascii():
        return _blobs([value.encode() for value in values])
    return [_offsets(values), whole.encode()]


def _blobs(values: Sequence[Any]) -> list[Any]:
    return [_offsets(values), b"".join(values)]


def _offsets(values: Sequence[Any]) -> npt.NDArray[np.int32]:
    offsets = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, values), np.int64, len(values)), out=offsets[1:])
    if offsets[-1] > np.iinfo(np.int32).max:
        raise ValueError("more than 2 GiB in one column of one place")
    return offsets.astype(np.int32)


def _integers(values: Sequence[Any]) -> list[Any]:
    return [array("q", values)]


def _floats(values: Sequence[Any]) -> list[Any]:
    if not all(map(math.isfinite, values)):
        odd = next(value for value in values if not math.isfinite(value))
        raise ValueError(f"{odd} is no number, write None and the reason")
    return [array("d", values)]


def _booleans(values: Sequence[Any]) -> list[Any]:
    for value in values:
        if not isinstance(value, bool | np.bool_):
            raise TypeError(f"{value!r} is no truth value")
    return [np.packbits(np.array(values, dtype=bool), bitorder="little")]


def _times(values: Sequence[Any]) -> list[Any]:
    # A difference to an aware epoch is exact, knows the second 01:30 of an autumn night, and refuses
    # naive times.
    return [array("q", [(value - EPOCH) // MICROSECOND for value in values])]


@dataclass(frozen=True)
class _Kind:
    arrow: pa.DataType
    filler: object  # what stands under a null
    encode: Callable[[Sequence[Any]], list[Any]]


# Buffers, not `pa.array`, which imports pandas (1.5 s) and lets NaN and naive times pass.
KINDS: dict[type, _Kind] = {
    str: _Kind(pa.string(), "", _texts),
    bytes: _Kind(pa.binary(), b"", _blobs),
    int: _Kind(pa.int64(), 0, _integers),
    float: _Kind(pa.float64(), 0.0, _floats),
    bool: _Kind(pa.bool_(), False, _booleans),
    datetime: _Kind(pa.timestamp("us"), EPOCH, _times),
}


def _columns(row_class: type[Row]) -> dict[str, tuple[_Kind, bool]]:
    columns = {}
    for name, annotation in get_type_hints(row_class).items():
        options = get_args(annotation) or (annotation,)
        (kind,) = (option for option in options if option is not NoneType)
        columns[name] = KINDS[kind], NoneType in options
    return columns


COLUMNS = {table: _columns(row_class) for table, row_class in TABLES.items()}

SCHEMAS: dict[str, pa.Schema] = {
    table: pa.schema([pa.field(name, kind.arrow, nullable) for name, (kind, nullable) in columns.items()])
    for table, columns in COLUMNS.items()
}


def schema_of(table: str, columns: Sequence[str] | None = None) -> pa.Schema:
    """Return the schema of `table`, or of those of its `columns`, in their order.

    Raises
    ------
    StoreError
        There is no such table or column.
    """
    if table not in SCHEMAS:
        raise StoreError(f"no table {table!r}; the tables are {', '.join(SCHEMAS)}")
    schema = SCHEMAS[table]
    if columns is None:
        return schema
    for name in columns:
        if name not in schema.names:
            close = get_close_matches(name, schema.names, 1) or schema.names
            raise StoreError(f"{table} has no column {name!r}; did you mean {' or '.join(close)}?")
    return pa.schema([schema.field(name) for name in columns])


def to_table(table: str, rows: Sequence[Row]) -> pa.Table:
    """Return `rows` as an Arrow table with the schema of `table`, in their order; times become naive UTC.

    Raises
    ------
    StoreError
        A row is of another table, a value does not fit its column, a number is NaN or
        infinite (undefined is None), a time is naive.
    """
    schema = schema_of(table)
    for row in rows:
        if type(row) is not TABLES[table]:
            raise StoreError(f"{table} holds {TABLES[table].__name__}, not {type(row).__name__}")
    arrays = [_array(table, name, list(map(attrgetter(name), rows))) for name in schema.names]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(table: str, name: str, values: list[Any]) -> pa.Array:
    kind, nullable = COLUMNS[table][name]
    nulls = values.count(None)
    validity = None
    if nulls:
        if not nullable:
            raise StoreError(f"{table}.{name} is None in {nulls} of {len(values)} rows; it needs a value")
        validity = pa.py_buffer(np.packbits([value is not None for value in values], bitorder="little"))
        values = [kind.filler if value is None else value for value in values]
    try:
        buffers = kind.encode(values)
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise StoreError(f"{table}.{name} cannot be stored as {kind.arrow}: {error}") from error
    return pa.Array.from_buffers(
        kind.arrow, len(values), [validity, *(pa.py_buffer(buffer) for buffer in buffers)], nulls
    )


def conform(found: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return `found` with the columns of `schema`: missing columns are null, unknown ones are dropped.

    Raises
    ------
    pyarrow.ArrowInvalid
        A column that must have values is missing, or a type does not convert.
    """
    if found.schema.equals(schema):
        return found
    missing = [field.name for field in schema if field.name not in found.column_names and not field.nullable]
    if missing:
        raise pa.ArrowInvalid(f"column {missing[0]!r} is missing")
    return pa.Table.from_arrays(
        [
            found[field.name].cast(field.type)
            if field.name in found.column_names
            else pa.nulls(len(found), field.type)
            for field in schema
        ],
        schema=schema,
    )
