"""Which rows of a column lack a value, or have a strange one, by the time they share with other rows.

Rows of one timestamp often got a value from one record: an hour without weather is missing in every row of
that hour. How much more their number scatters than that of independent rows is the design effect (Kish,
*Survey Sampling*, 1965): so many rows say as little as one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.hashing import mix
from lupus_assets.stats.state import Counts, State, tally

BUCKETS = 256  # timestamps are told apart by so many values of a hash
SHIFT = np.uint64(56)
LEAST_TIMES = 8  # times below which a partition does not tell
FLOOR = 0.05  # of a variance


def buckets(micros: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the bucket of each timestamp, in [0, BUCKETS); equal ones share theirs."""
    return (mix(micros.view(np.uint64)) >> SHIFT).astype(np.uint8)


def counted(of: NDArray[np.uint8]) -> Counts:
    """Return how many rows are in each bucket, shape (BUCKETS,)."""
    return tally(of, BUCKETS)


@dataclass(frozen=True, eq=False)
class Clusters(State):
    """Rows by bucket of their timestamp; all arrays of shape (BUCKETS,).

    Parameters
    ----------
    rows : array of int64
        Rows that have a timestamp.
    absent, beyond : mapping of str to array of int64
        Column to those of them without a value, and beyond the reference's range; without columns of none.
    """

    rows: Counts
    absent: Mapping[str, Counts]
    beyond: Mapping[str, Counts]

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.rows + other.rows, _added(self.absent, other.absent), _added(self.beyond, other.beyond)
        )

    def without(self, columns: Collection[str]) -> Self:
        """Return the state without some columns."""
        absent, beyond = (
            {name: each for name, each in events.items() if name not in columns}
            for events in (self.absent, self.beyond)
        )
        return replace(self, absent=absent, beyond=beyond)

    def design_effect(self, events: Counts) -> float | None:
        """Return the variance of the number of `events` over that of as many in independent rows.

        Parameters
        ----------
        events : array of int64, shape (BUCKETS,)
            Not more than there are rows.

        Returns
        -------
        float or None
            About 1 where rows of one time are independent; about the rows of one time where all of them go
            together; 0 where every row is one. None where fewer than `LEAST_TIMES` times are told apart.

        Raises
        ------
        StateError
            More events than rows.
        """
        if np.any(events > self.rows):
            raise StateError("a time has more events than rows; count both over the same rows")
        n = int(self.rows.sum())
        if np.count_nonzero(self.rows) < LEAST_TIMES:
            return None
        share = float(events.sum()) / n
        away = events - self.rows * share
        return float(away @ away) / (n * share * (1 - share) + FLOOR)


def _added(left: Mapping[str, Counts], right: Mapping[str, Counts]) -> dict[str, Counts]:
    names = sorted(left.keys() | right.keys())
    none = np.zeros(BUCKETS, np.int64)
    return {name: left.get(name, none) + right.get(name, none) for name in names}
