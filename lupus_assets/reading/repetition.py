"""Repeated rows of a log without a key, by hashes over all columns."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lupus_assets.reading.block import Block, CategoricalBlock, IdentityBlock, NumericBlock, TimestampBlock
from lupus_assets.stats.grid import BLOCK
from lupus_assets.stats.hashing import FIRST, mix

Hashes = npt.NDArray[np.uint64]

SHIFT = np.uint64(32)  # half of the bits
NULL_BITS = np.uint64(0xD6E8FEB86659FD93)  # that no ordinary value has
HASH_RANGES = 16  # counted one after the other


def row_hashes(blocks: Sequence[Block], rows: int) -> Hashes:
    """Return a hash of each row over all columns; different rows collide with probability 2^-64."""
    hashes = np.zeros(rows, np.uint64)
    columns = [(_values(block), block.absent) for block in blocks]
    bits_buffer, shift_buffer = np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.uint64)
    for start in range(0, rows, BLOCK):
        total = hashes[start : start + BLOCK]
        shifted = shift_buffer[: total.size]
        for values, absent in columns:
            first, last = np.searchsorted(absent, (start, start + BLOCK))
            bits = _bits(values[start : start + BLOCK], absent[first:last] - start, bits_buffer[: total.size])
            # The product mixes low bits into high ones, the shift high bits into low ones: all bits of all
            # columns count, and columns do not cancel.
            np.add(total, bits, out=total)
            np.multiply(total, FIRST, out=total)
            np.right_shift(total, SHIFT, out=shifted)
            np.bitwise_xor(total, shifted, out=total)
        total[:] = mix(total)
    return hashes


def repeated(pieces: Sequence[Hashes]) -> int:
    """Return the number of hashes that repeat another one; needs at least one piece.

    Sorts each piece in place, and copies a sixteenth of all hashes at a time: a copy of all would double the
    memory of profiling.
    """
    for piece in pieces:
        piece.sort()
    edges = np.arange(1, HASH_RANGES, dtype=np.uint64) << np.uint64(60)
    bounds = [[0, *np.searchsorted(piece, edges).tolist(), piece.size] for piece in pieces]
    repeats = 0
    for at in range(HASH_RANGES):
        part = np.concatenate(
            [piece[bound[at] : bound[at + 1]] for piece, bound in zip(pieces, bounds, strict=True)]
        )
        part.sort()
        repeats += int(np.count_nonzero(part[1:] == part[:-1]))
    return repeats


def _values(block: Block) -> npt.NDArray[np.generic]:
    match block:
        case NumericBlock():
            return block.numbers
        case TimestampBlock():
            return block.micros
        case CategoricalBlock():
            return block.row_hashes()
        case IdentityBlock():
            return block.hashes


def _bits(values: npt.NDArray[np.generic], absent: npt.NDArray[np.intp], buffer: Hashes) -> Hashes:
    """Return 64 bits of each value: a view of `values` where possible, else `buffer`."""
    if values.dtype.kind == "f":
        np.add(values, 0.0, out=buffer.view(np.float64))  # -0.0 becomes 0.0
    elif values.dtype.itemsize == buffer.itemsize and not absent.size:
        return values.view(np.uint64)
    else:
        np.copyto(buffer, values, casting="unsafe")
    buffer[absent] = NULL_BITS
    return buffer
