"""What moves together has one cause: a deviation that other columns foretell is no news of its own.

A cold front moves temperature, dew point and pressure at once, and with them delays. Each series' deviation
is predicted from those of the other targets by ridge regression over its past; where that has proven to take
away a good part of them, only what the others leave unexplained counts.

References
----------
Hoerl and Kennard (1970), Ridge regression: biased estimation for nonorthogonal problems.
"""

from dataclasses import dataclass, field

import numpy as np

from lupus_assets.detect.history import WINDOWS, Array, Ints, Mask
from lupus_assets.detect.robust import zeroed

RIDGE = 15.0  # partitions' worth of belief that the others foretell nothing
FIT_CLIP, USE_CLIP = 5.0, 8.0  # scales
FIRST, EVERY = 28, 14  # partitions: before the first fit, and between fits
MEMORY = 364
LEAST_PROOF = 28  # partitions over which a prediction has to have helped
PROOF, PROOF_CLIP = 0.85, 4.0


@dataclass
class Gate:
    """The state of K series between two partitions.

    Attributes
    ----------
    target : array of int, shape (K,)
    foretells : array of int, shape (M,)
        Series whose deviations serve as predictors of other targets' series.
    """

    target: Ints
    foretells: Ints
    past: Array = field(init=False)  # (windows, MEMORY, K): ring
    weights: Array = field(init=False)  # (windows, M, K)
    left: Array = field(init=False)  # (windows, K): sums of clipped deviations, after and before prediction
    plain: Array = field(init=False)
    seen: int = 0

    def __post_init__(self) -> None:
        count = self.target.size
        self.past = np.zeros((len(WINDOWS), MEMORY, count))
        self.weights = np.zeros((len(WINDOWS), self.foretells.size, count))
        self.left, self.plain = np.zeros((len(WINDOWS), count)), np.zeros((len(WINDOWS), count))
        self._own = self.target[self.foretells][:, None] == self.target
        sizes = self._own.sum(axis=0)
        # Series by how many predictors their target has, and which.
        self._blocks = [
            (series, np.stack([np.flatnonzero(self._own[:, each]) for each in series]))
            for series in (np.flatnonzero(sizes == size) for size in np.unique(sizes) if size)
        ]

    def step(self, z: Array) -> Array:
        """Return deviations less what others foretell, where that is proven; never larger, never turned.

        Parameters
        ----------
        z : array of float, shape (windows, K)
            Signed deviations; NaN without a verdict.
        """
        known = zeroed(z)
        if self.seen >= FIRST and (self.seen - FIRST) % EVERY == 0 and self.foretells.size:
            self._fit()
        others = np.clip(known[:, self.foretells], -USE_CLIP, USE_CLIP)
        foretold = (others[:, None] @ self.weights)[:, 0]
        rest = known - foretold
        gated = np.where(
            np.sign(rest) == np.sign(known), np.sign(known) * np.minimum(abs(known), abs(rest)), 0.0
        )
        proven = self._proven()
        if self.seen >= FIRST:
            self.left += np.minimum(np.abs(rest), PROOF_CLIP)
            self.plain += np.minimum(np.abs(known), PROOF_CLIP)
        self.past[:, self.seen % MEMORY] = np.clip(known, -FIT_CLIP, FIT_CLIP)
        self.seen += 1
        return np.where(np.isnan(z), np.nan, np.where(proven, gated, known))

    def _proven(self) -> Mask:
        if self.seen - FIRST < LEAST_PROOF:
            return np.zeros_like(self.left, dtype=bool)
        return self.left < PROOF * self.plain

    def _fit(self) -> None:
        rows = min(self.seen, MEMORY)
        for window in range(len(WINDOWS)):
            past = self.past[window, :rows]
            predictors = past[:, self.foretells]
            gram = predictors.T @ predictors + RIDGE * np.eye(self.foretells.size)
            self.weights[window] = self._solved(np.asarray(np.linalg.inv(gram)), predictors.T @ past)

    def _solved(self, inverse: Array, cross: Array) -> Array:
        """Return the ridge weights of every series, shape (M, K), without the predictors of its own target.

        One inverse P serves all targets: where the predictors B of a target are left out, what solves for the
        others is P − P[:, B] P[B, B]⁻¹ P[B, :] (the inverse of a partitioned matrix).
        """
        weights = inverse @ np.where(self._own, 0.0, cross)
        for series, block in self._blocks:
            corner = inverse[block[:, :, None], block[:, None, :]]
            share = np.linalg.solve(corner, weights[block, series[:, None]][:, :, None])[:, :, 0]
            weights[:, series] -= np.einsum("mks,ks->mk", inverse[:, block], share)
        weights[self._own] = 0.0
        return np.asarray(weights)
