"""Deserialisation of states, or of the part of them that distances need."""

import json
import math
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.codec.content import DTYPES, NATIVE, Content, length, stored
from lupus_assets.stats.codec.format import (
    BY_CODE,
    CHECKED,
    CHECKSUM,
    HALF_HASHES,
    LENGTH,
    MAGIC,
    MARGINAL,
    MARGINALS,
    PREFIX,
    READ,
    STATES,
    checksum,
)
from lupus_assets.stats.distance.marginal import CategoricalMarginal, NumericMarginal
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.reference.frozen import ALL_ROWS, Reference
from lupus_assets.stats.score_label import ScoreLabel

# Exceptions that reading invalid bytes may raise.
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


def from_bytes(data: bytes) -> Any:
    """Return the state that `to_bytes` serialised.

    Raises
    ------
    StateError
        If the bytes are not a state, are damaged, or have a format that this version cannot read. The
        caller adds the location and the remedy.
    """
    return _read(data, STATES, tuple(STATES.values()))


def marginal_of(data: bytes | memoryview) -> NumericMarginal | CategoricalMarginal:
    """Return the marginal of a serialised column, for distances; bytes after it are not decompressed.

    Parameters
    ----------
    data : bytes or memoryview
        A serialised `NumericColumn` or `CategoricalColumn`.

    Raises
    ------
    StateError
        As `from_bytes`.
    """
    found: NumericMarginal | CategoricalMarginal = _read(data, MARGINAL, MARGINALS)
    return found


def reference_marginals(data: bytes | memoryview) -> dict[str, NumericMarginal | CategoricalMarginal]:
    """Return the marginals of a serialised `Reference`: its columns of all rows, by name.

    All other parts of the reference are skipped; bytes after the columns are not decompressed.

    Raises
    ------
    StateError
        As `from_bytes`, or if the bytes are a state of another class.
    """
    found: dict[str, NumericMarginal | CategoricalMarginal] = _read(data, MARGINAL, (dict,), _Decoder.columns)
    return found


def _read(
    data: bytes | memoryview,
    classes: Mapping[str, type],
    wanted: tuple[type, ...],
    select: "Callable[[_Decoder, Any], Any] | None" = None,
) -> Any:
    """Return the state in the bytes, or the result of `select`: an instance of one of `wanted`."""
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
            (written,) = CHECKSUM.unpack(packed[: CHECKSUM.size])
            packed = packed[CHECKSUM.size :]
            if written != checksum(start, packed):
                raise ValueError("its checksum is not that of its content")
        content = Content(packed, whole=classes is STATES)
        (size,) = LENGTH.unpack(content.take(LENGTH.size))
        decoder, tree = _Decoder(content, classes, version), json.loads(content.take(size))
        found = decoder.decode(tree) if select is None else select(decoder, tree)
        content.end()
        if not isinstance(found, wanted):
            raise ValueError(f"it is a {type(found).__name__}")
    except DAMAGE as error:
        raise StateError(f"the state is damaged ({error})") from error
    return found


def tells_nothing(item: Any) -> bool:
    """Return whether this is the tree of a `Distinct` with shortened hashes, which give no values."""
    return isinstance(item, list) and item[0] == Distinct.__name__ and bool(item[1].get("short"))


class _Decoder:
    """Decoder of a tree; the arrays are stored in the order of the tree.

    Parameters
    ----------
    content : Content
        Reader, positioned before the tree's arrays.
    classes : mapping of str to class
        The class to build for each state: its own class, or one with a subset of its fields.
    version : int
        Format version.
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
            case "tuple":  # in formats before 4, tuples of names are long, mostly text
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
        """Return the columns of all rows from the tree of a reference."""
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
        width = DTYPES[name].itemsize if width is None else width  # format 1 has no width
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
