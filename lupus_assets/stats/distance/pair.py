"""Inputs of the distances, from a pair of windows: shares, rows, or distribution functions on the same bins.

Shares are smoothed, for a finite distance with empty bins: `HALF` a row is added to every bin of the smaller
side, and that number times the ratio of the rows to every bin of the larger side. Equal shares stay equal for
any numbers of rows.
"""

import numpy as np
from numpy.typing import ArrayLike

from lupus_assets.errors import StateError
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.histogram import Histogram, places
from lupus_assets.stats.state import Bins, Floats, union

HALF = 0.5  # Jeffreys prior of a multinomial: an empty bin costs a finite amount (Jeffreys 1946)


def smoothed(reference_counts: ArrayLike, counts: ArrayLike) -> tuple[Floats, Floats]:
    """Return the smoothed share of each bin on both sides; above 0, summing to 1.

    Parameters
    ----------
    reference_counts, counts : array_like of int, shape (..., bins)
        Rows per bin, aligned: usually ten reference-quantile bins, one for values outside of them, and one
        for null. The other dimensions are broadcast: one reference against many windows.

    Raises
    ------
    ValueError
        One side has no rows, or the bins are not aligned.
    """
    (a, n), (b, m) = aligned(reference_counts, counts)
    half = HALF / np.minimum(n, m)
    return (a / n + half) / (1 + a.shape[-1] * half), (b / m + half) / (1 + a.shape[-1] * half)


def gaps(reference: Histogram, current: Histogram, values: Floats | None = None) -> tuple[Floats, Floats]:
    """Return the gaps of two distribution functions, on the bins with values on either side.

    Parameters
    ----------
    reference, current : Histogram
    values : array of float64, optional
        All distinct values of both, increasing.

    Returns
    -------
    gaps : ndarray of float64, shape (bins,)
        Absolute difference of the shares of values up to the end of each bin.
    half_steps : ndarray of float64, shape (bins - 1,)
        Half of the distance between the values of adjacent bins, in the column's unit; the whole distance may
        exceed the largest float.

    Raises
    ------
    ValueError
        One histogram is empty.
    StateError
        The histograms have different grids.
    """
    if reference.grid != current.grid:
        raise StateError("the histograms lie on different grids; profile both with the reference's grid")
    if reference.total == 0 or current.total == 0:
        raise ValueError("a histogram without values has no distance; check its total first")
    bins = union(reference.bins, current.bins)
    counts = np.zeros((2, bins.size), np.int64)
    counts[0, np.searchsorted(bins, reference.bins)] = reference.counts
    counts[1, np.searchsorted(bins, current.bins)] = current.counts
    upto = np.cumsum(counts, axis=1)  # sums of counts are exact, sums of shares are not
    apart = np.abs(upto[1] / current.total - upto[0] / reference.total)
    return apart, half_steps(reference.grid, bins, values)


def half_steps(grid: Grid, bins: Bins, values: Floats | None) -> Floats:
    """Return half of the distance between the values of adjacent bins, in the column's unit.

    Parameters
    ----------
    grid : Grid
    bins : array of int32, shape (bins,)
        Increasing.
    values : array of float64 or None
        As in `lupus_assets.stats.histogram.places`.
    """
    return np.diff(places(grid, bins, values) / 2)


def filled(counts: ArrayLike) -> tuple[Floats, Floats]:
    """Return counts as floats, and their sums over the bins, kept as an axis of size 1.

    Raises
    ------
    ValueError
        One window has no rows.
    """
    values = np.asarray(counts, dtype=np.float64)
    rows = np.add.reduce(values, axis=-1, keepdims=True)
    if not (rows > 0).all():
        raise ValueError("a window without rows has no distance; check its count first")
    return values, rows


def aligned(reference: ArrayLike, current: ArrayLike) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return `filled` of both sides; different numbers of bins are an error, not broadcast.

    Raises
    ------
    ValueError
        One window has no rows, or the bins are not aligned.
    """
    a, b = filled(reference), filled(current)
    if a[0].shape[-1] != b[0].shape[-1]:
        raise ValueError(
            f"{a[0].shape[-1]} reference bins against {b[0].shape[-1]}; bin both by one reference"
        )
    return a, b
