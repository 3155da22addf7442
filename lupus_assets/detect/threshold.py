"""Thresholds that keep a budget of false incidents: the larger of a theoretical and an empirical one.

Each group of targets has an equal part of the budget. In theory scores are calibrated: one target passes a
threshold of h decades once in 10^h partitions. Empirically, the naming runs at several levels; the rate at
the highest level with enough incidents is extrapolated by an exponential tail.
"""

from dataclasses import dataclass, field

import numpy as np

from lupus_assets.detect.evidence import NORMAL_SLOPE
from lupus_assets.detect.history import Array, Group, Ints, Mask
from lupus_assets.detect.naming import Episodes, Naming, Point

LEVELS = (2.6, 2.2, 1.8, 1.5, 1.2, 0.9, 0.6, 0.3)  # decades
LEAST_INCIDENTS = 8  # behind an empirical rate
FIRST_COUNTED = 35  # partitions before the first that empirical rates count
RATES_EVERY = 7  # partitions between two updates of the rates
LEAST_COUNTED = 14  # partitions before the first update
MOST_EXCESS = 2.0  # decades: larger excesses are faults, and say nothing of the tail of chance
PRIOR_EXCESSES = 5.0  # pseudo-count of excesses of uniform p values
JEFFREYS = 0.5  # prior count of a Poisson rate
TARGET_SHARE = 0.15  # target rate as a fraction of the budget: the rest is for real storms that are no fault


@dataclass
class Level:
    """The incidents of one group of targets at one level, had it been the threshold."""

    level: float
    naming: Naming
    episodes: Episodes = field(default_factory=Episodes)
    excess: float = 0.0
    exceeded: int = 0

    def step(self, at: int, point: Point) -> None:
        """Add one partition; `point.over` holds the scores themselves."""
        largest = float(point.over.max(initial=0.0))
        if largest <= self.level:
            return
        self.excess += min(largest - self.level, MOST_EXCESS)
        self.exceeded += 1
        over = point.over - self.level
        self.episodes.step(at, self.naming.step(at, Point(over, point.role, point.nulls)))

    def slope(self) -> float:
        """Return the mean excess over this level, in decades."""
        return (self.excess + PRIOR_EXCESSES * NORMAL_SLOPE) / (self.exceeded + PRIOR_EXCESSES)


@dataclass
class Thresholds:
    """The thresholds of Q targets, updated with the scores of every partition.

    Attributes
    ----------
    group, column : arrays, shape (Q,)
        As in `Series`.
    per_month : float
        Partitions in a month.
    """

    group: Ints
    column: Mask
    per_month: float
    levels: dict[int, list[Level]] = field(init=False)
    members: dict[int, Ints] = field(init=False)
    known: dict[int, tuple[float, float, float]] = field(init=False)  # group: level, slope, rate a month
    seen: int = 0

    def __post_init__(self) -> None:
        self.members = {
            int(group): np.flatnonzero(self.group == group) for group in Group if (self.group == group).any()
        }
        self.levels = {
            group: [Level(level, Naming(self.group[members], self.column[members])) for level in LEVELS]
            for group, members in self.members.items()
        }
        self.known = {}

    def refresh(self) -> None:
        """Update the empirical rates, every `RATES_EVERY` partitions."""
        counted = self.seen - FIRST_COUNTED
        if counted >= LEAST_COUNTED and counted % RATES_EVERY == 0:
            months = counted / self.per_month
            for group, levels in self.levels.items():
                level = next(
                    (level for level in levels if level.episodes.count >= LEAST_INCIDENTS), levels[-1]
                )
                self.known[group] = (level.level, level.slope(), (level.episodes.count + JEFFREYS) / months)

    def of(self, budget: float) -> Array:
        """Return the threshold of each target, in decades, for a budget of false incidents a month."""
        thresholds = np.empty(self.group.size)
        part = TARGET_SHARE * budget / len(self.members)
        for group, members in self.members.items():
            threshold = np.log10(max(1, members.size) * self.per_month / part)
            if group in self.known:
                level, slope, rate = self.known[group]
                empirical = level + slope * np.log(rate / part) if rate > part else level
                threshold = max(threshold, empirical)
            thresholds[members] = threshold
        return thresholds

    def step(self, point: Point) -> None:
        """Count the incidents of one partition; `point.over` holds the scores themselves."""
        if self.seen >= FIRST_COUNTED:
            for group, members in self.members.items():
                of_group = Point(point.over[members], point.role[members], point.nulls[members])
                if of_group.over.max(initial=0.0) > 0:
                    for level in self.levels[group]:
                        level.step(self.seen - FIRST_COUNTED, of_group)
        self.seen += 1
