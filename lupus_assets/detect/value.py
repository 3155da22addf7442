"""Values with a sampling variance: one-step prediction, and the deviation from it.

The level is the best of several exponential averages. The scale is the robust spread of recent residuals,
with a lower bound from the sampling variance. Means of the last 1, 3 and 14 partitions are compared with
the level before them: a longer window shows a small change that lasts.
"""

from dataclasses import dataclass, field

import numpy as np

from lupus_assets.detect.history import WINDOWS, Array, Ints, Mask
from lupus_assets.detect.robust import NORMAL_95, mean, median, zeroed
from lupus_assets.detect.run import Runs
from lupus_assets.detect.season import Season

PACES = np.array([0.03, 0.1, 0.25, 0.6])  # weights of a new value in the exponential averages
DISCOUNT = 0.985  # of earlier prediction errors, per partition: half of their sum is of the last 45
LEVEL_CLIP = 3.0  # scales: of an innovation when it moves the level
ERROR_CLIP = 4.0  # scales: of a prediction error
PAST_RESIDUALS = 60  # behind a scale
LEAST_RESIDUALS = 14
WINSOR = 4.0  # scales: of a residual behind the scale, or one storm hides the next fault
CONSISTENT = 1.4826  # makes the median absolute deviation a standard deviation under normality
MOST_NOISE = 4.0  # times the usual sampling variance: limits the effect of one day of few rows
FAR, REGIME = 3.5, 6  # scales; consecutive deviations of one sign after which the level is replaced
RETURN, FORTNIGHT = 2.5, WINDOWS[-1]  # scales; partitions after the reference when its level is tested
REFERENCE_WEIGHT = 60.0  # of a level learned from a reference, in partitions
TINY = 1e-12


