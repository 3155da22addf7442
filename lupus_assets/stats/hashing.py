"""Hashes of numbers: an invertible mix of 64 bits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lupus_assets.stats.state import Hashes

EXACT = 2**53  # float64 represents every integer up to here
# Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014).
GAMMA = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)
# Their inverses modulo 2**64.
FIRST_BACK, SECOND_BACK = np.uint64(0x96DE1B173F119089), np.uint64(0x319642B2D24D8EC3)


def mix(values: Hashes) -> Hashes:
    """Return the splitmix64 hash of each value: a pseudorandom bijection of 64 bits.

    Parameters
    ----------
    values : array of uint64
        At least one dimension.
    """
    z = values + GAMMA
    shifted = z >> np.uint64(30)
    z ^= shifted
    z *= FIRST
    z ^= np.right_shift(z, np.uint64(27), out=shifted)
    z *= SECOND
    z ^= np.right_shift(z, np.uint64(31), out=shifted)
    return z


def unmix(hashes: Hashes) -> Hashes:
    """Return the values of hashes from `mix`: its inverse."""
    z: Hashes = hashes ^ (hashes >> np.uint64(31)) ^ (hashes >> np.uint64(62))
    z *= SECOND_BACK
    z ^= (z >> np.uint64(27)) ^ (z >> np.uint64(54))
    z *= FIRST_BACK
    z ^= (z >> np.uint64(30)) ^ (z >> np.uint64(60))
    z -= GAMMA
    return z


def integer_hashes(values: NDArray[np.integer[Any]]) -> Hashes:
    """Return the hash of each integer: of its float64 if that is exact, else of its own 64 bits."""
    exact = (values >= -EXACT) & (values <= EXACT)
    hashes = mix((values.astype(np.float64) + 0.0).view(np.uint64))
    if not exact.all():
        hashes[~exact] = mix(values[~exact].astype(np.int64, copy=False).view(np.uint64))
    return hashes
