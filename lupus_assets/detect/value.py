"""Values with a sampling variance: predicted one step ahead, and how far they fall from it.

The level is the best of a bank of exponential averages, the scale is robust over recent residuals and never
below what sampling alone gives. Means of the last 1, 3 and 14 partitions are set against the level before
them, so that a small change shows when it lasts.
"""

from dataclasses import dataclass, field

import numpy as np

from lupus_assets.detect.history import WINDOWS, Array, Ints, Mask
from lupus_assets.detect.robust import NORMAL_95, mean, median, zeroed
from lupus_assets.detect.run import Runs
from lupus_assets.detect.season import Season

PACES = np.array([0.03, 0.1, 0.25, 0.6])  # of the bank
FORGET = 0.985  # a partition: half of the error that chooses a pace is of the last 45
CLIP = 3.0  # scales: a wilder innovation moves the level no further
ERROR_CLIP = 4.0
MEMORY = 60  # residuals behind a scale
LEAST_RESIDUALS = 14
WINSOR = 4.0  # scales: a residual beyond counts as so much, or one storm hides the next fault
CONSISTENT = 1.4826  # makes the median absolute deviation a standard deviation under normality
NOISIEST = 4.0  # times the usual sampling variance: a day of few rows says nothing of the other days
FLAT = 1e-4  # on a stabilised scale, whatever the noise: what never moved may differ in its last digits
CALM = 0.25  # least part of the sampling variance that is believed where days resemble each other more
FAR, REGIME = 3.5, 6  # scales; partitions in a row and on one side after which it is a new level
RETURN, FORTNIGHT = 2.5, WINDOWS[-1]  # scales; partitions after the reference in which its level is doubted
LONG = 60.0  # partitions that a level learned from a reference counts for
TINY = 1e-12


