"""Thresholds that keep a budget: what theory asks for, or what the targets' own past asks for.

Each group of targets has a part of the budget. Theory takes scores for calibrated: then one target passes a
threshold of h decades once in 10^h partitions. The past is asked by running the naming itself at several
levels: the highest that it has passed often enough, and an exponential tail beyond.
"""

from dataclasses import dataclass, field

import numpy as np

from lupus_assets.detect.evidence import NORMAL_SLOPE
from lupus_assets.detect.history import Array, Group, Ints, Mask
from lupus_assets.detect.naming import Episodes, Naming, Point

LEVELS = (2.6, 2.2, 1.8, 1.5, 1.2, 0.9, 0.6, 0.3)  # decades
ENOUGH = 8  # incidents from which a rate is read
START = 35  # partitions: from when on thresholds look back
EVERY = 7
LEAST_PAST = 14  # partitions
LONGEST_EXCESS = 2.0  # decades: one fault says how far faults go, and not how far chance does
PRIOR = 5.0  # excesses' worth of the exponential tail that uniform p values have
HALF = 0.5
SHARE = 0.15  # of the budget that is aimed at: the rest is for storms and fronts, which are real and no fault


@dataclass
class Level:
    """How often one group would have been named at one level."""

    level: float
    naming: Naming
    episodes: Episodes = field(default_factory=Episodes)
    excess: float = 0.0
    exceeded: int = 0

    def step(self, at: int, point: Point) -> None:
        """Take in one partition; `point.over` holds plain scores."""
        most = float(point.over.max(initial=0.0))
        if most <= self.level:
            return
        self.excess += min(most - self.level, LONGEST_EXCESS)
        self.exceeded += 1
        over = point.over - self.level
        self.episodes.step(at, self.naming.step(at, Point(over, point.role, point.nulls)))

    def slope(self) -> float:
        """Return the mean excess over this level, in decades."""
        return (self.excess + PRIOR * NORMAL_SLOPE) / (self.exceeded + PRIOR)


@dataclass
class Thresholds:
    """The thresholds of Q targets between two partitions.

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
            int(each): np.flatnonzero(self.group == each) for each in Group if (self.group == each).any()
        }
        self.levels = {
            each: [Level(level, Naming(self.group[mine], self.column[mine])) for level in LEVELS]
            for each, mine in self.members.items()
        }
        self.known = {}

    def refresh(self) -> None:
        """Look back, where it is time to."""
        past = self.seen - START
        if past >= LEAST_PAST and past % EVERY == 0:
            months = past / self.per_month
            for each, levels in self.levels.items():
                level = next((level for level in levels if level.episodes.count >= ENOUGH), levels[-1])
                self.known[each] = (level.level, level.slope(), (level.episodes.count + HALF) / months)

    def of(self, budget: float) -> Array:
        """Return the threshold of each target, in decades, for so many false incidents a month."""
        found = np.empty(self.group.size)
        part = SHARE * budget / len(self.members)
        for each, mine in self.members.items():
            threshold = np.log10(max(1, mine.size) * self.per_month / part)
            if each in self.known:
                level, slope, rate = self.known[each]
                own = level + slope * np.log(rate / part) if rate > part else level
                threshold = max(threshold, own)
            found[mine] = threshold
        return found

    def step(self, point: Point) -> None:
        """Take in the plain scores of one partition."""
        if self.seen >= START:
            for each, mine in self.members.items():
                mine_only = Point(point.over[mine], point.role[mine], point.nulls[mine])
                if mine_only.over.max(initial=0.0) > 0:
                    for level in self.levels[each]:
                        level.step(self.seen - START, mine_only)
        self.seen += 1
