"""States as bytes: the same state gives the same bytes, and they give the same state.

::

    b"LUPS" | format version, uint16 | zlib( length of the tree, uint32 | tree | arrays )

The tree is JSON. Numbers, strings and None are themselves; everything else is a list that
begins with what it is: ``["Moments", {"n": 3, …}]`` for a state, ``["tuple", …]``,
``["dict", {…}]``, ``["bytes", length]`` or ``["array", dtype, shape, gaps, width]``, the last two
with their content among the arrays, in the order of the tree. Python writes the shortest decimal
that reads back as the same float, inf and -0.0 included.

Arrays are little-endian and stored by byte plane: all lowest bytes, then all second ones.
Sorted integers are stored as the gaps between them, and integers that are not negative in as many
bytes as the largest needs (from format 2 on): a histogram of 3,000 bins takes about 4 KB.
"""

import json
import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.association import Association
from lupus_assets.stats.category import Categories
from lupus_assets.stats.column import CategoricalColumn, IdentityColumn, NumericColumn, TimestampColumn
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.frozen import Reference
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.joint import Calibration, Confusion, Decisions, ErrorSums, ScoreLabel
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.profile import Profile, RowCounts
from lupus_assets.stats.ranking import Ranking, RankMoments
from lupus_assets.stats.reference import CategoricalReference, NumericReference
from lupus_assets.stats.residual import Residual
from lupus_assets.stats.surrogate import (
    CategoricalEncoder,
    Design,
    NormalEquations,
    NumericEncoder,
    Surrogate,
)

MAGIC = b"LUPS"
VERSION = 3
READ = (1, 2, 3)  # 1 hashed text by BLAKE2b, and before 3 fewer hashes were kept: see `Distinct`
HALF_HASHES = 3  # the format from which on hashes may be short
PREFIX = struct.Struct("<4sH")
LENGTH = struct.Struct("<I")
LEVEL = 6  # of zlib; fixed, since it shows in the bytes
TREE = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
PLAIN = frozenset({type(None), bool, int, float, str})  # are themselves in a tree

# What a profile is made of.
PROFILED: tuple[type, ...] = (
    CategoricalColumn,
    Categories,
    Distinct,
    Grid,
    Histogram,
    IdentityColumn,
    Moments,
    NumericColumn,
    Profile,
    RowCounts,
    TimestampColumn,
)

# What is bound to labels or to a frozen reference.
REFERENCED: tuple[type, ...] = (
    Calibration,
    Association,
    CategoricalEncoder,
    CategoricalReference,
    Confusion,
    Decisions,
    Design,
    ErrorSums,
    NormalEquations,
    NumericEncoder,
    NumericReference,
    RankMoments,
    Ranking,
    Reference,
    Residual,
    ScoreLabel,
    Surrogate,
)

STATES: dict[str, type] = {state.__name__: state for state in (*PROFILED, *REFERENCED)}


def to_bytes(state: object) -> bytes:
    """Serialise a state of `STATES`.

    Raises
    ------
    StateError
        If it is none, or holds something that the format does not know.
    """
    arrays: list[bytes] = []
    tree = TREE.encode(_encode(state, arrays)).encode()
    body = b"".join([LENGTH.pack(len(tree)), tree, *arrays])
    return PREFIX.pack(MAGIC, VERSION) + zlib.compress(body, LEVEL)


def from_bytes(data: bytes) -> Any:
    """Return the state that `to_bytes` serialised.

    Raises
    ------
    StateError
        If the bytes are no state, are damaged, or are of a format that this version cannot read.
    """
    if len(data) < PREFIX.size or data[: len(MAGIC)] != MAGIC:
        raise StateError(f"no state begins with {data[: len(MAGIC)]!r}; profile the partition again")
    _, version = PREFIX.unpack_from(data)
    if version not in READ:
        raise StateError(
            f"the state is of format {version}, this version of Lupus reads {READ[0]} to {READ[-1]};"
            " read it with the version that wrote it, or profile the partition again"
        )
    try:
        body = memoryview(zlib.decompress(memoryview(data)[PREFIX.size :]))
        (length,) = LENGTH.unpack_from(body)
        start = LENGTH.size + length
        return _Decoder(body[start:], version).decode(json.loads(bytes(body[LENGTH.size : start])))
    except (zlib.error, struct.error, ValueError, TypeError, LookupError) as error:
        raise StateError(f"the state is damaged ({error}); profile the partition again") from error


