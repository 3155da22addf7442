"""What moves together has one cause: a deviation that other columns foretell is no news of its own.

A cold front moves temperature, dew point and pressure at once, and with them delays. Each series' deviation
is predicted from those of the other targets by ridge regression over its past; where that has proven to take
away a good part of them, only what the others leave unexplained counts.

References
----------
Hoerl and Kennard (1970), Ridge regression: biased estimation for nonorthogonal problems.
Saunders, Gammerman and Vovk (1998), Ridge regression learning algorithm in dual variables.
"""

from dataclasses import dataclass, field

import numpy as np

from lupus_assets.detect.history import WINDOWS, Array, Ints, Mask
from lupus_assets.detect.robust import grown, zeroed

RIDGE = 15.0  # partitions' worth of belief that the others foretell nothing
FIT_CLIP, USE_CLIP = 5.0, 8.0  # scales
FIRST, EVERY = 28, 14  # partitions: before the first fit, and between fits
MEMORY = 364
LEAST_PROOF = 28  # partitions over which a prediction has to have helped
PROOF, PROOF_CLIP = 0.85, 4.0


@dataclass
class Primal:
    """What M predictors foretell of K series, as a weight for each; none yet where there are no weights.

    Attributes
    ----------
    weights : array of float, shape (windows, M, K)
    """

    weights: Array

    def foretold(self, others: Array) -> Array:
        """Return what predictors, shape (windows, M), foretell: shape (windows, K)."""
        return np.asarray((others[:, None] @ self.weights)[:, 0])


@dataclass
class Dual:
    """The same where predictors are more than the R partitions: a weight for each of these.

    Attributes
    ----------
    past : array of float, shape (windows, R, M)
        Predictors of the partitions that were learned from.
    weights : array of float, shape (windows, R, K)
    own : array of int, shape (most, K)
        Predictors that are of a series' own target.
    without : array of float, shape (windows, most, K)
        Weights by which these are taken out; 0 where a target has fewer.
    """

    past: Array
    weights: Array
    own: Ints
    without: Array

    def foretold(self, others: Array) -> Array:
        """Return what predictors, shape (windows, M), foretell: shape (windows, K)."""
        alike = self.past @ others[:, :, None]
        foretold = (np.swapaxes(alike, 1, 2) @ self.weights)[:, 0]
        return np.asarray(foretold - (others[:, self.own] * self.without).sum(axis=1))


@dataclass
class Gate:
    """The state of K series between two partitions.

    Attributes
    ----------
    target : array of int, shape (K,)
    heard : int
        Number of series that are only listened to; they follow the K, and are of no target.
    foretells : array of int, shape (M,)
        Series, of the K and of those, whose deviations foretell those of other targets' series.
    """

    target: Ints
    heard: int
    foretells: Ints
    past: Array = field(init=False)  # (MEMORY at most, windows, K + heard): ring
    fit: Primal | Dual | None = None
    left: Array = field(init=False)  # (windows, K): sums of clipped deviations, after and before prediction
    plain: Array = field(init=False)
    seen: int = 0

    def __post_init__(self) -> None:
        count = self.target.size
        self.past = np.zeros((0, len(WINDOWS), count + self.heard))
        self.left, self.plain = np.zeros((len(WINDOWS), count)), np.zeros((len(WINDOWS), count))

    def step(self, z: Array) -> Array:
        """Return deviations less what others foretell, where that is proven; never larger, never turned.

        Parameters
        ----------
        z : array of float, shape (windows, K + heard)
            Signed deviations; NaN without a verdict.
        """
        if self.seen >= FIRST and (self.seen - FIRST) % EVERY == 0 and self.foretells.size:
            self._learn()
        count = self.target.size
        every, z = zeroed(z), z[:, :count]
        known = every[:, :count]
        foretold: Array | float = 0.0
        if self.fit is not None:
            foretold = self.fit.foretold(np.clip(every[:, self.foretells], -USE_CLIP, USE_CLIP))
        rest = known - foretold
        gated = np.where(
            np.sign(rest) == np.sign(known), np.sign(known) * np.minimum(abs(known), abs(rest)), 0.0
        )
        proven = self._proven()
        if self.seen >= FIRST:
            self.left += np.minimum(np.abs(rest), PROOF_CLIP)
            self.plain += np.minimum(np.abs(known), PROOF_CLIP)
        at = self.seen % MEMORY
        self.past = grown(self.past, at)
        self.past[at] = np.clip(every, -FIT_CLIP, FIT_CLIP)
        self.seen += 1
        return np.where(np.isnan(z), np.nan, np.where(proven, gated, known))

    def _proven(self) -> Mask:
        if self.seen - FIRST < LEAST_PROOF:
            return np.zeros_like(self.left, dtype=bool)
        return self.left < PROOF * self.plain

    def _learn(self) -> None:
        count = self.target.size
        past = np.ascontiguousarray(np.swapaxes(self.past[: min(self.seen, MEMORY)], 0, 1))
        own = np.append(self.target, np.full(self.heard, -1))[self.foretells]
        # The smaller of two systems that come to the same, but for rounding.
        solve = primal if self.foretells.size <= MEMORY else dual
        self.fit = solve(past[:, :, self.foretells], past[:, :, :count], blocks(self.target, own))


