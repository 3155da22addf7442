"""Rows that lack a value, or have a strange one, counted by the time that they share with other rows."""

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
    """Return the clusters of the rows of one batch; None where it has no timestamps.

    Parameters
    ----------
    blocks : mapping of str to Block
        The columns to look at, that of the timestamps too.
    timestamp : str
    visible : array of bool
        Which rows count; of those, the ones without a timestamp do not either.
    references : mapping of str to ColumnReference
        Give the ranges of numeric columns.
    within : callable
        Column and range to whether all its visible numbers are known to lie within: none is looked at then.
    """
    times = blocks.get(timestamp)
    if not isinstance(times, TimestampBlock):
        return None
    timed = visible & times.present
    every = bool(timed.all())
    bucket = buckets(times.micros)

    def of(at: npt.NDArray[np.intp]) -> Counts:
        return counted(bucket.take(at if every else at[timed[at]]))

    absent = {name: of(block.absent) for name, block in blocks.items() if block.absent.size}
    beyond = {}
    for name, block in blocks.items():
        reference = references.get(name)
        if isinstance(block, NumericBlock) and isinstance(reference, NumericReference):
            limits = reference.limits
            # Hardly any column has one; who has gathered them knows it.
            if limits is not None and not within(name, *limits):
                beyond[name] = of(_beyond(block, *limits))
    return Clusters(counted(bucket if every else bucket[timed]), _some(absent), _some(beyond))


def _some(events: Mapping[str, Counts]) -> dict[str, Counts]:
    return {name: counts for name, counts in events.items() if counts.any()}


def _beyond(block: NumericBlock, low: float, high: float) -> npt.NDArray[np.intp]:
    """Return which rows have a value beyond a range."""
    with np.errstate(invalid="ignore"):
        strange = (block.numbers < low) | (block.numbers > high)
    strange[block.absent] = False
    return np.flatnonzero(strange)
