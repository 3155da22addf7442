"""Thresholds are those of theory, or of the targets' own past where that asks for more."""

from itertools import pairwise

import numpy as np
import pytest

from lupus_assets.detect.history import Group
from lupus_assets.detect.naming import Point
from lupus_assets.detect.threshold import Thresholds

MONTH = 30.0  # partitions
LOG10_E = np.log10(np.e)


def thresholds(*groups: Group) -> Thresholds:
    group = np.array(groups)
    return Thresholds(group, group != Group.ROWS, MONTH)


def point(*scores: float) -> Point:
    size = len(scores)
    return Point(np.array(scores), np.zeros(size, np.int64), np.full(size, np.nan))


def after(scores: list[tuple[float, ...]], *groups: Group) -> Thresholds:
    """Return thresholds that are to be asked for the partition behind `scores`."""
    found = thresholds(*groups)
    for each in scores:
        found.refresh()
        found.step(point(*each))
    found.refresh()
    return found


@pytest.mark.parametrize("budget", [0.5, 1.0, 4.0])
def test_without_a_past_a_target_passes_as_often_as_uniform_p_values_would(budget):
    """A target passes h decades once in 10^h partitions; those of a group share its part of the budget."""
    found = thresholds(*[Group.COLUMNS] * 8, Group.SCORE, Group.ROWS).of(budget)
    part = 0.15 * budget / 3
    assert found[:8] == pytest.approx(np.log10(8 * MONTH / part))
    assert found[8:] == pytest.approx(np.log10(MONTH / part))
    assert 8 * MONTH / 10 ** found[0] == pytest.approx(part)  # false alarms a month


def test_groups_that_have_no_target_take_no_part_of_the_budget():
    assert thresholds(Group.COLUMNS).of(1.0)[0] == pytest.approx(np.log10(MONTH / 0.15))
    assert thresholds(Group.COLUMNS, Group.ROWS).of(1.0)[1] == pytest.approx(np.log10(MONTH / 0.075))


def spikes(height: float, partitions: int, every: int = 5) -> list[tuple[float, ...]]:
    """Return scores of one target that is at `height` every fifth partition and at 0 otherwise."""
    return [(height if at % every == 0 else 0.0,) for at in range(partitions)]


def own(level: float, excess: float, exceeded: int, incidents: int, months: float, part: float) -> float:
    """Return what a past asks for: the level at which so many incidents came, and an exponential beyond."""
    slope = (excess + 5 * LOG10_E) / (exceeded + 5)
    return level + slope * np.log((incidents + 0.5) / months / part)


@pytest.mark.parametrize(
    ("height", "level", "excess"),
    [
        (2.0, 1.8, 0.2),  # the highest level that it has passed
        (2.6, 2.2, 0.4),  # what reaches a level has not passed it
        (2.7, 2.6, 0.1),
        (4.0, 2.6, 1.4),
        (9.0, 2.6, 2.0),  # one fault says no more than two decades of how far chance goes
    ],
)
def test_what_a_past_has_passed_often_enough_says_how_often_it_would_pass_more(height, level, excess):
    """From the thirty-sixth partition on; a spike every fifth is eleven incidents in 55."""
    found = after(spikes(height, 35 + 56), Group.COLUMNS).of(4.0)[0]
    spiked = len([at for at in range(35, 35 + 56) if at % 5 == 0])
    expected = own(level, spiked * excess, spiked, spiked, 56 / MONTH, 0.15 * 4)
    assert found == pytest.approx(max(expected, np.log10(MONTH / 0.6)))


def test_a_past_that_asks_for_less_than_theory_changes_nothing():
    quiet = after(spikes(0.4, 35 + 56), Group.COLUMNS)
    assert quiet.of(1.0)[0] == pytest.approx(np.log10(MONTH / 0.15))


def test_fewer_than_eight_incidents_at_any_level_are_read_from_the_lowest():
    """Seven spikes of 9 decades, which pass every level."""
    found = after(spikes(9.0, 35 + 70, every=10), Group.COLUMNS)
    spiked = len([at for at in range(35, 35 + 70) if at % 10 == 0])
    assert spiked == 7
    expected = own(0.3, spiked * 2.0, spiked, spiked, 70 / MONTH, 0.15)
    assert found.of(1.0)[0] == pytest.approx(max(expected, np.log10(MONTH / 0.15)))
    assert expected > np.log10(MONTH / 0.15)


def test_a_rate_within_the_budget_asks_for_no_more_than_the_level_itself():
    found = after(spikes(9.0, 35 + 56), Group.COLUMNS)
    generous = 0.15 * 1000
    assert found.of(1000)[0] == pytest.approx(2.6)
    assert np.log10(MONTH / generous) < 2.6


def test_a_past_is_looked_at_after_a_fortnight_and_then_every_week():
    """Behind the first 35 partitions, whose scores say nothing yet."""
    scores = [(9.0,) if at % 4 == 0 else (0.0,) for at in range(90)]
    found = thresholds(Group.COLUMNS)
    theory, looked = found.of(1.0)[0], []
    for each in scores:
        found.refresh()
        looked.append(found.of(1.0)[0])
        found.step(point(*each))
    changes = [at for at in range(1, 90) if looked[at] != looked[at - 1]]
    assert looked[:49] == [theory] * 49
    assert changes[0] == 49  # 35 and 14
    assert {at % 7 for at in changes} == {0}


def test_only_what_came_behind_the_thirty_fifth_partition_is_remembered():
    early = [(9.0,) if at < 35 and at % 4 == 0 else (0.0,) for at in range(35 + 49)]
    assert after(early, Group.COLUMNS).of(1.0)[0] == pytest.approx(np.log10(MONTH / 0.15))
    first = after([(0.0,)] * 35 + [(9.0,)] + [(0.0,)] * 13, Group.COLUMNS)
    assert first.known[Group.COLUMNS] == pytest.approx(
        (0.3, (2.0 + 5 * LOG10_E) / 6, 1.5 / (14 / MONTH))  # one incident, and Jeffreys' half
    )


def test_a_noisy_group_does_not_deafen_the_others():
    noisy = [(score, 0.0, 0.0) for (score,) in spikes(4.0, 35 + 56)]
    found = after(noisy, Group.COLUMNS, Group.SCORE, Group.ROWS).of(1.0)
    theory = np.log10(MONTH / 0.05)
    assert found[0] > theory + 1
    assert found[1:] == pytest.approx(theory)


def test_spikes_of_one_week_are_one_incident():
    """Four in a row, and three without: ten incidents of forty partitions that were out."""
    scores = [(4.0,) if at >= 35 and at % 8 < 4 else (0.0,) for at in range(35 + 84)]
    found = after(scores, Group.COLUMNS)
    out = [at for at in range(35, 35 + 84) if at % 8 < 4]
    incidents = 1 + sum(later - earlier > 3 for earlier, later in pairwise(out))
    level, slope, rate = found.known[Group.COLUMNS]
    assert level == 2.6
    assert slope == pytest.approx((1.4 * len(out) + 5 * LOG10_E) / (len(out) + 5))
    assert rate == pytest.approx((incidents + 0.5) / (84 / MONTH))