def _encode(value: Any, arrays: list[bytes]) -> Any:
    kind = type(value)
    if kind in PLAIN or isinstance(value, int | float | str):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return _array(value, arrays)
    if isinstance(value, np.generic):
        return value.item()
    if kind is STATES.get(kind.__name__):
        return [
            kind.__name__,
            {name: _encode(getattr(value, name), arrays) for name in _fields(kind.__name__)},
        ]
    if isinstance(value, tuple):
        return ["tuple", *[_encode(item, arrays) for item in value]]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return ["dict", {key: _encode(item, arrays) for key, item in value.items()}]
    if isinstance(value, bytes):
        arrays.append(value)
        return ["bytes", len(value)]
    raise StateError(f"a {kind.__name__} has no place in a state; list its class in codec.STATES")


@cache
def _fields(name: str) -> tuple[str, ...]:
    return tuple(field.name for field in fields(STATES[name]) if field.init)


def _array(value: NDArray[Any], arrays: list[bytes]) -> list[Any]:
    gaps = value.ndim == 1 and value.dtype.kind in "iu" and bool((value[1:] >= value[:-1]).all())
    flat = little = np.ascontiguousarray(value, _little(value.dtype))
    if gaps:
        flat = little.copy()
        flat[1:] -= little[:-1]
    width = _width(flat)
    narrow = flat if width == flat.itemsize else flat.astype(f"<u{width}")
    arrays.append(_planes(narrow.reshape(-1), width))
    return ["array", little.dtype.str, list(value.shape), gaps, width]


def _width(flat: NDArray[Any]) -> int:
    """Return in how many bytes each number fits; floats, and what is below 0, keep theirs."""
    if flat.dtype.kind not in "iu" or not flat.size or flat.min() < 0:
        return flat.itemsize
    most = int(flat.max())
    return min(flat.itemsize, next(width for width in (1, 2, 4, 8) if most < 1 << 8 * width))


@cache
def _little(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype.newbyteorder("<")


def _planes(flat: NDArray[Any], size: int) -> bytes:
    return flat.view(np.uint8).reshape(-1, size).T.tobytes()


class _Decoder:
    """Reads a tree; the arrays lie in the order in which the tree names them."""

    def __init__(self, arrays: memoryview, version: int) -> None:
        self.arrays = arrays
        self.version = version

    def decode(self, node: Any) -> Any:
        if not isinstance(node, list):
            return node
        kind, *content = node
        match kind:
            case "tuple":  # names are many, and most are text
                return tuple([self.decode(item) if type(item) is list else item for item in content])
            case "dict":
                return {key: self.decode(item) for key, item in content[0].items()}
            case "bytes":
                return bytes(self._take(content[0]))
            case "array":
                return self._array(*content)
            case "Distinct" if self.version < HALF_HASHES:
                return Distinct.older(**{name: self.decode(item) for name, item in content[0].items()})
            case _:
                return STATES[kind](**{name: self.decode(item) for name, item in content[0].items()})

    def _array(self, name: str, shape: list[int], gaps: bool, width: int | None = None) -> NDArray[Any]:
        dtype = np.dtype(name)
        width = dtype.itemsize if width is None else width  # format 1 has none
        planes = np.frombuffer(self._take(math.prod(shape) * width), np.uint8)
        stored = dtype if width == dtype.itemsize else np.dtype(f"<u{width}")
        little = planes.reshape(width, -1).T.copy().reshape(-1).view(stored)
        flat = np.cumsum(little, dtype=dtype) if gaps else little
        return flat.astype(dtype.newbyteorder("=")).reshape(shape)

    def _take(self, size: int) -> memoryview:
        if size > len(self.arrays):
            raise ValueError("it ends too early")
        taken, self.arrays = self.arrays[:size], self.arrays[size:]
        return taken
