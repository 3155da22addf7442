"""The state of judging after a partition, as bytes; judging resumes from it without the partitions before.

::

    b"LUPC" | version, uint16 | digest of the rest, 16 bytes | length, uint64 | zstd( length of the tree,
    uint64 | tree | arrays )

The digest is checked before any length is used.

The tree is JSON: numbers, strings and None are plain values, everything else is a list that begins with its
type. The arrays follow in the order of the tree, in their memory layout. The bytes are a cache: if they are
damaged, or of a version other than `VERSION`, they are to be discarded.
"""

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.detect.detector import Detector
from lupus_assets.detect.evidence import Evidence, Tail
from lupus_assets.detect.gate import Dual, Gate, Primal
from lupus_assets.detect.history import Series
from lupus_assets.detect.naming import Episodes, Naming
from lupus_assets.detect.rare import Rare
from lupus_assets.detect.run import Runs
from lupus_assets.detect.season import Season
from lupus_assets.detect.threshold import Level, Thresholds
from lupus_assets.detect.value import Values
from lupus_assets.errors import StateError
from lupus_assets.judging.chain import Chain
from lupus_assets.judging.incident import Open
from lupus_assets.judging.rule import Past, Pasts, rules_of

VERSION = 2  # raise with every change of the detector, or of its input, that changes verdicts or states
MAGIC = b"LUPC"
PREFIX = struct.Struct("<4sH16s")
LENGTH = struct.Struct("<Q")
PLAIN = frozenset({type(None), bool, int, float, str})
CODEC = "zstd"


@dataclass
class Checkpoint:
    """The state of judging one track after a partition.

    Attributes
    ----------
    upto : int
        Start in µs of the partition, the last one included.
    foreign : datetime or None
        Start of the first partition, aware UTC, with metrics against another reference.
    chains : dict of str to Chain
    pasts : list
        Of the team's rules.
    incident : Open
    """

    upto: int
    foreign: datetime | None
    chains: dict[str, Chain]
    pasts: Pasts
    incident: Open


CLASSES: dict[str, type] = {
    each.__name__: each
    for each in (
        Chain, Checkpoint, Detector, Dual, Episodes, Evidence, Gate, Level, Naming, Open, Past, Primal, Rare,
        Runs, Season, Series, Tail, Thresholds, Values,
    )
}  # fmt: skip


def key_of(model: MonitoredModel, track: str, reference: str) -> str:
    """Return a digest of all inputs of a checkpoint other than the tables."""
    parts = {"cadence", "columns", "groups", "reference", "alarms"}
    judged = model.model_dump(include=parts, exclude_defaults=True)
    rules = [rule.model_dump(exclude_defaults=True) for rule in rules_of(model, track)]
    # Another version of this package may change the holidays of past years.
    calendar = version("holidays") if model.cadence.holidays else ""
    text = json.dumps([VERSION, judged, rules, calendar, reference], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def to_bytes(checkpoint: Checkpoint) -> bytes:
    """Serialise a checkpoint."""
    arrays: list[bytes] = []
    tree = json.dumps(_encode(checkpoint, arrays), separators=(",", ":")).encode()
    body = b"".join([LENGTH.pack(len(tree)), tree, *arrays])
    packed: bytes = pa.compress(body, codec=CODEC, asbytes=True)
    content = LENGTH.pack(len(body)) + packed
    return PREFIX.pack(MAGIC, VERSION, _digest(content)) + content


def from_bytes(data: bytes) -> Checkpoint:
    """Return the checkpoint that `to_bytes` serialised.

    Raises
    ------
    StateError
        The bytes are no checkpoint, are damaged, or are of another version.
    """
    try:
        magic, written, digest = PREFIX.unpack_from(data)
        content = memoryview(data)[PREFIX.size :]
        if (magic, written) != (MAGIC, VERSION):
            raise StateError(f"it is of version {written}, and this is {VERSION}")
        if _digest(content) != digest:
            raise StateError("it is damaged")
        (size,) = LENGTH.unpack_from(content)
        body = memoryview(pa.decompress(content[LENGTH.size :], decompressed_size=size, codec=CODEC))
        (length,) = LENGTH.unpack_from(body)
        start = LENGTH.size + length
        found = _decode(json.loads(bytes(body[LENGTH.size : start])), _Arrays(body[start:]))
    except (struct.error, ValueError, TypeError, LookupError, OSError, RecursionError) as error:
        raise StateError(f"it cannot be read ({error})") from error
    if not isinstance(found, Checkpoint):
        raise StateError("it is no checkpoint")
    return found


def _digest(content: bytes | memoryview) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _encode(value: Any, arrays: list[bytes]) -> Any:
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is np.ndarray:
        # Sums over another memory order may differ in the last bit.
        order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
        arrays.append(value.tobytes(order))
        return ["array", value.dtype.str, list(value.shape), order]
    if kind is list or kind is tuple:
        return [kind.__name__, *[_encode(item, arrays) for item in value]]
    if kind is dict:
        return ["dict", *[[_encode(key, arrays), _encode(item, arrays)] for key, item in value.items()]]
    if kind is CLASSES.get(kind.__name__):
        return [kind.__name__, *[_encode(getattr(value, field.name), arrays) for field in fields(kind)]]
    if kind is datetime:
        return ["datetime", value.isoformat()]
    if isinstance(value, np.generic):
        return value.item()
    raise StateError(f"a {kind.__name__} has no place in a checkpoint; list its class in checkpoint.CLASSES")


class _Arrays:
    """The arrays of a checkpoint, read in their order."""

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._at = 0

    def take(self, dtype: str, shape: list[int], order: Any) -> "np.ndarray[Any, Any]":
        kind = np.dtype(dtype)
        size = int(np.prod(shape, dtype=np.int64))
        flat = np.frombuffer(self._content, kind, size, self._at) if size else np.empty(0, kind)
        self._at += size * kind.itemsize
        return flat.reshape(shape, order=order).copy(order)


def _decode(node: Any, arrays: _Arrays) -> Any:
    if not isinstance(node, list):
        return node
    kind, *content = node
    match kind:
        case "array":
            return arrays.take(*content)
        case "list":
            return [_decode(item, arrays) for item in content]
        case "tuple":
            return tuple([_decode(item, arrays) for item in content])
        case "datetime":
            return datetime.fromisoformat(content[0])
        case "dict":
            return {_decode(key, arrays): _decode(item, arrays) for key, item in content}
    made = CLASSES[kind]
    values = dict(zip((field.name for field in fields(made)), _each(content, arrays), strict=True))
    given = {field.name for field in fields(made) if field.init}
    found = made(**{name: value for name, value in values.items() if name in given})
    for name, value in values.items():
        if name not in given:
            setattr(found, name, value)
    return found


def _each(content: list[Any], arrays: _Arrays) -> Iterator[Any]:
    for item in content:
        yield _decode(item, arrays)
