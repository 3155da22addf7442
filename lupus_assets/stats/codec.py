"""States as bytes: the same state gives the same bytes, and they give the same state.

::

    b"LUPS" | format version, uint16 | checksum, uint32 | zlib( length of the tree, uint32 | tree | arrays )

The checksum (from format 6 on) is the CRC-32 of everything before and behind it: no state with a flipped bit
is read. The tree is JSON. Numbers, strings and None are themselves; everything else is a list that
begins with what it is: ``["Moments", {"n": 3, …}]`` for a state, ``["tuple", …]``,
``["dict", {…}]``, ``["bytes", length]``, ``["texts", length]`` (from format 4 on: a tuple of
strings and None, as JSON) or ``["array", dtype, shape, first, width]``, the last three with their
content among the arrays, in the order of the tree: what is not asked for is passed over. Python
writes the shortest decimal that reads back as the same float, inf and -0.0 included.

Arrays are little-endian and stored by byte plane: all lowest bytes, then all second ones.
Of sorted integers ``first`` is the smallest, and the gaps between them are stored (formats before 4 say true
and begin with it); of others it is false. Integers that are not negative take as many bytes as the
largest needs (from format 2 on): a histogram of 3,000 bins takes about 4 KB.
"""

import json
import math
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.association import Association
from lupus_assets.stats.category import Categories
from lupus_assets.stats.clusters import Clusters
from lupus_assets.stats.column import CategoricalColumn, IdentityColumn, NumericColumn, TimestampColumn
from lupus_assets.stats.content import DTYPES, MOST, NATIVE, Content, length, stored
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.frozen import ALL_ROWS, Reference
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.joint import Calibration, Confusion, Decisions, ErrorSums, ScoreLabel
from lupus_assets.stats.marginal import CategoricalMarginal, CategoryCounts, NumericMarginal
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.profile import Profile, RowCounts
from lupus_assets.stats.ranking import Ranking, RankMoments
from lupus_assets.stats.reference import CategoricalReference, NumericReference
from lupus_assets.stats.residual import Residual
from lupus_assets.stats.roc import RocCounts
from lupus_assets.stats.surrogate import (
    CategoricalEncoder,
    Design,
    NormalEquations,
    NumericEncoder,
    Surrogate,
)

MAGIC = b"LUPS"
VERSION = 6
READ = (1, 2, 3, 4, 5, 6)  # 1 hashed text by BLAKE2b, and before 3 fewer hashes were kept: see `Distinct`
BY_CODE = 6  # the format from which on scores are counted by `roc` and not on the score's grid
HALF_HASHES = 3  # the format from which on hashes may be short
CHECKED = 6  # the format from which on there is a checksum
DEEPEST = 32  # lists within lists of a tree; a reference has 8
PREFIX = struct.Struct("<4sH")
LENGTH = struct.Struct("<I")
CHECKSUM = struct.Struct("<I")
LEVEL = 6  # of zlib; fixed, since it shows in the bytes
TREE = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
PLAIN = frozenset({type(None), bool, int, float, str})  # are themselves in a tree

TEXTS = frozenset({type(None), str})

# What a profile is made of.
PROFILED: tuple[type, ...] = (
    CategoricalColumn,
    Categories,
    Clusters,
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
    RocCounts,
    ScoreLabel,
    Surrogate,
)

STATES: dict[str, type] = {state.__name__: state for state in (*PROFILED, *REFERENCED)}

# What is read instead where only distances are asked for: the same, with fewer fields.
MARGINAL: dict[str, type] = {
    "Categories": CategoryCounts,
    "CategoricalColumn": CategoricalMarginal,
    "Distinct": Distinct,
    "Grid": Grid,
    "Histogram": Histogram,
    "NumericColumn": NumericMarginal,
}
MARGINALS: tuple[type, ...] = (NumericMarginal, CategoricalMarginal)


# What reading bytes that are no state may raise.
DAMAGE = (
    zlib.error,
    struct.error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
)


