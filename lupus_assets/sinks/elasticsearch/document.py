"""Rows as documents of Elasticsearch: mappings, documents with their ids, and digests of rows."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from lupus_assets.records import Place
from lupus_assets.sinks.files.layout import stem_of
from lupus_assets.sinks.schema import SCHEMAS
from lupus_assets.sinks.word import SPOKEN, words

# What tells the rows of one place apart; the rest of the key is the place. Not here: profiles and references,
# which nobody searches.
KEYS: Mapping[str, tuple[str, ...]] = {
    "metrics": ("version", "segment", "family", "column_name", "metric"),
    "verdicts": ("version", "segment", "family", "column_name", "metric", "rule"),
    "comparisons": ("segment", "column_name", "metric"),
    "incidents": ("incident", "event", "column_name", "metric"),
}
HASH = 12  # bytes of each half of an id, and of a digest of rows
CACHED = 20_000  # times and keys of rows, which repeat from place to place

LONGEST_TERM = 8191  # characters: at four bytes each just below the 32,766 bytes that Lucene takes
KEYWORD = {"type": "keyword", "ignore_above": LONGEST_TERM}
FILTERED = {"type": "keyword", "doc_values": False}  # looked up, and neither sorted nor counted by
KINDS: Mapping[pa.DataType, Mapping[str, object]] = {
    pa.string(): KEYWORD,
    pa.bool_(): {"type": "boolean"},
    # Milliseconds in the index, for ranges and plots; the microseconds are in the document. Nanoseconds
    # would refuse every time before 1970.
    pa.timestamp("us"): {"type": "date", "format": "strict_date_optional_time"},
    # Ranges and plots read the column store; an index besides it would be half of all work.
    pa.int64(): {"type": "long", "index": False},
    pa.float64(): {"type": "double", "index": False},
}
SHOWN = {"type": "keyword", "index": False, "doc_values": False}  # read by people, in the document


def mapping(table: str) -> dict[str, Any]:
    """Return the strict mapping of an index of `table`."""
    properties: dict[str, Any] = {field.name: KINDS[field.type] for field in SCHEMAS[table]}
    properties |= {name: SHOWN for name in ("sentence", "reason") if name in properties}
    properties |= dict.fromkeys(("model", "team", "month"), KEYWORD)
    properties |= dict.fromkeys(("name", "place"), FILTERED)
    if "sentence" in properties:
        properties["words"] = FILTERED
    return {"dynamic": "strict", "properties": properties}


def place_id(table: str, place: Place) -> str:
    """Return the prefix of the ids of all rows of `place`, which keeps them together in the index."""
    return _hash(f"{table}\0{place.model}\0{stem_of(place)}")


def documents(table: str, place: Place, rows: pa.Table) -> Iterator[tuple[str, bytes]]:
    """Yield the id of every row of `place`, and its document as JSON.

    The same rows give the same ids and bytes. Rows whose keys are equal are told apart by their order.
    """
    prefix = place_id(table, place)
    columns = {name: _plain(column) for name, column in zip(rows.column_names, rows.columns, strict=True)}
    team, _, name = place.model.partition(".")
    around = {
        "model": place.model,
        "team": team,
        "name": name,
        "month": place.month,
        "place": stem_of(place),
    }
    seen: dict[tuple[Any, ...], int] = {}
    keys = zip(*(columns[name] for name in KEYS[table]), strict=True)
    spoken = [name for name in SPOKEN if name in columns] if "sentence" in columns else []
    names = list(columns)
    flags = columns.get("flagged")
    for at, (key, values) in enumerate(zip(keys, zip(*columns.values(), strict=True), strict=True)):
        ordinal = seen[key] = seen.get(key, -1) + 1
        document = dict(zip(names, values, strict=True)) | around
        if spoken and (flags is None or flags[at]):  # verdicts without an alarm are not searched by text
            document["words"] = words(" ".join(document[name] for name in spoken))
        yield prefix + _row_id(key, ordinal), orjson.dumps(document)


def values(table: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of `document`, times as naive UTC."""
    return {
        field.name: _time(document[field.name]) if pa.types.is_timestamp(field.type) else document[field.name]
        for field in SCHEMAS[table]
    }


def digest(rows: pa.Table) -> str:
    """Return a digest of the values of `rows` in their order, whatever their layout in Arrow."""
    found = hashlib.blake2b(digest_size=HASH)
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        found.update(f"{name} {len(array)} {array.null_count}".encode())
        if array.null_count:
            found.update(_bits(array.is_valid()))
            array = array.drop_null()  # what stands under a null is no value
        for part in _parts(array):
            found.update(part)
    return found.hexdigest()


def _parts(array: pa.Array) -> list[bytes | memoryview]:
    """Return the bytes of an array without nulls; by its buffers, as `to_numpy` would import pandas."""
    if not len(array):
        return []
    if pa.types.is_boolean(array.type):
        return [_bits(array)]
    _, first, *rest = array.buffers()
    if pa.types.is_string(array.type):
        offsets = np.frombuffer(first, np.int32, len(array) + 1, array.offset * 4)
        return [np.diff(offsets).tobytes(), memoryview(rest[0] or b"")[offsets[0] : offsets[-1]]]
    width = array.type.bit_width // 8
    return [memoryview(first)[array.offset * width : (array.offset + len(array)) * width]]


def _bits(array: pa.Array) -> bytes:
    bits = np.unpackbits(np.frombuffer(array.buffers()[1], np.uint8), bitorder="little")
    return np.packbits(bits[array.offset : array.offset + len(array)]).tobytes()


def _plain(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        return [None if at is None else _stamp(at) for at in column.cast(pa.int64()).to_pylist()]
    return column.to_pylist()  # type: ignore[no-any-return]


@lru_cache(CACHED)
def _stamp(microseconds: int) -> str:
    return f"{np.datetime64(microseconds, 'us')}Z"


@lru_cache(CACHED)
def _time(stamp: str | None) -> datetime | None:
    return None if stamp is None else datetime.fromisoformat(stamp[:-1])


@lru_cache(CACHED)
def _row_id(key: tuple[str, ...], ordinal: int) -> str:
    return _hash("\0".join([*key, str(ordinal)]))


def _hash(text: str) -> str:
    return urlsafe_b64encode(hashlib.blake2b(text.encode(), digest_size=HASH).digest()).decode()
