"""One column over many windows, stacked: distances of any two of them without a second pass over rows.

The counts of all windows are on the union of their bins; a distance is a sum over a row of the stack. A
window may have many partitions. Only the *marginal* of each is needed
(`lupus_assets.stats.distance.marginal`).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lupus_assets.stats.distance.contingency import both_ways, distances_of_pooled, distances_of_shares
from lupus_assets.stats.state import Counts, Floats


@dataclass(frozen=True)
class Stack(ABC):
    """Rows per window, in bins (`counts`) and outside of bins (`apart`); numeric or categorical."""

    counts: Counts
    apart: Counts

    @cached_property
    def rows(self) -> Counts:
        """Rows of each window, nulls included; int64, shape (windows,)."""
        return np.asarray(self.counts.sum(axis=1) + self.apart.sum(axis=1))

    @abstractmethod
    def binned(self, reference: int) -> Counts:
        """Return the rows of each window in bins of `reference`; int64, shape (windows, bins)."""

    @abstractmethod
    def pooled(self, reference: int, first: int = 0) -> Counts:
        """Return the rows of `reference`, and of each window from `first` on, in bins of both together.

        Returns
        -------
        ndarray of int64, shape (2, windows, bins)
            Bins may be empty.
        """

    def of_distributions(self, reference: int, first: int = 0) -> dict[str, Floats]:  # noqa: ARG002
        """Return the distances of distribution functions; none for categories."""
        return {}

    @abstractmethod
    def expected_psi(self, reference: int, rows: int) -> float:
        """Return the expected PSI of `rows` rows against `reference` without drift."""

    def distances(self, reference: int) -> dict[str, Floats]:
        """Return the distances of each window to `reference`.

        Returns
        -------
        dict of str to ndarray of float64, shape (windows,)
            By the names of `lupus_assets.stats.distance.table.DISTANCES`; NaN if a window has no rows or, for
            distribution functions, no finite values. Categories have no distances of the latter kind.
        """
        return distances([self], reference)[0]

    def pairs(self) -> dict[str, Floats]:
        """Return the distances of all pairs of windows, each as (reference, current).

        Returns
        -------
        dict of str to ndarray of float64, shape (windows, windows)
            As `distances`, one row per reference.
        """
        windows = range(len(self.counts))
        of_shares = distances_of_shares([self.binned(at) for at in windows], list(windows))
        of_pooled = distances_of_pooled(np.concatenate([self.pooled(at, at) for at in windows], axis=1))
        of_distributions = [self.of_distributions(at, at) for at in windows]
        ends = np.cumsum(range(len(windows), 1, -1))
        return (
            of_shares
            | {name: both_ways(np.split(values, ends)) for name, values in of_pooled.items()}
            | {name: both_ways([each[name] for each in of_distributions]) for name in of_distributions[0]}
        )


def distances(stacks: Sequence[Stack], reference: int) -> list[dict[str, Floats]]:
    """Return the distances of the windows of each column to `reference`, as `Stack.distances`.

    Parameters
    ----------
    stacks : sequence of Stack
        Stacks of equally many windows.
    reference : int
    """
    if not stacks:
        return []
    of_shares = distances_of_shares([stack.binned(reference) for stack in stacks], [reference] * len(stacks))
    tables = [stack.pooled(reference) for stack in stacks]
    pooled = np.zeros((*tables[0].shape[:2], len(stacks), max(each.shape[2] for each in tables)), np.int64)
    for at, table in enumerate(tables):
        pooled[:, :, at, : table.shape[2]] = table
    of_pooled = distances_of_pooled(pooled)
    return [
        {name: values[at] for name, values in of_shares.items()}
        | {name: values[:, at] for name, values in of_pooled.items()}
        | stack.of_distributions(reference)
        for at, stack in enumerate(stacks)
    ]


def summed_apart(windows: Sequence[Sequence[tuple[int, ...]]], width: int) -> Counts:
    """Return the sums over the partitions of each window; int64, shape (windows, width)."""
    return np.array([np.reshape(window, (-1, width)).sum(axis=0) for window in windows], np.int64)
