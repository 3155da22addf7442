"""Estimate of the number of distinct values, from the K smallest hashes.

Bar-Yossef, Jayram, Kumar, Sivakumar and Trevisan, *Counting distinct elements in a data
stream* (RANDOM 2002); the unbiased estimator is from Beyer, Haas, Reinwald, Sismanis and
Gemulla, *On synopses for distinct-value estimation under multiset operations* (SIGMOD 2007).

Up to `WHOLE` values the hashes are kept whole, and the number is exact. Beyond, only their upper 32 bits are
kept, of which several times as many fit into the same bytes; the estimate corrects for shared upper bits.
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

K = 3_584  # relative standard error 1 / sqrt(K - 2) = 1.7 %; three of them are 5 %
WHOLE = 1_024  # maximum number of values with whole hashes; beyond, only the upper half of each
OLDER_K = 1_024  # K of states before format 3 of the codec
HALVES = 2.0**32  # number of different upper halves
UPPER, LOWER_HALF = np.uint64(0xFFFFFFFF00000000), np.uint64(0xFFFFFFFF)

Halves = NDArray[np.uint32]

MIXED, SIPHASH = 1, 2


HIGHEST = np.uint64(2**64 - 1)
BY_32, BY_30, BY_27 = np.uint64(32), np.uint64(30), np.uint64(27)
LOWER = np.uint64(2**33 - 1)  # the bits that the last step of `mix` may change
SLOTS = 4_096
LOT = 4_096
FULL = 2 * K  # minimum size of a first block for a search of the K smallest below a bound
MOSTLY = 0.9  # share of distinct hashes from which on repeated ones are not filtered
SPARE = 1.25  # expected hashes below the bound without repeated values, as a multiple of K


@dataclass(frozen=True, eq=False)
class Distinct(State):
    """The smallest hashes of a column's values.

    Parameters
    ----------
    hashes : array of uint64
        Sorted and unique, at most K.
    scheme : int
        The hash function; states of different schemes cannot be added. `MIXED`: numbers, and text before
        format 2 of the codec, then hashed by BLAKE2b; `SIPHASH`: text.
    short : bool
        Whether only the upper half of each hash is kept; the lower half is 0.
    complete : bool
        False if larger hashes were dropped although there are fewer than K, as in earlier formats. A sum with
        such a state keeps only hashes up to its largest; the estimate is then as coarse as that state's.
    """

    hashes: Hashes
    scheme: int = MIXED
    short: bool = False
    complete: bool = True

    def __post_init__(self) -> None:
        """Give states without values the scheme `MIXED`, which makes them equal."""
        if not self.hashes.size:
            object.__setattr__(self, "scheme", MIXED)

    @classmethod
    def of_hashes(cls, hashes: Hashes) -> Self:
        """Return the state of `lupus_assets.stats.siphash` hashes; repeated hashes count once."""
        if hashes.size <= BLOCK:
            return cls._of(union(hashes), SIPHASH)
        smallest = Smallest()
        for start in range(0, hashes.size, BLOCK):
            smallest.add_hashes(hashes[start : start + BLOCK])
        return cls(*smallest.kept(SIPHASH))

    @classmethod
    def of_floats(cls, x: Floats) -> Self:
        """Return the state of finite values; -0.0 counts as 0.0."""
        if x.size <= BLOCK:
            return cls._of(union(mix((x + 0.0).view(np.uint64))), MIXED)
        smallest, room = Smallest(), np.empty((2, BLOCK), np.uint64)
        for start in range(0, x.size, BLOCK):
            block = x[start : start + BLOCK]
            smallest.add(block, room[0, : block.size], room[1, : block.size])
        return cls(*smallest.kept(MIXED))

    @classmethod
    def of_integers(cls, x: NDArray[np.integer[Any]]) -> Self:
        """Return the state of integers of any size."""
        smallest = Smallest()
        smallest.add_hashes(integer_hashes(x))
        return cls(*smallest.kept(MIXED))

    @classmethod
    def older(cls, hashes: Hashes, scheme: int = MIXED) -> Self:
        """Return the state of a format before 3: at most 1,024 whole hashes, incomplete at that number."""
        if hashes.size < OLDER_K:
            return cls(hashes, scheme)
        return cls(union(hashes & UPPER), scheme, short=True, complete=False)

    @classmethod
    def empty(cls) -> Self:
        """Return the state of no values."""
        return cls(np.empty(0, np.uint64))

    @classmethod
    def _of(cls, whole: Hashes, scheme: int) -> Self:
        """Return the state of all hashes, sorted and unique."""
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
        """Return all values as numbers, increasing; None for more than `WHOLE` values, no values, or text.

        An integer that float64 cannot represent was hashed as an integer, and gives a wrong number here.
        """
        if self.short or not self.hashes.size or self.scheme != MIXED:
            return None
        return np.sort(unmix(self.hashes).view(np.float64))

    @classmethod
    def sum(cls, parts: Sequence[Self]) -> Self:
        """Return the sum of one or more states, with a single sort if they are of one kind."""
        some = [part for part in parts if part.hashes.size] or parts[:1]
        alike = all(part.complete and part.scheme == some[0].scheme for part in some)
        if len(some) == 1 or not alike:
            return reduce(add, parts)
        if any(part.short for part in some):
            return cls(union(*(part.hashes & UPPER for part in some))[:K], some[0].scheme, short=True)
        return cls._of(union(*(part.hashes for part in some)), some[0].scheme)

    def estimate(self, values: float = math.inf) -> float:
        """Return the number of distinct values: exact up to 1,024, else within 1.7 % (one standard error).

        At most `values`, the number of values with repetitions, if known. Up to `K` it is the number of
        hashes, corrected for shared upper halves: among 3,584 values, two share theirs with probability
        0.0015.
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
    """Accumulator of the K smallest hashes, block by block."""

    def __init__(self) -> None:
        self._whole = np.empty(0, np.uint64)
        self._halves: Halves | None = None  # upper halves, from more than `WHOLE` hashes on
        self._waiting: list[Hashes] = []
        self._held = 0
        self._limit = HIGHEST
        self._repeat = False  # whether many of the last sorted hashes were repeated
        self._seen = np.empty(0, np.uint64)  # table of recently kept hashes, by their lowest bits

    def add(self, x: Floats, h: Hashes, spare: Hashes, *, zeros: bool = True) -> None:
        """Add finite values; `h` and `spare` are buffers of that size; `zeros`: whether 0.0 may occur."""
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
        """Add only hashes below a bound, and return whether they suffice; sorting all takes longer."""
        bound = np.uint64(SPARE * K / h.size * 2.0**64)
        kept = self._with(_finished(h, bound))
        if kept.size < K or kept[K - 1] >= bound >> BY_32:  # too many repeated values
            return False
        self._keep(kept[:K])
        return True

    def add_hashes(self, hashes: Hashes) -> None:
        """Add 64-bit hashes."""
        few = hashes.compress(hashes <= self._limit)
        if self._repeat and few.size > SLOTS // 4:  # filter hashes that were kept before
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
        # Once K hashes are kept, almost no others pass the limit; sorting them in lots is cheap.
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
        """Return the sorted unique upper halves of all hashes so far and of `more`."""
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
        """Return the arguments of `Distinct`: the hashes, the scheme, and whether they are short."""
        if self._waiting:
            self._settle()
        if self._halves is None:
            return self._whole, scheme, False
        return self._halves.astype(np.uint64) << BY_32, scheme, True


def _finished(h: Hashes, limit: np.uint64) -> Hashes:
    """Apply the last step of `mix` to hashes up to a limit, and to a few beyond it; return these.

    The step does not change the 31 highest bits: most hashes beyond the limit can skip it.
    """
    # Indexing by a mask branches at each hash, which takes twice as long if a tenth of them pass.
    low = h.compress(h <= (limit | LOWER))
    low ^= low >> np.uint64(31)
    return low
