"""Counts by value, up to a cap.

A value is identified by its salted 64-bit hash; counts can be kept after the value must no
longer be shown. Two values with the same hash count as one; the probability among 10,000 values is 3e-12.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.siphash import hash_strings
from lupus_assets.stats.state import Counts, Hashes, State, add_counts, filled

CAP = 10_000


def hash_value(value: str, salt: bytes) -> int:
    """Return the salted 64-bit hash of a value."""
    return int(hash_strings([value], salt)[0])


@dataclass(frozen=True, eq=False)
class Categories(State):
    """Counts by value.

    Sums are exact up to `CAP` distinct values. Beyond, the least frequent values are moved to
    `other`, by count, then hash: `total` stays exact, and each count is a lower bound, since a
    value may have been moved in one part and not in another.

    Parameters
    ----------
    hashes : array of uint64
        `hash_value` of each value; sorted and unique.
    counts : array of int64
        Number of rows of each value; above 0.
    names : tuple of str or None
        The value of each hash; None if it must not be shown.
    other : int
        Number of rows of the values moved out by the cap.
    distinct : Distinct
        Over all values, including those in `other`.
    """

    hashes: Hashes
    counts: Counts
    names: tuple[str | None, ...]
    other: int
    distinct: Distinct

    @classmethod
    def of(cls, values: Sequence[str], counts: Counts, salt: bytes, cap: int = CAP) -> Self:
        """Return the state of counts by value.

        Parameters
        ----------
        values : sequence of str
            The dictionary of a column; counts of repeated values are added.
        counts : array of int
            Number of rows of each value. Values with count 0 are left out.
        salt : bytes
            The key of the hash; values of states with different salts do not match.
        cap : int
            Maximum number of values kept.
        """
        return cls.of_hashes(
            hash_strings(values, salt), counts, lambda at: [values[i] for i in at.tolist()], cap
        )

    @classmethod
    def of_hashes(
        cls,
        given: Hashes,
        counts: Counts,
        names: Callable[[NDArray[np.intp]], Sequence[str]] | None = None,
        cap: int = CAP,
    ) -> Self:
        """Return the state of counts by value, as `of`, for known hashes.

        Parameters
        ----------
        given : array of uint64
            The hash of each value.
        counts : array of int
        names : callable, optional
            Returns the values at given indices; called once, for the values kept. Without it no value has a
            name.
        cap : int
        """
        present = filled(counts)
        ordered = present[np.argsort(given[present])]
        hashes, sums = given[ordered], np.asarray(counts, np.int64)[ordered]
        first = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]]) if hashes.size else ordered
        if first.size < hashes.size:  # repeated values
            hashes, sums, ordered = hashes[first], np.add.reduceat(sums, first), ordered[first]
        kept = _most_frequent(sums, cap)
        return cls(
            hashes[kept],
            sums[kept],
            (None,) * kept.size if names is None else tuple(names(ordered[kept])),
            int(sums.sum() - sums[kept].sum()),
            Distinct.of_hashes(hashes),
        )

    @classmethod
    def empty(cls) -> Self:
        """Return the state of no values."""
        return cls(np.empty(0, np.uint64), np.empty(0, np.int64), (), 0, Distinct.empty())

    def __add__(self, other: Self) -> Self:
        hashes, counts, mine, theirs = add_counts(self.hashes, self.counts, other.hashes, other.counts)
        names: list[str | None] = [None] * hashes.size
        for at, known in ((theirs, other.names), (mine, self.names)):
            for i, name in zip(at.tolist(), known, strict=True):
                if name is not None:  # a name known on either side is kept
                    names[i] = name
        whole = type(self)(
            hashes, counts, tuple(names), self.other + other.other, self.distinct + other.distinct
        )
        return whole._capped(CAP)

    def _capped(self, cap: int) -> Self:
        if self.hashes.size <= cap:
            return self
        kept = _most_frequent(self.counts, cap)
        moved = int(self.counts.sum() - self.counts[kept].sum())
        return replace(
            self,
            hashes=self.hashes[kept],
            counts=self.counts[kept],
            names=tuple([self.names[i] for i in kept]),
            other=self.other + moved,
        )

    @property
    def total(self) -> int:
        """Number of rows, exact."""
        return int(self.counts.sum()) + self.other

    def disclosed(self, at_least: int = 20) -> Self:
        """Return the state without the names of values in fewer than `at_least` rows."""
        shown = (self.counts >= at_least).tolist()
        return replace(self, names=tuple([n if s else None for n, s in zip(self.names, shown, strict=True)]))

    def anonymous(self) -> Self:
        """Return the state without names; counts and hashes stay."""
        return replace(self, names=(None,) * len(self.names))

    def count_of(self, hashes: Hashes) -> Counts:
        """Return the counts of values, given by their hashes; 0 for values not kept."""
        if not self.hashes.size:
            return np.zeros(hashes.shape, np.int64)
        at = np.minimum(np.searchsorted(self.hashes, hashes), self.hashes.size - 1)
        return np.where(self.hashes[at] == hashes, self.counts[at], 0)

    def top(self, n: int) -> NDArray[np.intp]:
        """Return the indices of the `n` most frequent values, by count descending, then hash."""
        return np.argsort(-self.counts, kind="stable")[:n]

    def label(self, i: int) -> str:
        """Return the i-th value, or ``#`` and 12 hexadecimal digits of its hash if it must not be shown."""
        name = self.names[i]
        return f"#{int(self.hashes[i]):016x}"[:13] if name is None else name


def _most_frequent(counts: Counts, cap: int) -> NDArray[np.intp]:
    """Return the sorted indices of the `cap` largest counts; of equal counts, the first indices."""
    if counts.size <= cap:
        return np.arange(counts.size)
    least = np.partition(counts, -cap)[-cap]
    more = counts > least
    more[np.flatnonzero(counts == least)[: cap - np.count_nonzero(more)]] = True
    return np.flatnonzero(more)
