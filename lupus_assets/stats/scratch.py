"""Buffers of one thread for blocks, and the bounds of blocks in a batch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lupus_assets.stats.grid import BLOCK

Numbers = NDArray[Any]
Index = NDArray[np.intp]


def absent_bounds(absent: Index, size: int) -> Index:
    """Return the bounds of each block of `size` values in the array of absent positions."""
    return np.searchsorted(absent, np.arange(0, size + BLOCK, BLOCK))


class Scratch:
    """Buffers for the blocks of one thread; used by one call at a time.

    Buffers not needed at the same time share memory: all buffers and the block must fit into a cache.
    """

    def __init__(self) -> None:
        self.values = np.empty(BLOCK)
        self.deviations = np.empty(BLOCK)
        self.squares = np.empty(BLOCK)
        self.single = np.empty(BLOCK, np.float32)
        self.keys = np.empty(BLOCK, np.intp)
        self.integers = self.keys.view(np.int64)
        self.hashes = self.keys.view(np.uint64)
        self.spare = self.squares.view(np.uint64)
