"""Rows with a null or a value out of range, counted by timestamp."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from lupus_assets.reading.block import Block, Mask, NumericBlock, TimestampBlock
from lupus_assets.stats.clusters import Clusters, buckets, counted
from lupus_assets.stats.reference.frozen import ColumnReference
from lupus_assets.stats.reference.numeric import NumericReference
from lupus_assets.stats.state import Counts


def clusters(
    blocks: Mapping[str, Block],
    timestamp: str,
    visible: Mask,
    references: Mapping[str, ColumnReference],
    within: Callable[[str, float, float], bool],
) -> Clusters | None:
    """Return the clusters of the rows of one batch; None without timestamps.

    Parameters
    ----------
    blocks : mapping of str to Block
        The columns to count, and the column of timestamps.
    timestamp : str
    visible : array of bool
        The rows to count; rows without a timestamp are skipped.
    references : mapping of str to ColumnReference
        Source of the ranges of numeric columns.
    within : callable
        Function of a column and a range: True if all its visible numbers are known to lie within, so that
        they need not be read.
    """
    times = blocks.get(timestamp)
    if not isinstance(times, TimestampBlock):
        return None
    timed = visible & times.present
    all_timed = bool(timed.all())
    bucket = buckets(times.micros)

    def of(at: npt.NDArray[np.intp]) -> Counts:
        return counted(bucket.take(at if all_timed else at[timed[at]]))

    absent = {name: of(block.absent) for name, block in blocks.items() if block.absent.size}
    beyond = {}
    for name, block in blocks.items():
        reference = references.get(name)
        if isinstance(block, NumericBlock) and isinstance(reference, NumericReference):
            limits = reference.limits
            # Few columns have such values, and the extremes are known already.
            if limits is not None and not within(name, *limits):
                beyond[name] = of(_beyond(block, *limits))
    return Clusters(counted(bucket if all_timed else bucket[timed]), _not_empty(absent), _not_empty(beyond))


def _not_empty(events: Mapping[str, Counts]) -> dict[str, Counts]:
    return {name: counts for name, counts in events.items() if counts.any()}


def _beyond(block: NumericBlock, low: float, high: float) -> npt.NDArray[np.intp]:
    """Return the row numbers of values outside a range."""
    with np.errstate(invalid="ignore"):
        outside = (block.numbers < low) | (block.numbers > high)
    outside[block.absent] = False
    return np.flatnonzero(outside)
