"""The number of distinct values, from the K smallest hashes.

Bar-Yossef, Jayram, Kumar, Sivakumar and Trevisan, *Counting distinct elements in a data
stream* (RANDOM 2002); the unbiased estimator is from Beyer, Haas, Reinwald, Sismanis and
Gemulla, *On synopses for distinct-value estimation under multiset operations* (SIGMOD 2007).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from lupus_assets.stats.grid import BLOCK
from lupus_assets.stats.state import Floats, Hashes, State, union

K = 1_024  # relative standard error 1 / sqrt(K - 2) = 3.1 %

# Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014).
GAMMA = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)


def mix(values: Hashes) -> Hashes:
    """Return the splitmix64 hash of each value: a bijection of 64 bits that looks random.

    Parameters
    ----------
    values : array of uint64
        Of one dimension or more.
    """
    z = values + GAMMA
    shifted = z >> np.uint64(30)
    z ^= shifted
    z *= FIRST
    z ^= np.right_shift(z, np.uint64(27), out=shifted)
    z *= SECOND
    z ^= np.right_shift(z, np.uint64(31), out=shifted)
    return z


@dataclass(frozen=True, eq=False)
class Distinct(State):
    """The smallest hashes that were seen.

    Parameters
    ----------
    hashes : array of uint64
        Sorted and unique, at most K.
    """

    hashes: Hashes

    @classmethod
    def of_hashes(cls, hashes: Hashes) -> Self:
        """Keep the smallest of 64-bit hashes; repeated ones count once."""
        if hashes.size <= BLOCK:
            return cls(union(hashes)[:K])
        return cls(_smallest(hashes[start : start + BLOCK] for start in range(0, hashes.size, BLOCK)))

    @classmethod
    def of_floats(cls, x: Floats) -> Self:
        """Hash and keep finite values; -0.0 is 0.0."""
        if x.size <= BLOCK:
            return cls(union(mix((x + 0.0).view(np.uint64)))[:K])
        blocks = (x[start : start + BLOCK] + 0.0 for start in range(0, x.size, BLOCK))
        return cls(_smallest(mix(block.view(np.uint64)) for block in blocks))

    @classmethod
    def empty(cls) -> Self:
        """Return the state of no values."""
        return cls(np.empty(0, np.uint64))

    def __add__(self, other: Self) -> Self:
        return type(self)(union(self.hashes, other.hashes)[:K])

    def estimate(self) -> float:
        """Return the number of distinct values: exact below K, else within 3.1 % (one standard error)."""
        if self.hashes.size < K:
            return float(self.hashes.size)
        return (K - 1) * 2.0**64 / float(self.hashes[-1])


def _smallest(blocks: Iterable[Hashes]) -> Hashes:
    """Return the K smallest of all hashes, sorted and unique."""
    kept = np.empty(0, np.uint64)
    limit = np.uint64(2**64 - 1)
    waiting: list[Hashes] = []
    for block in blocks:
        waiting.append(block[block <= limit])
        # Once K are kept almost no others pass; sorting them in lots costs next to nothing.
        if sum(news.size for news in waiting) >= K:
            kept = union(kept, *waiting)[:K]
            limit = kept[-1] if kept.size == K else limit
            waiting = []
    return union(kept, *waiting)[:K]
