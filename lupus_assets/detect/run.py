"""What is far out for several partitions is one event: a fault or a storm that goes on."""

from dataclasses import dataclass, field

import numpy as np

from lupus_assets.detect.history import Array, Mask

QUIET = 3  # partitions without one, behind which what is far out is a new event


@dataclass
class Runs:
    """How long ago each of K series was far out."""

    size: int
    since: Array = field(init=False)  # (K,): partitions

    def __post_init__(self) -> None:
        self.since = np.full(self.size, np.inf)

    def step(self, far: Mask) -> Mask:
        """Take in which series are far out at one partition; return those of which that only goes on."""
        goes_on = far & (self.since <= QUIET)
        self.since = np.where(far, 1.0, self.since + 1)
        return goes_on
