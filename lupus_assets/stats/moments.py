"""Count, mean, and sums of the second to fourth powers of deviations from the mean.

Addition follows the formulas of Pébay, *Formulas for robust, one-pass parallel computation of
covariances and arbitrary-order statistical moments*, Sandia report SAND2008-6212 (2008),
equations 2.1 to 2.9, with a relative error of 1e-12; if the mean is more than 10,000 standard
deviations from 0, of about 2e-16 times that ratio, the precision of the mean itself.
"""

import math
import sys
from dataclasses import dataclass
from typing import Self

import numpy as np

from lupus_assets.stats.grid import BLOCK
from lupus_assets.stats.state import Counts, Floats

FAR = 4.0  # (2 sd)²: fourth powers about a point further from the mean cancel
TINY = sys.float_info.min  # smaller floats lose digits


@dataclass(frozen=True)
class Moments:
    """Mean and central sums of finite values.

    Parameters
    ----------
    n : int
        Number of values.
    mean : float
        In the column's unit; 0.0 without values.
    m2, m3, m4 : float
        Sums of ``(x - mean)`` to the power of 2, 3 and 4. A sum that overflows float64 (`m4` for
        values beyond about 1e77) is inf, never NaN, and stays inf; properties that need it are None.
    """

    n: int
    mean: float
    m2: float
    m3: float
    m4: float

    @classmethod
    def of(cls, x: Floats) -> Self:
        """Return the moments of finite values in two passes, the second around the mean of the first."""
        n = x.size
        if not n:
            return cls.empty()
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            guess = float(np.add.reduce(x)) / n
            if not math.isfinite(guess):  # the sum overflowed
                guess = float((x / n).sum())
            # Rounding can move the mean of a constant off the constant: clip it to the range.
            guess = min(max(guess, float(np.minimum.reduce(x))), float(np.maximum.reduce(x))) + 0.0
            s1 = s2 = s3 = s4 = 0.0
            for start in range(0, n, BLOCK):
                d = x[start : start + BLOCK] - guess
                square = d * d
                s1 += float(np.add.reduce(d))
                s2 += float(np.add.reduce(square))
                s3 += float(np.add.reduce(square * d))
                s4 += float(np.add.reduce(np.square(square, out=square)))
        off = s1 / n if math.isfinite(s1) else 0.0  # rounding error of the mean
        return cls._bounded(
            n,
            guess + off,
            s2 - s1 * off,
            s3 - 3 * off * s2 + 2 * s1 * off * off,
            s4 - 4 * off * s3 + 6 * off * off * s2 - 3 * s1 * off * off * off,
        )

    @classmethod
    def of_sums(cls, n: int, shift: float, s1: float, s2: float, s3: float, s4: float) -> Self | None:
        """Return the moments from sums of ``(x - shift)`` to the powers 1 to 4 over `n` values, at least 1.

        None if a sum is not finite, or the mean is so far from `shift` that digits are lost: the caller must
        sum again.
        """
        if not all(map(math.isfinite, (s1, s2, s3, s4))):
            return None
        off = s1 / n
        if off * off * n > FAR * (s2 - s1 * off):
            return None
        return cls._bounded(
            n,
            shift + off,
            s2 - s1 * off,
            s3 - 3 * off * s2 + 2 * s1 * off * off,
            s4 - 4 * off * s3 + 6 * off * off * s2 - 3 * s1 * off * off * off,
        )

    @classmethod
    def about(cls, x: Floats, shift: float) -> Self:
        """Return the moments of finite values in one pass around a guess of the mean, or in two."""
        if not x.size:
            return cls.empty()
        sums = [0.0, 0.0, 0.0, 0.0]
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            for start in range(0, x.size, BLOCK):
                d = x[start : start + BLOCK] - shift if shift else x[start : start + BLOCK]
                square = d * d
                sums[0] += float(np.add.reduce(d))
                sums[1] += float(d @ d)
                sums[2] += float(square @ d)
                sums[3] += float(square @ square)
        return cls.of_sums(x.size, shift, *sums) or cls.of(x)

    @classmethod
    def of_counts(cls, x: Floats, counts: Counts) -> Self:
        """Return the moments of finite values and their counts."""
        n = int(counts.sum())
        if not n:
            return cls.empty()
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            guess = float(x @ (counts / n))
            guess = min(max(guess, float(x.min())), float(x.max()))
            d = x - guess
            square = d * d
            sums = [
                float(np.add.reduce(power * counts)) for power in (d, square, square * d, square * square)
            ]
        found = cls.of_sums(n, guess, *sums)
        return cls.of(np.repeat(x, counts)) if found is None else found

    @classmethod
    def empty(cls) -> Self:
        """Return the moments of no values."""
        return cls(0, 0.0, 0.0, 0.0, 0.0)

    @classmethod
    def _bounded(cls, n: int, mean: float, m2: float, m3: float, m4: float) -> Self:
        m2, m3, m4 = (m if math.isfinite(m) else math.inf for m in (m2, m3, m4))
        return cls(n, mean, max(m2, 0.0), m3, max(m4, 0.0))

    def __add__(self, other: Self) -> Self:
        if not other.n:
            return self
        if not self.n:
            return other
        a, b, n = self.n, other.n, self.n + other.n
        # Halved, since the difference of two finite means may overflow.
        half = other.mean / 2 - self.mean / 2
        step = half * (b / n)
        r = half / n * 2
        r2 = r * r
        return self._bounded(
            n,
            self.mean + step + step,
            self.m2 + other.m2 + r2 * a * b * n,
            self.m3 + other.m3 + r2 * r * a * b * (a - b) * n + 3 * r * (a * other.m2 - b * self.m2),
            self.m4
            + other.m4
            + r2 * r2 * a * b * (a * a - a * b + b * b) * n
            + 6 * r2 * (a * a * other.m2 + b * b * self.m2)
            + 4 * r * (a * other.m3 - b * self.m3),
        )

    @property
    def variance(self) -> float | None:
        """Unbiased variance, in the column's squared unit; None below two values or on overflow."""
        return self.m2 / (self.n - 1) if self.n >= 2 and math.isfinite(self.m2) else None

    @property
    def sd(self) -> float | None:
        """Square root of `variance`, in the column's unit; None if that is None."""
        variance = self.variance
        return None if variance is None else math.sqrt(variance)

    @property
    def skewness(self) -> float | None:
        """Skewness g1 (biased, as in ``scipy.stats``); None below three values or without spread."""
        if self.n < 3 or not self._has_shape:
            return None
        return math.sqrt(self.n) * (self.m3 / self.m2 / math.sqrt(self.m2))

    @property
    def kurtosis(self) -> float | None:
        """Excess kurtosis g2 (biased, as in ``scipy.stats``); None below four values or without spread."""
        if self.n < 4 or not self._has_shape:
            return None
        return self.n * (self.m4 / self.m2 / self.m2) - 3

    @property
    def _has_shape(self) -> bool:
        """Whether the spread is above 0, without overflow or underflow."""
        return TINY <= self.m4 < math.inf and self.m2 > 0 and math.isfinite(self.m3)