@dataclass
class Values:
    """The levels, scales and seasons of K series, updated with every partition.

    Attributes
    ----------
    season : Season
    calm, flat : array of float, shape (K,)
        Least fraction of the sampling variance, and least scale, of each series.
    """

    season: Season
    calm: Array
    flat: Array
    level: Array = field(init=False)  # (paces, K)
    error: Array = field(init=False)
    weight: Array = field(init=False)  # (K,): partitions behind the level
    run: Array = field(init=False)
    sign: Array = field(init=False)
    usual: Array = field(init=False)  # scale of a day with the usual rows; limits updates by days of few rows
    residuals: Array = field(init=False)  # (windows, K, PAST_RESIDUALS + longest window): ring buffers
    noise: Array = field(init=False)
    recent: Array = field(init=False)  # (longest window, K): ring buffers; values less season
    steady: Array = field(init=False)  # the same, winsorised
    variance: Array = field(init=False)
    levels: Array = field(init=False)
    runs: list[Runs] = field(init=False)  # of large deviations, by window
    seen: int = 0
    since_reference: int = -1  # partitions; -1 before its end

    def __post_init__(self) -> None:
        count, longest = self.calm.size, WINDOWS[-1]
        self.level, self.error = np.zeros((PACES.size, count)), np.zeros((PACES.size, count))
        self.weight, self.run, self.sign = np.zeros(count), np.zeros(count), np.zeros(count)
        self.usual = np.full(count, np.nan)
        self.residuals = np.full((len(WINDOWS), count, PAST_RESIDUALS + longest), np.nan)
        self.noise = np.full((len(WINDOWS), count, PAST_RESIDUALS), np.nan)
        self.recent, self.variance = np.full((longest, count), np.nan), np.full((longest, count), np.nan)
        self.runs = [Runs(count) for _ in WINDOWS]
        self.levels, self.steady = np.full((longest, count), np.nan), np.full((longest, count), np.nan)

    def start_from(self, values: Array) -> None:
        """Set the level to the median of the first values, shape (T, K)."""
        self.level[:] = zeroed(median(values.T))

    def end_reference(self) -> None:
        """Give the level the weight of a long past, until `doubt_reference` tests it."""
        self.weight[:] = REFERENCE_WEIGHT
        self.since_reference = 0

    def step(self, value: Array, variance: Array, season: Array | float) -> "Residuals":
        """Judge one partition from earlier ones, and learn from it.

        Parameters
        ----------
        value, variance : array of float, shape (K,)
            NaN where there is none.
        season : array of float, shape (K,), or float
            Effect of the season on this partition.
        """
        at = self.seen % len(self.recent)
        level = self.level[np.argmin(self.error, axis=0), np.arange(value.size)]
        self.recent[at], self.variance[at], self.levels[at] = value - season, variance, level
        residuals = self._judge(level, season)
        self._learn(np.fmin(residuals.scale[0], self.usual))
        self.seen += 1
        return residuals

    def _judge(self, level: Array, season: Array | float) -> "Residuals":
        shape = (len(WINDOWS), level.size)
        z, scale = np.full(shape, np.nan), np.full(shape, np.nan)
        gap, before = np.full(shape, np.nan), np.full(shape, np.nan)
        alpha = PACES[np.argmin(self.error, axis=0)]
        young = np.maximum(
            1 / (self.weight + 2) - alpha / (2 - alpha), 0
        )  # relative variance of a level learned from few partitions
        for index, window in enumerate(WINDOWS):
            if self.seen + 1 < window:
                break
            rows = (self.seen - np.arange(window)) % len(self.recent)
            before[index] = self.levels[rows[-1]]
            # Winsorised in longer windows: one extreme day would raise alarms for a fortnight.
            gap[index] = _mean_of(self.steady if index else self.recent, rows) - before[index]
            sampling = _mean_of(self.variance, rows) / window
            past = self._past(index, window)
            kept = clipped = gap[index]
            usual = mean(self.noise[index])
            if past is not None:
                spread, known = _spread(past)
                own = spread**2
                ratio = np.minimum(own / np.maximum(usual, TINY), 1)
                if index == 0:  # residuals of longer windows overlap: their spread may be small by chance
                    calm = np.maximum(ratio, self.calm)
                    self.usual = np.sqrt(np.maximum(own, usual) + self.flat**2)
                square = np.where(own > usual, own - usual + sampling, sampling * np.maximum(ratio, calm))
                square = square + self.flat**2
                square = square + (square if index == 0 else scale[0] ** 2) * young
                scale[index] = np.sqrt(square + TINY)
                z[index] = gap[index] / scale[index]
                reach = np.where(known & np.isfinite(scale[index]), WINSOR * scale[index], np.inf)
                clipped = np.clip(gap[index], -reach, reach)
                # Only the first partition of an event enters the scale.
                kept = np.where(self.runs[index].step(np.abs(z[index]) > FAR), np.nan, clipped)
            if index == 0:
                self.steady[rows[0]] = level + clipped
            self.residuals[index, :, self.seen % self.residuals.shape[-1]] = kept
            self.noise[index, :, self.seen % PAST_RESIDUALS] = np.fmin(sampling, MOST_NOISE * usual)
        return Residuals(z=z, scale=scale, gap=gap, expected=before + season)

    def _past(self, index: int, window: int) -> Array | None:
        """Return residuals of earlier windows that do not overlap this one, shape (K, at most 60)."""
        end = self.seen - window + 1
        first = max(0, end - PAST_RESIDUALS)
        if end - first < LEAST_RESIDUALS:
            return None
        ring = self.residuals.shape[-1]
        return np.asarray(self.residuals[index][:, np.arange(first, end) % ring])

    def _learn(self, scale: Array) -> None:
        rest = self.recent[self.seen % len(self.recent)]
        present = ~np.isnan(rest)
        known = np.where(np.isnan(scale), np.inf, scale)
        innovation = np.where(present, rest - self.level, 0.0)
        bound = np.where(np.isinf(known), 1e9, ERROR_CLIP * known)
        self.error *= DISCOUNT
        self.error += np.minimum(np.abs(innovation), bound)
        pace = np.maximum(PACES[:, None], 1 / (self.weight + 2))
        self.level += pace * np.clip(innovation, -LEVEL_CLIP * known, LEVEL_CLIP * known)
        self.weight += present
        self._accept(rest, known)
        if self.since_reference >= 0:
            self.since_reference += 1

    def _accept(self, rest: Array, scale: Array) -> None:
        """Replace the level of series after `REGIME` consecutive large deviations of one sign."""
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

    def doubt_reference(self, residuals: "Residuals") -> None:
        """Replace the reference's level where the mean of the first fortnight after it deviates.

        Does nothing at any other partition than the last of that fortnight.
        """
        if self.since_reference != FORTNIGHT:
            return
        elsewhere = zeroed(np.abs(residuals.z[-1])) > RETURN
        if elsewhere.any():
            self.level[:, elsewhere] = zeroed(median(self.recent[:, elsewhere].T))
            self.weight[elsewhere] = FORTNIGHT

    def follow_season(self, phases: Ints, residuals: "Residuals") -> None:
        """Update the season from the last partition."""
        at = (self.seen - 1) % len(self.recent)
        scale = np.fmin(residuals.scale[0], self.usual)  # limits updates by days of few rows
        scale = np.where(np.isnan(scale), np.inf, scale)
        self.season.follow(phases, self.recent[at] - self.levels[at], 2 * scale)


@dataclass(frozen=True)
class Residuals:
    """Deviations of one partition of K series; arrays of shape (windows, K), NaN without a verdict.

    Attributes
    ----------
    z : array of float
        Signed deviation in scales.
    scale, gap, expected : array of float
        Scale, deviation from the level before the window, and the expected value.
    """

    z: Array
    scale: Array
    gap: Array
    expected: Array


def _mean_of(table: Array, rows: Ints) -> Array:
    """Return the mean of some rows of `table`, shape (K,)."""
    return table[rows[0]] if rows.size == 1 else mean(table[rows].T)


def _spread(past: Array) -> tuple[Array, Mask]:
    """Return the robust spread, shape (K,), of residuals, shape (K, count), and where enough are not NaN."""
    ordered = np.sort(np.abs(past), axis=1)  # NaN sorts last
    count = np.full(len(past), past.shape[1])
    if np.isnan(ordered[:, -1]).any():
        count = np.sum(~np.isnan(past), axis=1)
    series = np.arange(len(past))
    middle = ordered[series, np.minimum(count // 2, past.shape[1] - 1)]
    tail = ordered[series, np.clip(np.ceil(0.95 * count).astype(int) - 1, 0, past.shape[1] - 1)]
    # The scale of a mostly constant series, such as rain, is in its tail.
    return np.fmax(CONSISTENT * middle, tail / NORMAL_95), count >= LEAST_RESIDUALS
