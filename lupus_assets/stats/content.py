"""What a serialised state holds, taken piece by piece; what is not asked for is passed over."""

import math
import zlib
from functools import cache
from typing import Any

import numpy as np


class Content:
    """What zlib packed, taken piece by piece; unpacked at once where all of it is wanted."""

    def __init__(self, packed: memoryview, *, whole: bool) -> None:
        self._packed: bytes | memoryview = packed
        self._stream = zlib.decompressobj()
        self._left = memoryview(zlib.decompress(packed)) if whole else None
        self._passed = 0

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        if self._left is not None:
            taken, self._left = bytes(self._left[:size]), self._left[size:]
        else:
            taken = self._unpacked(self._passed + size)[self._passed :] if self._passed + size else b""
            self._passed = 0
        if len(taken) < size:
            raise ValueError("it ends too early")
        return taken

    def skip(self, size: int) -> None:
        """Pass over the next `size` bytes; they are unpacked only if something is taken after them."""
        self._passed += size

    def _unpacked(self, size: int) -> bytes:
        found = self._stream.decompress(self._packed, size)
        self._packed = self._stream.unconsumed_tail
        return found


def length(node: list[Any]) -> int:
    """Return how many bytes a node has among the arrays."""
    kind, *content = node
    match kind:
        case "bytes" | "texts":
            return int(content[0])
        case "array":
            name, shape, _, *width = content
            return int(math.prod(shape) * (width[0] if width else dtype_of(name).itemsize))
        case "tuple":
            return sum(length(item) for item in content if isinstance(item, list))
        case _:
            return sum(length(item) for item in content[0].values() if isinstance(item, list))


@cache
def dtype_of(name: str) -> np.dtype[Any]:
    """Return the type that numpy names so."""
    return np.dtype(name)


@cache
def stored(dtype: np.dtype[Any], width: int) -> np.dtype[Any]:
    """Return the type of numbers that take `width` bytes each."""
    return dtype if width == dtype.itemsize else np.dtype(f"<u{width}")


@cache
def native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type in the byte order of the machine."""
    return dtype.newbyteorder("=")
