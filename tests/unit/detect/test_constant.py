"""The statistical constants of the detector, against scipy and by simulation."""

import numpy as np
import pytest
from scipy import stats

from lupus_assets.detect import rare, robust, scale, value
from lupus_assets.detect.detector import replay
from lupus_assets.detect.robust import mean, median
from tests.unit.detect.test_detector import BUDGETS, history, series


def test_the_median_deviation_is_made_a_standard_deviation_as_under_normality():
    """Hampel (1974), The influence curve and its role in robust estimation: 1 / Φ⁻¹(3/4)."""
    assert pytest.approx(1 / stats.norm.ppf(0.75), rel=1e-4) == value.CONSISTENT
    noise = np.random.default_rng(0).normal(0, 3, 400_000)
    assert value.CONSISTENT * np.median(np.abs(noise)) == pytest.approx(3.0, rel=5e-3)


def test_95_percent_of_a_normal_lie_within_so_many_standard_deviations():
    assert pytest.approx(stats.norm.ppf(0.975), rel=1e-6) == robust.NORMAL_95


def test_variances_are_those_of_the_scales_that_anscombe_gives():
    assert scale.ANSCOMBE == 3 / 8
    n = np.array([10.0, 1_000.0])
    assert scale.share_variance(n) == pytest.approx(1 / (4 * n + 2))
    assert scale.count_variance(n) == pytest.approx(1 / (n + 0.5))
    x = scale.SCALES["share"].forward(np.array([0.0, 0.25, 1.0]), np.full(3, 100.0))
    k = np.array([0.0, 25.0, 100.0])
    assert x == pytest.approx(np.arcsin(np.sqrt((k + 3 / 8) / (100 + 3 / 4))))


def test_the_prior_of_a_rate_is_jeffreys():
    """Of no event in N rows the rate is half an event in N + 1."""
    found = rare.Rare(1)
    one = np.ones(1)
    assert found.step(0 * one, 1_000 * one, one).rate[0] == 0.5
    assert found.step(0 * one, 1_000 * one, one).rate[0] == pytest.approx(0.5 / 1_001, rel=0.02)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 10])
def test_means_and_medians_leave_nan_out(size):
    rng = np.random.default_rng(size)
    values = np.where(rng.random((200, size)) < 0.3, np.nan, rng.normal(size=(200, size)))
    values = values[~np.isnan(values).all(axis=1)]
    assert median(values) == pytest.approx(np.nanmedian(values, axis=1))
    assert mean(values) == pytest.approx(np.nanmean(values, axis=1))
    assert np.isnan(median(np.full(size, np.nan)))


def spread_of(noise: np.ndarray) -> float:
    """Return the usual scale of the last of many partitions of independent noise, shape (T, K)."""
    found = replay(history(noise, series(list(range(noise.shape[1]))), warm=60), BUDGETS)
    return float(np.median([each.values.scale[0] for each in found[120:]]))


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (lambda rng, shape: rng.normal(0, 1, shape), 1.0),
        # The median deviation is 1/2, and 95 % lie within 0.95.
        (lambda rng, shape: rng.uniform(-1, 1, shape), 0.5 / stats.norm.ppf(0.75)),
        # Quiet but for every eighth day: the median is 0, and the scale that of the tail.
        (
            lambda rng, shape: rng.choice([0.0, -3.0, 3.0], shape, p=[0.875, 0.0625, 0.0625]),
            3 / stats.norm.ppf(0.975),
        ),
    ],
    ids=["normal", "uniform", "mostly quiet"],
)
def test_the_scale_of_a_series_is_that_of_its_noise(draw, expected):
    assert spread_of(draw(np.random.default_rng(3), (240, 40))) == pytest.approx(expected, rel=0.08)


def test_sampling_gives_a_scale_that_noise_may_widen_and_calm_may_narrow_by_half():
    """Of a series that is calmer than sampling at least a quarter of its variance is believed."""
    noise = np.random.default_rng(4).normal(0, 1, (240, 40))
    for variance, expected in ((0.25, 1.0), (1.0, 1.0), (4.0, 1.0), (16.0, 2.0)):
        given = history(noise, series(list(range(40))), variance=variance)
        found = replay(given, BUDGETS)
        assert np.median([each.values.scale[0] for each in found[120:]]) == pytest.approx(expected, rel=0.1)
    few = history(noise, series(list(range(40))), variance=1.0)
    few.variance[-1] = 9.0  # that day had a ninth of the rows
    assert np.median(replay(few, BUDGETS)[-1].values.scale[0]) == pytest.approx(3.0, rel=0.1)
