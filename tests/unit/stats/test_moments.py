import math
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import example, given
from numpy.typing import NDArray
from scipy import stats

from lupus_assets.stats.moments import Moments
from tests.strategies import arrays, finite_arrays, splits

RNG = np.random.default_rng(1)
COLUMNS = {
    "normal": RNG.normal(size=50_000),
    "skewed": RNG.lognormal(size=50_000),
    "year": RNG.integers(2012, 2015, 50_000).astype(np.float64),
    "epoch seconds": 1.7e9 + RNG.normal(size=50_000),
    "tiny": RNG.normal(size=50_000) * 1e-70,
}


def close(left: Moments, right: Moments, x: NDArray[np.float64]) -> bool:
    """Hold to 1e-12 of the sums that values at the edge would have; below 1e-300 digits are lost."""
    spread = float(np.abs(x - x.mean()).max()) + 1e-3 * float(np.abs(x).max()) if x.size else 0.0
    sums = ((left.m2, right.m2), (left.m3, right.m3), (left.m4, right.m4))
    return (
        left.n == right.n
        and math.isclose(left.mean, right.mean, rel_tol=1e-12, abs_tol=1e-12 * spread + 1e-300)
        and all(
            math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12 * x.size * spread**power + 1e-300)
            for power, (a, b) in enumerate(sums, start=2)
        )
    )


@pytest.mark.parametrize("name", COLUMNS)
def test_shape_agrees_with_scipy_and_numpy(name: str) -> None:
    x = COLUMNS[name]
    moments = Moments.of(x)
    assert moments.mean == pytest.approx(x.mean(), rel=1e-13)
    assert moments.variance == pytest.approx(x.var(ddof=1), rel=1e-12)
    assert moments.sd == pytest.approx(x.std(ddof=1), rel=1e-12)
    near = x - np.round(x.mean())  # exact, and spares scipy the rounding of a far mean
    assert moments.skewness == pytest.approx(stats.skew(near), rel=1e-9, abs=1e-9)
    assert moments.kurtosis == pytest.approx(stats.kurtosis(near), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("parts", [2, 7, 1_000])
def test_parts_add_to_the_whole(name: str, parts: int) -> None:
    """To 1e-12, unless the mean is so far off that it is known less precisely itself."""
    x = COLUMNS[name]
    rel = max(1e-12, 2e-16 * abs(x.mean()) / x.std())
    whole = Moments.of(x)
    states = [Moments.of(part) for part in np.array_split(x, parts)]
    for total in (reduce(add, states), reduce(add, states[::-1])):
        assert total.n == whole.n
        assert total.mean == pytest.approx(whole.mean, rel=1e-12, abs=1e-12 * x.std())
        assert total.m2 == pytest.approx(whole.m2, rel=rel, abs=0)
        assert total.m3 == pytest.approx(whole.m3, rel=rel, abs=rel * x.size * x.std() ** 3)
        assert total.m4 == pytest.approx(whole.m4, rel=rel, abs=0)


@given(splits(finite_arrays))
def test_any_parts_add_in_any_order_and_grouping(parts: list[NDArray[np.float64]]) -> None:
    x = np.concatenate(parts)
    whole = Moments.of(x)
    states = [Moments.of(part) for part in parts]
    assert close(reduce(add, states), whole, x)
    assert close(reduce(add, states[::-1]), whole, x)
    assert close(reduce(lambda right, left: left + right, states[::-1]), whole, x)


@given(splits(arrays))
@example([np.array([1.7e308]), np.array([-1.7e308] * 9)])
@example([np.array([1e300, -1e300]), np.array([1e300])])
def test_what_overflows_is_infinite_and_never_nan(parts: list[NDArray[np.float64]]) -> None:
    finite = [part[np.isfinite(part)] for part in parts]
    for moments in (reduce(add, map(Moments.of, finite)), Moments.of(np.concatenate(finite))):
        assert math.isfinite(moments.mean)
        assert not any(map(math.isnan, (moments.m2, moments.m3, moments.m4)))
        shape = (moments.variance, moments.sd, moments.skewness, moments.kurtosis)
        assert all(number is None or math.isfinite(number) for number in shape)


def test_the_mean_of_numbers_whose_sum_overflows_is_right() -> None:
    assert Moments.of(np.array([1.7e308, 1.5e308])).mean == pytest.approx(1.6e308)
    far = Moments.of(np.array([1.7e308])) + Moments.of(np.array([-1.7e308] * 9))
    assert far.mean == pytest.approx(-1.36e308)
    assert far.variance is None


@pytest.mark.parametrize("value", [0.1, 2013.0, -1e300, 5e-324, 0.0])
def test_a_constant_has_exactly_no_variance(value: float) -> None:
    moments = Moments.of(np.full(1_000, value)) + Moments.of(np.full(77, value))
    assert moments == Moments(1_077, value, 0.0, 0.0, 0.0)
    assert moments.variance == 0.0
    assert moments.skewness is None
    assert moments.kurtosis is None


def test_no_values_have_no_shape_and_change_nothing() -> None:
    empty = Moments.of(np.empty(0))
    some = Moments.of(np.array([1.0, 2.0]))
    assert empty == Moments.empty()
    assert empty.variance is None
    assert empty.sd is None
    assert empty + some == some + empty == some


def test_shape_needs_three_and_four_values() -> None:
    assert Moments.of(np.array([1.0])).variance is None
    assert Moments.of(np.array([1.0, 2.0])).variance == 0.5
    assert Moments.of(np.array([1.0, 2.0])).skewness is None
    assert Moments.of(np.array([1.0, 2.0, 4.0])).skewness is not None
    assert Moments.of(np.array([1.0, 2.0, 4.0])).kurtosis is None
    assert Moments.of(np.array([1.0, 2.0, 4.0, 8.0])).kurtosis is not None
