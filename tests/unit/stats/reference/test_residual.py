"""What the surrogate leaves adds up, and its correlation is that of numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lupus_assets.stats.moments import Moments
from lupus_assets.stats.reference.residual import OLDER, Residual
from tests.unit.stats.test_joint import assert_same

values = arrays(np.float64, 40, elements=st.floats(-1e6, 1e6))
ordinary = arrays(np.float64, 40, elements=st.integers(-1000, 1000).map(float))


@given(values, values, st.integers(0, 40))
def test_residuals_add_up_over_any_split(score, expected, at):
    whole = Residual.of(score, expected)
    assert_same(Residual.of(score[:at], expected[:at]) + Residual.of(score[at:], expected[at:]), whole)
    assert whole + Residual.empty() == whole
    assert whole.n == 40


@given(ordinary, ordinary)
def test_the_correlation_is_that_of_numpy(score, expected):
    found = Residual.of(score, expected).correlation()
    if score.std() and expected.std():
        assert found.value == pytest.approx(np.corrcoef(score, expected)[0, 1], abs=1e-9)
    else:
        assert found.value is None
        assert "do not vary" in found.reason


def test_its_variance_is_that_of_samples():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(2000):
        expected = rng.normal(size=200)
        found.append(Residual.of(0.6 * expected + 0.8 * rng.normal(size=200), expected).correlation())
    assert np.var([each.value for each in found]) == pytest.approx(found[0].variance, rel=0.15)


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_of_few_rows_there_is_none(rows):
    found = Residual.of(np.arange(rows), np.arange(rows)).correlation()
    assert found.value is None
    assert found.reason in ("no scores", "fewer than four scores")


def test_a_state_without_the_sums_says_so_also_when_another_is_added():
    old = Residual(Moments.of(np.arange(9.0)), Moments.of(np.arange(9.0)))
    for state in (old, old + Residual.of(np.arange(9.0), np.arange(9.0) ** 2)):
        assert state.correlation().reason == OLDER


def test_numbers_too_large_for_a_sum_of_squares_are_said_to_be():
    huge = np.array([1e200, -1e200, 1e200, -1e200])
    assert "too large" in Residual.of(huge, huge / 3).correlation().reason
