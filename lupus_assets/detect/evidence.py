"""Deviations become p values that the series' own past bears out.

A normal tail, widened for each series and window by how far its own past has reached, and flattened where its
tail has proven heavier than a normal's. Prequential: only earlier partitions are looked at.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import log_ndtr, ndtri

from lupus_assets.detect.history import WINDOWS, Array
from lupus_assets.detect.robust import NORMAL_95, grown, zeroed
from lupus_assets.detect.run import Runs

WARM = 14  # first partitions, in which nothing has a verdict
FIRST, EVERY = 21, 14  # partitions: when the widening is looked at first, and how often
MEMORY = 364  # partitions that it looks back on
CAP = 8.0  # scales: one storm widens a tail, and not without limit
QUARTER = 90  # partitions: of so many, the largest alone may be a fault
SLOPE_FIRST, SLOPE_EVERY = 35, 7
NORMAL_SLOPE = float(np.log10(np.e))  # mean excess of −log10 p where p is uniform
THRESHOLD, MOST = 0.7, 4.0  # excess over so much, and at most so much, says how heavy a tail is
FAR = 4.5  # scales: days further out in a row are one event and not several
PRIOR = 6.0  # partitions' worth of a normal tail
LOG10_2 = float(np.log10(2))


@dataclass(frozen=True)
class Tail:
    """How far K series ordinarily reach.

    Attributes
    ----------
    width : array of float, shape (windows, K)
        At least 1: of a normal tail.
    slope : array of float, shape (K,)
        At most 1: by which −log10 p is flattened.
    """

    width: Array
    slope: Array

    def plain(self, z: Array) -> Array:
        """Return −log10 p of deviations, shape (windows, K) and at least 0, before it is flattened."""
        return np.asarray(np.maximum(-(log_ndtr(-z / self.width) / np.log(10) + LOG10_2), 0.0))

    def surprise(self, z: Array) -> Array:
        """Return −log10 p of deviations, shape (windows, K); 0 where there is none."""
        return np.asarray(self.plain(zeroed(z)) * self.slope)

    def reach(self, surprise: Array) -> Array:
        """Return the deviation over one partition, shape (…, K), whose −log10 p is `surprise`."""
        with np.errstate(over="ignore"):
            p = 10.0 ** -np.minimum(surprise / np.maximum(self.slope, 1e-9) + LOG10_2, 300)
        return np.asarray(-ndtri(p) * self.width[0])


@dataclass
class Evidence:
    """The state of K series between two partitions."""

    size: int
    past: Array = field(init=False)  # (MEMORY at most, windows, K): ring of deviations
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
        """Return −log10 p of each window and series, at least 0, and remember the deviations.

        Parameters
        ----------
        z : array of float, shape (windows, K)
            How far out, in the direction that counts, at least 0; NaN where there is no verdict.
        """
        known = zeroed(z)
        if self.seen >= FIRST and (self.seen - FIRST) % EVERY == 0:
            self._widen()
        if self.seen >= SLOPE_FIRST and (self.seen - SLOPE_FIRST) % SLOPE_EVERY == 0:
            self._flatten()
        plain = np.zeros_like(known) if self.seen < FIRST else self.tail.plain(known)
        goes_on = self.runs.step(known.max(axis=0) > FAR)
        if self.seen >= SLOPE_FIRST - SLOPE_EVERY:
            most = np.where(goes_on, 0.0, plain.max(axis=0))
            self.excess += np.clip(most - THRESHOLD, 0, MOST)
            self.exceeded += most > THRESHOLD
        if self.seen >= WARM:
            at = (self.seen - WARM) % MEMORY
            self.past = grown(self.past, at)
            self.past[at] = np.where(goes_on, 0.0, np.minimum(known, CAP))
        self.seen += 1
        return np.asarray(plain * self.tail.slope)

    def _widen(self) -> None:
        count = min(self.seen - WARM, MEMORY)
        spared = count // QUARTER
        largest, usual = count - 1 - spared, int(np.ceil(0.95 * count)) - 1
        ordered = np.partition(self.past[:count], sorted({largest, usual}), axis=0)
        reached = ordered[largest] / -ndtri(0.5 * (1 + spared) / (count + 1))
        self.tail = replace(self.tail, width=np.maximum(1.0, np.maximum(reached, ordered[usual] / NORMAL_95)))

    def _flatten(self) -> None:
        mean = (self.excess + PRIOR * NORMAL_SLOPE) / (self.exceeded + PRIOR)
        self.tail = replace(self.tail, slope=np.minimum(1.0, NORMAL_SLOPE / mean))
