"""One batch of one column, read once; any subset of its rows becomes a state."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lupus_assets.stats.category import Categories
from lupus_assets.stats.column import CategoricalColumn, IdentityColumn, NumericColumn, TimestampColumn
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.grid import Grid

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class NumericBlock:
    """Numbers; null entries hold NaN and are not `present`."""

    values: npt.NDArray[np.float64]
    present: Mask
    grid: Grid

    def state(self, rows: Mask) -> NumericColumn:
        """Return the state of the rows of `rows`."""
        chosen = self.present & rows
        return NumericColumn.of(self.values[chosen], nulls=int(rows.sum() - chosen.sum()), grid=self.grid)


@dataclass(frozen=True)
class CategoricalBlock:
    """Text: each row's index into the batch's distinct values, which are hashed once."""

    names: list[str]
    hashes: npt.NDArray[np.uint64]
    index: npt.NDArray[np.int64]
    present: Mask

    def state(self, rows: Mask) -> CategoricalColumn:
        """Return the state of the rows of `rows`."""
        chosen = self.present & rows
        counts = np.bincount(self.index[chosen], minlength=len(self.names))
        categories = Categories.of_hashes(self.hashes, counts, self.names)
        total = int(rows.sum())
        return CategoricalColumn(rows=total, nulls=total - int(chosen.sum()), categories=categories)

    def row_hashes(self) -> npt.NDArray[np.uint64]:
        """Return the hash of each row's value; whatever it is where the row is null."""
        return self.hashes[self.index] if self.names else np.zeros(len(self.index), dtype=np.uint64)


@dataclass(frozen=True)
class IdentityBlock:
    """Salted hashes of a key or an entity; nothing else of it is kept."""

    hashes: npt.NDArray[np.uint64]
    present: Mask

    def state(self, rows: Mask) -> IdentityColumn:
        """Return the state of the rows of `rows`."""
        chosen = self.present & rows
        total = int(rows.sum())
        return IdentityColumn(
            rows=total, nulls=total - int(chosen.sum()), distinct=Distinct.of_hashes(self.hashes[chosen])
        )


@dataclass(frozen=True)
class TimestampBlock:
    """Microseconds since the epoch in UTC."""

    micros: npt.NDArray[np.int64]
    present: Mask

    def state(self, rows: Mask) -> TimestampColumn:
        """Return the state of the rows of `rows`."""
        chosen = self.present & rows
        return TimestampColumn.of(self.micros[chosen], nulls=int(rows.sum() - chosen.sum()))


Block = NumericBlock | CategoricalBlock | IdentityBlock | TimestampBlock
