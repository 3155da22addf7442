"""Counts of integers of a small range, and the state of their column."""

from dataclasses import dataclass, field

import numpy as np

from lupus_assets.stats.column import NumericColumn
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.grid import BLOCK, Grid
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.scratch import Index, Numbers, Scratch, absent_bounds
from lupus_assets.stats.state import Counts, Floats, add_each, filled

SPAN = 65_536  # maximum difference of integers counted by value, exclusive
LARGEST = np.uint64(2**63)  # integers from here on exceed int64


@dataclass
class IntegerCounts:
    """Counts by integer, as long as all integers lie within `SPAN` of each other."""

    base: int = 0
    counts: Counts = field(default_factory=lambda: np.zeros(0, np.int64))
    closed: bool = False
    _known: int | None = None

    def add(self, values: Numbers, absent: Index, scratch: Scratch) -> int:
        """Count values from the first on; return the number counted before the span got too large."""
        bounds = absent_bounds(absent, values.size)
        for at, start in enumerate(range(0, values.size, BLOCK)):
            x = values[start : start + BLOCK]
            missing = absent[bounds[at] : bounds[at + 1]] - start
            if missing.size == x.size:
                continue
            if self.closed or not self._block(x, missing, scratch):
                self.closed = True
                return start
        return int(values.size)

    def _block(self, x: Numbers, missing: Index, scratch: Scratch) -> bool:
        if x.dtype == np.uint64 and x.max() >= LARGEST:
            return False
        at = scratch.integers[: x.size]
        np.copyto(at, x, casting="unsafe")
        if missing.size:
            if self._known is None:
                present = np.ones(x.size, np.bool_)
                present[missing] = False
                self._known = int(at[present.argmax()])
            at[missing] = self._known
        if not self._reach(int(np.minimum.reduce(at)), int(np.maximum.reduce(at))):
            return False
        if self.base:
            at -= self.base
        add_each(self.counts, at)
        if missing.size:
            self.counts[at[missing[0]]] -= missing.size
        return True

    def _reach(self, low: int, high: int) -> bool:
        """Extend the range to [`low`, `high`]; return False if it would exceed `SPAN`."""
        if self.counts.size:
            if self.base <= low and high < self.base + self.counts.size:
                return True
            low, high = min(low, self.base), max(high, self.base + self.counts.size - 1)
        if high - low >= SPAN:
            return False
        wider = np.zeros(high - low + 1, np.int64)
        wider[self.base - low :][: self.counts.size] = self.counts
        self.base, self.counts = low, wider
        return True

    def within(self, low: float, high: float) -> bool:
        """Return whether all counted integers lie in [`low`, `high`]."""
        return not self.counts.size or (low <= self.base and self.base + self.counts.size - 1 <= high)

    def _values(self) -> Floats:
        return (
            (np.arange(self.counts.size) + np.float64(self.base))
            if abs(self.base) < 2**52
            else np.array([float(self.base + at) for at in range(self.counts.size)])
        )

    def state(self, grid: Grid) -> NumericColumn:
        """Return the state of the counted values, without nulls."""
        some = filled(self.counts)
        x, counts = self._values()[some], self.counts[some]
        return NumericColumn(
            rows=int(counts.sum()),
            nulls=0,
            nans=0,
            positive_infinities=0,
            negative_infinities=0,
            zeros=int(counts[x == 0].sum()),
            minimum=float(x[0]) if x.size else None,
            maximum=float(x[-1]) if x.size else None,
            moments=Moments.of_counts(x, counts),
            histogram=Histogram.of_bins(grid.bins(x), counts, grid),
            distinct=Distinct.of_integers(some + self.base),
            off_grid=0,  # an integer has no decimals
        )
