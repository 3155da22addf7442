"""The level, the scale and the season of values, by histories whose answer is known."""

import numpy as np
import pytest

from lupus_assets.detect.detector import replay
from lupus_assets.detect.rare import Rare
from lupus_assets.detect.season import LEAST_CYCLES, Season
from tests.unit.detect.test_detector import BUDGETS, history, noise, series


def expected(values: np.ndarray, **parts) -> np.ndarray:
    """Return the value that was expected of each partition of one series."""
    found = replay(history(values[:, None], series([0]), **parts), BUDGETS)
    return np.array([each.values.expected[0, 0] for each in found])


@pytest.mark.parametrize("sign", [-1, 1])
def test_six_partitions_on_one_side_are_a_new_level_and_six_more_another(sign):
    values = 0.5 * noise(1, 130)[:, 0]
    values[90:96] += sign * 20
    values[96:] += sign * 40
    found = sign * expected(values)
    assert (found[90:96] < 15).all()
    assert found[96] == pytest.approx(20, abs=1.5)
    assert (found[97:102] < 35).all()
    assert found[102] == pytest.approx(40, abs=1.5)


def test_five_partitions_elsewhere_are_no_level():
    values = 0.5 * noise(1, 130)[:, 0]
    values[90:95] += 20
    assert np.abs(expected(values)[96:]).max() < 12


def test_a_side_that_changes_is_no_level():
    values = 0.5 * noise(1, 130)[:, 0]
    values[90:102] += 20 * np.tile([1, -1], 6)
    assert np.abs(expected(values)[90:]).max() < 8


def test_one_wild_day_moves_a_level_by_three_scales_at_most():
    values = noise(1, 130)[:, 0]
    wild = values.copy()
    wild[90] += 1e6
    shift = expected(wild)[91] - expected(values)[91]
    assert 0 <= shift < 3.2


def test_a_level_goes_with_what_changes_slowly():
    values = 0.1 * noise(1, 200)[:, 0] + np.arange(200) * 0.05
    behind = values[150:] - expected(values)[150:]
    assert 0 < behind.mean() < 0.3


def test_a_reference_that_lies_elsewhere_is_given_up_after_a_fortnight():
    """The change is too small for a new level by itself; fourteen partitions together show it."""
    values = noise(1, 100)[:, 0]
    values[60:] += 1.8
    found = expected(values)
    assert found[75] == pytest.approx(np.median(values[60:74]), abs=0.5)


WEEK = np.array([0.0, 1.0, 0.0, -1.0, 0.0, 5.0, 8.0])


@pytest.mark.parametrize("cycles", [LEAST_CYCLES, 8])
def test_a_season_is_learned_from_four_cycles_and_is_what_its_phases_add(cycles):
    values = np.tile(WEEK, cycles)[:, None] + 100
    phases = np.tile(np.arange(7), cycles)[:, None]
    season, others = Season.learn(values, phases, [7])
    assert season.proven[0].tolist() == [True]
    for phase in range(7):
        assert season.at(np.array([phase]))[0] - season.at(np.array([0]))[0] == pytest.approx(WEEK[phase])
    inner = slice(7, -7)
    assert (values - others)[inner, 0] == pytest.approx(np.full(7 * (cycles - 2), 100.0), abs=1e-9)


def test_fewer_than_four_cycles_and_noise_have_no_season():
    values, phases = np.tile(WEEK, 4)[:-1, None], np.tile(np.arange(7), 4)[:-1, None]
    assert not Season.learn(values, phases, [7])[0].proven[0].any()
    assert not Season.learn(noise(20, 70), np.tile(np.arange(7), 10)[:, None], [7])[0].proven[0].any()


def test_a_season_follows_a_tenth_of_what_is_within_reach_where_it_is_proven():
    values = np.hstack([np.tile(WEEK, 8)[:, None], noise(1, 56)])
    season, _ = Season.learn(values, np.tile(np.arange(7), 8)[:, None], [7])
    assert season.proven[0].tolist() == [True, False]
    before = season.at(np.array([5])).copy()
    season.follow(np.array([5]), np.array([2.0, 2.0]), np.array([9.0, 9.0]))
    assert season.at(np.array([5])) - before == pytest.approx([0.2, 0.0])
    season.follow(np.array([5]), np.array([-100.0, np.nan]), np.array([4.0, 4.0]))
    assert season.at(np.array([5])) - before == pytest.approx([-0.2, 0.0])
    assert season.at(np.array([4]))[0] == pytest.approx(season.at(np.array([0]))[0])


def counted(counts, rows=1_000.0):
    rare, one = Rare(1), np.ones(1)
    return [rare.step(count * one, rows * one, one) for count in counts]


