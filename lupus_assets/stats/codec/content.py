"""Sequential reader of the content of a serialised state; pieces that are not needed are skipped.

Sizes in the bytes are not trusted: memory is allocated for actual content only, `MOST` bytes at most.
"""

import math
import zlib
from typing import Any

import numpy as np

MOST = 1 << 30  # maximum bytes of an unpacked state; a reference of 3,000 columns takes a tenth


class Content:
    """Sequential reader of zlib-compressed bytes; `whole` decompresses all of them at once."""

    def __init__(self, packed: memoryview, *, whole: bool) -> None:
        self._packed: bytes | memoryview = packed
        self._stream = zlib.decompressobj()
        self._left = memoryview(self._all()) if whole else None
        self._passed = 0

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        _check(size)
        if self._left is not None:
            taken, self._left = bytes(self._left[:size]), self._left[size:]
        else:
            taken = self._unpacked(self._passed + size)[self._passed :] if self._passed + size else b""
            self._passed = 0
        if len(taken) < size:
            raise ValueError("it ends too early")
        return taken

    def skip(self, size: int) -> None:
        """Skip the next `size` bytes; they are decompressed only if a `take` follows."""
        _check(size)
        self._passed += size

    def end(self) -> None:
        """Raise `ValueError` if bytes are left after decompression at once."""
        if self._left:
            raise ValueError("it goes on behind its end")

    def _all(self) -> bytes:
        found = self._unpacked(MOST)
        if self._packed:
            raise ValueError(f"it takes more than {MOST:,} bytes")
        if not self._stream.eof:
            raise ValueError("it ends too early")
        if self._stream.unused_data:
            raise ValueError("it goes on behind its end")
        return found

    def _unpacked(self, size: int) -> bytes:
        _check(size)
        found = self._stream.decompress(self._packed, size)
        self._packed = self._stream.unconsumed_tail
        return found


def _check(size: int) -> None:
    if not 0 <= size <= MOST:
        raise ValueError(f"a part of it takes {size} bytes, at most {MOST:,} are possible")


def length(node: list[Any]) -> int:
    """Return the number of bytes of a node among the arrays."""
    kind, *content = node
    match kind:
        case "bytes" | "texts":
            return int(content[0])
        case "array":
            name, shape, _, *width = content
            return int(math.prod(shape) * (width[0] if width else DTYPES[name].itemsize))
        case "tuple":
            return sum(length(item) for item in content if isinstance(item, list))
        case _:
            return sum(length(item) for item in content[0].values() if isinstance(item, list))


# Types of the arrays by their numpy names, little-endian.
DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(name)
    for name in ("|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8")
}
NATIVE = {name: dtype.newbyteorder("=") for name, dtype in DTYPES.items()}
UNSIGNED = {width: DTYPES[name] for width, name in ((1, "|u1"), (2, "<u2"), (4, "<u4"), (8, "<u8"))}


def stored(name: str, width: int) -> np.dtype[Any]:
    """Return the storage type of numbers of type `name`, in `width` bytes each."""
    dtype = DTYPES[name]
    if width == dtype.itemsize:
        return dtype
    if dtype.kind not in "iu" or width > dtype.itemsize:
        raise ValueError(f"numbers of type {name} take {width} bytes")
    return UNSIGNED[width]
