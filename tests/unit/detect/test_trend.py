"""Trends are those of Mann and Kendall; pinned slopes, and z with ties, are pymannkendall 1.4.3's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, rankdata, theilslopes

from lupus_assets.declare.rule import LEAST_TREND
from lupus_assets.detect.trend import LEAST_VALUES, _dependence, trend


def autoregressive() -> np.ndarray:
    noise, values = np.random.default_rng(6).normal(size=40), np.zeros(40)
    for at in range(1, 40):
        values[at] = 0.7 * values[at - 1] + noise[at]
    return values


def test_ties_are_counted_as_kendall_does():
    rng = np.random.default_rng(5)
    rng.normal(size=56)
    values = rng.normal(size=30)
    found = trend(np.round(values))
    assert found.z * np.sqrt(_dependence(np.round(values) - found.slope * np.arange(30))) == pytest.approx(
        -3.137291875098755
    )
    assert found.slope == pytest.approx(-0.058823529411764705)


def test_dependence_widens_the_test_and_its_absence_leaves_it():
    found = trend(autoregressive())
    assert found.slope == pytest.approx(-0.01816446269219502)
    assert -0.8983956428399444 < found.z < 0  # pymannkendall's, which screens correlations and finds few
    alternating = trend(np.tile([0.0, 1.0], 14))
    assert alternating.z == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize(("correlation", "most"), [(0.0, 0.02), (0.3, 0.04), (0.5, 0.04)])
def test_noise_that_resembles_its_neighbours_rarely_has_a_trend(correlation, most):
    rng = np.random.default_rng(0)
    rings = 0
    for _ in range(500):
        values = rng.normal(size=48)
        for at in range(1, 48):
            values[at] += correlation * values[at - 1]
        rings += trend(values[20:]).rises < 0.01
    assert rings / 500 <= most


def test_a_steady_rise_is_found_and_its_fall_is_not():
    found = trend(np.random.default_rng(1).normal(size=28) + np.arange(28) * 0.15)
    assert found.rises < 1e-3 < 0.99 < found.falls
    assert found.slope == pytest.approx(0.15, abs=0.05)


@given(st.lists(st.floats(-1e6, 1e6), min_size=LEAST_VALUES, max_size=25))
def test_the_slope_is_scipys_and_a_mirror_image_has_its_opposite(values):
    x = np.array(values)
    found, mirrored = trend(x), trend(-x)
    if np.unique(x).size > 1:
        assert found.slope == pytest.approx(theilslopes(x)[0], rel=1e-9, abs=1e-9)
    assert mirrored.slope == -found.slope
    assert mirrored.rises == pytest.approx(found.falls)
    assert 0 <= found.rises <= 1


def test_noise_rarely_has_a_trend():
    rng = np.random.default_rng(0)
    assert np.mean([trend(rng.normal(size=28)).rises < 0.05 for _ in range(400)]) < 0.08


@pytest.mark.parametrize("values", [np.ones(LEAST_VALUES - 1), np.array([*range(LEAST_VALUES), np.nan])])
def test_too_few_values_or_none_have_no_trend(values):
    with pytest.raises(ValueError, match="a trend needs 8 or more, all finite"):
        trend(values)
    assert trend(np.ones(LEAST_VALUES)).z == 0


def test_a_declaration_demands_the_partitions_that_the_test_needs():
    assert LEAST_TREND == LEAST_VALUES


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("length", [LEAST_VALUES, 20, 40])
def test_the_variance_is_hamed_and_raos_of_a_correlation_without_its_bias(seed, length):
    """1 + 2/(n(n-1)(n-2)) Σ (n-k)(n-k-1)(n-k-2) ρᵏ, ρ of the ranks of what is left of the trend."""
    rng = np.random.default_rng(seed)
    values = np.cumsum(rng.normal(size=length)) * 0.3 + rng.normal(size=length)
    found = trend(values)
    n, ranks = length, rankdata(values - found.slope * np.arange(length))
    away = ranks - ranks.mean()
    first = (away[1:] * away[:-1]).sum() / (away**2).sum()
    correlation = np.clip(first + (2 + 4 * first) / (n - 4), 0.0, 0.97)  # Marriott and Pope's bias put back
    lags = np.arange(1, n - 1)
    weighted = ((n - lags) * (n - lags - 1) * (n - lags - 2) * correlation**lags).sum()
    widened = n * (n - 1) * (2 * n + 5) / 18 * (1 + 2 / (n * (n - 1) * (n - 2)) * weighted)
    score = sum(np.sign(values[j] - values[i]) for i in range(n) for j in range(i + 1, n))
    assert found.z == pytest.approx((score - np.sign(score)) / np.sqrt(widened))
    assert found.rises == pytest.approx(norm.sf(found.z))
    assert found.falls == pytest.approx(norm.cdf(found.z))
