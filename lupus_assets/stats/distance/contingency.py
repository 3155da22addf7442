"""Distances of many contingency tables at once: alone, each call of numpy takes longer than its work."""

from collections.abc import Sequence

import numpy as np

from lupus_assets.stats.distance import formula as distance
from lupus_assets.stats.state import Counts, Floats

BINNED = distance.Binned._fields
POOLED = ("chi_square", "chi_square_p")


def binned_distances(tables: Sequence[Counts], references: Sequence[int]) -> dict[str, Floats]:
    """Return the distances of `BINNED`; NaN where a window has no rows.

    Parameters
    ----------
    tables : sequence of array of int, shape (windows, bins)
        Of as many windows, but not bins.
    references : sequence of int
        From which window of each table.

    Returns
    -------
    dict of str to ndarray of float64, shape (tables, windows)
    """
    found = {name: np.full((len(tables), len(tables[0])), np.nan) for name in BINNED}
    for bins in {table.shape[1] for table in tables}:
        some = np.array([at for at, table in enumerate(tables) if table.shape[1] == bins])
        new = np.array([tables[at] for at in some])
        old = np.array([tables[at][references[at]] for at in some])
        rows = np.add.reduce(new, axis=2)
        table, window = np.nonzero((rows > 0) & (np.add.reduce(old, axis=1) > 0)[:, None])
        if table.size:
            values = distance.binned(old[table], new[table, window])
            for name, each in values._asdict().items():
                found[name][some[table], window] = each
    return found


def pooled_distances(pooled: Counts) -> dict[str, Floats]:
    """Return the distances of `POOLED`; NaN where a side has no rows.

    Parameters
    ----------
    pooled : array of int, shape (2, ..., bins)
        Rows of either side.

    Returns
    -------
    dict of str to ndarray of float64, shape (...)
    """
    filled = np.logical_and.reduce(np.add.reduce(pooled, axis=-1) > 0, axis=0)
    found = {name: np.full(filled.shape, np.nan) for name in POOLED}
    for name, values in zip(POOLED, distance.chi_square(*pooled[:, filled]), strict=True):
        found[name][filled] = values
    return found


def both_ways(later: Sequence[Floats]) -> Floats:
    """Return a symmetric matrix, given each row from the diagonal on."""
    found = np.empty((len(later), len(later)))
    for at, values in enumerate(later):
        found[at, at:] = found[at:, at] = values
    return found
