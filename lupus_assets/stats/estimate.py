"""A number with its sampling variance, or the reason why there is none."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from lupus_assets.stats.moments import Moments

HALF = 0.5  # Jeffreys prior of a share: 0 of 10 is not certainly 0, so its variance is not 0 either


@dataclass(frozen=True)
class Estimate:
    """A number read off a state.

    Attributes
    ----------
    value : float or None
        The number, in the unit its function names; None when it is undefined.
    variance : float or None
        Sampling variance of `value` in its squared unit, rows taken as independent; None when
        the number is undefined or its variance is not known, as with a single row.
    n : int
        Rows that the number rests on.
    reason : str or None
        In words, why `value` is None; None when it is a number.
    """

    value: float | None
    variance: float | None
    n: int
    reason: str | None

    @classmethod
    def undefined(cls, reason: str, n: int = 0) -> Self:
        """Return no number, and the reason."""
        return cls(None, None, n, reason)

    @classmethod
    def of_mean(cls, moments: "Moments", reason: str) -> Self:
        """Return the mean of the rows in `moments`; without rows undefined, for `reason`."""
        if moments.n == 0:
            return cls.undefined(reason)
        variance = moments.variance
        return cls(moments.mean, None if variance is None else variance / moments.n, moments.n, None)

    @classmethod
    def of_share(cls, hits: int, n: int, reason: str) -> Self:
        """Return the share `hits` / `n`, in [0, 1]; of no rows undefined, for `reason`.

        The variance is binomial, of the share after `HALF` a row is added to either side.
        """
        if n == 0:
            return cls.undefined(reason)
        shrunk = (hits + HALF) / (n + 2 * HALF)
        return cls(hits / n, shrunk * (1 - shrunk) / n, n, None)