Blocks = list[tuple[Ints, Ints]]


def blocks(target: Ints, own: Ints) -> Blocks:
    """Return the series, shape (T, n), and the predictors, shape (T, b), of T targets with as many of both.

    Parameters
    ----------
    target : array of int, shape (K,)
        Of the series.
    own : array of int, shape (M,)
        Target of the predictors; -1 where it is none.
    """
    alike: dict[tuple[int, int], tuple[list[Ints], list[Ints]]] = {}
    for each in np.unique(own[own >= 0]):
        series, predictors = np.flatnonzero(target == each), np.flatnonzero(own == each)
        of_series, of_predictors = alike.setdefault((series.size, predictors.size), ([], []))
        of_series.append(series)
        of_predictors.append(predictors)
    return [(np.stack(series), np.stack(predictors)) for series, predictors in alike.values()]


def primal(predictors: Array, series: Array, blocks: Blocks) -> Primal:
    """Return the ridge regression of every series on the predictors that are not of its own target.

    One inverse P serves all targets: where the predictors B of a target are left out, what solves for the
    others is P − P[:, B] P[B, B]⁻¹ P[B, :] (the inverse of a partitioned matrix).

    Parameters
    ----------
    predictors : array of float, shape (windows, R, M)
    series : array of float, shape (windows, R, K)
    blocks : list of (series, predictors)
        Of every target that has predictors of its own, as `blocks` gives them.
    """
    size = predictors.shape[2]
    weights = np.empty((len(WINDOWS), size, series.shape[2]))
    for window, (given, wanted) in enumerate(zip(predictors, series, strict=True)):
        inverse = np.linalg.inv(given.T @ given + RIDGE * np.eye(size))
        cross = given.T @ wanted
        for mine, block in blocks:
            cross[block[:, :, None], mine[:, None]] = 0.0
        found = inverse @ cross
        for mine, block in blocks:
            places = block[:, :, None], mine[:, None]
            share = np.linalg.solve(inverse[block[:, :, None], block[:, None]], found[places])
            found[:, mine] -= np.swapaxes(np.swapaxes(inverse[:, block], 0, 1) @ share, 0, 1)
            found[places] = 0.0
        weights[window] = found
    return Primal(weights)


def dual(predictors: Array, series: Array, blocks: Blocks) -> Dual:
    """Return what `primal` does, as weights of the R partitions.

    Where the predictors B of a target are left out, the partitions' system A = X Xᵀ + λ loses X_B X_Bᵀ, and
    its inverse follows from that of A (Woodbury).
    """
    partitions = predictors.shape[1]
    most = max((block.shape[1] for _, block in blocks), default=0)
    weights = np.empty(series.shape)
    own = np.zeros((most, series.shape[2]), dtype=np.int64)
    without = np.zeros((len(WINDOWS), *own.shape))
    for window, (given, wanted) in enumerate(zip(predictors, series, strict=True)):
        inverse = np.linalg.inv(given @ given.T + RIDGE * np.eye(partitions))
        weights[window] = inverse @ wanted
        for mine, block in blocks:
            left_out = np.swapaxes(given[:, block], 0, 1)  # (T, R, b)
            turned = np.swapaxes(left_out, 1, 2)
            spread = inverse @ left_out
            series_weights = np.swapaxes(weights[window][:, mine], 0, 1)  # (T, R, n)
            share = np.linalg.solve(np.eye(block.shape[1]) - turned @ spread, turned @ series_weights)
            weights[window][:, mine] += np.swapaxes(spread @ share, 0, 1)
            for at in range(block.shape[1]):
                own[at, mine], without[window, at, mine] = block[:, at, None], share[:, at]
    return Dual(predictors, weights, own, without)