def test_a_rate_is_the_discounted_share_of_earlier_partitions():
    found = counted([4.0, 0.0, 2.0, 3.0])
    assert found[0].rate[0] == 0.5
    assert found[1].rate[0] == pytest.approx(4.5 / 1_001)
    assert found[2].rate[0] == pytest.approx((0.985 * 4 + 0.5) / (0.985 * 1_000 + 1_001))
    rows = 0.985**2 * 1_000 + 0.985 * 1_000 + 1_000
    assert found[3].rate[0] == pytest.approx((0.985**2 * 4 + 2 + 0.5) / (rows + 1))
    assert (found[0].behind[0], found[3].behind[0]) == (20.0, pytest.approx(rows))


def test_counts_have_a_verdict_from_the_fifteenth_partition_on():
    found = counted([0.0] * 13 + [50.0, 50.0])
    assert np.isnan(found[13].z).all()
    assert found[14].z[0, 0] > 0


def test_a_storm_of_counts_is_what_is_usual_after_six_partitions():
    found = counted([2.0] * 40 + [60.0] * 8)
    rates = [each.rate[0] for each in found]
    assert rates[45] == rates[40]  # five days teach nothing
    assert rates[46] > 1.2 * rates[40]
    assert found[47].z[0, 0] < found[45].z[0, 0]


def test_scatter_is_the_mean_chi_square_of_earlier_partitions():
    counts = np.random.default_rng(0).poisson(5, 60) * 4.0
    found = counted(counts, rows=10_000.0)
    dispersion = 1.0
    for count, each in zip(counts, found, strict=True):
        assert each.dispersion[0] == pytest.approx(dispersion)
        events = 10_000 * each.rate[0]
        chi_square = (count - events) ** 2 / (events * (1 - each.rate[0]) + 0.05)
        dispersion = 0.985 * dispersion + 0.015 * min(chi_square, 200)
    assert found[-1].dispersion[0] == pytest.approx(3.0, abs=0.8)  # four times, once all are discounted


@pytest.mark.parametrize(("index", "window"), [(0, 1), (1, 3), (2, 14)])
def test_a_window_is_the_mean_of_its_partitions_against_the_level_before_them(index, window):
    values = np.random.default_rng(7).uniform(-1, 1, 120)
    given = history(values[:, None], series([0]), phases=np.zeros((120, 0), np.int64))
    found = replay(given, BUDGETS)
    levels = np.array([each.values.expected[0, 0] for each in found])
    for at in range(61 + window, 120):
        own = values[at - window + 1 : at + 1].mean() - levels[at - window + 1]
        assert found[at].values.gap[index, 0] == pytest.approx(own, abs=1e-9)
        assert found[at].values.z[index, 0] == pytest.approx(own / found[at].values.scale[index, 0])


@pytest.mark.parametrize(("times", "effect"), [(2, 0.0), (3, 50.0)])
def test_a_phase_has_an_effect_once_it_has_come_three_times(times, effect):
    phases = np.tile(np.arange(7), 8)
    phases[phases == 6] = 5
    rare = np.array([6, 20, 34])[:times]
    phases[rare] = 6
    values = np.where(phases == 6, 50.0, np.where(phases == 5, 8.0, 0.0))
    season, _ = Season.learn(values[:, None], phases[:, None], [7])
    assert season.proven[0].all()
    assert season.at(np.array([6]))[0] == pytest.approx(effect)
    assert season.at(np.array([5]))[0] == pytest.approx(8.0)


def test_a_level_that_is_young_widens_the_scale_until_its_own_average_is_no_better():
    """Of a mean of k partitions the variance is 1/k of one's, of an average of pace a it is a / (2 - a)."""
    constant = history(np.zeros((120, 1)), series([0]), variance=1.0)
    found = replay(constant, BUDGETS)
    calm, slowest = 0.25, 0.03
    for at, behind in ((20, 20), (40, 40), (59, 59), (60, 60), (61, 61), (90, 90)):
        young = max(1 / (behind + 2) - slowest / (2 - slowest), 0.0)
        assert found[at].values.scale[0, 0] == pytest.approx(np.sqrt(calm * (1 + young)), rel=1e-6)


def test_a_wild_day_moves_its_phase_by_a_tenth_of_two_scales_of_one_partition():
    """Up or down, and more than the phase before it: the level of both moves alike."""
    up = np.tile(WEEK, 20)[:120] + 0.5 * noise(1, 120)[:, 0]
    down = up.copy()
    up[96] += 50
    down[96] -= 50
    found = replay(history(up[:, None], series([0])), BUDGETS)
    apart = expected(up) - expected(down)
    assert apart[103] - apart[102] == pytest.approx(2 * 0.1 * 2 * found[96].values.scale[0, 0], rel=0.05)
