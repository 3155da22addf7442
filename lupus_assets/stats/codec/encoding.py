"""Serialisation of states."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.codec.content import DTYPES, MOST
from lupus_assets.stats.codec.format import (
    CHECKSUM,
    DEEPEST,
    LENGTH,
    MAGIC,
    PREFIX,
    STATES,
    VERSION,
    checksum,
)

LEVEL = 6  # of zlib; fixed, since the bytes depend on it
TREE = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
PLAIN = frozenset({type(None), bool, int, float, str})  # types encoded as themselves in a tree
TEXTS = frozenset({type(None), str})


def to_bytes(state: object) -> bytes:
    """Serialise a state of `STATES`.

    Raises
    ------
    StateError
        If `state` is of no class in `STATES`, has a value that the format cannot encode, or exceeds the size
        or nesting that `from_bytes` reads.
    """
    arrays: list[bytes] = []
    tree = TREE.encode(_encode(state, arrays)).encode()
    size = LENGTH.size + len(tree) + sum(map(len, arrays))
    if size > MOST:
        raise StateError(
            f"a {type(state).__name__} takes {size:,} bytes, at most {MOST:,} are possible;"
            " declare fewer columns or segments"
        )
    prefix = PREFIX.pack(MAGIC, VERSION)
    packed = zlib.compress(b"".join([LENGTH.pack(len(tree)), tree, *arrays]), LEVEL)
    return b"".join([prefix, CHECKSUM.pack(checksum(prefix, packed)), packed])


def _encode(value: Any, arrays: list[bytes], deeper: int = DEEPEST) -> Any:
    kind = type(value)
    if kind in PLAIN or isinstance(value, int | float | str):
        return value
    if isinstance(value, np.ndarray) and _little(value.dtype).str in DTYPES:
        return _array(value, arrays)
    if isinstance(value, np.generic):
        return value.item()
    if not deeper:
        raise StateError(f"a state is nested in more than {DEEPEST} levels")
    if kind is STATES.get(kind.__name__):
        return [
            kind.__name__,
            {name: _encode(getattr(value, name), arrays, deeper - 1) for name in _fields(kind.__name__)},
        ]
    if isinstance(value, tuple):
        if value and TEXTS.issuperset(map(type, value)):
            texts = TREE.encode(value).encode()
            arrays.append(texts)
            return ["texts", len(texts)]
        return ["tuple", *[_encode(item, arrays, deeper - 1) for item in value]]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return ["dict", {key: _encode(item, arrays, deeper - 1) for key, item in value.items()}]
    if isinstance(value, bytes):
        arrays.append(value)
        return ["bytes", len(value)]
    raise StateError(f"a {kind.__name__} has no place in a state; list its class in codec.format.STATES")


@cache
def _fields(name: str) -> tuple[str, ...]:
    return tuple(field.name for field in fields(STATES[name]) if field.init)


def _array(value: NDArray[Any], arrays: list[bytes]) -> list[Any]:
    gaps = value.ndim == 1 and value.dtype.kind in "iu" and bool((value[1:] >= value[:-1]).all())
    flat = little = np.ascontiguousarray(value, _little(value.dtype))
    if gaps:
        flat = little.copy()
        flat[1:] -= little[:-1]
        flat[:1] = 0
    width = _width(flat)
    narrow = flat if width == flat.itemsize else flat.astype(f"<u{width}")
    arrays.append(_planes(narrow.reshape(-1), width))
    first = gaps and (int(little[0]) if little.size else 0)
    return ["array", little.dtype.str, list(value.shape), first, width]


def _width(flat: NDArray[Any]) -> int:
    """Return the bytes per number; floats and arrays with negative integers keep their item size."""
    if flat.dtype.kind not in "iu" or not flat.size or flat.min() < 0:
        return flat.itemsize
    most = int(flat.max())
    return min(flat.itemsize, next(width for width in (1, 2, 4, 8) if most < 1 << 8 * width))


@cache
def _little(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype.newbyteorder("<")


def _planes(flat: NDArray[Any], size: int) -> bytes:
    return flat.view(np.uint8).reshape(-1, size).T.tobytes()
