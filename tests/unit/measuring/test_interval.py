import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lupus_assets.declare import METRICS
from lupus_assets.measuring.interval import interval, intervals
from lupus_assets.stats.estimate import Estimate


def test_the_interval_of_a_share_stays_within_0_and_1_and_holds_the_share():
    for hits in range(11):
        low, high = interval("share", Estimate(hits / 10, None, 10, None))
        assert 0 <= low <= hits / 10 <= high <= 1
        assert high - low > 0.1


def test_intervals_by_hand():
    mean = Estimate(10.0, 0.25, 100, None)
    count = Estimate(99.5, None, 100, None)
    auc = Estimate(0.8, 0.0004, 100, None)
    of_mean, of_count, of_auc = intervals(["mean", "row_count", "auc"], [mean, count, auc])
    assert of_mean == pytest.approx((10 - 1.959964 * 0.5, 10 + 1.959964 * 0.5))
    assert of_count == pytest.approx((100 * np.exp(-0.1959964) - 0.5, 100 * np.exp(0.1959964) - 0.5))
    logit, reach = np.log(4), 1.959964 * 0.02 / 0.16
    assert of_auc == pytest.approx((1 / (1 + np.exp(-logit + reach)), 1 / (1 + np.exp(-logit - reach))))


@pytest.mark.parametrize("metric", METRICS)
def test_an_undefined_number_has_no_interval(metric):
    assert intervals([metric], [Estimate.undefined("no rows")]) == [(None, None)]


@pytest.mark.parametrize("metric", METRICS)
@given(value=st.floats(0, 1), variance=st.one_of(st.none(), st.floats(0, 1)), n=st.integers(1, 10**6))
def test_an_interval_holds_its_number(metric, value, variance, n):
    low, high = interval(METRICS[metric].scale, Estimate(value, variance, n, None))
    assert (low is None) == (high is None)
    if low is not None:
        assert low <= value <= high


@pytest.mark.parametrize(
    ("scale", "value", "variance"),
    [
        ("natural", np.inf, np.inf),  # inf less inf
        ("natural", 1.0, np.inf),
        ("positive", 1.0, 1e6),  # a bound beyond the largest float
        ("positive", 1e-200, 1.0),  # its square is 0
        ("positive", 0.0, 0.0),
        ("distance", 0.0, 0.1),
        ("probability", 1.0, 0.1),
        ("correlation", 1.0, 0.1),
        ("count", np.inf, None),
        ("natural", np.nan, 1.0),
    ],
)
def test_a_bound_that_is_no_number_is_none_and_nobody_is_warned(scale, value, variance):
    assert interval(scale, Estimate(value, variance, 5, None)) == (None, None)


def test_intervals_come_in_the_order_of_their_metrics_whatever_their_scales():
    metrics = ["mean", "row_count", "sd", "null_rate", "median"]
    estimates = [Estimate(float(at + 1) / 9, 0.01, 9, None) for at in range(5)]
    alone = [interval(METRICS[name].scale, each) for name, each in zip(metrics, estimates, strict=True)]
    assert intervals(metrics, estimates) == alone
