"""The number of distinct values, from the K smallest hashes.

Bar-Yossef, Jayram, Kumar, Sivakumar and Trevisan, *Counting distinct elements in a data
stream* (RANDOM 2002); the unbiased estimator is from Beyer, Haas, Reinwald, Sismanis and
Gemulla, *On synopses for distinct-value estimation under multiset operations* (SIGMOD 2007).

Up to `WHOLE` values the hashes are whole and their number is exact. Beyond, only the upper 32 bits count, of
which several times as many fit into the same bytes; that many values share some is taken into the estimate.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.grid import BLOCK, HIGH
from lupus_assets.stats.hashing import FIRST, GAMMA, SECOND, integer_hashes, mix, unmix
from lupus_assets.stats.state import Floats, Hashes, Keys, State, union

K = 3_584  # relative standard error 1 / sqrt(K - 2) = 1.7 %: 5 % are three of them
WHOLE = 1_024  # values up to which hashes are kept whole; of more, half of each is kept
OLDER_K = 1_024  # of states before format 3 of the codec
HALVES = 2.0**32  # hashes that differ in their upper half
UPPER, LOWER_HALF = np.uint64(0xFFFFFFFF00000000), np.uint64(0xFFFFFFFF)

Halves = NDArray[np.uint32]

MIXED, SIPHASH = 1, 2


HIGHEST = np.uint64(2**64 - 1)
BY_32, BY_30, BY_27 = np.uint64(32), np.uint64(30), np.uint64(27)
LOWER = np.uint64(2**33 - 1)  # the bits that the last step of `mix` may change
SLOTS = 4_096
LOT = 4_096
FULL = 2 * K  # values of a first block, among which K are looked for below a bound
MOSTLY = 0.9  # of some hashes, from which on so many differ that repeated ones are not looked for
SPARE = 1.25  # times K: so many are expected below the bound if no value is repeated


@dataclass(frozen=True, eq=False)
class Distinct(State):
    """The smallest hashes that were seen.

    Parameters
    ----------
    hashes : array of uint64
        Sorted and unique, at most K.
    scheme : int
        How values were hashed; states of different schemes do not add. `MIXED` numbers, or text before
        format 2 of the codec, which hashed it by BLAKE2b; `SIPHASH` text.
    short : bool
        Whether only the upper half of each hash counts; the lower is 0.
    complete : bool
        False where larger hashes were left out although there are fewer than K, as earlier formats did. Of a
        sum with such a state only hashes up to its largest are kept: the estimate is then as coarse as that.
    """

    hashes: Hashes
    scheme: int = MIXED
    short: bool = False
    complete: bool = True

    def __post_init__(self) -> None:
        """Make states of no values equal, however their values would have been hashed."""
        if not self.hashes.size:
            object.__setattr__(self, "scheme", MIXED)

    @classmethod
    def of_hashes(cls, hashes: Hashes) -> Self:
        """Keep the smallest of `lupus_assets.stats.siphash` hashes; repeated ones count once."""
        if hashes.size <= BLOCK:
            return cls._of(union(hashes), SIPHASH)
        smallest = Smallest()
        for start in range(0, hashes.size, BLOCK):
            smallest.add_hashes(hashes[start : start + BLOCK])
        return cls(*smallest.kept(SIPHASH))

    @classmethod
    def of_floats(cls, x: Floats) -> Self:
        """Hash and keep finite values; -0.0 is 0.0."""
        if x.size <= BLOCK:
            return cls._of(union(mix((x + 0.0).view(np.uint64))), MIXED)
        smallest, room = Smallest(), np.empty((2, BLOCK), np.uint64)
        for start in range(0, x.size, BLOCK):
            block = x[start : start + BLOCK]
            smallest.add(block, room[0, : block.size], room[1, : block.size])
        return cls(*smallest.kept(MIXED))

    @classmethod
    def of_integers(cls, x: NDArray[np.integer[Any]]) -> Self:
        """Hash and keep integers of any size."""
        smallest = Smallest()
        smallest.add_hashes(integer_hashes(x))
        return cls(*smallest.kept(MIXED))

    @classmethod
    def older(cls, hashes: Hashes, scheme: int = MIXED) -> Self:
        """Return the state that a format before 3 meant: at most 1,024 whole hashes, full at so many."""
        if hashes.size < OLDER_K:
            return cls(hashes, scheme)
        return cls(union(hashes & UPPER), scheme, short=True, complete=False)

    @classmethod
    def empty(cls) -> Self:
        """Return the state of no values."""
        return cls(np.empty(0, np.uint64))

    @classmethod
    def _of(cls, whole: Hashes, scheme: int) -> Self:
        """Take all hashes, sorted and unique."""
        if whole.size <= WHOLE:
            return cls(whole, scheme)
        return cls(union(whole & UPPER)[:K], scheme, short=True)

    def __add__(self, other: Self) -> Self:
        if not other.hashes.size:
            return self
        if not self.hashes.size:
            return other
        if self.scheme != other.scheme:
            raise StateError(
                "one of the states was written by an earlier version, which hashed text differently;"
                " profile that window again"
            )
        if not (self.short or other.short):
            return self._of(union(self.hashes, other.hashes), self.scheme)
        kept = union(self.hashes & UPPER, other.hashes & UPPER)
        for each in (self, other):
            if not each.complete:
                kept = kept[kept <= each.hashes[-1]]
        complete = self.complete and other.complete
        return type(self)(kept[:K], self.scheme, short=True, complete=complete)

    def numbers(self) -> Floats | None:
        """Return all values as numbers, increasing; None where they are more than `WHOLE`, or text.

        An integer that no float holds was hashed as what it is, and looks like another number here.
        """
        if self.short or not self.hashes.size or self.scheme != MIXED:
            return None
        return np.sort(unmix(self.hashes).view(np.float64))

    @classmethod
    def sum(cls, parts: Sequence[Self]) -> Self:
        """Add several, one at least, and sort the hashes of all at once where they are of one kind."""
        some = [part for part in parts if part.hashes.size] or parts[:1]
        alike = all(part.complete and part.scheme == some[0].scheme for part in some)
        if len(some) == 1 or not alike:
            return reduce(add, parts)
        if any(part.short for part in some):
            return cls(union(*(part.hashes & UPPER for part in some))[:K], some[0].scheme, short=True)
        return cls._of(union(*(part.hashes for part in some)), some[0].scheme)

    def estimate(self, values: float = math.inf) -> float:
        """Return the number of distinct values: exact up to 1,024, else within 1.7 % (one standard error).

        No more than there are `values`, where that is known. Up to `K` it is the number of hashes, corrected
        for those that share their upper half: of 3,584 values two do so with probability 0.0015.
        """
        return min(self._estimate(), values)

    def _estimate(self) -> float:
        if not self.short:
            return float(self.hashes.size)
        counted = self.complete and self.hashes.size < K
        halves = (
            self.hashes.size
            if counted
            else (self.hashes.size - 1) * HALVES / max(float(self.hashes[-1]) / HALVES, 1.0)
        )
        found = -HALVES * math.log1p(-min(halves / HALVES, 1 - 1 / HALVES))
        return float(round(found)) if counted else found


class Smallest:
    """Gathers the K smallest hashes block by block."""

    def __init__(self) -> None:
        self._whole = np.empty(0, np.uint64)
        self._halves: Halves | None = None  # of more than `WHOLE` hashes only their upper halves
        self._waiting: list[Hashes] = []
        self._held = 0
        self._limit = HIGHEST
        self._repeat = False  # whether many of the hashes that were last sorted did
        self._seen = np.empty(0, np.uint64)  # a hash that was kept, by its lowest bits

    def add(self, x: Floats, h: Hashes, spare: Hashes, *, zeros: bool = True) -> None:
        """Take finite values; `h` and `spare` are room for as many hashes; `zeros` if there may be any."""
        if zeros:
            np.add(x, 0.0, out=h.view(np.float64))  # -0.0 becomes 0.0
            np.add(h, GAMMA, out=h)
        else:
            np.add(x.view(np.uint64), GAMMA, out=h)
        np.right_shift(h, BY_30, out=spare)
        np.bitwise_xor(h, spare, out=h)
        np.multiply(h, FIRST, out=h)
        np.right_shift(h, BY_27, out=spare)
        np.bitwise_xor(h, spare, out=h)
        np.multiply(h, SECOND, out=h)
        if self._limit == HIGHEST and h.size >= FULL and self._filled(h):
            return
        self.add_hashes(_finished(h, self._limit))

    def _filled(self, h: Hashes) -> bool:
        """Take only the smallest of some hashes, if they are enough: sorting all would be most of it."""
        bound = np.uint64(SPARE * K / h.size * 2.0**64)
        kept = self._with(_finished(h, bound))
        if kept.size < K or kept[K - 1] >= bound >> BY_32:  # values that repeat
            return False
        self._keep(kept[:K])
        return True

    def add_hashes(self, hashes: Hashes) -> None:
        """Take 64-bit hashes."""
        few = hashes.compress(hashes <= self._limit)
        if self._repeat and few.size > SLOTS // 4:  # leave out what was kept before
            if not self._seen.size:
                self._seen = np.zeros(SLOTS, np.uint64)
            at = (few & np.uint64(SLOTS - 1)).astype(np.intp)
            fresh = self._seen[at] != few
            few = few.compress(fresh)
            self._seen[at.compress(fresh)] = few
        if not few.size:
            return
        self._waiting.append(few)
        self._held += few.size
        # Once K are kept almost no others pass; sorting them in lots costs next to nothing.
        if self._held >= LOT:
            self._settle()

    def _settle(self) -> None:
        if self._halves is None:
            whole = self._union(self._whole, *self._waiting)
            if whole.size <= WHOLE:
                self._whole, self._waiting, self._held = whole, [], 0
                return
        self._keep(self._with()[:K])

    def _with(self, *more: Hashes) -> Halves:
        """Return the sorted unique upper halves of all hashes so far, and of `more`."""
        whole = (*self._waiting, *more) if self._halves is not None else (self._whole, *self._waiting, *more)
        upper = [each.view(np.uint32)[HIGH::2] for each in whole]
        return self._union(*upper) if self._halves is None else self._union(self._halves, *upper)

    def _union(self, *parts: Keys) -> Keys:
        found = union(*parts)
        self._repeat = found.size < MOSTLY * sum(part.size for part in parts)
        return found

    def _keep(self, halves: Halves) -> None:
        self._halves, self._waiting, self._held = halves, [], 0
        if halves.size == K:
            self._limit = (np.uint64(halves[-1]) << BY_32) | LOWER_HALF

    def kept(self, scheme: int) -> tuple[Hashes, int, bool]:
        """Return the hashes, the scheme and whether they are short: what `Distinct` is made of."""
        if self._waiting:
            self._settle()
        if self._halves is None:
            return self._whole, scheme, False
        return self._halves.astype(np.uint64) << BY_32, scheme, True


def _finished(h: Hashes, limit: np.uint64) -> Hashes:
    """Return the hashes up to a limit, and few beyond, of what only lacks the last step of `mix`.

    That leaves the 31 highest bits alone: hardly any hash has to take it.
    """
    # Indexing by a mask branches at each hash, which takes twice as long where a tenth pass.
    low = h.compress(h <= (limit | LOWER))
    low ^= low >> np.uint64(31)
    return low
