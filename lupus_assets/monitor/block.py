"""One batch of one column, read once; any subset of its rows becomes a state."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lupus_assets.stats.category import Categories
from lupus_assets.stats.column import CategoricalColumn, IdentityColumn, NumericColumn, TimestampColumn
from lupus_assets.stats.grid import Grid

Mask = npt.NDArray[np.bool_]


class _Nullable:
    """What all blocks share: rows that are `present`, and those that are null."""

    present: Mask

    @cached_property
    def _without_nulls(self) -> bool:
        return bool(self.present.all())

    def _chosen(self, rows: Mask) -> tuple[Mask, int]:
        """Return which of `rows` hold a value, and how many do not."""
        if self._without_nulls:
            return rows, 0
        chosen = self.present & rows
        return chosen, int(np.count_nonzero(rows) - np.count_nonzero(chosen))


@dataclass(frozen=True)
class NumericBlock(_Nullable):
    """Numbers; null entries hold NaN and are not `present`."""

    values: npt.NDArray[np.float64]
    present: Mask
    grid: Grid

    def state(self, rows: Mask) -> NumericColumn:
        """Return the state of the rows of `rows`."""
        chosen, nulls = self._chosen(rows)
        return NumericColumn.of(self.values[chosen], nulls=nulls, grid=self.grid)


@dataclass(frozen=True)
class CategoricalBlock(_Nullable):
    """Text: each row's index into the batch's distinct values, which are hashed once."""

    names: list[str]
    hashes: npt.NDArray[np.uint64]
    index: npt.NDArray[np.int64]
    present: Mask

    def state(self, rows: Mask) -> CategoricalColumn:
        """Return the state of the rows of `rows`."""
        chosen, nulls = self._chosen(rows)
        counts = np.bincount(self.index[chosen], minlength=len(self.names))
        categories = Categories.of_hashes(self.hashes, counts, self.names)
        return CategoricalColumn(int(np.count_nonzero(rows)), nulls, categories)

    def row_hashes(self) -> npt.NDArray[np.uint64]:
        """Return the hash of each row's value; whatever it is where the row is null."""
        return self.hashes[self.index] if self.names else np.zeros(len(self.index), dtype=np.uint64)


@dataclass(frozen=True)
class IdentityBlock(_Nullable):
    """Salted hashes of a key or an entity; nothing else of it is kept."""

    hashes: npt.NDArray[np.uint64]
    present: Mask

    def state(self, rows: Mask) -> IdentityColumn:
        """Return the state of the rows of `rows`."""
        chosen, nulls = self._chosen(rows)
        return IdentityColumn.of(self.hashes[chosen], nulls)


@dataclass(frozen=True)
class TimestampBlock(_Nullable):
    """Microseconds since the epoch in UTC."""

    micros: npt.NDArray[np.int64]
    present: Mask

    def state(self, rows: Mask) -> TimestampColumn:
        """Return the state of the rows of `rows`."""
        chosen, nulls = self._chosen(rows)
        return TimestampColumn.of(self.micros[chosen], nulls)


Block = NumericBlock | CategoricalBlock | IdentityBlock | TimestampBlock
