"""The log-linear grid: bins that do not depend on the window's data, shared by all windows.

A value is standardised, ``z = (x - centre) / scale``, and its bin is the top 16 bits of z as
float32: sign, 8 bits of exponent, 7 of mantissa. This divides every power of two into 128
bins of equal width, each at most 2**-7 = 0.78 % of ``|x - centre|`` wide. The layout is that of
HdrHistogram (Tene) and, with its logarithm interpolated linearly, of DDSketch (Masson, Rim and
Lee, VLDB 2019); here the conversion to float32 computes the key.
"""

import math
import sys
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.state import Bins, Floats

BINS = 65_536
CENTRE = BINS // 2  # the bin of z = +0.0; negative z are below
OUTERMOST = 0x7F7F  # top 16 bits of the largest finite float32; 0x7F80 would be inf
IQR_OF_NORMAL = 1.349  # interquartile range of a standard normal: the scale estimates the sd
HIGH = 1 if sys.byteorder == "little" else 0  # index of the half of a float32 with its top 16 bits
# Values per block: larger temporaries leave the cache, smaller ones are dominated by numpy's call overhead.
BLOCK = 32_768
MOST_DECIMALS = 4  # finer steps are lost in the noise of float32
ON_GRID = 0.999  # minimum share of a sample with a number of decimals
NOISE, RELATIVE_NOISE = 2e-6, 1.2e-7  # of a value that was converted through float32
LARGEST = sys.float_info.max
DOUBT = 3.0  # multiple of `NOISE` for a value off the grid: later files may be noisier than the sample


def _edges() -> Floats:
    """Return the BINS + 1 edges in units of z; edges beyond float32 are its largest number."""
    bits = np.minimum(np.arange(CENTRE + 1, dtype=np.int64) << 16, 0x7F7F_FFFF)
    above = bits.astype(np.uint32).view(np.float32).astype(np.float64)
    return np.concatenate([-above[:0:-1], above])


def _places() -> NDArray[np.intp]:
    """Return the bin of each key: floats order by sign and magnitude, bins by value.

    -0.0 has the bin of 0.0; infinities, from overflow of float32, have an outermost bin.
    """
    magnitude = np.minimum(np.arange(CENTRE, dtype=np.intp), OUTERMOST)
    return np.concatenate([CENTRE + magnitude, CENTRE - 1 - magnitude])


EDGES = _edges()
PLACES = _places()
MIDDLES = (EDGES[:-1] + EDGES[1:]) / 2
MIDDLES[CENTRE] = 0.0  # values equal to the centre are common, others within 1e-40 of it are not


