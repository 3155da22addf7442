"""Seasons: what a partition's weekday, hour or month adds to a series, where it is proven to add anything."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lupus_assets.detect.history import Array, Ints, Mask
from lupus_assets.detect.robust import mean, median, zeroed

PHASES = 24  # of the finest season, hours
LEAST_CYCLES = 4  # of a season that is learned: a median of fewer says nothing
PROOF = 0.85  # left of the error when each partition is predicted from the others of its phase
CLIP = 4.0  # typical deviations beyond which one partition proves no more
PACE = 0.1  # of the clipped residual that moves the effect of a phase


@dataclass
class Season:
    """Effects of the phases of one or several seasons on K series, added up.

    Attributes
    ----------
    effects : list of array, each of shape (phases, K)
        0 where a season is not proven for a series.
    proven : list of array of bool, each of shape (K,)
    """

    effects: list[Array]
    proven: list[Mask]

    @classmethod
    def learn(cls, values: Array, phases: Ints, cycles: Sequence[int]) -> "tuple[Season, Array]":
        """Learn seasons from the first partitions.

        Parameters
        ----------
        values : array of float, shape (T, K)
            NaN where there is none.
        phases : array of int, shape (T, F)
        cycles : sequence of int
            Partitions that each season takes to come round.

        Returns
        -------
        Season
        array of float, shape (T, K)
            What each of these partitions is expected to add, by the others of its phase: not from itself.
        """
        effects, proven = [], []
        others = np.zeros_like(values)
        rest = values
        for phase, cycle in zip(phases.T, cycles, strict=True):
            effect, left_out, holds = _effects(rest, phase, cycle)
            effects.append(effect)
            proven.append(holds)
            rest = rest - effect[phase]
            others += left_out
        return cls(effects, proven), others

    def at(self, phases: Ints) -> Array | float:
        """Return what a partition of these phases adds, shape (K,); 0 without seasons."""
        return sum((effect[phase] for effect, phase in zip(self.effects, phases, strict=True)), start=0.0)

    def follow(self, phases: Ints, residual: Array, reach: Array) -> None:
        """Move the effects of these phases a little towards what was seen.

        Parameters
        ----------
        phases : array of int, shape (F,)
        residual : array of float, shape (K,)
            Value less season less level; NaN where there is no value.
        reach : array of float, shape (K,)
            At most so much of it counts.
        """
        step = PACE * zeroed(np.clip(residual, -reach, reach))
        for effect, holds, phase in zip(self.effects, self.proven, phases, strict=True):
            effect[phase] += np.where(holds, step, 0.0)


def _effects(values: Array, phase: Ints, cycle: int) -> tuple[Array, Array, Mask]:
    """Return effects, the effect on each partition by the others of its phase, and where they are proven."""
    shape = (PHASES, values.shape[1])
    effect, left_out = np.zeros(shape), np.zeros_like(values)
    if len(values) < LEAST_CYCLES * cycle:
        return effect, left_out, np.zeros(values.shape[1], bool)
    deviation = values - _rolling_median(values, cycle)
    for each in np.unique(phase):
        mine = np.flatnonzero(phase == each)
        if mine.size < LEAST_CYCLES - 1:
            continue
        effect[each] = median(deviation[mine].T)
        left_out[mine] = _medians_without_one(deviation[mine])
    size = np.abs(deviation)
    bound = CLIP * np.maximum(median(size.T), mean(size.T)) + 1e-9
    before, after = (mean(np.minimum(each, bound).T) for each in (size, np.abs(deviation - left_out)))
    holds = after < PROOF * before
    return np.where(holds, zeroed(effect), 0.0), np.where(holds, zeroed(left_out), 0.0), holds


def _rolling_median(values: Array, period: int) -> Array:
    """Return the median of `period` partitions around each, of those that there are."""
    before, after = (period - 1) // 2, period - 1 - (period - 1) // 2
    padded = np.pad(values, ((before, after), (0, 0)), constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, period, axis=0)
    return median(around)


def _medians_without_one(values: Array) -> Array:
    """Return, for each row, the median of the other rows."""
    count = len(values)
    others = np.array([[row for row in range(count) if row != out] for out in range(count)])
    return median(np.moveaxis(values[others], 1, -1))
