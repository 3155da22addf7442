from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lupus_assets.stats.distinct import SIPHASH, WHOLE, Distinct, K
from lupus_assets.stats.hashing import mix
from tests.strategies import finite_arrays, splits


def test_mix_is_splitmix64() -> None:
    """The first outputs of the reference implementation, seeded with 0 and 1234567."""
    first = mix(np.array([0, 1234567], np.uint64))
    assert [hex(h) for h in first.tolist()] == ["0xe220a8397b1dcdaf", "0x599ed017fb08fc85"]


@pytest.mark.parametrize("n", [0, 1, 500, WHOLE, WHOLE + 1, K - 1])
def test_below_k_the_estimate_is_exact(n: int) -> None:
    x = np.repeat(np.arange(n, dtype=np.float64), 50)
    assert Distinct.of_floats(np.random.default_rng(1).permutation(x)).estimate() == n


@pytest.mark.parametrize("n", [5_000, 100_000, 1_000_000])
@pytest.mark.parametrize("step", [0.25, 1.0, 3.7, 1e-3, 1e6])
def test_above_k_the_estimate_is_within_5_percent(n: int, step: float) -> None:
    x = np.arange(n, dtype=np.float64) * step
    assert Distinct.of_floats(np.concatenate([x, x])).estimate() == pytest.approx(n, rel=0.05)


@pytest.mark.parametrize("n", [10**8, 10**9, 10**10])
def test_values_that_share_half_a_hash_are_taken_into_account(n: int) -> None:
    """The smallest of n random hashes, drawn without drawing the others."""
    gaps = np.random.default_rng(1).exponential(1 / n, 40_000)
    hashes = (np.cumsum(gaps) * 2.0**64).astype(np.uint64)
    assert Distinct.of_hashes(hashes).estimate() == pytest.approx(n, rel=0.05)


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
    upper = np.unique(mix(x.view(np.uint64)) >> np.uint64(32))[:K]
    assert (upper == whole.hashes >> np.uint64(32)).all()
    assert not (whole.hashes & np.uint64(2**32 - 1)).any()
    for cuts in ([1], [50_000], [10, 99_000], [20_000, 40_000, 60_000]):
        assert reduce(add, map(Distinct.of_floats, np.split(x, cuts))) == whole


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_the_smallest_hashes_are_kept(hashes: list[int]) -> None:
    kept = Distinct.of_hashes(np.array(hashes, np.uint64)).hashes
    assert kept.tolist() == sorted(set(hashes))[:K]


def test_negative_zero_is_zero() -> None:
    assert Distinct.of_floats(np.array([0.0, -0.0])).estimate() == 1


@pytest.mark.parametrize("cut", [1, WHOLE - 1, WHOLE, WHOLE + 1, 3_000])
def test_whole_and_half_hashes_add_to_the_same(cut: int) -> None:
    x = np.random.default_rng(2).normal(size=5_000)
    assert Distinct.of_floats(x[:cut]) + Distinct.of_floats(x[cut:]) == Distinct.of_floats(x)


def test_a_state_of_an_older_format_bounds_the_sum_with_a_new_one() -> None:
    """Of it only 1,024 hashes are known: of larger ones nobody knows whether it has them."""
    x = np.random.default_rng(3).normal(size=400_000)
    old = Distinct.older(np.sort(mix(x[:200_000].view(np.uint64)))[:1_024])
    assert old.estimate() == pytest.approx(200_000, rel=0.1)
    for new, values in ((x[200_000:], 400_000), (x[200_000:200_500], 200_500)):
        total = old + Distinct.of_floats(new)
        assert total == Distinct.of_floats(new) + old
        assert total.estimate() == pytest.approx(values, rel=0.1)
        assert total + Distinct.of_floats(new) == total
    few = np.sort(mix(x[:900].view(np.uint64)))
    assert Distinct.older(few) == Distinct.of_floats(x[:900])
    assert Distinct.older(few, SIPHASH) == Distinct.of_hashes(few)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_few_numbers_are_told_by_their_hashes(values):
    x = np.array(values)
    assert Distinct.of_floats(x).numbers().tolist() == np.unique(x + 0.0).tolist()


def test_many_numbers_and_text_are_not_told():
    assert Distinct.of_floats(np.arange(2_000.0)).numbers() is None
    assert Distinct.of_hashes(np.arange(9, dtype=np.uint64)).numbers() is None
    assert Distinct.empty().numbers() is None
