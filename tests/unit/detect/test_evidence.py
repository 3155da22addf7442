"""Deviations become p values: a normal tail, widened and flattened by what the past has shown."""

import numpy as np
import pytest
from scipy import stats

from lupus_assets.detect.evidence import LEAST_HISTORY, NORMAL_SLOPE, Evidence, Tail
from lupus_assets.detect.history import WINDOWS

SIZE = 40
SHAPE = (len(WINDOWS), SIZE)


def tail(width: float = 1.0, slope: float = 1.0) -> Tail:
    return Tail(np.full((len(WINDOWS), 1), width), np.full(1, slope))


def each(z: float) -> np.ndarray:
    return np.full((len(WINDOWS), 1), z)


@pytest.mark.parametrize("width", [1.0, 1.7])
@pytest.mark.parametrize("z", [0.0, 0.5, 2.0, 6.0, 30.0])
def test_a_deviation_has_the_two_sided_p_of_a_normal(z, width):
    expected = -(stats.norm.logsf(z / width) + np.log(2)) / np.log(10)
    assert tail(width).plain(each(z)) == pytest.approx(expected, abs=1e-12)
    assert tail(width, 0.6).surprise(each(z)) == pytest.approx(0.6 * expected, abs=1e-12)
    assert tail(width).surprise(each(np.nan)) == pytest.approx(0.0)


@pytest.mark.parametrize("z", [0.5, 2.0, 6.0])
def test_the_reach_is_the_deviation_of_that_surprise(z):
    of = tail(1.4, 0.7)
    assert of.reach(of.surprise(each(z))[0]) == pytest.approx(z)


def test_the_excess_of_uniform_p_over_any_level_is_log10_e():
    surprise = -np.log10(np.random.default_rng(0).random(400_000))
    over = surprise[surprise > 0.7] - 0.7
    assert over.mean() == pytest.approx(NORMAL_SLOPE, rel=0.01)


def after(draw, partitions: int = 500) -> tuple[Evidence, np.ndarray]:
    """Return what is known after deviations like `draw`, and the surprises of the last half."""
    evidence, rng = Evidence(SIZE), np.random.default_rng(2)
    found = [evidence.step(np.abs(draw(rng, SHAPE))) for _ in range(partitions)]
    return evidence, np.array(found[partitions // 2 :])


def test_nothing_is_a_surprise_before_the_past_was_looked_at():
    evidence = Evidence(1)
    surprises = [float(evidence.step(each(9.0)).max()) for _ in range(LEAST_HISTORY + 1)]
    assert surprises[:LEAST_HISTORY] == [0.0] * LEAST_HISTORY
    assert surprises[LEAST_HISTORY] > 0


def test_normal_deviations_keep_a_normal_tail_and_ring_as_often_as_p_says():
    evidence, surprises = after(lambda rng, shape: rng.normal(size=shape))
    assert 1 <= np.median(evidence.tail.width) < 1.1
    assert np.median(evidence.tail.slope) > 0.85
    assert np.mean(surprises >= 1) == pytest.approx(0.1, rel=0.25)
    assert np.mean(surprises >= 2) < 0.012


@pytest.mark.parametrize("scale", [1.6, 2.4])
def test_deviations_that_ordinarily_reach_further_have_a_wider_tail(scale):
    evidence, surprises = after(lambda rng, shape: scale * rng.uniform(-1.732, 1.732, shape))
    # Of uniform deviations 95 % lie within 1.645 standard deviations.
    assert np.median(evidence.tail.width) == pytest.approx(scale * 1.645 / 1.96, rel=0.08)
    assert np.mean(surprises >= 2) < 0.01


def test_a_heavy_tail_is_flattened():
    evidence, surprises = after(lambda rng, shape: rng.standard_t(2, shape) / 1.3)
    assert np.median(evidence.tail.slope) < 0.75
    assert np.mean(surprises >= 3) < 0.004


def test_one_storm_widens_no_tail_for_good():
    quiet, _ = after(lambda rng, shape: rng.normal(size=shape))
    evidence, rng = Evidence(SIZE), np.random.default_rng(2)
    for at in range(500):
        evidence.step(np.abs(rng.normal(size=SHAPE)) + (30.0 if at in (100, 101, 102) else 0.0))
    assert np.median(evidence.tail.width) < 1.1 * np.median(quiet.tail.width)


@pytest.mark.parametrize(("first", "counted"), [(27, 7), (28, 7), (30, 5), (35, 0)])
def test_a_tail_is_flattened_by_the_excess_of_the_partitions_from_the_twenty_ninth_on(first, counted):
    """It is first looked at before the thirty-sixth, with six partitions of a normal's as the prior."""
    evidence = Evidence(1)
    for at in range(36):
        evidence.step(each(3.0) if first <= at < 35 else each(0.0))
    excess = -np.log10(2 * stats.norm.sf(3.0)) - 0.7
    mean = (counted * excess + 6 * NORMAL_SLOPE) / (counted + 6)
    assert evidence.tail.slope[0] == pytest.approx(min(1.0, NORMAL_SLOPE / mean))


@pytest.mark.parametrize("largest", [3.0, 5.0, 12.0])
def test_a_tail_is_widened_by_the_largest_of_the_past(largest):
    """Of n deviations of a normal the largest has about p = 1/(2(n + 1)); none counts for more than 8."""
    evidence = Evidence(1)
    for at in range(22):
        evidence.step(each(largest) if at == 15 else each(0.5))
    expected = min(largest, 8.0) / -stats.norm.ppf(0.5 / (21 - 14 + 1))
    usual = min(largest, 8.0) / stats.norm.ppf(0.975)
    assert evidence.tail.width[0, 0] == pytest.approx(max(1.0, expected, usual))