def to_bytes(state: object) -> bytes:
    """Serialise a state of `STATES`.

    Raises
    ------
    StateError
        If it is none, holds something that the format does not know, or is larger or more deeply nested than
        `from_bytes` reads.
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
    return b"".join([prefix, CHECKSUM.pack(_checksum(prefix, packed)), packed])


def from_bytes(data: bytes) -> Any:
    """Return the state that `to_bytes` serialised.

    Raises
    ------
    StateError
        If the bytes are no state, are damaged, or are of a format that this version cannot read. The
        caller knows where they were stored, and adds the place and the remedy.
    """
    return _read(data, STATES, tuple(STATES.values()))


def marginal_of(data: bytes | memoryview) -> NumericMarginal | CategoricalMarginal:
    """Return what distances need of a serialised column; what lies behind is not unpacked.

    Parameters
    ----------
    data : bytes or memoryview
        Of a `NumericColumn` or a `CategoricalColumn`.

    Raises
    ------
    StateError
        As `from_bytes`.
    """
    found: NumericMarginal | CategoricalMarginal = _read(data, MARGINAL, MARGINALS)
    return found


def reference_marginals(data: bytes | memoryview) -> dict[str, NumericMarginal | CategoricalMarginal]:
    """Return what distances need of a serialised `Reference`: its columns by name, of all rows.

    Segments, grids and what the score is held against are passed over, and what lies behind is not unpacked.

    Raises
    ------
    StateError
        As `from_bytes`, or if the bytes are another state.
    """
    found: dict[str, NumericMarginal | CategoricalMarginal] = _read(data, MARGINAL, (dict,), _Decoder.columns)
    return found


def _read(
    data: bytes | memoryview,
    classes: Mapping[str, type],
    wanted: tuple[type, ...],
    what: "Callable[[_Decoder, Any], Any] | None" = None,
) -> Any:
    """Return what the bytes hold, or `what` is taken of it: one of the classes `wanted`."""
    start = bytes(data[: PREFIX.size])
    if len(start) < PREFIX.size or start[: len(MAGIC)] != MAGIC:
        raise StateError(f"no state begins with {start[: len(MAGIC)]!r}")
    _, version = PREFIX.unpack(start)
    if version not in READ:
        raise StateError(
            f"the state is of format {version}, this version of Lupus reads {READ[0]} to {READ[-1]}:"
            " read it with the version that wrote it"
        )
    try:
        packed = memoryview(data)[PREFIX.size :]
        if version >= CHECKED:
            (checksum,) = CHECKSUM.unpack(packed[: CHECKSUM.size])
            packed = packed[CHECKSUM.size :]
            if checksum != _checksum(start, packed):
                raise ValueError("its checksum is not that of its content")
        content = Content(packed, whole=classes is STATES)
        (size,) = LENGTH.unpack(content.take(LENGTH.size))
        decoder, tree = _Decoder(content, classes, version), json.loads(content.take(size))
        found = decoder.decode(tree) if what is None else what(decoder, tree)
        content.end()
        if not isinstance(found, wanted):
            raise ValueError(f"it is a {type(found).__name__}")
    except DAMAGE as error:
        raise StateError(f"the state is damaged ({error})") from error
    return found


def _checksum(prefix: bytes, packed: bytes | memoryview) -> int:
    return zlib.crc32(packed, zlib.crc32(prefix))


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
        flat[:1] = 0
    width = _width(flat)
    narrow = flat if width == flat.itemsize else flat.astype(f"<u{width}")
    arrays.append(_planes(narrow.reshape(-1), width))
    first = gaps and (int(little[0]) if little.size else 0)
    return ["array", little.dtype.str, list(value.shape), first, width]


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


def tells_nothing(item: Any) -> bool:
    """Return whether this is the tree of a `Distinct` whose hashes no longer tell the values."""
    return isinstance(item, list) and item[0] == Distinct.__name__ and bool(item[1].get("short"))


class _Decoder:
    """Reads a tree; the arrays lie in the order in which the tree names them.

    Parameters
    ----------
    content : Content
        Where the arrays begin.
    classes : mapping of str to class
        What is made of each state: itself, or what has fewer fields of the same names.
    version : int
        Of the format.
    """

    def __init__(self, content: Content, classes: Mapping[str, Any], version: int) -> None:
        self.content = content
        self.classes = classes
        self.version = version

    def decode(self, node: Any) -> Any:
        if not isinstance(node, list):
            return node
        kind, *content = node
        match kind:
            case "tuple":  # in formats before 4 names are many, and most are text
                return tuple([self.decode(item) if type(item) is list else item for item in content])
            case "texts":
                return tuple(json.loads(self.content.take(content[0])))
            case "dict":
                return {key: self.decode(item) for key, item in content[0].items()}
            case "bytes":
                return self.content.take(content[0])
            case "array":
                return self._array(*content)
            case "Distinct" if self.version < HALF_HASHES:
                return Distinct.older(**{name: self.decode(item) for name, item in content[0].items()})
            case "ScoreLabel" if self.version < BY_CODE:
                return ScoreLabel.older(**{name: self.decode(item) for name, item in content[0].items()})
            case _:
                return self._state(kind, content[0])

    def columns(self, tree: list[Any]) -> dict[str, Any]:
        """Return the columns of all rows of a reference, whose tree this is."""
        kind, values = tree
        if kind != Reference.__name__:
            raise ValueError(f"it is a {kind} and no reference")
        found: dict[str, Any] = {}
        for name, item in values.items():
            if name != "columns":
                self._pass(item)
                continue
            _, segments = item
            for segment, columns in segments.items():
                if segment == ALL_ROWS:
                    found = {column: self._column(*node) for column, node in columns[1].items()}
                else:
                    self._pass(columns)
        return found

    def _column(self, _kind: str, values: dict[str, Any]) -> Any:
        return self.decode(values["column"])

    def _pass(self, item: Any) -> None:
        if isinstance(item, list):
            self.content.skip(length(item))

    def _state(self, kind: str, values: dict[str, Any]) -> Any:
        made = self.classes[kind]
        if made is STATES[kind]:
            return made(
                **{name: self.decode(item) if type(item) is list else item for name, item in values.items()}
            )
        found: dict[str, Any] = {}
        for name, item in values.items():
            wanted = name in made.__dataclass_fields__
            if type(item) is not list:
                if wanted:
                    found[name] = item
            elif not wanted:
                self._pass(item)
            elif tells_nothing(item):
                self._pass(item)
                found[name] = None
            else:
                found[name] = self.decode(item)
        return made(**found)

    def _array(
        self, name: str, shape: list[int], first: bool | int, width: int | None = None
    ) -> NDArray[Any]:
        width = DTYPES[name].itemsize if width is None else width  # format 1 has none
        narrow = stored(name, width)
        size = math.prod(shape)
        planes = np.frombuffer(self.content.take(size * width), np.uint8).reshape(width, size)
        octets = np.empty((size, width), np.uint8)
        for at, plane in enumerate(planes):
            octets[:, at] = plane
        flat = octets.reshape(-1).view(narrow).astype(NATIVE[name])
        if first is not False and size:
            if flat.dtype.kind not in "iu":
                raise ValueError(f"gaps between numbers of type {name}")
            flat[:1] += 0 if first is True else first
            np.cumsum(flat, out=flat)
        return flat.reshape(shape)
