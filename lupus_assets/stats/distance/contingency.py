"""Distances of many contingency tables in one call of numpy, whose overhead exceeds the work of one table."""

from collections.abc import Sequence

import numpy as np

from lupus_assets.stats.distance.pair import smoothed
from lupus_assets.stats.distance.pooled import POOLED
from lupus_assets.stats.distance.shares import SHARES
from lupus_assets.stats.state import Counts, Floats


def distances_of_shares(tables: Sequence[Counts], references: Sequence[int]) -> dict[str, Floats]:
    """Return the distances of `SHARES`; NaN if a window has no rows.

    Parameters
    ----------
    tables : sequence of array of int, shape (windows, bins)
        Rows per window and bin; the number of bins may differ between tables.
    references : sequence of int
        Index of the reference window of each table.

    Returns
    -------
    dict of str to ndarray of float64, shape (tables, windows)
    """
    found = {each.name: np.full((len(tables), len(tables[0])), np.nan) for each in SHARES}
    for bins in {table.shape[1] for table in tables}:
        some = np.array([at for at, table in enumerate(tables) if table.shape[1] == bins])
        new = np.array([tables[at] for at in some])
        old = np.array([tables[at][references[at]] for at in some])
        rows = np.add.reduce(new, axis=2)
        table, window = np.nonzero((rows > 0) & (np.add.reduce(old, axis=1) > 0)[:, None])
        if table.size:
            p, q = smoothed(old[table], new[table, window])
            for each in SHARES:
                found[each.name][some[table], window] = each.function(p, q)
    return found


def distances_of_pooled(pooled: Counts) -> dict[str, Floats]:
    """Return the distances of `POOLED`; NaN if a side has no rows.

    Parameters
    ----------
    pooled : array of int, shape (2, ..., bins)
        Rows of each side.

    Returns
    -------
    dict of str to ndarray of float64, shape (...)
    """
    filled = np.logical_and.reduce(np.add.reduce(pooled, axis=-1) > 0, axis=0)
    found = {each.name: np.full(filled.shape, np.nan) for each in POOLED}
    a, b = pooled[:, filled]
    for each in POOLED:
        found[each.name][filled] = each.function(a, b)
    return found


def both_ways(later: Sequence[Floats]) -> Floats:
    """Return a symmetric matrix from its rows, each starting at the diagonal."""
    found = np.empty((len(later), len(later)))
    for at, values in enumerate(later):
        found[at, at:] = found[at:, at] = values
    return found
