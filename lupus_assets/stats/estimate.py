"""A number with its sampling variance, or the reason why it is undefined."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from lupus_assets.stats.moments import Moments

HALF = 0.5  # Jeffreys prior of a share: gives 0 of 10 a variance above 0


@dataclass(frozen=True)
class Estimate:
    """A number computed from a state.

    Attributes
    ----------
    value : float or None
        The number, in the unit of its function; None if it is undefined.
    variance : float or None
        Sampling variance of `value` in its squared unit, for independent rows; None if the
        number is undefined or its variance is unknown, as with a single row.
    n : int
        Number of rows behind the number.
    reason : str or None
        The reason, in words, why `value` is None; else None.
    """

    value: float | None
    variance: float | None
    n: int
    reason: str | None

    @classmethod
    def undefined(cls, reason: str, n: int = 0) -> Self:
        """Return an undefined estimate with its reason."""
        return cls(None, None, n, reason)

    @classmethod
    def of_mean(cls, moments: "Moments", reason: str) -> Self:
        """Return the mean of the rows in `moments`; undefined with `reason` without rows."""
        if moments.n == 0:
            return cls.undefined(reason)
        variance = moments.variance
        return cls(moments.mean, None if variance is None else variance / moments.n, moments.n, None)

    @classmethod
    def of_share(cls, hits: int, n: int, reason: str) -> Self:
        """Return the share `hits` / `n`, in [0, 1]; undefined with `reason` without rows.

        The variance is binomial, of the share with `HALF` a row added to hits and to misses.
        """
        if n == 0:
            return cls.undefined(reason)
        shrunk = (hits + HALF) / (n + 2 * HALF)
        return cls(hits / n, shrunk * (1 - shrunk) / n, n, None)
