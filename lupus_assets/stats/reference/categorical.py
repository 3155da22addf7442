"""A categorical column of the reference window: its most frequent values, and the bins of its distances."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from lupus_assets.stats.column import CategoricalColumn
from lupus_assets.stats.distance.binning import most_frequent, pooled_categories
from lupus_assets.stats.state import Counts, Hashes, State

NAMED = 5  # number of categories whose share has its own history


@dataclass(frozen=True, eq=False)
class CategoricalReference(State):
    """A categorical column of the reference window.

    Attributes
    ----------
    column : CategoricalColumn
        State of the column over the reference window.
    """

    column: CategoricalColumn

    @classmethod
    def of(cls, column: CategoricalColumn) -> Self:
        """Return the reference of a column's state."""
        return cls(column)

    @cached_property
    def top(self) -> Hashes:
        """Hashes of the `TOP` most frequent categories, in the order of their bins."""
        categories = self.column.categories
        return np.asarray(categories.hashes[most_frequent(categories.counts)])

    @cached_property
    def reference_counts(self) -> Counts:
        """The reference's own rows in the layout of `binned`."""
        return self.binned(self.column)

    def binned(self, column: CategoricalColumn) -> Counts:
        """Return the rows of `column` per top category, of all other values, and null.

        Returns
        -------
        ndarray of int64, shape (top + 2,)
            Sums to ``column.rows``.
        """
        counts = column.categories.count_of(self.top)
        rest = column.categories.total - int(counts.sum())
        return np.concatenate((counts, [rest, column.nulls])).astype(np.int64)

    def pooled(self, column: CategoricalColumn) -> Counts:
        """Return the rows of the reference and of `column` per most frequent value of both together.

        Returns
        -------
        ndarray of int64, shape (2, values + 2)
            The last two bins are all other values, and null.
        """
        nulls = [self.column.nulls, column.nulls]
        return np.column_stack([pooled_categories(self.column.categories, column.categories), nulls])

    def named(self, column: CategoricalColumn) -> Counts:
        """Return the rows of `column` with each of the `NAMED` top values of the reference, in that order."""
        return column.categories.count_of(self.top[:NAMED])

    def unseen(self, column: CategoricalColumn, *, within: bool = False) -> int | None:
        """Return the number of rows with a value that is not in the reference; nulls are not counted.

        None if the reference was pruned, since its values are then unknown. Values pruned from
        `column` itself are left out: the count is then a lower bound.

        Parameters
        ----------
        column : CategoricalColumn
        within : bool
            Whether the reference includes the rows of `column`. A value then counts if only rows of `column`
            have it; else such a window would never have unseen values, in contrast to later windows.
        """
        seen = self.column.categories
        if seen.other > 0:
            return None
        current = column.categories
        if within:
            return int(current.counts[seen.count_of(current.hashes) <= current.counts].sum())
        return current.total - current.other - int(current.count_of(seen.hashes).sum())
