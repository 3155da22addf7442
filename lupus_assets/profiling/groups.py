"""The groups of rows of a batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lupus_assets.reading.block import (
    Index,
)

Rows = Index | slice


def picked(values: npt.NDArray[Any], rows: Rows) -> npt.NDArray[Any]:
    """Return the values of some rows; numpy's `take` is twice as fast as indexing."""
    return values[rows] if isinstance(rows, slice) else values.take(rows)


@dataclass(frozen=True)
class Groups:
    """The rows of one batch, split into groups.

    Attributes
    ----------
    order : array of intp, or None
        Row numbers, group by group; None where all rows are one group.
    bounds : array of intp, shape (groups + 1,)
        Start of each group in `order`, and the end of the last.
    rows : int
        Number of rows of the batch, including those in no group.
    """

    order: Index | None
    bounds: Index
    rows: int

    @classmethod
    def one(cls, rows: int) -> "Groups":
        """Return all rows as one group."""
        return cls(None, np.array([0, rows]), rows)

    @classmethod
    def of(cls, code: npt.NDArray[np.int64], count: int) -> "Groups":
        """Return the groups of rows with codes 0 to `count` − 1; rows with a negative code are in none."""
        # Numpy sorts integers of one or two bytes by counting.
        small = np.where(code < 0, count, code).astype(np.min_scalar_type(count))
        order = np.argsort(small, kind="stable")
        bounds = np.searchsorted(small, np.arange(count + 1), sorter=order)
        return cls(order[: bounds[-1]], bounds, code.size)

    def ordered(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return `values` of the rows, reordered so that each group is contiguous."""
        return values if self.order is None else values.take(self.order)

    def places(self, absent: Index) -> Index:
        """Return the positions of some rows in `order`, increasing; rows in no group have none."""
        if self.order is None or not absent.size:
            return absent
        places = self._places.take(absent)
        return np.sort(places[places >= 0]).astype(np.intp)

    @cached_property
    def _places(self) -> npt.NDArray[np.int32]:
        """The position of each row in `order`; -1 for a row in no group."""
        places = np.full(self.rows, -1, np.int32)
        places[self.order] = np.arange(self.bounds[-1], dtype=np.int32)
        return places

    def rows_of(self, part: slice) -> Rows:
        """Return the rows at some positions of `order`."""
        return part if self.order is None else self.order[part]

    def slices(self) -> Iterator[slice]:
        """Yield the positions of each group in `order`."""
        for start, end in zip(self.bounds[:-1].tolist(), self.bounds[1:].tolist(), strict=True):
            yield slice(start, end)
