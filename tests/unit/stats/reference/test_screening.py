"""Of too many columns those are taken that explain most of the score by themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from lupus_assets.stats.moments import Moments
from lupus_assets.stats.reference.screening import strength, strongest


def tallied(code: np.ndarray, score: np.ndarray, codes: int) -> tuple[np.ndarray, np.ndarray, Moments]:
    rows = np.bincount(code, minlength=codes)
    return rows, np.bincount(code, weights=score, minlength=codes), Moments.of(score)


def test_strength_is_the_adjusted_share_of_variance_of_a_regression_on_codes():
    rng = np.random.default_rng(0)
    code = rng.integers(0, 8, 500)
    score = 0.3 * code + rng.normal(50, 1, 500)
    hot = np.eye(8)[code]
    share = LinearRegression().fit(hot, score).score(hot, score)
    adjusted = 1 - (1 - share) * 499 / 492
    assert strength(*tallied(code, score, codes=10)) == pytest.approx(adjusted, abs=1e-9)


@pytest.mark.parametrize("codes", [2, 17, 32])
def test_a_column_that_says_nothing_has_no_strength_however_many_codes_it_has(codes):
    rng = np.random.default_rng(codes)
    found = [strength(*tallied(rng.integers(0, codes, 400), rng.normal(size=400), codes)) for _ in range(200)]
    assert abs(np.mean(found)) < 0.005


@pytest.mark.parametrize(
    "score", [np.full(20, 3.0), np.empty(0), np.full(3, 1e200) * [1, -1, 1], np.arange(2.0)]
)
def test_without_scores_that_vary_there_is_no_telling(score):
    code = np.arange(score.size)
    assert strength(*tallied(code, score, codes=30)) == -np.inf


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.integers(2, 32)), max_size=40),
    st.integers(0, 40),
    st.integers(0, 400),
)
def test_the_strongest_keep_their_order_and_within_what_may_be_taken(columns, most, codes):
    strengths, widths = [each for each, _ in columns], [width for _, width in columns]
    taken = strongest(strengths, widths, columns=most, codes=codes)
    assert taken == sorted(set(taken))
    assert len(taken) <= most
    assert sum(widths[at] for at in taken) <= codes
    left = [strengths[at] for at in range(len(columns)) if at not in taken]
    assert not taken or not left or min(strengths[at] for at in taken) >= max(left)
    if len(columns) <= most and sum(widths) <= codes:
        assert len(taken) == len(columns)


def test_of_equal_columns_the_first_come_first():
    assert strongest([0.5, -np.inf, 0.5, -np.inf, 0.9], [2] * 5, columns=4, codes=100) == [0, 1, 2, 4]
    assert strongest([0.1] * 4, [10] * 4, columns=4, codes=25) == [0, 1]


def test_of_many_equal_columns_the_first_come_first_too():
    """A short list is sorted by insertion, which keeps the order whatever it is asked to."""
    strengths = [float(at % 3) for at in range(600)]
    strong, middling = [at for at in range(600) if at % 3 == 2], [at for at in range(600) if at % 3 == 1]
    taken = strongest(strengths, [1] * 600, columns=300, codes=10_000)
    assert taken == sorted(strong + middling[:100])
