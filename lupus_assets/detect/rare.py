"""Counts of rare events: nulls, values unseen or out of range, duplicates.

The predictive distribution of a count is gamma-Poisson, with a rate and an over-dispersion learned from
earlier partitions. Only an excess is a deviation.

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

DISCOUNT = 0.985  # of earlier events and rows, per partition
PRIOR_EVENTS = 0.5  # Jeffreys prior of a Poisson rate
PRIOR_ROWS = 1.0
LEAST_ROWS = 20.0  # behind a rate: one partition without the event does not prove a rate of 0
LEAST_PARTITIONS = 14
MOST_DISPERSED = 200.0  # most that one partition contributes to the over-dispersion
LEAST_VARIANCE = 0.05  # keeps the contribution of an unexpected event finite
OUTLYING, REGIME = 4.5, 6  # scales; consecutive outlying partitions after which they are learned from
LEAST_P = 1e-300


@dataclass
class Rare:
    """The rates and over-dispersions of K counts, updated with every partition."""

    size: int
    events: Array = field(init=False)  # (K,), discounted
    rows: Array = field(init=False)
    dispersion: Array = field(init=False)
    run: Array = field(init=False)
    counts: Array = field(init=False)  # (longest window, K): ring buffers
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
        """Judge one partition from earlier ones, and learn from it.

        Parameters
        ----------
        count, n : array of float, shape (K,)
            Events, and rows in which they could occur; NaN where they were not counted.
        design : array of float, shape (K,)
            Design effect: the variance of the count over that of independent rows; at least 1.
        """
        unknown = np.isnan(count) | np.isnan(n)
        count, n = np.where(unknown, 0.0, count), np.where(unknown, 0.0, n)
        at = self.seen % len(self.counts)
        rate = (self.events + PRIOR_EVENTS) / (self.rows + PRIOR_ROWS)
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
        """Return the deviations of the last `window` partitions, with and without the design effect."""
        rows = (self.seen - np.arange(window)) % len(self.counts)
        first = rows[-1]
        rate, behind, spread = self.rates[first], self.behind[first], self.dispersions[first]
        count, n = self.counts[rows].sum(axis=0), self.exposures[rows].sum(axis=0)
        design = self.designs[rows].max(axis=0)
        excessive = (count > n * rate) & (count > 0)

        def deviations(spread: Array, where: Mask) -> Array:
            p = tail(count[where], n[where], rate[where], behind[where], spread[where])
            return np.asarray(np.maximum(-ndtri(np.clip(p, LEAST_P, 1 - 1e-9)), 0))

        alone = np.zeros(self.size)
        if excessive.any():
            alone[excessive] = deviations(spread, excessive)
        z, clustered = alone.copy(), excessive & (design > np.maximum(spread, 1.0))
        if clustered.any():
            z[clustered] = deviations(design, clustered)
        return z, alone

    def _learn(self, count: Array, n: Array, rate: Array, z: Array) -> None:
        outlying = z > OUTLYING
        self.run = np.where(outlying, self.run + 1, 0)
        use = ~outlying | (self.run >= REGIME)
        expected = n * rate
        chi_square = (count - expected) ** 2 / (expected * (1 - rate) + LEAST_VARIANCE)
        dispersion = DISCOUNT * self.dispersion + (1 - DISCOUNT) * np.minimum(chi_square, MOST_DISPERSED)
        self.events = np.where(use, DISCOUNT * self.events + count, self.events)
        self.rows = np.where(use, DISCOUNT * self.rows + n, self.rows)
        self.dispersion = np.where(use, np.maximum(dispersion, 0.0), self.dispersion)


@dataclass(frozen=True)
class Excess:
    """The deviations of one partition of K counts.

    Attributes
    ----------
    z : array of float, shape (windows, K)
        Normal quantile of the upper-tail p value, at least 0; NaN without a verdict.
    alone : array of float, shape (windows, K)
        The same without the design effect: as for independent rows.
    rate, behind, dispersion : array of float, shape (K,)
        Expected events per row, the rows behind this rate, and the variance over that of a Poisson count.
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
    """Return the largest share of `n` rows, at most 1, whose deviation is below `deviation`.

    The inverse of `tail`, by bisection to a thousandth of an event.
    """
    p = ndtr(-deviation)
    rows = np.nan_to_num(np.maximum(n, 1.0), nan=1.0)
    low, high = np.zeros_like(rows), rows.copy()
    for _ in range(int(np.ceil(np.log2(max(float(rows.max(initial=1.0)), 2.0)))) + 10):
        middle = (low + high) / 2
        over = tail(middle, rows, excess.rate, excess.behind, excess.dispersion) > p
        low, high = np.where(over, middle, low), np.where(over, high, middle)
    return np.asarray(np.minimum(high / rows, 1.0))
