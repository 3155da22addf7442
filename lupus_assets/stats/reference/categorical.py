"""A categorical column of the reference window: its most frequent values, and the bins of its distances."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from lupus_assets.stats.column import CategoricalColumn
from lupus_assets.stats.distance.binning import most_frequent, pooled_categories
from lupus_assets.stats.state import Counts, Hashes, State

NAMED = 5  # categories whose share has a history of its own


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
        """Freeze the column of a reference window."""
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
        """Return the rows of `column` per top category, of all the rest, and null.

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
            Then all the rest, and null.
        """
        nulls = [self.column.nulls, column.nulls]
        return np.column_stack([pooled_categories(self.column.categories, column.categories), nulls])

    def named(self, column: CategoricalColumn) -> Counts:
        """Return how many rows hold each of the reference's `NAMED` most frequent values, fewest last."""
        return column.categories.count_of(self.top[:NAMED])

    def unseen(self, column: CategoricalColumn, *, within: bool = False) -> int | None:
        """Return how many rows hold a value that the reference never held; nulls are no value.

        None if the reference was pruned: what it saw can no longer be told. Values pruned from
        `column` itself are left out, so the count is then a lower bound.

        Parameters
        ----------
        column : CategoricalColumn
        within : bool
            Whether the reference holds the rows of `column` too. Then the rest of it is asked, or a window
            would have seen all of its own values, and every later one would seem new.
        """
        seen = self.column.categories
        if seen.other > 0:
            return None
        current = column.categories
        if within:
            return int(current.counts[seen.count_of(current.hashes) <= current.counts].sum())
        return current.total - current.other - int(current.count_of(seen.hashes).sum())
