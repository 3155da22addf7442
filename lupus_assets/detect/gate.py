"""Deviations less their prediction from other targets: series that move together have one cause.

A cold front moves temperature, dew point and pressure at once, and with them delays. Each series' deviation
is predicted from those of the other targets by ridge regression over its past. Where the prediction has
reduced past deviations enough (`PROOF`), only the unexplained remainder counts.

References
----------
Hoerl and Kennard (1970), Ridge regression: biased estimation for nonorthogonal problems.
Saunders, Gammerman and Vovk (1998), Ridge regression learning algorithm in dual variables.
"""

from dataclasses import dataclass, field

import numpy as np

from lupus_assets.detect.history import WINDOWS, Array, Ints, Mask
from lupus_assets.detect.robust import grown, zeroed

RIDGE = 15.0  # penalty of the ridge regression, in partitions
FIT_CLIP, USE_CLIP = 5.0, 8.0  # scales: of deviations when fitting and when predicting
FIRST_FIT, FIT_EVERY = 28, 14  # partitions: before the first fit, and between fits
PAST = 364  # partitions in the ring buffer of deviations
LEAST_PROOF = 28  # partitions over which a prediction is tried before it counts
PROOF = 0.85  # of the sum of past deviations: the remainder has to be below
PROOF_CLIP = 4.0  # scales: of deviations in both sums


@dataclass
class Primal:
    """The ridge regression of K series on M predictors, by a weight of each predictor.

    Attributes
    ----------
    weights : array of float, shape (windows, M, K)
    """

    weights: Array

    def predict(self, deviations: Array) -> Array:
        """Return the prediction, shape (windows, K), from the predictors' deviations, shape (windows, M)."""
        return np.asarray((deviations[:, None] @ self.weights)[:, 0])


@dataclass
class Dual:
    """The same regression in its dual form, by a weight of each of R partitions: for M larger than R.

    Attributes
    ----------
    past : array of float, shape (windows, R, M)
        Predictors at the partitions of the fit.
    weights : array of float, shape (windows, R, K)
    own : array of int, shape (widest, K)
        Predictors of the series' own target, which do not count.
    without : array of float, shape (windows, widest, K)
        Weights that remove them; 0 where a target has fewer.
    """

    past: Array
    weights: Array
    own: Ints
    without: Array

    def predict(self, deviations: Array) -> Array:
        """Return the prediction, shape (windows, K), from the predictors' deviations, shape (windows, M)."""
        products = self.past @ deviations[:, :, None]
        from_all = (np.swapaxes(products, 1, 2) @ self.weights)[:, 0]
        return np.asarray(from_all - (deviations[:, self.own] * self.without).sum(axis=1))


@dataclass
class Gate:
    """The regression between series of different targets, updated with every partition.

    Attributes
    ----------
    target : array of int, shape (K,)
    heard : int
        Number of series that only predict; they follow the K, and are of no target.
    foretells : array of int, shape (M,)
        Indices of the series, `heard` ones included, whose deviations predict those of other targets.
    """

    target: Ints
    heard: int
    foretells: Ints
    past: Array = field(init=False)  # (PAST at most, windows, K + heard): ring buffer
    fit: Primal | Dual | None = None
    left: Array = field(init=False)  # (windows, K): sums of clipped deviations, after and before prediction
    plain: Array = field(init=False)
    seen: int = 0

    def __post_init__(self) -> None:
        count = self.target.size
        self.past = np.zeros((0, len(WINDOWS), count + self.heard))
        self.left, self.plain = np.zeros((len(WINDOWS), count)), np.zeros((len(WINDOWS), count))

    def step(self, z: Array) -> Array:
        """Return deviations less their prediction, where it is proven; never larger or of another sign.

        Parameters
        ----------
        z : array of float, shape (windows, K + heard)
            Signed deviations; NaN without a verdict.
        """
        if self.seen >= FIRST_FIT and (self.seen - FIRST_FIT) % FIT_EVERY == 0 and self.foretells.size:
            self._learn()
        count = self.target.size
        with_heard, z = zeroed(z), z[:, :count]
        known = with_heard[:, :count]
        prediction: Array | float = 0.0
        if self.fit is not None:
            prediction = self.fit.predict(np.clip(with_heard[:, self.foretells], -USE_CLIP, USE_CLIP))
        rest = known - prediction
        gated = np.where(
            np.sign(rest) == np.sign(known), np.sign(known) * np.minimum(abs(known), abs(rest)), 0.0
        )
        proven = self._proven()
        if self.seen >= FIRST_FIT:
            self.left += np.minimum(np.abs(rest), PROOF_CLIP)
            self.plain += np.minimum(np.abs(known), PROOF_CLIP)
        at = self.seen % PAST
        self.past = grown(self.past, at)
        self.past[at] = np.clip(with_heard, -FIT_CLIP, FIT_CLIP)
        self.seen += 1
        return np.where(np.isnan(z), np.nan, np.where(proven, gated, known))

    def _proven(self) -> Mask:
        if self.seen - FIRST_FIT < LEAST_PROOF:
            return np.zeros_like(self.left, dtype=bool)
        return self.left < PROOF * self.plain

    def _learn(self) -> None:
        count = self.target.size
        past = np.ascontiguousarray(np.swapaxes(self.past[: min(self.seen, PAST)], 0, 1))
        own = np.append(self.target, np.full(self.heard, -1))[self.foretells]
        # Both give the same predictions but for rounding; this one has the smaller system.
        solve = primal if self.foretells.size <= PAST else dual
        self.fit = solve(past[:, :, self.foretells], past[:, :, :count], blocks(self.target, own))


