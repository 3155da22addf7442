"""What makes a row itself where no key is declared: everything that it holds."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lupus_assets.reading.block import Block, CategoricalBlock, IdentityBlock, NumericBlock, TimestampBlock
from lupus_assets.stats.grid import BLOCK
from lupus_assets.stats.hashing import FIRST, mix

Hashes = npt.NDArray[np.uint64]

HALF = np.uint64(32)
NULL = np.uint64(0xD6E8FEB86659FD93)  # bits that no usual value has
PARTS = 16  # of the range of all hashes, counted one after the other


def row_hashes(blocks: Sequence[Block], rows: int) -> Hashes:
    """Return a hash of each row's values in all columns; rows that differ share one once in 2^64."""
    found = np.zeros(rows, np.uint64)
    columns = [(_values(block), block.absent) for block in blocks]
    room, spare = np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.uint64)
    for start in range(0, rows, BLOCK):
        total = found[start : start + BLOCK]
        shifted = spare[: total.size]
        for values, absent in columns:
            first, last = np.searchsorted(absent, (start, start + BLOCK))
            bits = _bits(values[start : start + BLOCK], absent[first:last] - start, room[: total.size])
            # A product moves low bits up, a shift high ones down: signs and exponents matter like the rest,
            # and no column undoes what another did.
            np.add(total, bits, out=total)
            np.multiply(total, FIRST, out=total)
            np.right_shift(total, HALF, out=shifted)
            np.bitwise_xor(total, shifted, out=total)
        total[:] = mix(total)
    return found


def repeated(pieces: Sequence[Hashes]) -> int:
    """Return how many hashes repeat another; one piece at least.

    Sorts each piece where it is, and copies a sixteenth of all hashes at a time: together they are 8 bytes a
    row, which is as much as all else that profiling keeps.
    """
    for piece in pieces:
        piece.sort()
    edges = np.arange(1, PARTS, dtype=np.uint64) << np.uint64(60)
    bounds = [[0, *np.searchsorted(piece, edges).tolist(), piece.size] for piece in pieces]
    found = 0
    for at in range(PARTS):
        part = np.concatenate(
            [piece[each[at] : each[at + 1]] for piece, each in zip(pieces, bounds, strict=True)]
        )
        part.sort()
        found += int(np.count_nonzero(part[1:] == part[:-1]))
    return found


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


def _bits(values: npt.NDArray[np.generic], absent: npt.NDArray[np.intp], room: Hashes) -> Hashes:
    """Return 64 bits of each value, in `room` unless it has them already."""
    if values.dtype.kind == "f":
        np.add(values, 0.0, out=room.view(np.float64))  # -0.0 becomes 0.0
    elif values.dtype.itemsize == room.itemsize and not absent.size:
        return values.view(np.uint64)
    else:
        np.copyto(room, values, casting="unsafe")
    room[absent] = NULL
    return room
