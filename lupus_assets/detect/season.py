"""Seasons: effects of weekday, hour or month on a series, where they reduce the prediction error."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lupus_assets.detect.history import Array, Ints, Mask
from lupus_assets.detect.robust import mean, median, zeroed

PHASES = 24  # of the finest season, hours
LEAST_CYCLES = 4  # needed to learn a season: the median of fewer is too uncertain
PROOF = 0.85  # of the error without a season: the leave-one-out error has to be below
ERROR_CLIP = 4.0  # of one partition, in typical deviations
PACE = 0.1  # weight of a clipped residual in the exponential average of a phase's effect


@dataclass
class Season:
    """Additive effects of one or several seasons on K series.

    Attributes
    ----------
    effects : list of array, each of shape (phases, K)
        One array per season; 0 where the season is not proven for a series.
    proven : list of array of bool, each of shape (K,)
    """

    effects: list[Array]
    proven: list[Mask]

    @classmethod
    def learn(cls, values: Array, phases: Ints, cycles: Sequence[int]) -> "tuple[Season, Array]":
        """Learn seasons from the warm-up.

        Parameters
        ----------
        values : array of float, shape (T, K)
            NaN where there is none.
        phases : array of int, shape (T, F)
        cycles : sequence of int
            Length of each season in partitions.

        Returns
        -------
        Season
        array of float, shape (T, K)
            The leave-one-out effect on each partition: from the other partitions of its phase.
        """
        effects, proven = [], []
        leave_one_out = np.zeros_like(values)
        rest = values
        for phase, cycle in zip(phases.T, cycles, strict=True):
            effect, left_out, holds = _effects(rest, phase, cycle)
            effects.append(effect)
            proven.append(holds)
            rest = rest - effect[phase]
            leave_one_out += left_out
        return cls(effects, proven), leave_one_out

    def at(self, phases: Ints) -> Array | float:
        """Return the total effect of these phases, shape (K,); 0 without seasons."""
        return sum((effect[phase] for effect, phase in zip(self.effects, phases, strict=True)), start=0.0)

    def follow(self, phases: Ints, residual: Array, reach: Array) -> None:
        """Update the exponential averages of the effects of these phases.

        Parameters
        ----------
        phases : array of int, shape (F,)
        residual : array of float, shape (K,)
            Value less season less level; NaN where there is no value.
        reach : array of float, shape (K,)
            The residual is clipped here.
        """
        step = PACE * zeroed(np.clip(residual, -reach, reach))
        for effect, holds, phase in zip(self.effects, self.proven, phases, strict=True):
            effect[phase] += np.where(holds, step, 0.0)


def _effects(values: Array, phase: Ints, cycle: int) -> tuple[Array, Array, Mask]:
    """Return effects, the leave-one-out effect on each partition, and the series where they are proven."""
    shape = (PHASES, values.shape[1])
    effect, left_out = np.zeros(shape), np.zeros_like(values)
    if len(values) < LEAST_CYCLES * cycle:
        return effect, left_out, np.zeros(values.shape[1], bool)
    deviation = values - _rolling_median(values, cycle)
    for one in np.unique(phase):
        members = np.flatnonzero(phase == one)
        if members.size < LEAST_CYCLES - 1:
            continue
        effect[one] = median(deviation[members].T)
        left_out[members] = _medians_without_one(deviation[members])
    size = np.abs(deviation)
    bound = ERROR_CLIP * np.maximum(median(size.T), mean(size.T)) + 1e-9
    before, after = (mean(np.minimum(error, bound).T) for error in (size, np.abs(deviation - left_out)))
    holds = after < PROOF * before
    return np.where(holds, zeroed(effect), 0.0), np.where(holds, zeroed(left_out), 0.0), holds


def _rolling_median(values: Array, period: int) -> Array:
    """Return the centred rolling median over `period` partitions, of fewer at both ends."""
    before, after = (period - 1) // 2, period - 1 - (period - 1) // 2
    padded = np.pad(values, ((before, after), (0, 0)), constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, period, axis=0)
    return median(around)


def _medians_without_one(values: Array) -> Array:
    """Return, for each row, the median of the other rows."""
    count = len(values)
    others = np.array([[row for row in range(count) if row != out] for out in range(count)])
    return median(np.moveaxis(values[others], 1, -1))