Blocks = list[tuple[Ints, Ints]]


def blocks(target: Ints, own: Ints) -> Blocks:
    """Return pairs of series, shape (T, n), and own predictors, shape (T, b), of T targets of equal sizes.

    Parameters
    ----------
    target : array of int, shape (K,)
        Target of the series.
    own : array of int, shape (M,)
        Target of the predictors; -1 for none.
    """
    by_size: dict[tuple[int, int], tuple[list[Ints], list[Ints]]] = {}
    for index in np.unique(own[own >= 0]):
        series, predictors = np.flatnonzero(target == index), np.flatnonzero(own == index)
        of_series, of_predictors = by_size.setdefault((series.size, predictors.size), ([], []))
        of_series.append(series)
        of_predictors.append(predictors)
    return [(np.stack(series), np.stack(predictors)) for series, predictors in by_size.values()]


def primal(predictors: Array, series: Array, blocks: Blocks) -> Primal:
    """Return the ridge regression of every series on the predictors of the other targets.

    One inverse P serves all targets: the inverse without the predictors B of a target is
    P − P[:, B] P[B, B]⁻¹ P[B, :] on the other predictors (the inverse of a partitioned matrix).

    Parameters
    ----------
    predictors : array of float, shape (windows, R, M)
    series : array of float, shape (windows, R, K)
    blocks : list of (series, predictors)
        Of every target with predictors of its own, from `blocks`.
    """
    size = predictors.shape[2]
    weights = np.empty((len(WINDOWS), size, series.shape[2]))
    for window, (x, y) in enumerate(zip(predictors, series, strict=True)):
        inverse = np.linalg.inv(x.T @ x + RIDGE * np.eye(size))
        cross = x.T @ y
        for of_target, own in blocks:
            cross[own[:, :, None], of_target[:, None]] = 0.0
        solution = inverse @ cross
        for of_target, own in blocks:
            places = own[:, :, None], of_target[:, None]
            share = np.linalg.solve(inverse[own[:, :, None], own[:, None]], solution[places])
            solution[:, of_target] -= np.swapaxes(np.swapaxes(inverse[:, own], 0, 1) @ share, 0, 1)
            solution[places] = 0.0
        weights[window] = solution
    return Primal(weights)


def dual(predictors: Array, series: Array, blocks: Blocks) -> Dual:
    """Return the regression of `primal` in its dual form.

    Without the predictors B of a target, the dual system A = X Xᵀ + λ loses X_B X_Bᵀ; its inverse follows
    from that of A (Woodbury).
    """
    partitions = predictors.shape[1]
    widest = max((block.shape[1] for _, block in blocks), default=0)
    weights = np.empty(series.shape)
    own = np.zeros((widest, series.shape[2]), dtype=np.int64)
    without = np.zeros((len(WINDOWS), *own.shape))
    for window, (x, y) in enumerate(zip(predictors, series, strict=True)):
        inverse = np.linalg.inv(x @ x.T + RIDGE * np.eye(partitions))
        weights[window] = inverse @ y
        for of_target, block in blocks:
            left_out = np.swapaxes(x[:, block], 0, 1)  # (T, R, b)
            transposed = np.swapaxes(left_out, 1, 2)
            solved = inverse @ left_out
            series_weights = np.swapaxes(weights[window][:, of_target], 0, 1)  # (T, R, n)
            share = np.linalg.solve(np.eye(block.shape[1]) - transposed @ solved, transposed @ series_weights)
            weights[window][:, of_target] += np.swapaxes(solved @ share, 0, 1)
            for at in range(block.shape[1]):
                own[at, of_target], without[window, at, of_target] = block[:, at, None], share[:, at]
    return Dual(predictors, weights, own, without)