@dataclass
class Values:
    """The state of K series between two partitions.

    Attributes
    ----------
    season : Season
    calm, flat : array of float, shape (K,)
        Least part of the sampling variance, and least scale, of each series.
    """

    season: Season
    calm: Array
    flat: Array
    level: Array = field(init=False)  # (paces, K)
    error: Array = field(init=False)
    weight: Array = field(init=False)  # (K,): partitions behind the level
    run: Array = field(init=False)
    sign: Array = field(init=False)
    usual: Array = field(init=False)  # scale on an ordinary day: a day of few rows moves a level no further
    residuals: Array = field(init=False)  # (windows, K, MEMORY + longest window): rings
    noise: Array = field(init=False)
    recent: Array = field(init=False)  # (longest window, K): rings of values less season, variances, levels
    steady: Array = field(init=False)  # the values, none further than a storm counts
    variance: Array = field(init=False)
    levels: Array = field(init=False)
    runs: list[Runs] = field(init=False)  # of residuals that are far out, by window
    seen: int = 0
    since_reference: int = -1  # before it ends

    def __post_init__(self) -> None:
        count, longest = self.calm.size, WINDOWS[-1]
        self.level, self.error = np.zeros((PACES.size, count)), np.zeros((PACES.size, count))
        self.weight, self.run, self.sign = np.zeros(count), np.zeros(count), np.zeros(count)
        self.usual = np.full(count, np.nan)
        self.residuals = np.full((len(WINDOWS), count, MEMORY + longest), np.nan)
        self.noise = np.full((len(WINDOWS), count, MEMORY), np.nan)
        self.recent, self.variance = np.full((longest, count), np.nan), np.full((longest, count), np.nan)
        self.runs = [Runs(count) for _ in WINDOWS]
        self.levels, self.steady = np.full((longest, count), np.nan), np.full((longest, count), np.nan)

    def start_from(self, values: Array) -> None:
        """Begin at the median of the first values, shape (T, K)."""
        self.level[:] = zeroed(median(values.T))

    def end_reference(self) -> None:
        """Take the level for well known: what follows has to speak against it for a fortnight."""
        self.weight[:] = LONG
        self.since_reference = 0

    def step(self, value: Array, variance: Array, season: Array | float) -> "Residuals":
        """Judge one partition from what came before it, and learn from it.

        Parameters
        ----------
        value, variance : array of float, shape (K,)
            NaN where there is none.
        season : array of float, shape (K,), or float
            What the season adds to this partition.
        """
        at = self.seen % len(self.recent)
        level = self.level[np.argmin(self.error, axis=0), np.arange(value.size)]
        self.recent[at], self.variance[at], self.levels[at] = value - season, variance, level
        found = self._judge(level, season)
        self._learn(np.fmin(found.scale[0], self.usual))
        self.seen += 1
        return found

    def _judge(self, level: Array, season: Array | float) -> "Residuals":
        shape = (len(WINDOWS), level.size)
        z, scale = np.full(shape, np.nan), np.full(shape, np.nan)
        gap, before = np.full(shape, np.nan), np.full(shape, np.nan)
        alpha = PACES[np.argmin(self.error, axis=0)]
        young = np.maximum(1 / (self.weight + 2) - alpha / (2 - alpha), 0)  # the level's own uncertainty
        for index, window in enumerate(WINDOWS):
            if self.seen + 1 < window:
                break
            rows = (self.seen - np.arange(window)) % len(self.recent)
            before[index] = self.levels[rows[-1]]
            # One wild day is told of by itself: in a mean it would ring for a fortnight.
            gap[index] = _mean_of(self.steady if index else self.recent, rows) - before[index]
            sampling = _mean_of(self.variance, rows) / window
            past = self._past(index, window)
            kept = clipped = gap[index]
            usual = mean(self.noise[index])
            if past is not None:
                spread, known = _spread(past)
                own = spread**2
                ratio = np.minimum(own / np.maximum(usual, TINY), 1)
                if index == 0:  # longer windows overlap: sixty are a handful, and may be calm by chance
                    calm = np.maximum(ratio, self.calm)
                    self.usual = np.sqrt(np.maximum(own, usual) + self.flat**2)
                square = np.where(own > usual, own - usual + sampling, sampling * np.maximum(ratio, calm))
                square = square + self.flat**2
                square = square + (square if index == 0 else scale[0] ** 2) * young
                scale[index] = np.sqrt(square + TINY)
                z[index] = gap[index] / scale[index]
                reach = np.where(known & np.isfinite(scale[index]), WINSOR * scale[index], np.inf)
                clipped = np.clip(gap[index], -reach, reach)
                # The days behind the first of a fault say nothing new.
                kept = np.where(self.runs[index].step(np.abs(z[index]) > FAR), np.nan, clipped)
            if index == 0:
                self.steady[rows[0]] = level + clipped
            self.residuals[index, :, self.seen % self.residuals.shape[-1]] = kept
            self.noise[index, :, self.seen % MEMORY] = np.fmin(sampling, NOISIEST * usual)
        return Residuals(z=z, scale=scale, gap=gap, expected=before + season)

    def _past(self, index: int, window: int) -> Array | None:
        """Return the residuals of earlier windows that share no partition with this one, shape (K, most)."""
        end = self.seen - window + 1
        first = max(0, end - MEMORY)
        if end - first < LEAST_RESIDUALS:
            return None
        ring = self.residuals.shape[-1]
        return np.asarray(self.residuals[index][:, np.arange(first, end) % ring])

    def _learn(self, scale: Array) -> None:
        rest = self.recent[self.seen % len(self.recent)]
        there = ~np.isnan(rest)
        known = np.where(np.isnan(scale), np.inf, scale)
        innovation = np.where(there, rest - self.level, 0.0)
        bound = np.where(np.isinf(known), 1e9, ERROR_CLIP * known)
        self.error *= FORGET
        self.error += np.minimum(np.abs(innovation), bound)
        pace = np.maximum(PACES[:, None], 1 / (self.weight + 2))
        self.level += pace * np.clip(innovation, -CLIP * known, CLIP * known)
        self.weight += there
        self._accept(rest, known)
        if self.since_reference >= 0:
            self.since_reference += 1

    def _accept(self, rest: Array, scale: Array) -> None:
        """Move the level of series that have been far off on one side for long, or since the reference."""
        level = self.levels[self.seen % len(self.levels)]
        z = zeroed((rest - level) / scale)
        far = np.abs(z) > FAR
        self.run = np.where(far & (np.sign(z) == self.sign), self.run + 1, far.astype(float))
        self.sign = np.sign(z)
        moved = self.run >= REGIME
        if moved.any():
            rows = (self.seen - np.arange(REGIME)) % len(self.recent)
            self.level[:, moved] = median(self.recent[rows][:, moved].T)
            self.run[moved] = 0

    def doubt_reference(self, found: "Residuals") -> None:
        """Give up the reference's level where the longest window after it lies elsewhere."""
        if self.since_reference != FORTNIGHT:
            return
        elsewhere = zeroed(np.abs(found.z[-1])) > RETURN
        if elsewhere.any():
            self.level[:, elsewhere] = zeroed(median(self.recent[:, elsewhere].T))
            self.weight[elsewhere] = FORTNIGHT

    def follow_season(self, phases: Ints, found: "Residuals") -> None:
        """Let the season follow slowly."""
        at = (self.seen - 1) % len(self.recent)
        scale = np.fmin(found.scale[0], self.usual)  # a day of few rows moves no season further than others
        scale = np.where(np.isnan(scale), np.inf, scale)
        self.season.follow(phases, self.recent[at] - self.levels[at], 2 * scale)


@dataclass(frozen=True)
class Residuals:
    """One partition of K series over each of `WINDOWS`; arrays of shape (windows, K), NaN without verdict.

    Attributes
    ----------
    z : array of float
        Deviation in scales, signed.
    scale, gap, expected : array of float
        Scale, deviation from the level before the window, and the value expected of this partition.
    """

    z: Array
    scale: Array
    gap: Array
    expected: Array


def _mean_of(table: Array, rows: Ints) -> Array:
    """Return the mean of some rows, shape (K,)."""
    return table[rows[0]] if rows.size == 1 else mean(table[rows].T)


def _spread(past: Array) -> tuple[Array, Mask]:
    """Return the robust spread of residuals, shape (K, count), and where enough of them are there."""
    ordered = np.sort(np.abs(past), axis=1)  # NaN sorts last
    count = np.full(len(past), past.shape[1])
    if np.isnan(ordered[:, -1]).any():
        count = np.sum(~np.isnan(past), axis=1)
    series = np.arange(len(past))
    middle = ordered[series, np.minimum(count // 2, past.shape[1] - 1)]
    tail = ordered[series, np.clip(np.ceil(0.95 * count).astype(int) - 1, 0, past.shape[1] - 1)]
    # A series that is quiet but for some days, as rain is, has its scale in the tail.
    return np.fmax(CONSISTENT * middle, tail / NORMAL_95), count >= LEAST_RESIDUALS
