"""Which targets an alarm names: the causes, and not all that they drag along.

One machine per (model, track). A target opens when its score passes its threshold, and a step more for every
column that is open already; it closes after three quiet partitions. Rows that are missing explain their
columns, columns that are missing together are one cause, and a column that moved by itself explains that
others no longer go with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lupus_assets.detect.history import Array, Group, Ints, Mask, Role

QUIET = 3  # partitions without an alarm that close a target
AT_ONCE = 2  # columns that open in one partition: the third is rarely the cause
STEP = 0.7  # decades that each open column puts on the threshold of the next
# Numpy compares with plain integers ten times as quickly as with members of an enumeration.
NULL, DEPENDENCE, ROWS, ROWS_GROUP = int(Role.NULL), int(Role.DEPENDENCE), int(Role.ROWS), int(Group.ROWS)
ALIKE, LEAST_ALIKE = 0.15, 0.003  # of a share of nulls: columns that are missing on the same rows


@dataclass(frozen=True)
class Point:
    """What is known of Q targets at one partition.

    Attributes
    ----------
    over : array of float, shape (Q,)
        Score less threshold, in decades.
    role : array of int, shape (Q,)
        `Role` of the series that says most.
    nulls : array of float, shape (Q,)
        Share of nulls; NaN where it is not known.
    """

    over: Array
    role: Ints
    nulls: Array


@dataclass
class Naming:
    """The state of the machine between two partitions."""

    group: Ints
    column: Mask
    last: dict[int, int] = field(default_factory=dict)  # target: last partition with an alarm
    rows_at: int = -99
    marginal_at: int = -99
    nulls_at: dict[int, tuple[int, float]] = field(default_factory=dict)
    dependence: tuple[int, float] = (-99, 0.0)  # partition and score of the last that opened

    def __post_init__(self) -> None:
        self._column: list[bool] = self.column.tolist()
        self._rows: list[bool] = (self.group == ROWS_GROUP).tolist()

    def step(self, at: int, point: Point, *, rows: bool = False) -> list[int]:
        """Return the targets that are named at a partition, the most surprising first.

        Parameters
        ----------
        at : int
            Its number; later ones are larger, and those at which nothing passes may be left out.
        point : Point
        rows : bool
            Whether its number of rows was alarmed elsewhere.
        """
        if rows:
            self.rows_at = at
        # Few pass: lists are quicker than arrays.
        passed = np.flatnonzero(point.over >= 0).tolist()
        if not passed:
            return []
        over, role = point.over.tolist(), point.role.tolist()
        if any(role[each] == ROWS and self._rows[each] for each in passed):
            self.rows_at = at
        if any(role[each] != DEPENDENCE and self._column[each] for each in passed):
            self.marginal_at = at
        # What explains goes before what it explains, the most surprising first.
        passed.sort(key=lambda each: (role[each] == DEPENDENCE, -over[each]))
        running = {each for each, when in self.last.items() if at - when <= QUIET}
        named, new = [], 0
        for each in passed:
            dependent = role[each] == DEPENDENCE
            if self._null_elsewhere(at, each, point, running):
                continue
            if each in running:
                self.last[each] = at
                named.append(each)
                continue
            column = self._column[each]
            if (column and new >= AT_ONCE) or self._explained(at, each, point, dependent):
                continue
            if over[each] >= STEP * max(0, self._open_columns(running) - (AT_ONCE - 1)):
                self.last[each] = at
                running.add(each)
                named.append(each)
                new += column
        return named

    def _open_columns(self, running: set[int]) -> int:
        return sum(self._column[each] for each in running)

    def _null_elsewhere(self, at: int, target: int, point: Point, running: set[int]) -> bool:
        """Return whether another column that is missing as often has been named; else remember this one."""
        if point.role[target] != NULL:
            return False
        share = point.nulls[target]
        if target not in running:
            for other, (when, seen) in self.nulls_at.items():
                alike = abs(share - seen) <= ALIKE * max(share, seen) + LEAST_ALIKE
                if other != target and at - when <= QUIET and alike:
                    return True
        self.nulls_at[target] = (at, float(share))
        return False

    def _explained(self, at: int, target: int, point: Point, dependence: bool) -> bool:
        """Return whether something else explains that a target has passed its threshold."""
        if not self._rows[target] and at - self.rows_at < QUIET:
            return True
        if not dependence or not self._column[target]:
            return False
        if self.marginal_at == at:
            return True
        when, score = self.dependence
        if at - when <= QUIET and point.over[target] < score:
            return True
        self.dependence = (at, float(point.over[target]))
        return False


@dataclass
class Episodes:
    """Counts incidents: alarms no more than `QUIET` partitions apart are one."""

    count: int = 0
    last: int = -99

    def step(self, at: int, named: Sequence[int]) -> None:
        """Take in what was named at one partition."""
        if named:
            self.count += at - self.last > QUIET
            self.last = at
