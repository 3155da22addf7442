"""Block-wise accumulator of a numeric column: the state of `NumericColumn.of`, in one pass, without copies.

`NumericColumn.of` defines the state; this module computes it at about 6 ns per value. All work on a block
stays in the cache: deviations from the grid's centre give the moments and the bin of each value. Entries
without a number are replaced by an earlier value, which changes neither extremes nor distinct values, with
deviation 0, which changes no sum; the counts are corrected for them. Integers of a small range are counted by
value, and the rest of the state is computed from these counts.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lupus_assets.stats.column import NumericColumn
from lupus_assets.stats.distinct import MIXED, Distinct, Smallest
from lupus_assets.stats.grid import BINS, BLOCK, CENTRE, PLACES, Grid
from lupus_assets.stats.hashing import EXACT, integer_hashes
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.integer_counts import IntegerCounts
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.reference.encoder import Codes, NumericEncoder
from lupus_assets.stats.scratch import Index, Numbers, Scratch, absent_bounds
from lupus_assets.stats.state import Counts, Floats, counted, filled, union

Keys = NDArray[np.uint16]

FEW = 4_096  # minimum block size for counting in 65,536 counters
LOT = 131_072  # maximum number of keys that wait for sorting


class Coding(NamedTuple):
    """Output buffer for the codes of values; the accumulator computes the keys, which give the codes.

    Attributes
    ----------
    by_key : array of uint8, shape (BINS,)
        The code of each key.
    null : int
        The code of null and non-finite values.
    codes : array of uint8, shape (n,)
        Finally the result of the encoder's ``encode`` for each value.
    """

    by_key: Codes
    null: int
    codes: Codes

    @classmethod
    def of(cls, encoder: NumericEncoder, size: int) -> "Coding":
        """Return the buffer for `size` values, filled with the null code."""
        return cls(encoder.by_key(), encoder.null, np.full(size, encoder.null, np.uint8))

    def part(self, rows: slice) -> "Coding":
        """Return the coding of a slice of the values, as a view."""
        return Coding(self.by_key, self.null, self.codes[rows])

    def take(self, keys: NDArray[np.integer[Any]], missing: Index) -> None:
        """Fill in the codes of keys; positions in `missing` get the null code."""
        # mode="wrap" makes numpy skip the bounds check of each key.
        np.take(self.by_key, keys, out=self.codes, mode="wrap")
        if missing.size:
            self.codes[missing] = self.null


@dataclass
class NumericAccumulator:
    """Mutable accumulator of one column over its batches.

    Parameters
    ----------
    grid : Grid
        The grid of the column's frozen reference.
    dense : bool
        Whether large blocks are counted in 65,536 counters of 8 bytes, the fastest way.
    """

    grid: Grid
    dense: bool = True
    rows: int = 0
    absent: int = 0
    nans: int = 0
    positive_infinities: int = 0
    negative_infinities: int = 0
    zeros: int = 0
    off_grid: int = 0
    low: float = math.inf
    high: float = -math.inf
    moments: Moments = field(default_factory=Moments.empty)
    smallest: Smallest = field(default_factory=Smallest)
    _counts: Counts | None = None  # by key
    _sparse: Histogram = field(init=False)
    _waiting: list[Keys] = field(default_factory=list)
    _held: int = 0
    _centred: int = 0  # absent entries, counted in the bin of the centre
    _known: float | None = None  # a finite value of the column
    _shift: float | None = None  # origin of the deviations; None is the grid's centre
    _integers: "IntegerCounts" = field(default_factory=lambda: IntegerCounts())

    def __post_init__(self) -> None:
        self._sparse = Histogram.empty(self.grid)

    def add(self, values: Numbers, absent: Index, scratch: Scratch, coding: Coding | None = None) -> None:
        """Add values.

        Parameters
        ----------
        values : array of int, uint, bool or float, shape (n,)
            Undefined at absent positions.
        absent : array of intp
            Positions of nulls, increasing.
        scratch : Scratch
        coding : Coding, optional
            Buffer of size n; requires float64 `values`.
        """
        self.rows += values.size
        self.absent += absent.size
        if values.dtype.kind in "biu":
            taken = self._integers.add(values, absent, scratch)
            values, absent = values[taken:], absent[np.searchsorted(absent, taken) :] - taken
        if absent.size < values.size:
            with np.errstate(all="ignore"):
                self._add(values, absent, scratch, coding)

    def _add(self, values: Numbers, absent: Index, scratch: Scratch, coding: Coding | None) -> None:
        bounds = absent_bounds(absent, values.size)
        shift = self.grid.centre if self._shift is None else self._shift
        sums = [0.0, 0.0, 0.0, 0.0]
        finite = 0
        for at, start in enumerate(range(0, values.size, BLOCK)):
            x = values[start : start + BLOCK]
            missing = absent[bounds[at] : bounds[at + 1]] - start
            mine = None if coding is None else coding.part(slice(start, start + BLOCK))
            finite += self._block(x, missing, shift, sums, scratch, mine)
        if not finite:
            return
        moments = Moments.of_sums(finite, shift, *sums)
        if moments is None:
            present = np.isfinite(values)
            present[absent] = False
            moments = Moments.of(values[present].astype(np.float64, copy=False))
            self._shift = moments.mean
        self.moments += moments

    def _block(
        self,
        x: Numbers,
        missing: Index,
        shift: float,
        sums: list[float],
        scratch: Scratch,
        coding: Coding | None,
    ) -> int:
        """Add one block, and the powers of its deviations to `sums`; return the number of finite values."""
        n = x.size
        if missing.size == n:
            return 0
        d, given = scratch.deviations[:n], x
        if missing.size or x.dtype != np.float64:
            x = self._filled(x, missing, scratch)
        centre = self.grid.centre
        np.subtract(x, centre, out=d)
        if missing.size:
            d[missing] = 0.0
        total = float(np.add.reduce(d))
        if not math.isfinite(total):
            odd = np.flatnonzero(~np.isfinite(x))
            if odd.size:
                self._tell(x[odd])
                missing = union(missing, odd)
                if missing.size == n:
                    return 0
                x = self._filled(x, missing, scratch)
                np.subtract(x, centre, out=d)
                d[missing] = 0.0
                total = float(np.add.reduce(d))
        self._count(d, missing, scratch, coding)
        if shift != centre:
            np.subtract(x, shift, out=d)
            if missing.size:
                d[missing] = 0.0
            total = float(np.add.reduce(d))
        square = np.multiply(d, d, out=scratch.squares[:n])
        sums[0] += total
        sums[1] += float(np.dot(d, d))
        sums[2] += float(np.dot(square, d))
        sums[3] += float(np.dot(square, square))
        self._known = float(x[0]) if self._known is None else self._known
        low, high = float(np.minimum.reduce(x)), float(np.maximum.reduce(x))
        self.low, self.high = min(self.low, low), max(self.high, high)
        zeros = int(np.count_nonzero(x == 0.0)) if low <= 0.0 <= high else 0
        self.zeros += zeros - (missing.size if self._known == 0.0 else 0)
        self._count_off(x, missing)
        if -EXACT < low <= high < EXACT or given.dtype.kind == "f":
            self.smallest.add(x, scratch.hashes[:n], scratch.spare[:n], zeros=zeros > 0)
        else:  # integers that float64 cannot represent exactly
            self.smallest.add_hashes(integer_hashes(np.delete(given, missing)))
        return n - missing.size

    def _filled(self, x: Numbers, missing: Index, scratch: Scratch) -> Floats:
        """Return the block as float64, with a known finite value of the column at missing positions."""
        filled = scratch.values[: x.size]
        np.copyto(filled, x, casting="unsafe")
        if missing.size:
            if self._known is None:
                present = np.isfinite(filled)
                present[missing] = False
                first = int(present.argmax())
                self._known = float(filled[first]) if present[first] else None
            filled[missing] = 0.0 if self._known is None else self._known
        return filled

    def _count_off(self, x: Floats, missing: Index) -> None:
        if self.grid.decimals is not None:
            off = self.grid.off(x)
            off[missing] = False
            self.off_grid += int(np.count_nonzero(off))

    def _count(self, d: Floats, missing: Index, scratch: Scratch, coding: Coding | None) -> None:
        keys = self.grid.keys(d, scratch.single[: d.size])
        self._centred += missing.size  # missing entries have the key of the centre
        if self.dense and d.size >= FEW:
            if self._counts is None:
                self._counts = np.zeros(BINS, np.int64)
            places = scratch.keys[: d.size]
            np.copyto(places, keys)
            np.add.at(self._counts, places, 1)
            if coding is not None:
                coding.take(places, missing)
            return
        if coding is not None:
            coding.take(keys, missing)
        self._waiting.append(keys.copy())
        self._held += d.size
        if self._held >= LOT:
            self._settle()

    def _settle(self) -> None:
        """Count the waiting keys; sorting them is faster than clearing and reading 65,536 counters."""
        if self._waiting:
            keys, counts = counted(np.concatenate(self._waiting))
            self._sparse += Histogram.of_bins(PLACES[keys], counts, self.grid)
        self._waiting, self._held = [], 0

    def _tell(self, odd: Floats) -> None:
        self.nans += int(np.count_nonzero(np.isnan(odd)))
        self.positive_infinities += int(np.count_nonzero(odd == np.inf))
        self.negative_infinities += int(np.count_nonzero(odd == -np.inf))

    def within(self, low: float, high: float) -> bool:
        """Return whether all values so far, infinities included, lie in [`low`, `high`]."""
        infinite = self.positive_infinities or self.negative_infinities
        return not infinite and low <= self.low and self.high <= high and self._integers.within(low, high)

    def state(self) -> NumericColumn:
        """Return the state of all values so far."""
        floats = self.moments.n
        column = NumericColumn(
            rows=self.rows,
            nulls=self.absent,
            nans=self.nans,
            positive_infinities=self.positive_infinities,
            negative_infinities=self.negative_infinities,
            zeros=self.zeros,
            minimum=self.low + 0.0 if floats else None,
            maximum=self.high + 0.0 if floats else None,
            moments=self.moments,
            histogram=self._histogram(),
            distinct=Distinct(*self.smallest.kept(MIXED)),
            off_grid=self.off_grid,
        )
        if not self._integers.counts.size:
            return column
        return replace(column + self._integers.state(self.grid), rows=self.rows)

    def _histogram(self) -> Histogram:
        self._settle()
        found = self._sparse
        if self._counts is not None:
            keys = filled(self._counts)
            dense = Histogram.of_bins(PLACES[keys], self._counts[keys], self.grid)
            found = found + dense if found.counts.size else dense
        return found.without(CENTRE, self._centred)
