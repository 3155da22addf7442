from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lupus_assets.stats.distinct import Distinct, K, mix
from tests.strategies import finite_arrays, splits


def test_mix_is_splitmix64() -> None:
    """The first outputs of the reference implementation, seeded with 0 and 1234567."""
    first = mix(np.array([0, 1234567], np.uint64))
    assert [hex(h) for h in first.tolist()] == ["0xe220a8397b1dcdaf", "0x599ed017fb08fc85"]


@pytest.mark.parametrize("n", [0, 1, 500, K - 1])
def test_below_k_the_estimate_is_exact(n: int) -> None:
    x = np.repeat(np.arange(n, dtype=np.float64), 50)
    assert Distinct.of_floats(np.random.default_rng(1).permutation(x)).estimate() == n


@pytest.mark.parametrize("n", [5_000, 100_000, 1_000_000])
def test_above_k_the_estimate_is_within_10_percent(n: int) -> None:
    x = np.arange(n, dtype=np.float64) * 0.25
    assert Distinct.of_floats(np.concatenate([x, x])).estimate() == pytest.approx(n, rel=0.1)


@given(splits(finite_arrays))
def test_parts_add_to_the_whole_in_any_order(parts: list[NDArray[np.float64]]) -> None:
    whole = Distinct.of_floats(np.concatenate(parts))
    states = [Distinct.of_floats(part) for part in parts]
    assert reduce(add, states) == reduce(add, states[::-1]) == whole
    assert whole + Distinct.empty() == whole
    assert whole.estimate() == len(set(np.concatenate(parts).tolist()))


def test_many_values_add_whatever_the_cut() -> None:
    x = np.random.default_rng(1).normal(size=100_000)
    whole = Distinct.of_floats(x)
    assert whole.hashes.size == K
    assert (np.sort(mix(x.view(np.uint64)))[:K] == whole.hashes).all()
    for cuts in ([1], [50_000], [10, 99_000], [20_000, 40_000, 60_000]):
        assert reduce(add, map(Distinct.of_floats, np.split(x, cuts))) == whole


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_the_smallest_hashes_are_kept(hashes: list[int]) -> None:
    kept = Distinct.of_hashes(np.array(hashes, np.uint64)).hashes
    assert kept.tolist() == sorted(set(hashes))[:K]


def test_negative_zero_is_zero() -> None:
    assert Distinct.of_floats(np.array([0.0, -0.0])).estimate() == 1
