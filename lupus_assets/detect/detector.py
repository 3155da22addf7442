"""The verdict of every series at every partition, and which targets an alarm names, for a stated budget.

Online and causal: a partition is judged from what came before it, whether it is judged that day or in a
backfill, and whether or not later partitions exist.

1. what a partition should hold (`season`, `value`, `rare`), and how far it is from that;
2. what of that other columns explain (`gate`), and how surprising the rest is by the series' own past
   (`evidence`), as −log10 p;
3. per target, the largest over its series and windows, less what looking at so many costs;
4. a threshold from the budget, per group of targets (`threshold`), and who is named (`naming`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lupus_assets.detect.evidence import FIRST, Evidence, Tail
from lupus_assets.detect.gate import Gate
from lupus_assets.detect.history import WINDOWS, Array, Heard, History, Ints, Mask, Role, Series
from lupus_assets.detect.naming import Naming, Point
from lupus_assets.detect.rare import Excess, Rare
from lupus_assets.detect.robust import zeroed
from lupus_assets.detect.season import Season
from lupus_assets.detect.threshold import Thresholds
from lupus_assets.detect.value import Residuals, Values

CALM, CALM_ROWS = 0.25, 0.004  # see `value`: numbers of rows are often more regular than Poisson's
FLAT, FLAT_ROWS = 1e-4, 0.02  # 2 % more or less rows are no news
LASTING = 0.5  # of the mean deviation over a window that the last partition has to show by itself
LONE_WARM = 28  # partitions that teach where no reference does


@dataclass(frozen=True)
class Judged:
    """One partition of K series and Q targets.

    Attributes
    ----------
    values : Residuals
        Of the series that are values, in their order.
    excess : Excess
        Of the rare counts.
    surprise : array of float, shape (windows, K)
        −log10 p, at least 0.
    needed : array of float, shape (budgets, K)
        −log10 p at which each series by itself would raise an alarm.
    tail : Tail
        Says at which deviation over one partition it would.
    out : array of bool, shape (budgets, K)
        Whether the series by itself is beyond its range, whatever explains that.
    score : array of float, shape (Q,)
        Decades after paying for the number of series and windows, at least 0.
    threshold : array of float, shape (budgets, Q)
    named : list of list of int
        For each budget the targets that are named.
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
    """The state of one (model, track) between two partitions.

    Parameters
    ----------
    series : Series
    per_month : float
        Partitions in a month.
    budgets : sequence of float
        False incidents a month; each is judged by itself in the same pass.
    heard : int
        Number of series judged before that may explain these.
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
        self.values = Values(Season([], []), np.where(rows, CALM_ROWS, CALM), np.where(rows, FLAT_ROWS, FLAT))
        self.rare = Rare(self._rare.size)
        others = np.arange(self.heard) + series.target.size
        self.gate = Gate(series.target, self.heard, np.append(np.flatnonzero(series.foretells), others))
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
        """Learn from the first partitions, as `History` holds them; what is judged of them is no verdict."""
        self.values.season, others = Season.learn(values[:, self._value], phases, cycles)
        self.values.start_from((values[:, self._value] - others)[:14])
        found = [
            self._step(
                values[at], variance[at], n[at], design[at], others[at], heard.z[at], heard.rows[:, at]
            )
            for at in range(len(values))
        ]
        self.values.end_reference()
        return found

    def step(
        self, values: Array, variance: Array, n: Array, design: Array, phases: Ints, heard: Array, rows: Mask
    ) -> Judged:
        """Judge one partition, shape (K,) each, and learn from it; `heard` and `rows` are one of `Heard`."""
        found = self._step(values, variance, n, design, self.values.season.at(phases), heard, rows)
        self.values.doubt_reference(found.values)
        self.values.follow_season(phases, found.values)
        return found

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
        alone = self._counted(z, values)
        z[:, self._rare] = excess.z
        unexplained = self.gate.step(np.concatenate([z, heard], axis=1))
        surprise = self.evidence.step(self._counted(unexplained, values))
        most = surprise.max(axis=0)
        score = self._score(most)
        point = self._point(most, score, values, n)
        self.thresholds.refresh()
        threshold = np.stack([self.thresholds.of(budget) for budget in self.budgets])
        named = [
            naming.step(self.seen, Point(score - each, point.role, point.nulls), rows=bool(missing))
            for naming, each, missing in zip(self.naming, threshold, rows, strict=True)
        ]
        self.thresholds.step(point)
        self.seen += 1
        needed = (threshold + self._cost)[:, self.series.target]
        by_itself = self.evidence.tail.surprise(alone).max(axis=0)
        return Judged(
            values=residuals,
            excess=excess,
            surprise=surprise,
            needed=needed,
            out=(by_itself >= needed) & (self.seen > FIRST),  # `seen` counts this one
            tail=self.evidence.tail,
            score=score,
            threshold=threshold,
            named=named,
        )

    def _counted(self, z: Array, values: Array) -> Array:
        """Return deviations in the direction that is news, at least 0."""
        side = self.series.side
        with np.errstate(invalid="ignore"):
            news = np.where(side == 0, np.abs(z), z * side)
            news = np.where(values >= self.series.least, news, np.where(np.isnan(z), np.nan, 0.0))
            # What lasts shows today as well: a day that is as usual does not ring for the days before it.
            lasts = news[0] >= LASTING * news / np.sqrt(WINDOWS)[:, None]
            news = np.where(lasts | np.isnan(news), news, 0.0)
        return np.maximum(news, 0.0)

    def _score(self, most: Array) -> Array:
        if self.seen < FIRST:
            return np.zeros(self.series.group.size)
        of_target = np.maximum.reduceat(most[self._order], self._first)
        return np.asarray(np.maximum(of_target - self._cost, 0.0))

    def _point(self, most: Array, score: Array, values: Array, n: Array) -> Point:
        role = np.zeros(score.size, np.int64)
        shares = np.full(score.size, np.nan)
        for target in np.flatnonzero(score > 0):
            mine = self._members[target]
            role[target] = self.series.role[mine[np.argmax(most[mine])]]
            if self._nulls[target] >= 0:
                at = self._nulls[target]
                shares[target] = values[at] / n[at] if n[at] > 0 else 0.0
        return Point(score, role, zeroed(shares))


def replay(history: History, budgets: Sequence[float], heard: Heard | None = None) -> list[Judged]:
    """Return what the detector says of every partition; the first `History.warm` have no verdict.

    Parameters
    ----------
    history : History
    budgets : sequence of float
        False incidents a month.
    heard : Heard, optional
        What is known of the same partitions from series that were judged before.
    """
    if heard is None:
        partitions = len(history.values)
        heard = Heard(np.zeros((partitions, len(WINDOWS), 0)), np.zeros((len(budgets), partitions), bool))
    detector = Detector(history.series, history.per_month, budgets, heard.z.shape[2])
    warm = min(history.warm or LONE_WARM, len(history.values))
    values, variance, n, phases = history.values, history.variance, history.n, history.phases
    design = history.design
    found = detector.start(
        values[:warm], variance[:warm], n[:warm], design[:warm], phases[:warm], history.cycles, heard
    )
    for at in range(warm, len(values)):
        found.append(
            detector.step(
                values[at], variance[at], n[at], design[at], phases[at], heard.z[at], heard.rows[:, at]
            )
        )
    return found
