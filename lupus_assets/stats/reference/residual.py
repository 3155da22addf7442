"""The score against the surrogate's prediction from the inputs: additive, on the surrogate's scale."""

import math
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from lupus_assets.stats.estimate import Estimate
from lupus_assets.stats.moments import Moments

NO_SCORES = "no scores"
FEW = "fewer than four scores"
TOO_LARGE = "too large for a number"
OLDER = "the profile is of an older format"
NO_SPREAD = "the scores, or what the inputs explain, do not vary"
LEAST_ROWS = 4  # minimum rows of a correlation: Fisher's variance is 1/(n - 3)


@dataclass(frozen=True)
class Residual:
    """Moments of the residual, of the score and of the surrogate's prediction.

    Attributes
    ----------
    signed : Moments
        transformed score − surrogate.
    absolute : Moments
        Its absolute value.
    score, expected : Moments
        The transformed score, and the surrogate's prediction. Without values in states of an older format.
    """

    signed: Moments
    absolute: Moments
    score: Moments = field(default_factory=Moments.empty)
    expected: Moments = field(default_factory=Moments.empty)

    @classmethod
    def of(cls, score: ArrayLike, expected: ArrayLike) -> Self:
        """Return the state of finite transformed scores and predictions, both of shape (rows,)."""
        given, explained = np.asarray(score, np.float64), np.asarray(expected, np.float64)
        residual = given - explained
        return cls(*(Moments.about(each, 0.0) for each in (residual, np.abs(residual), given, explained)))

    @classmethod
    def empty(cls) -> Self:
        """Return the state of no rows."""
        return cls(Moments.empty(), Moments.empty())

    @property
    def n(self) -> int:
        """Rows."""
        return self.signed.n

    def correlation(self) -> Estimate:
        """Return Pearson's correlation of the score with the surrogate's prediction, in [−1, 1].

        Low if the score no longer follows its inputs; independent of their level and spread. Undefined below
        four rows, and if either does not vary. The variance is transformed from that of Fisher's z.

        References
        ----------
        Fisher (1921), On the probable error of a coefficient of correlation.
        """
        n, score, expected = self.n, self.score.m2, self.expected.m2
        if n < LEAST_ROWS:
            return Estimate.undefined(FEW if n else NO_SCORES, n)
        if self.score.n != n:
            return Estimate.undefined(OLDER, n)
        spread = math.sqrt(score) * math.sqrt(expected)
        # (a - b)² = a² + b² - 2ab: three sums of squares give the sum of products.
        product = (score + expected - self.signed.m2) / 2
        if not spread > 0:
            return Estimate.undefined(NO_SPREAD, n)
        if not math.isfinite(spread) or not math.isfinite(product):
            return Estimate.undefined(TOO_LARGE, n)
        value = min(max(product / spread, -1.0), 1.0)
        return Estimate(value, (1 - value * value) ** 2 / (n - LEAST_ROWS + 1), n, None)

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.signed + other.signed,
            self.absolute + other.absolute,
            self.score + other.score,
            self.expected + other.expected,
        )