@dataclass(frozen=True)
class Grid:
    """Position of the bins of one column.

    Parameters
    ----------
    centre : float
        Value around which the bins are finest, in the column's unit; finite.
    scale : float
        Distance of one unit of z, in the column's unit; finite and above 0.
    decimals : int or None
        Number of decimals of the reference's values; None if they have as many as floats do. A value with
        more decimals was scaled, converted or computed differently.

    Raises
    ------
    StateError
        If centre or scale is not such a number.

    Examples
    --------
    >>> Grid(centre=0.0, scale=1.0).bins(np.array([-1.0, -0.0, 0.0, 1.0]))
    array([16511, 32768, 32768, 49024], dtype=int32)
    """

    centre: float
    scale: float
    decimals: int | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.centre) and math.isfinite(self.scale) and self.scale > 0):
            raise StateError(f"{self} is no grid; centre must be finite and scale finite and above 0")

    @classmethod
    def of(cls, sample: Floats) -> Self:
        """Return the grid for a sample, in the column's unit; NaN and inf are ignored.

        The centre is the median; the scale is IQR / 1.349, if that is 0 the standard deviation,
        and if that is 0 too 1.0. An empty sample gives ``Grid(0.0, 1.0)``. Samples near the
        limits of float64 have the same fallbacks if a difference overflows.
        """
        finite = sample[np.isfinite(sample)]
        if not finite.size:
            return cls(0.0, 1.0)
        with np.errstate(over="ignore", invalid="ignore"):
            low, centre, high = _quantiles(np.sort(finite), np.array([0.25, 0.5, 0.75]))
            candidates = (float((high - low) / IQR_OF_NORMAL), float(finite.std()))
        constant = finite.min() == finite.max()  # rounding leaves the sd of some constants above 0
        scales = [s for s in candidates if math.isfinite(s) and s > 0 and not constant]
        return cls(float(centre) if math.isfinite(centre) else 0.0, scales[0] if scales else 1.0)

    def with_decimals(self, sample: Floats) -> Self:
        """Return the grid with the decimals of a sample: the smallest number that fits nearly all values."""
        x = sample[np.isfinite(sample)]
        noise = NOISE + RELATIVE_NOISE * np.abs(x)
        typical = float(_quantiles(np.sort(noise), np.array([0.5]))[0]) if x.size else 0.0
        for decimals in range(MOST_DECIMALS + 1 if x.size else 0):
            step = 10.0**-decimals
            telling = typical < step / 10  # else any value would fit
            if telling and np.mean(_off(x, decimals) <= noise) >= ON_GRID:
                return replace(self, decimals=decimals)
        return self

    def off(self, x: Floats) -> NDArray[np.bool_]:
        """Return a mask of finite values with more decimals than `decimals`; all False if that is None."""
        if self.decimals is None:
            return np.zeros(x.shape, np.bool_)
        return _off(x, self.decimals) > DOUBT * NOISE + 2 * RELATIVE_NOISE * np.abs(x)

    def bins(self, x: Floats) -> Bins:
        """Return the bin of each value, in [0, BINS), non-decreasing with the value.

        Parameters
        ----------
        x : array of float64
            Finite values. Values whose z overflows float32 are in the outermost bins.
        """
        return PLACES[self.keys_of(x)].astype(np.int32)

    def keys_of(self, x: Floats) -> NDArray[np.uint16]:
        """Return the key of each finite value; ``PLACES[key]`` is its bin."""
        out = np.empty(x.shape, np.uint16)
        single = np.empty(min(BLOCK, x.size), np.float32)
        with np.errstate(over="ignore", under="ignore"):
            for start in range(0, x.size, BLOCK):
                deviation = x[start : start + BLOCK] - self.centre
                out[start : start + BLOCK] = self.keys(deviation, single[: deviation.size])
        return out

    def keys(self, deviation: Floats, single: NDArray[np.float32]) -> NDArray[np.uint16]:
        """Return the key of each deviation from the centre, as a view of `single`, a buffer of that size."""
        # Numpy converts in its own small buffer, without an array of float64 quotients.
        if self._inverse < math.inf:
            np.multiply(deviation, self._inverse, out=single, casting="same_kind")
        else:
            np.divide(deviation, self.scale, out=single, casting="same_kind")
        np.add(single, np.float32(0), out=single)  # -0.0 becomes +0.0
        return single.view(np.uint16)[HIGH::2]

    @cached_property
    def _inverse(self) -> float:
        """Reciprocal of the scale, since multiplication is four times as fast; inf for a tiny scale."""
        with np.errstate(over="ignore"):
            return float(np.float64(1.0) / self.scale)

    def lower(self, bins: Bins) -> Floats:
        """Return the lower edge of each bin, in the column's unit; finite."""
        return self._place(EDGES[bins])

    def upper(self, bins: Bins) -> Floats:
        """Return the upper edge of each bin, in the column's unit; finite.

        z is rounded to float32 before binning: a value may lie beyond the edge of its bin by
        6e-8 of ``|x - centre|``.
        """
        return self._place(EDGES[1:][bins])

    def middle(self, bins: Bins) -> Floats:
        """Return the middle of each bin, in the column's unit; for the centre's bin, the centre."""
        return self._place(MIDDLES[bins])

    def _place(self, z: Floats) -> Floats:
        with np.errstate(over="ignore", under="ignore"):
            x = z * self.scale + self.centre
        return np.asarray(np.minimum(np.maximum(x, -LARGEST), LARGEST))  # np.clip is 3 times slower for few


def _quantiles(ordered: Floats, q: Floats) -> Floats:
    """Return ``np.quantile`` of sorted values, without its import of numpy.ma, which takes 40 ms."""
    at = q * (ordered.size - 1)
    below = at.astype(np.intp)
    share = at - below
    low, high = ordered[below], ordered[np.minimum(below + 1, ordered.size - 1)]
    step = high - low
    return np.where(share < 0.5, low + step * share, high - step * (1 - share))


def _off(x: Floats, decimals: int) -> Floats:
    """Return the distance of each value to the nearest number with `decimals` decimals."""
    power = 10.0**decimals
    with np.errstate(over="ignore", invalid="ignore"):
        away = x * power
        away -= np.rint(away)
        return np.abs(away, out=away) / power
