"""The targets that an alarm names: the causes without their consequences.

One state machine per (model, track). A target opens when its score passes its threshold, raised by a step for
every column already open; it closes after three partitions without an alarm. An alarm of the number of rows
explains those of columns, columns with the same share of nulls are one cause, and a column that moved by
itself explains broken dependences of others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lupus_assets.detect.history import Array, Group, Ints, Mask, Role

OPEN_FOR = 3  # partitions that a target stays open without an alarm
AT_ONCE = 2  # columns that open in one partition: the third is rarely the cause
STEP = 0.7  # decades that each open column adds to the threshold of the next
# Numpy compares plain integers ten times as quickly as members of an enumeration.
NULL, DEPENDENCE, ROWS, ROWS_GROUP = int(Role.NULL), int(Role.DEPENDENCE), int(Role.ROWS), int(Group.ROWS)
EQUAL_SHARE, LEAST_EQUAL = 0.15, 0.003  # relative and absolute tolerance of equal shares of nulls


@dataclass(frozen=True)
class Point:
    """The Q targets at one partition.

    Attributes
    ----------
    over : array of float, shape (Q,)
        Score less threshold, in decades.
    role : array of int, shape (Q,)
        `Role` of the most surprising series.
    nulls : array of float, shape (Q,)
        Share of nulls; NaN where it is unknown.
    """

    over: Array
    role: Ints
    nulls: Array


@dataclass
class Naming:
    """The state machine of the open targets."""

    group: Ints
    column: Mask
    last: dict[int, int] = field(default_factory=dict)  # target: last partition with an alarm
    rows_at: int = -99
    marginal_at: int = -99
    nulls_at: dict[int, tuple[int, float]] = field(default_factory=dict)
    dependence: tuple[int, float] = (
        -99,
        0.0,
    )  # partition and `over` of the last dependence alarm that opened

    def __post_init__(self) -> None:
        self._column: list[bool] = self.column.tolist()
        self._rows: list[bool] = (self.group == ROWS_GROUP).tolist()

    def step(self, at: int, point: Point, *, rows: bool = False) -> list[int]:
        """Return the targets named at a partition: dependences last, then by `over`, largest first.

        Parameters
        ----------
        at : int
            Number of the partition, increasing; partitions without a score over its threshold may be skipped.
        point : Point
        rows : bool
            Whether series judged earlier raised an alarm of its number of rows.
        """
        if rows:
            self.rows_at = at
        # Few targets pass: lists are quicker than arrays.
        passed = np.flatnonzero(point.over >= 0).tolist()
        if not passed:
            return []
        over, role = point.over.tolist(), point.role.tolist()
        if any(role[target] == ROWS and self._rows[target] for target in passed):
            self.rows_at = at
        if any(role[target] != DEPENDENCE and self._column[target] for target in passed):
            self.marginal_at = at
        # Explanations come before the alarms that they explain.
        passed.sort(key=lambda target: (role[target] == DEPENDENCE, -over[target]))
        running = {target for target, when in self.last.items() if at - when <= OPEN_FOR}
        named, new = [], 0
        for target in passed:
            dependent = role[target] == DEPENDENCE
            if self._null_elsewhere(at, target, point, running):
                continue
            if target in running:
                self.last[target] = at
                named.append(target)
                continue
            column = self._column[target]
            if (column and new >= AT_ONCE) or self._explained(at, target, point, dependent):
                continue
            if over[target] >= STEP * max(0, self._open_columns(running) - (AT_ONCE - 1)):
                self.last[target] = at
                running.add(target)
                named.append(target)
                new += column
        return named

    def _open_columns(self, running: set[int]) -> int:
        return sum(self._column[target] for target in running)

    def _null_elsewhere(self, at: int, target: int, point: Point, running: set[int]) -> bool:
        """Return whether another column with the same share of nulls was named; if not, store this one."""
        if point.role[target] != NULL:
            return False
        share = point.nulls[target]
        if target not in running:
            for other, (when, seen) in self.nulls_at.items():
                equal = abs(share - seen) <= EQUAL_SHARE * max(share, seen) + LEAST_EQUAL
                if other != target and at - when <= OPEN_FOR and equal:
                    return True
        self.nulls_at[target] = (at, float(share))
        return False

    def _explained(self, at: int, target: int, point: Point, dependence: bool) -> bool:
        """Return whether the rows or another column explain that a target passed its threshold."""
        if not self._rows[target] and at - self.rows_at < OPEN_FOR:
            return True
        if not dependence or not self._column[target]:
            return False
        if self.marginal_at == at:
            return True
        when, score = self.dependence
        if at - when <= OPEN_FOR and point.over[target] < score:
            return True
        self.dependence = (at, float(point.over[target]))
        return False


@dataclass
class Episodes:
    """A counter of incidents: alarms no more than `OPEN_FOR` partitions apart are one."""

    count: int = 0
    last: int = -99

    def step(self, at: int, named: Sequence[int]) -> None:
        """Count the alarm of one partition, if any target was named."""
        if named:
            self.count += at - self.last > OPEN_FOR
            self.last = at
