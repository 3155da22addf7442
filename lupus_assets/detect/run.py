"""Consecutive large deviations of a series, counted as one event: a lasting fault or storm."""

from dataclasses import dataclass, field

import numpy as np

from lupus_assets.detect.history import Array, Mask

SAME_EVENT = 3  # partitions since the last large deviation, at most, within one event


@dataclass
class Runs:
    """Partitions since the last large deviation of each of K series; infinite before the first."""

    size: int
    since: Array = field(init=False)  # (K,): partitions

    def __post_init__(self) -> None:
        self.since = np.full(self.size, np.inf)

    def step(self, far: Mask) -> Mask:
        """Add one partition; return the series of `far` whose large deviation continues an event."""
        goes_on = far & (self.since <= SAME_EVENT)
        self.since = np.where(far, 1.0, self.since + 1)
        return goes_on
