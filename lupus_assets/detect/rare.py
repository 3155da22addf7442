"""Counts of what should be rare: nulls, values unseen or out of range, duplicates.

The count is predictive gamma-Poisson: of a rate that earlier partitions leave uncertain, divided by how much
more than Poisson they scatter. Only more than usual is news.

References
----------
Bayarri and Berger, and others: the predictive distribution of a Poisson count under a gamma rate is negative
binomial, with the tail P(X >= k) = I_{n/(n + N)}(k, K) after K events in N rows.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import betainc, ndtr, ndtri

from lupus_assets.detect.history import WINDOWS, Array, Mask
from lupus_assets.detect.robust import zeroed

FORGET = 0.985
HALF = 0.5  # Jeffreys prior of a Poisson rate
ONE = 1.0  # row, behind it
LEAST_ROWS = 20.0  # behind a rate: one partition without the event does not prove that there is none
LEAST_PARTITIONS = 14
MOST_DISPERSED = 200.0  # one partition's part of the over-dispersion
FLOOR = 0.05  # of a variance: an event where none was expected is one event and not infinitely surprising
OUTLYING, REGIME = 4.5, 6  # scales; partitions in a row after which they are what is usual
LEAST_P = 1e-300


@dataclass
class Rare:
    """The state of K counts between two partitions."""

    size: int
    events: Array = field(init=False)  # (K,), discounted
    rows: Array = field(init=False)
    dispersion: Array = field(init=False)
    run: Array = field(init=False)
    counts: Array = field(init=False)  # (longest window, K): rings
    exposures: Array = field(init=False)
    rates: Array = field(init=False)
    behind: Array = field(init=False)
    dispersions: Array = field(init=False)
    designs: Array = field(init=False)
    seen: int = 0

    def __post_init__(self) -> None:
        self.events, self.rows, self.run = np.zeros(self.size), np.zeros(self.size), np.zeros(self.size)
        self.dispersion = np.ones(self.size)
        for name in ("counts", "exposures", "rates", "behind", "dispersions", "designs"):
            setattr(self, name, np.zeros((WINDOWS[-1], self.size)))

    def step(self, count: Array, n: Array, design: Array) -> "Excess":
        """Judge one partition from what came before it, and learn from it.

        Parameters
        ----------
        count, n : array of float, shape (K,)
            Events, and rows in which they could occur; NaN where they were not counted.
        design : array of float, shape (K,)
            How many times the variance of independent rows the count has; at least 1.
        """
        unknown = np.isnan(count) | np.isnan(n)
        count, n = np.where(unknown, 0.0, count), np.where(unknown, 0.0, n)
        at = self.seen % len(self.counts)
        rate = (self.events + HALF) / (self.rows + ONE)
        self.counts[at], self.exposures[at], self.rates[at] = count, n, rate
        self.behind[at], self.dispersions[at] = np.maximum(self.rows, LEAST_ROWS), self.dispersion
        self.designs[at] = design
        z, alone = (np.full((len(WINDOWS), self.size), np.nan) for _ in range(2))
        if self.seen >= LEAST_PARTITIONS:
            for index, window in enumerate(WINDOWS):
                z[index], alone[index] = self._judge(window)
        self._learn(count, n, rate, zeroed(z[0]))
        self.seen += 1
        return Excess(
            z=z, alone=alone, rate=rate, behind=self.behind[at].copy(), dispersion=self.dispersions[at].copy()
        )

    def _judge(self, window: int) -> tuple[Array, Array]:
        """Return the deviations of the last partitions together, and as independent rows would have them."""
        rows = (self.seen - np.arange(window)) % len(self.counts)
        first = rows[-1]
        rate, behind, spread = self.rates[first], self.behind[first], self.dispersions[first]
        count, n = self.counts[rows].sum(axis=0), self.exposures[rows].sum(axis=0)
        design = self.designs[rows].max(axis=0)
        news = (count > n * rate) & (count > 0)

        def judged(spread: Array, these: Mask) -> Array:
            p = tail(count[these], n[these], rate[these], behind[these], spread[these])
            return np.asarray(np.maximum(-ndtri(np.clip(p, LEAST_P, 1 - 1e-9)), 0))

        alone = np.zeros(self.size)
        if news.any():
            alone[news] = judged(spread, news)
        z, clustered = alone.copy(), news & (design > np.maximum(spread, 1.0))
        if clustered.any():
            z[clustered] = judged(design, clustered)
        return z, alone

    def _learn(self, count: Array, n: Array, rate: Array, z: Array) -> None:
        outlying = z > OUTLYING
        self.run = np.where(outlying, self.run + 1, 0)
        use = ~outlying | (self.run >= REGIME)
        expected = n * rate
        chi_square = (count - expected) ** 2 / (expected * (1 - rate) + FLOOR)
        scattered = FORGET * self.dispersion + (1 - FORGET) * np.minimum(chi_square, MOST_DISPERSED)
        self.events = np.where(use, FORGET * self.events + count, self.events)
        self.rows = np.where(use, FORGET * self.rows + n, self.rows)
        self.dispersion = np.where(use, np.maximum(scattered, 0.0), self.dispersion)


@dataclass(frozen=True)
class Excess:
    """One partition of K counts.

    Attributes
    ----------
    z : array of float, shape (windows, K)
        How surprising so many are, in normal scales, at least 0; NaN without a verdict.
    alone : array of float, shape (windows, K)
        The same if their rows were independent of one another.
    rate, behind, dispersion : array of float, shape (K,)
        Expected events a row, the rows that it rests on, and how many times Poisson's the variance is.
    """

    z: Array
    alone: Array
    rate: Array
    behind: Array
    dispersion: Array


def tail(count: Array, n: Array, rate: Array, behind: Array, dispersion: Array) -> Array:
    """Return P(at least `count` events in `n` rows), given `rate` from `behind` rows."""
    scale = np.maximum(dispersion, 1.0)
    prior = behind / scale
    return np.asarray(betainc(count / scale, rate * prior, (n / scale) / (n / scale + prior)))


def most_expected(deviation: Array, n: Array, excess: Excess) -> Array:
    """Return the largest share of `n` rows that deviates less than `deviation` scales.

    The inverse of `tail`, found by bisection to a thousandth of an event; 1 at most.
    """
    p = ndtr(-deviation)
    rows = np.nan_to_num(np.maximum(n, 1.0), nan=1.0)
    low, high = np.zeros_like(rows), rows.copy()
    for _ in range(int(np.ceil(np.log2(max(float(rows.max(initial=1.0)), 2.0)))) + 10):
        middle = (low + high) / 2
        over = tail(middle, rows, excess.rate, excess.behind, excess.dispersion) > p
        low, high = np.where(over, middle, low), np.where(over, high, middle)
    return np.asarray(np.minimum(high / rows, 1.0))
