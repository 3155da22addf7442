"""The log-linear grid: bins that need no data, so that any two windows share them.

A value is standardised, ``z = (x - centre) / scale``, and its bin is the top 16 bits of z as
float32: sign, 8 bits of exponent, 7 of mantissa. Every power of two is thereby cut into 128
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
CENTRE = BINS // 2  # the bin of z = +0.0; negative z lie below
OUTERMOST = 0x7F7F  # top 16 bits of the largest finite float32; 0x7F80 would be inf
IQR_OF_NORMAL = 1.349  # interquartile range of a standard normal, so that scale estimates its sd
HIGH = 1 if sys.byteorder == "little" else 0  # which half of a float32 holds its top 16 bits
# Values at a time: temporaries of more leave the cache, calls of numpy on fewer take as long as the work.
BLOCK = 32_768
MOST_DECIMALS = 4  # finer steps are lost in the noise of float32
ON_GRID = 0.999  # of a sample, from which on it has so many decimals
NOISE, RELATIVE_NOISE = 2e-6, 1.2e-7  # of a value that went through float32
LARGEST = sys.float_info.max
DOUBT = 3.0  # noise beyond which a value is off the grid: later files may be noisier than the sample


def _edges() -> Floats:
    """Return the BINS + 1 edges in units of z; those beyond float32 are its largest number."""
    bits = np.minimum(np.arange(CENTRE + 1, dtype=np.int64) << 16, 0x7F7F_FFFF)
    above = bits.astype(np.uint32).view(np.float32).astype(np.float64)
    return np.concatenate([-above[:0:-1], above])


def _places() -> NDArray[np.intp]:
    """Return the bin of each key: floats order by sign and magnitude, bins by value.

    -0.0 has the bin of 0.0, and what is infinite, since it overflowed float32, an outermost one.
    """
    magnitude = np.minimum(np.arange(CENTRE, dtype=np.intp), OUTERMOST)
    return np.concatenate([CENTRE + magnitude, CENTRE - 1 - magnitude])


EDGES = _edges()
PLACES = _places()
MIDDLES = (EDGES[:-1] + EDGES[1:]) / 2
MIDDLES[CENTRE] = 0.0  # values that repeat the centre are common, those within 1e-40 of it are not


@dataclass(frozen=True)
class Grid:
    """Where the bins of one column lie.

    Parameters
    ----------
    centre : float
        Where the bins are finest, in the column's unit; finite.
    scale : float
        The distance that counts as one, in the column's unit; finite and above 0.
    decimals : int or None
        How many decimals the reference's values have; None where they have as many as floats do. A value
        with more was scaled, converted or made otherwise.

    Raises
    ------
    StateError
        If centre or scale are not such numbers.

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
        """Place the grid by a sample, in the column's unit; NaN and inf are left out.

        The centre is the median; the scale is IQR / 1.349, where that is 0 the standard
        deviation, where that is 0 too 1.0. An empty sample gives ``Grid(0.0, 1.0)``. Samples
        near the limits of float64 fall back likewise where a difference overflows.
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
        """Return the grid with the decimals of a sample: the fewest that nearly all of its values have."""
        x = sample[np.isfinite(sample)]
        noise = NOISE + RELATIVE_NOISE * np.abs(x)
        typical = float(_quantiles(np.sort(noise), np.array([0.5]))[0]) if x.size else 0.0
        for decimals in range(MOST_DECIMALS + 1 if x.size else 0):
            step = 10.0**-decimals
            telling = typical < step / 10  # else any value would do
            if telling and np.mean(_off(x, decimals) <= noise) >= ON_GRID:
                return replace(self, decimals=decimals)
        return self

    def off(self, x: Floats) -> NDArray[np.bool_]:
        """Return which finite values have more decimals than `decimals`; without those, none."""
        if self.decimals is None:
            return np.zeros(x.shape, np.bool_)
        return _off(x, self.decimals) > DOUBT * NOISE + 2 * RELATIVE_NOISE * np.abs(x)

    def bins(self, x: Floats) -> Bins:
        """Return the bin of each value, in [0, BINS); a larger value never has a lower bin.

        Parameters
        ----------
        x : array of float64
            Finite values. Those whose z overflows float32 are put in the outermost bins.
        """
        return PLACES[self.keys_of(x)].astype(np.int32)

    def keys_of(self, x: Floats) -> NDArray[np.uint16]:
        """Return the key of each value, finite ones as in `bins`: the bin of a key is ``PLACES[key]``."""
        out = np.empty(x.shape, np.uint16)
        single = np.empty(min(BLOCK, x.size), np.float32)
        with np.errstate(over="ignore", under="ignore"):
            for start in range(0, x.size, BLOCK):
                deviation = x[start : start + BLOCK] - self.centre
                out[start : start + BLOCK] = self.keys(deviation, single[: deviation.size])
        return out

    def keys(self, deviation: Floats, single: NDArray[np.float32]) -> NDArray[np.uint16]:
        """Return the key of each deviation from the centre, as a view of `single`, which is as long."""
        # Numpy converts in its own small buffer, so that no array of quotients is written.
        if self._inverse < math.inf:
            np.multiply(deviation, self._inverse, out=single, casting="same_kind")
        else:
            np.divide(deviation, self.scale, out=single, casting="same_kind")
        np.add(single, np.float32(0), out=single)  # -0.0 becomes +0.0
        return single.view(np.uint16)[HIGH::2]

    @cached_property
    def _inverse(self) -> float:
        """One over the scale, by which multiplying is four times as quick; inf where the scale is tiny."""
        with np.errstate(over="ignore"):
            return float(np.float64(1.0) / self.scale)

    def lower(self, bins: Bins) -> Floats:
        """Return the lower edge of each bin, in the column's unit; finite."""
        return self._place(EDGES[bins])

    def upper(self, bins: Bins) -> Floats:
        """Return the upper edge of each bin, in the column's unit; finite.

        z is rounded to float32 before it is binned, so a value may lie beyond the edge of
        its bin by 6e-8 of ``|x - centre|``.
        """
        return self._place(EDGES[1:][bins])

    def middle(self, bins: Bins) -> Floats:
        """Return the middle of each bin, in the column's unit; that of the centre's bin is the centre."""
        return self._place(MIDDLES[bins])

    def _place(self, z: Floats) -> Floats:
        with np.errstate(over="ignore", under="ignore"):
            x = z * self.scale + self.centre
        return np.asarray(np.minimum(np.maximum(x, -LARGEST), LARGEST))  # np.clip takes thrice as long of few


def _quantiles(ordered: Floats, q: Floats) -> Floats:
    """Return what ``np.quantile`` does, which imports numpy.ma for it: 40 ms, a tenth of a small profile."""
    at = q * (ordered.size - 1)
    below = at.astype(np.intp)
    share = at - below
    low, high = ordered[below], ordered[np.minimum(below + 1, ordered.size - 1)]
    step = high - low
    return np.where(share < 0.5, low + step * share, high - step * (1 - share))


def _off(x: Floats, decimals: int) -> Floats:
    """Return how far each value is from the nearest one of so many decimals."""
    power = 10.0**decimals
    with np.errstate(over="ignore", invalid="ignore"):
        away = x * power
        away -= np.rint(away)
        return np.abs(away, out=away) / power
