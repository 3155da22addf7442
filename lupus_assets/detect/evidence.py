"""P values of deviations, calibrated on the series' own past.

A normal tail, widened for each series and window to the largest past deviations, and flattened where the past
has a heavier tail than the normal. Prequential: only earlier partitions are used.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import log_ndtr, ndtri

from lupus_assets.detect.history import WINDOWS, Array
from lupus_assets.detect.robust import NORMAL_95, grown, zeroed
from lupus_assets.detect.run import Runs

WARM_UP = 14  # first partitions, whose deviations are not kept
LEAST_HISTORY = 21  # partitions before the first width, and before any p value below 1
WIDTH_EVERY = 14  # partitions between two widths
PAST = 364  # partitions in the ring buffer of deviations
PAST_CLIP = 8.0  # scales: limits the effect of one extreme deviation on the width
PER_OUTLIER = 90  # partitions: one largest deviation in so many may be a fault, and is left out
SLOPE_FIRST, SLOPE_EVERY = 35, 7
NORMAL_SLOPE = float(np.log10(np.e))  # mean excess of −log10 p where p is uniform
EXCESS_OVER, MOST_EXCESS = 0.7, 4.0  # decades: the mean excess measures the heaviness of the tail
FAR = 4.5  # scales: consecutive deviations beyond are one event
PRIOR_EXCESSES = 6.0  # pseudo-count of excesses of a normal tail
LOG10_2 = float(np.log10(2))


@dataclass(frozen=True)
class Tail:
    """The tails of the deviations of K series.

    Attributes
    ----------
    width : array of float, shape (windows, K)
        Standard deviation of the normal tail, at least 1.
    slope : array of float, shape (K,)
        Factor of −log10 p, at most 1; smaller for a heavier tail.
    """

    width: Array
    slope: Array

    def plain(self, z: Array) -> Array:
        """Return −log10 p of deviations, shape (windows, K) and at least 0, before the factor `slope`."""
        return np.asarray(np.maximum(-(log_ndtr(-z / self.width) / np.log(10) + LOG10_2), 0.0))

    def surprise(self, z: Array) -> Array:
        """Return −log10 p of deviations, shape (windows, K); 0 where they are NaN."""
        return np.asarray(self.plain(zeroed(z)) * self.slope)

    def reach(self, surprise: Array) -> Array:
        """Return the deviation over one partition, shape (…, K), whose −log10 p is `surprise`."""
        with np.errstate(over="ignore"):
            p = 10.0 ** -np.minimum(surprise / np.maximum(self.slope, 1e-9) + LOG10_2, 300)
        return np.asarray(-ndtri(p) * self.width[0])


@dataclass
class Evidence:
    """The past deviations and the tails of K series, updated with every partition."""

    size: int
    past: Array = field(init=False)  # (PAST at most, windows, K): ring buffer of deviations
    tail: Tail = field(init=False)
    excess: Array = field(init=False)
    exceeded: Array = field(init=False)
    runs: Runs = field(init=False)
    seen: int = 0

    def __post_init__(self) -> None:
        self.past = np.zeros((0, len(WINDOWS), self.size))
        self.tail = Tail(np.ones((len(WINDOWS), self.size)), np.ones(self.size))
        self.excess, self.exceeded = np.zeros(self.size), np.zeros(self.size)
        self.runs = Runs(self.size)

    def step(self, z: Array) -> Array:
        """Return −log10 p of each window and series, at least 0, and store the deviations.

        Parameters
        ----------
        z : array of float, shape (windows, K)
            Deviations in the direction that counts, at least 0; NaN without a verdict.
        """
        known = zeroed(z)
        if self.seen >= LEAST_HISTORY and (self.seen - LEAST_HISTORY) % WIDTH_EVERY == 0:
            self._widen()
        if self.seen >= SLOPE_FIRST and (self.seen - SLOPE_FIRST) % SLOPE_EVERY == 0:
            self._flatten()
        plain = np.zeros_like(known) if self.seen < LEAST_HISTORY else self.tail.plain(known)
        goes_on = self.runs.step(known.max(axis=0) > FAR)
        if self.seen >= SLOPE_FIRST - SLOPE_EVERY:
            largest = np.where(goes_on, 0.0, plain.max(axis=0))
            self.excess += np.clip(largest - EXCESS_OVER, 0, MOST_EXCESS)
            self.exceeded += largest > EXCESS_OVER
        if self.seen >= WARM_UP:
            at = (self.seen - WARM_UP) % PAST
            self.past = grown(self.past, at)
            self.past[at] = np.where(goes_on, 0.0, np.minimum(known, PAST_CLIP))
        self.seen += 1
        return np.asarray(plain * self.tail.slope)

    def _widen(self) -> None:
        count = min(self.seen - WARM_UP, PAST)
        left_out = count // PER_OUTLIER
        largest, quantile_95 = count - 1 - left_out, int(np.ceil(0.95 * count)) - 1
        ordered = np.partition(self.past[:count], sorted({largest, quantile_95}), axis=0)
        of_largest = ordered[largest] / -ndtri(0.5 * (1 + left_out) / (count + 1))
        width = np.maximum(1.0, np.maximum(of_largest, ordered[quantile_95] / NORMAL_95))
        self.tail = replace(self.tail, width=width)

    def _flatten(self) -> None:
        mean = (self.excess + PRIOR_EXCESSES * NORMAL_SLOPE) / (self.exceeded + PRIOR_EXCESSES)
        self.tail = replace(self.tail, slope=np.minimum(1.0, NORMAL_SLOPE / mean))
