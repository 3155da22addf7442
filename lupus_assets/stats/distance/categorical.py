"""Stack of a categorical column over many windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lupus_assets.stats.distance.binning import TOP, forecast_categories, most_frequent
from lupus_assets.stats.distance.expectation import expected_psi
from lupus_assets.stats.distance.marginal import Categorical
from lupus_assets.stats.distance.stack import Stack, summed_apart
from lupus_assets.stats.state import Counts, Hashes, places_of

LIKELY = 4 * TOP  # most frequent values of the reference window, for the bound in `_candidates`


@dataclass(frozen=True)
class CategoricalStack(Stack):
    """A categorical column over many windows.

    Attributes
    ----------
    hashes : ndarray of uint64, shape (categories,)
        Hashes of the values of all windows, increasing.
    counts : ndarray of int64, shape (windows, categories)
        Rows per value.
    apart : ndarray of int64, shape (windows, 2)
        Rows of values moved out by the cap, and nulls.
    """

    hashes: Hashes

    @classmethod
    def of(cls, windows: Sequence[Sequence[Categorical]]) -> Self:
        """Return the stack of windows, each given as the states of its partitions; at least one state."""
        hashes, places = places_of([c.categories.hashes for window in windows for c in window])
        rest = iter(places)
        counts = [
            _summed([next(rest) for _ in window], [c.categories.counts for c in window], hashes.size)
            for window in windows
        ]
        apart = [[(c.categories.other, c.nulls) for c in window] for window in windows]
        return cls(np.array(counts), summed_apart(apart, 2), hashes)

    def binned(self, window: int) -> Counts:
        """Return the rows of each window per top category of `window`, of all other values, and null.

        Laid out as `lupus_assets.stats.reference.categorical.CategoricalReference.binned`.
        """
        held = self._held[window]
        counts = self.counts[:, most_frequent(self.counts[window, held], held)]
        rest = self.rows - counts.sum(axis=1) - self.apart[:, 1]
        return np.column_stack([counts, rest, self.apart[:, 1]])

    @cached_property
    def _held(self) -> list[NDArray[np.intp]]:
        """Columns of the values of each window."""
        return [np.flatnonzero(counts > 0) for counts in self.counts]

    @cached_property
    def _entries(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Counts]:
        """Window, column and count of every value with rows, in the order of windows."""
        sizes = [held.size for held in self._held]
        windows, held = np.repeat(np.arange(len(sizes)), sizes), np.concatenate(self._held)
        return windows, held, self.counts[windows, held]

    def pooled(self, reference: int, first: int = 0) -> Counts:
        """Return the rows of `reference`, and of each window from `first` on, per top value of both together.

        Returns
        -------
        ndarray of int64, shape (2, windows, bins)
            As `lupus_assets.stats.reference.categorical.CategoricalReference.pooled`, with the rest and nulls
            first, padded with empty bins.
        """
        mine, theirs, size = self.counts[reference], self.counts[first:], self.hashes.size
        window, place = self._candidates(reference, first)
        order = np.argsort(window, kind="stable")
        window, place = window[order], place[order]
        column = np.arange(window.size) - np.searchsorted(window, np.arange(len(theirs)))[window]
        ranked = np.zeros((len(theirs), max(TOP, column.max(initial=0) + 1)), np.int64)
        # One sort key: larger counts first, ties by position; rows times values fit into int64.
        ranked[window, column] = (mine[place] + theirs[window, place]) * size + size - 1 - place
        ranked = np.sort(ranked, axis=1)[:, : -TOP - 1 : -1]
        window, column = np.nonzero(ranked)
        place = size - 1 - ranked[window, column] % size
        found = np.zeros((2, len(theirs), 2 + TOP), np.int64)
        found[0, window, 2 + column], found[1, window, 2 + column] = mine[place], theirs[window, place]
        totals = self.rows - self.apart[:, 1]
        found[0, :, 0], found[1, :, 0] = totals[reference], totals[first:]
        found[..., 0] -= found[..., 2:].sum(axis=2)
        found[0, :, 1], found[1, :, 1] = self.apart[reference, 1], self.apart[first:, 1]
        return found

    def _candidates(self, reference: int, first: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return windows, counted from `first`, and columns: a superset of the top values of each pair.

        The frequent values of the reference give a lower bound of the `TOP`th largest pooled count.
        """
        mine, theirs, own = self.counts[reference], self.counts[first:], self._held[reference]
        least = np.ones(len(theirs), np.int64)
        if own.size >= TOP:
            frequent = own[np.argpartition(mine[own], -LIKELY)[-LIKELY:]] if own.size > LIKELY else own
            least = np.partition(theirs[:, frequent] + mine[frequent], -TOP, axis=1)[:, -TOP]
        start = sum(map(len, self._held[:first]))
        window, place, count = (each[start:] for each in self._entries)
        sums = mine[place] + count
        held = np.flatnonzero(sums >= least.min())
        held = held[sums[held] >= least[window[held] - first]]
        own = own[mine[own] >= least.min()]
        missing, at = np.nonzero((theirs[:, own] == 0) & (mine[own] >= least[:, None]))
        return np.concatenate([window[held] - first, missing]), np.concatenate([place[held], own[at]])

    def expected_psi(self, reference: int, rows: int) -> float:
        """Return the expected PSI of `rows` rows against `reference` without drift."""
        counts = self.binned(reference)[reference]
        return expected_psi(counts, forecast_categories(counts, self.counts[reference]), rows)


def _summed(places: Sequence[NDArray[np.intp]], counts: Sequence[Counts], size: int) -> Counts:
    """Return the sums of counts by column; exact below 2^53."""
    if not places:
        return np.zeros(size, np.int64)
    weights = np.concatenate(counts)
    return np.bincount(np.concatenate(places), weights, size).astype(np.int64)
