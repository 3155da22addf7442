"""Rows of each label by score, in a bounded number of bins.

The code of a score has the bits of its distance from 0 or 1, whichever is nearer. This preserves the order of
scores near both ends: of 0.999999 and 0.9999999 as of 1e-6 and 1e-7. Up to `MOST` distinct scores each have
their own bin. Beyond, low bits of the codes are dropped until at most `MOST` bins are left: the uniform
collapse of Epicoco, Melle, Cafaro, Pulimeno and Morleo, *UDDSketch: accurate tracking of quantiles in data
streams* (IEEE Access 2020). The result depends only on the rows, not on how they were split.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lupus_assets.stats.grid import BLOCK
from lupus_assets.stats.state import Counts, Floats, State, add_counts, counted, filled

MOST = 2_048  # maximum number of bins: about 4 KB, with little order lost within a bin
SAMPLE = 4_096  # scores that give a lower bound of the bits to drop before all are counted
COUNTERS = 65_536  # maximum span of codes for a counter per code, which is faster than sorting
HALFWAY = int(np.float64(0.5).view(np.int64))

Codes = NDArray[np.int64]


def codes_of(score: Floats) -> Codes:
    """Return the code of each score in [0, 1], increasing with the score, in [0, 2 × `HALFWAY`]."""
    # Arithmetic instead of a copy by a random mask, which takes twice as long.
    nearer = np.minimum(score, 1.0 - score)
    nearer += 0.0  # -0.0 becomes 0.0
    codes = nearer.view(np.int64)
    from_one = (score >= 0.5).astype(np.int64)
    np.negative(from_one, out=from_one)
    codes ^= from_one  # -1 - code, or the code
    from_one &= 2 * HALFWAY + 1
    codes += from_one
    return codes


@dataclass(frozen=True, eq=False)
class RocCounts(State):
    """Rows of each label by the code of their score.

    Attributes
    ----------
    dropped : int
        Number of low bits dropped from each code; 0 while every distinct score has its own bin.
    codes : ndarray of int64, shape (bins,)
        The remaining bits of the codes, increasing, at most `MOST` of them.
    positives, negatives : ndarray of int64, shape (bins,)
        Rows of each label.
    """

    dropped: int
    codes: Codes
    positives: Counts
    negatives: Counts

    @classmethod
    def of(cls, score: Floats, label: NDArray[np.bool_]) -> Self:
        """Return the counts of scores in [0, 1] and labels, both of shape (rows,)."""
        if score.size <= MOST:
            return cls._sorted(codes_of(score), 0, label)
        # A sample has at most the distinct scores of all rows: it gives a lower bound.
        dropped = _to_drop(counted(codes_of(score[:SAMPLE]))[0])
        low, high = (
            int(each) >> dropped
            for each in codes_of(np.array([np.minimum.reduce(score), np.maximum.reduce(score)]))
        )
        if high - low >= COUNTERS:
            return cls._sorted(codes_of(score) >> dropped, dropped, label)
        counts = np.zeros((2, high - low + 1), np.int64)
        for start in range(0, score.size, BLOCK):
            places = codes_of(score[start : start + BLOCK])
            places >>= dropped
            places -= low
            places += label[start : start + BLOCK] * np.int64(counts.shape[1])
            np.add.at(counts.reshape(-1), places, 1)
        some = filled(counts[0] + counts[1])
        return cls(dropped, some + low, counts[1, some], counts[0, some])._without(_to_drop(some))

    @classmethod
    def _sorted(cls, codes: Codes, dropped: int, label: NDArray[np.bool_]) -> Self:
        (positive, positives), (negative, negatives) = counted(codes[label]), counted(codes[~label])
        return cls._of(dropped, positive, positives, negative, negatives)

    @classmethod
    def of_counts(cls, score: Floats, positives: Counts, negatives: Counts) -> Self:
        """Return the state of distinct scores in [0, 1], with the rows of each label."""
        order = np.argsort(score)
        codes = codes_of(score[order])
        return cls._of(0, codes, positives[order], codes, negatives[order])

    @property
    def tied(self) -> float:
        """Upper bound of the share of positive-negative pairs with different scores in one bin."""
        pairs = float(self.positives.sum()) * float(self.negatives.sum())
        lost = float(self.positives.astype(np.float64) @ self.negatives) if self.dropped else 0.0
        return lost / pairs if pairs else 0.0

    @classmethod
    def empty(cls) -> Self:
        """Return the state of no rows."""
        return cls.of(np.empty(0), np.empty(0, np.bool_))

    @classmethod
    def _of(
        cls, dropped: int, positive: Codes, positives: Counts, negative: Codes, negatives: Counts
    ) -> Self:
        codes, _, positive_at, negative_at = add_counts(positive, positives, negative, negatives)
        by_label = np.zeros((2, codes.size), np.int64)
        by_label[0, positive_at], by_label[1, negative_at] = positives, negatives
        return cls(dropped, codes, *by_label)._without(_to_drop(codes))

    def _without(self, bits: int) -> Self:
        """Return the state with `bits` more bits dropped."""
        if not bits:
            return self
        codes = self.codes >> bits
        first = np.flatnonzero(np.diff(codes, prepend=-1))
        return type(self)(
            self.dropped + bits,
            codes[first],
            np.add.reduceat(self.positives, first),
            np.add.reduceat(self.negatives, first),
        )

    def __add__(self, other: Self) -> Self:
        dropped = max(self.dropped, other.dropped)
        left, right = (each._without(dropped - each.dropped) for each in (self, other))
        codes, positives, left_at, right_at = add_counts(
            left.codes, left.positives, right.codes, right.positives
        )
        negatives = np.zeros(codes.size, np.int64)
        negatives[left_at] += left.negatives
        negatives[right_at] += right.negatives
        return type(self)(dropped, codes, positives, negatives)._without(_to_drop(codes))


def _to_drop(codes: Codes) -> int:
    """Return the number of low bits to drop from increasing codes for at most `MOST` distinct ones."""
    if codes.size <= MOST:
        return 0
    apart = codes[1:] ^ codes[:-1]  # adjacent codes differ while a bit of this is left
    return int(np.partition(apart, -MOST)[-MOST]).bit_length()
