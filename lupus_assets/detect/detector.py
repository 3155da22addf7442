"""The detector: deviation of every series at every partition, and the targets named, for a given budget.

Online and causal: a partition is judged from earlier partitions alone, on its day or in a backfill, and
later partitions change nothing.

1. the expected value of a partition (`season`, `value`, `rare`), and the deviation from it;
2. the part of the deviation that other targets do not predict (`gate`), and its surprise given the series'
   own past (`evidence`), as −log10 p;
3. per target, the largest surprise over its series and windows, less the Bonferroni correction;
4. a threshold from the budget, per group of targets (`threshold`), and the targets named (`naming`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lupus_assets.detect.evidence import LEAST_HISTORY, Evidence, Tail
from lupus_assets.detect.gate import Gate
from lupus_assets.detect.history import WINDOWS, Array, Heard, History, Ints, Mask, Role, Series
from lupus_assets.detect.naming import Naming, Point
from lupus_assets.detect.rare import Excess, Rare
from lupus_assets.detect.robust import zeroed
from lupus_assets.detect.season import Season
from lupus_assets.detect.threshold import Thresholds
from lupus_assets.detect.value import Residuals, Values

# Least fraction of the sampling variance used as the variance of a series with less scatter than sampling
# gives; numbers of rows often scatter less than Poisson counts.
LEAST_VARIANCE_RATIO, LEAST_VARIANCE_RATIO_ROWS = 0.25, 0.004
# Least scale: values that never moved may differ in their last digits; 2 % more or fewer rows do not matter.
LEAST_SCALE, LEAST_SCALE_ROWS = 1e-4, 0.02
LEAST_LAST = 0.5  # of the mean deviation over a window, the part that its last partition has to reach
LONE_WARM = 28  # partitions of the warm-up without a reference


@dataclass(frozen=True)
class Judged:
    """The detection of one partition: K series and Q targets.

    Attributes
    ----------
    values : Residuals
        Of the series that are values, in their order.
    excess : Excess
        Of the rare counts, in their order.
    surprise : array of float, shape (windows, K)
        −log10 p, at least 0.
    needed : array of float, shape (budgets, K)
        −log10 p at which the series alone would raise an alarm.
    tail : Tail
        Converts `needed` into a deviation over one partition.
    out : array of bool, shape (budgets, K)
        Whether the series is outside its expected range, explained or not.
    score : array of float, shape (Q,)
        Largest surprise of the target's series in decades, after the Bonferroni correction, at least 0.
    threshold : array of float, shape (budgets, Q)
    named : list of list of int
        The targets named, for each budget.
    """

    values: Residuals
    excess: Excess
    surprise: Array
    needed: Array
    tail: Tail
    out: Mask
    score: Array
    threshold: Array
    named: list[list[int]]


@dataclass
class Detector:
    """The online detector of one (model, track), with all state carried to the next partition.

    Parameters
    ----------
    series : Series
    per_month : float
        Partitions in a month.
    budgets : sequence of float
        False incidents a month; each is judged by itself in the same pass.
    heard : int
        Number of series judged earlier that may explain these.
    """

    series: Series
    per_month: float
    budgets: Sequence[float]
    heard: int = 0
    values: Values = field(init=False)
    rare: Rare = field(init=False)
    gate: Gate = field(init=False)
    evidence: Evidence = field(init=False)
    thresholds: Thresholds = field(init=False)
    naming: list[Naming] = field(init=False)
    seen: int = 0

    def __post_init__(self) -> None:
        series = self.series
        self._value, self._rare = np.flatnonzero(~series.rare), np.flatnonzero(series.rare)
        rows = series.role[self._value] == Role.ROWS
        self.values = Values(
            Season([], []),
            np.where(rows, LEAST_VARIANCE_RATIO_ROWS, LEAST_VARIANCE_RATIO),
            np.where(rows, LEAST_SCALE_ROWS, LEAST_SCALE),
        )
        self.rare = Rare(self._rare.size)
        heard = np.arange(self.heard) + series.target.size
        self.gate = Gate(series.target, self.heard, np.append(np.flatnonzero(series.foretells), heard))
        self.evidence = Evidence(series.rare.size)
        self.thresholds = Thresholds(series.group, series.column, self.per_month)
        self.naming = [Naming(series.group, series.column) for _ in self.budgets]
        order = np.argsort(series.target, kind="stable")
        self._order = order
        self._first = np.searchsorted(series.target[order], np.arange(series.group.size))
        count = np.bincount(series.target, minlength=series.group.size)
        self._members = np.split(order, self._first[1:])
        self._cost = np.log10(np.maximum(count, 1) * len(WINDOWS))
        self._nulls = np.full(series.group.size, -1)
        for at in np.flatnonzero(series.role == Role.NULL):
            self._nulls[series.target[at]] = at

    def start(
        self,
        values: Array,
        variance: Array,
        n: Array,
        design: Array,
        phases: Ints,
        cycles: Sequence[int],
        heard: Heard,
    ) -> list[Judged]:
        """Learn from the warm-up, arrays as in `History`; its partitions are judged without a verdict."""
        self.values.season, effects = Season.learn(values[:, self._value], phases, cycles)
        self.values.start_from((values[:, self._value] - effects)[:14])
        warm_up = [
            self._step(
                values[at], variance[at], n[at], design[at], effects[at], heard.z[at], heard.rows[:, at]
            )
            for at in range(len(values))
        ]
        self.values.end_reference()
        return warm_up

    def step(
        self, values: Array, variance: Array, n: Array, design: Array, phases: Ints, heard: Array, rows: Mask
    ) -> Judged:
        """Judge one partition and learn from it; each argument is one partition of `History` or `Heard`."""
        judged = self._step(values, variance, n, design, self.values.season.at(phases), heard, rows)
        self.values.doubt_reference(judged.values)
        self.values.follow_season(phases, judged.values)
        return judged

    def _step(
        self,
        values: Array,
        variance: Array,
        n: Array,
        design: Array,
        season: Array | float,
        heard: Array,
        rows: Mask,
    ) -> Judged:
        residuals = self.values.step(values[self._value], variance[self._value], season)
        excess = self.rare.step(values[self._rare], n[self._rare], design[self._rare])
        z = np.full((len(WINDOWS), values.size), np.nan)
        z[:, self._value], z[:, self._rare] = residuals.z, excess.alone
        independent = self._counted(z, values)
        z[:, self._rare] = excess.z
        unexplained = self.gate.step(np.concatenate([z, heard], axis=1))
        surprise = self.evidence.step(self._counted(unexplained, values))
        largest = surprise.max(axis=0)
        score = self._score(largest)
        point = self._point(largest, score, values, n)
        self.thresholds.refresh()
        threshold = np.stack([self.thresholds.of(budget) for budget in self.budgets])
        named = [
            naming.step(self.seen, Point(score - limit, point.role, point.nulls), rows=bool(alarmed))
            for naming, limit, alarmed in zip(self.naming, threshold, rows, strict=True)
        ]
        self.thresholds.step(point)
        self.seen += 1
        needed = (threshold + self._cost)[:, self.series.target]
        before_gate = self.evidence.tail.surprise(independent).max(axis=0)
        return Judged(
            values=residuals,
            excess=excess,
            surprise=surprise,
            needed=needed,
            out=(before_gate >= needed) & (self.seen > LEAST_HISTORY),  # `seen` counts this one
            tail=self.evidence.tail,
            score=score,
            threshold=threshold,
            named=named,
        )

    def _counted(self, z: Array, values: Array) -> Array:
        """Return deviations in the direction that counts, at least 0; NaN where `z` is."""
        side = self.series.side
        with np.errstate(invalid="ignore"):
            counted = np.where(side == 0, np.abs(z), z * side)
            counted = np.where(values >= self.series.least, counted, np.where(np.isnan(z), np.nan, 0.0))
            # A longer window counts only while the last partition deviates too: an ordinary day raises no
            # alarm for the days before it.
            lasts = counted[0] >= LEAST_LAST * counted / np.sqrt(WINDOWS)[:, None]
            counted = np.where(lasts | np.isnan(counted), counted, 0.0)
        return np.maximum(counted, 0.0)

    def _score(self, largest: Array) -> Array:
        if self.seen < LEAST_HISTORY:
            return np.zeros(self.series.group.size)
        of_target = np.maximum.reduceat(largest[self._order], self._first)
        return np.asarray(np.maximum(of_target - self._cost, 0.0))

    def _point(self, largest: Array, score: Array, values: Array, n: Array) -> Point:
        role = np.zeros(score.size, np.int64)
        shares = np.full(score.size, np.nan)
        for target in np.flatnonzero(score > 0):
            members = self._members[target]
            role[target] = self.series.role[members[np.argmax(largest[members])]]
            if self._nulls[target] >= 0:
                at = self._nulls[target]
                shares[target] = values[at] / n[at] if n[at] > 0 else 0.0
        return Point(score, role, zeroed(shares))


def replay(history: History, budgets: Sequence[float], heard: Heard | None = None) -> list[Judged]:
    """Return the detection of every partition; the first `History.warm` have no verdict.

    Parameters
    ----------
    history : History
    budgets : sequence of float
        False incidents a month.
    heard : Heard, optional
        Results of series judged earlier at the same partitions.
    """
    if heard is None:
        partitions = len(history.values)
        heard = Heard(np.zeros((partitions, len(WINDOWS), 0)), np.zeros((len(budgets), partitions), bool))
    detector = Detector(history.series, history.per_month, budgets, heard.z.shape[2])
    warm = min(history.warm or LONE_WARM, len(history.values))
    values, variance, n, phases = history.values, history.variance, history.n, history.phases
    design = history.design
    judged = detector.start(
        values[:warm], variance[:warm], n[:warm], design[:warm], phases[:warm], history.cycles, heard
    )
    for at in range(warm, len(values)):
        judged.append(
            detector.step(
                values[at], variance[at], n[at], design[at], phases[at], heard.z[at], heard.rows[:, at]
            )
        )
    return judged
