"""Medians and means without NaN over the last axis, and ring buffers that grow.

No warnings; NaN where all values are NaN.
"""

import numpy as np

from lupus_assets.detect.history import Array

GROWTH = 14  # rows by which a ring buffer grows
NORMAL_95 = 1.959964  # of |z| under normality


def median(values: Array) -> Array:
    """Return the median of the values that are not NaN."""
    ordered = np.sort(values, axis=-1)  # NaN sorts last
    count = np.sum(~np.isnan(values), axis=-1)[..., None]
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, values.shape[-1] - 1), axis=-1)
    return np.where(count > 0, (low + high) / 2, np.nan)[..., 0]


def mean(values: Array) -> Array:
    """Return the mean of the values that are not NaN."""
    with np.errstate(invalid="ignore"):
        total = values.sum(axis=-1)
        if not np.isnan(total).any():  # no NaN to leave out
            return np.asarray(total / values.shape[-1])
        known = ~np.isnan(values)
        return np.asarray(np.where(known, values, 0.0).sum(axis=-1) / known.sum(axis=-1))


def grown(ring: Array, at: int) -> Array:
    """Return the ring buffer, enlarged with zeros where it has no row `at`: most histories never fill it."""
    if at < len(ring):
        return ring
    return np.concatenate([ring, np.zeros((at + GROWTH - len(ring), *ring.shape[1:]))])


def zeroed(values: Array) -> Array:
    """Return values with 0 for NaN, three times as fast as ``numpy.nan_to_num``, which checks infinities."""
    return np.where(np.isnan(values), 0.0, values)
