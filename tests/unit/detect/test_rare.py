"""The tail of a rare count is that of a negative binomial."""

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from lupus_assets.detect.history import WINDOWS
from lupus_assets.detect.rare import Excess, Rare, most_expected, tail


@pytest.mark.parametrize("count", [1, 3, 10, 40])
def test_the_tail_is_scipys_negative_binomial(count):
    n, rate, behind = 1_000.0, 0.004, 5_000.0
    expected = nbinom.sf(count - 1, rate * behind, behind / (behind + n))
    found = tail(*(np.array([each]) for each in (float(count), n, rate, behind, 1.0)))
    assert found[0] == pytest.approx(expected, rel=1e-9)


def test_a_rate_that_is_well_known_gives_poissons_tail():
    found = tail(*(np.array([each]) for each in (12.0, 1_000.0, 0.004, 1e12, 1.0)))
    assert found[0] == pytest.approx(poisson.sf(11, 4.0), rel=1e-4)


def test_scattered_counts_have_a_heavier_tail():
    plain, scattered = (
        tail(*(np.array([each]) for each in (20.0, 1_000.0, 0.004, 5_000.0, spread)))[0]
        for spread in (1.0, 4.0)
    )
    assert scattered > 10 * plain


def test_the_most_expected_share_is_where_the_tail_is_that_of_the_deviation():
    excess = Excess(
        np.zeros((3, 1)), np.zeros((3, 1)), np.array([0.01]), np.array([4_000.0]), np.array([1.5])
    )
    share = most_expected(np.array([4.0]), np.array([2_000.0]), excess)[0]
    p = tail(np.array([share * 2_000]), np.array([2_000.0]), excess.rate, excess.behind, excess.dispersion)[0]
    assert p == pytest.approx(3.167e-5, rel=1e-3)
    assert most_expected(np.array([30.0]), np.array([10.0]), excess)[0] == 1.0


def test_rows_that_go_together_say_less_and_what_they_would_say_alone_is_kept():
    rare, one = Rare(1), np.ones(1)
    for _ in range(60):
        rare.step(2.0 * one, 1_000.0 * one, one)
    found = rare.step(30.0 * one, 1_000.0 * one, 15.0 * one)
    assert found.alone[0, 0] > 6
    assert found.z[0, 0] < 3
    assert np.all(found.z <= found.alone)


def test_a_design_effect_counts_as_long_as_its_partition_is_in_the_window():
    rare, one = Rare(1), np.ones(1)
    for _ in range(60):
        rare.step(2.0 * one, 1_000.0 * one, one)
    rare.step(30.0 * one, 1_000.0 * one, 15.0 * one)
    after = [rare.step(2.0 * one, 1_000.0 * one, one) for _ in range(WINDOWS[-1])]
    assert after[0].z[0, 0] == after[0].alone[0, 0]
    assert [bool(each.z[2, 0] < each.alone[2, 0]) for each in after] == [True] * (WINDOWS[-1] - 1) + [False]


def test_what_has_no_probability_at_all_is_as_far_out_as_there_is():
    """Where p is 0 to a float: no deviation is infinite, and none is beyond that of 1e-300."""
    rare, one = Rare(1), np.ones(1)
    for _ in range(60):
        rare.step(0.0 * one, 1e6 * one, one)
    found = rare.step(1e6 * one, 1e6 * one, one)
    assert found.z[0, 0] == pytest.approx(37.0471, abs=1e-3)
    assert found.alone[0, 0] == found.z[0, 0]
