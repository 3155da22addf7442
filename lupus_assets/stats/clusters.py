"""Rows without a value, or with one outside the reference's range, by timestamp, and their design effect.

Rows of one timestamp often take a value from the same record: an hour without weather is missing in every
row of that hour. The design effect (Kish, *Survey Sampling*, 1965) is the ratio of the variance of their
number to the variance with independent rows: as many rows carry the information of one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.hashing import mix
from lupus_assets.stats.state import Counts, State, tally

BUCKETS = 256  # number of hash values that distinguish timestamps
SHIFT = np.uint64(56)
LEAST_TIMES = 8  # minimum number of timestamps for a design effect
FLOOR = 0.05  # added to the variance in the denominator


def buckets(micros: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the bucket of each timestamp, in [0, BUCKETS); equal timestamps have equal buckets."""
    return (mix(micros.view(np.uint64)) >> SHIFT).astype(np.uint8)


def counted(of: NDArray[np.uint8]) -> Counts:
    """Return the number of rows per bucket, shape (BUCKETS,)."""
    return tally(of, BUCKETS)


@dataclass(frozen=True, eq=False)
class Clusters(State):
    """Rows by bucket of their timestamp; all arrays of shape (BUCKETS,).

    Parameters
    ----------
    rows : array of int64
        Rows with a timestamp.
    absent, beyond : mapping of str to array of int64
        Per column, rows without a value, and rows with a value outside the reference's range. Columns without
        such rows are left out.
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
        """Return the variance of the number of `events` over the variance with independent rows.

        Parameters
        ----------
        events : array of int64, shape (BUCKETS,)
            At most `rows` in each bucket.

        Returns
        -------
        float or None
            About 1 if rows of one timestamp are independent; about the number of rows per timestamp if all of
            them agree; 0 if every row is an event. None below `LEAST_TIMES` distinct buckets.

        Raises
        ------
        StateError
            A bucket has more events than rows.
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
