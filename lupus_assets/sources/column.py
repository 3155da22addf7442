"""The columns that every source delivers: as requested, in that order, strings dictionary-encoded."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import numpy as np
import pyarrow as pa

from lupus_assets.errors import ColumnMismatch, SourceUnreadable

TEXT = pa.dictionary(pa.int32(), pa.string())


def is_text(kind: pa.DataType) -> bool:
    """Return whether `kind` is a string in any of Arrow's layouts, dictionary-encoded or not."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def encoded_schema(schema: pa.Schema) -> pa.Schema:
    """Return `schema` with every string as `TEXT`, and without metadata."""
    return pa.schema([pa.field(field.name, TEXT if is_text(field.type) else field.type) for field in schema])


def own_entries(texts: pa.Array) -> pa.Array:
    """Return an array of strings as `TEXT` with the array itself as the dictionary, repetitions included."""
    validity, offsets, data = texts.buffers()
    rows, start = len(texts), texts.offset
    places = pa.py_buffer(np.arange(-start, rows, dtype=np.int32))
    return pa.DictionaryArray.from_arrays(
        pa.Array.from_buffers(pa.int32(), rows, [validity, places], texts.null_count, start),
        pa.Array.from_buffers(pa.string(), rows, [None, offsets, data], 0, start),
        safe=False,
    )


def select(schema: pa.Schema, columns: Sequence[str], where: str) -> pa.Schema:
    """Return the `columns` of `schema`, in their order.

    Raises
    ------
    ColumnMismatch
        Some are missing; all of them are named, with the names that come closest.
    """
    missing = [name for name in columns if name not in schema.names]
    if missing:
        guesses = [f"{name!r}{_guess(name, schema.names)}" for name in missing]
        raise ColumnMismatch(
            f"{where} has no column {', '.join(guesses)}; "
            f"write a column that it has into the declaration: {', '.join(schema.names) or 'it has none'}"
        )
    return pa.schema([schema.field(name) for name in columns])


def _guess(name: str, names: Sequence[str]) -> str:
    close = get_close_matches(name, names, 2)
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""


def unify(schemas: Iterable[tuple[str, pa.Schema]]) -> pa.Schema:
    """Return the common schema of the pieces of a partition: null types and narrower numbers are widened.

    Raises
    ------
    ColumnMismatch
        A piece, named, has a type that does not go with the pieces before it.
    """
    unified = pa.schema([])
    for where, schema in schemas:
        try:
            unified = pa.unify_schemas([unified, schema], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise ColumnMismatch(
                f"{where} does not go with the files before it: {error}; write it again"
            ) from error
    return unified


def conform(batch: pa.RecordBatch, schema: pa.Schema, where: str) -> pa.RecordBatch:
    """Return the columns of `schema` from `batch`, cast without loss; `where` is named in errors.

    Raises
    ------
    SourceUnreadable
        A value does not fit. It is not repeated: it may be a key, or private.
    """
    if not schema.names:
        return batch.select([])  # which still knows how many rows it has
    return pa.RecordBatch.from_arrays(
        [_cast(batch[field.name], field, where) for field in schema], schema=schema
    )


def _cast(array: pa.Array, field: pa.Field, where: str) -> pa.Array:
    if array.type == field.type:
        return array
    try:
        if field.type == TEXT and not pa.types.is_dictionary(array.type):
            return array.cast(pa.string()).dictionary_encode()
        return array.cast(field.type)
    except pa.ArrowException:
        problem = f"{where} has values of {array.type} in column {field.name!r} that no {field.type} can be"
    # Raised out here: within, Arrow's error would hang on it, and its text is the value.
    raise SourceUnreadable(f"{problem}, as the others are; give every batch the same types")
