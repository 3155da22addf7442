"""Histories are judged one step at a time: causally, whatever their order, and the cause is named."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lupus_assets.detect.detector import Judged, replay
from lupus_assets.detect.history import WINDOWS, Group, Heard, History, Role, Series

WARM, DAYS = 60, 120
BUDGETS = (0.5, 1.0, 4.0)


def series(targets: list[int], *, rare: int = 0, group=None, **parts) -> Series:
    """Return series of values, the last `rare` of them counts; target 0 is a column unless said otherwise."""
    count, many = len(targets), max(targets) + 1
    groups = np.full(many, Group.COLUMNS) if group is None else np.array(group)
    plain = {
        "target": np.array(targets),
        "rare": np.arange(count) >= count - rare,
        "side": np.where(np.arange(count) >= count - rare, 1, 0),
        "role": np.full(count, Role.MARGINAL),
        "foretells": np.zeros(count, bool),
        "least": np.full(count, -np.inf),
        "group": groups,
        "column": groups != Group.ROWS,
    }
    return Series(**(plain | parts))


def history(values: np.ndarray, of: Series, *, variance=0.0, n=1_000.0, phases=None, warm=WARM) -> History:
    days = len(values)
    phases = (np.arange(days) % 7)[:, None] if phases is None else phases
    return History(
        series=of,
        values=values,
        variance=np.broadcast_to(np.float64(variance), values.shape).copy(),
        n=np.broadcast_to(np.float64(n), values.shape).copy(),
        design=np.ones_like(values),
        phases=phases,
        cycles=(7,) * phases.shape[1],
        warm=warm,
        per_month=30.44,
    )


def noise(columns: int, days: int = DAYS, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(days, columns))


def named(found: list[Judged], budget: int = 1) -> list[tuple[int, int]]:
    """Return (partition, target) of every alarm after the warm-up."""
    return [(at, target) for at, each in enumerate(found) if at >= WARM for target in each.named[budget]]


def same(left: Judged, right: Judged) -> bool:
    parts = ("surprise", "needed", "out", "score", "threshold")
    pairs = [(getattr(left, part), getattr(right, part)) for part in parts]
    pairs.append((left.tail.reach(left.needed), right.tail.reach(right.needed)))
    return left.named == right.named and all(np.array_equal(*pair, equal_nan=True) for pair in pairs)


@settings(max_examples=25, deadline=None)
@given(
    arrays(float, (70, 3), elements=st.one_of(st.floats(-1e3, 1e3), st.just(np.nan))),
    st.integers(30, 69),
    st.integers(0, 40),
)
def test_a_verdict_is_the_same_with_and_without_later_partitions(values, end, warm):
    given_ = history(np.abs(values).round(), series([0, 1, 1], rare=1), warm=warm)
    parts = {name: getattr(given_, name)[:end] for name in ("values", "variance", "n", "phases")}
    whole, early = replay(given_, BUDGETS), replay(replace(given_, **parts), BUDGETS)
    # A history that ends within its warm-up has learned from less; nothing of that is a verdict.
    assert all(map(same, early, whole[:end])) or end < (warm or 28)


def test_the_order_of_series_changes_nothing():
    values = noise(6)
    values[90:, 2] += 5
    of = series([0, 0, 1, 1, 2, 2])
    order = np.array([4, 1, 5, 3, 0, 2])
    turned = replace(of, target=of.target[order])
    left, right = replay(history(values, of), BUDGETS), replay(history(values[:, order], turned), BUDGETS)
    assert named(left) == named(right)
    np.testing.assert_allclose(left[-1].surprise[:, order], right[-1].surprise)


def test_a_jump_is_named_on_its_day_and_what_follows_is_accepted_within_a_week():
    values = noise(2)
    values[90:, 1] += 8
    alarms = [at for at, target in named(replay(history(values, series([0, 1])), BUDGETS)) if target]
    assert alarms[0] == 90
    assert alarms[-1] < 90 + 14


def test_a_small_change_shows_when_it_lasts():
    values = noise(1, seed=3)
    values[90:97] += 2.2
    found = replay(history(values, series([0])), BUDGETS)
    assert named(found, 2)
    first = named(found, 2)[0][0]
    assert found[first].surprise[:, 0].argmax() > 0  # of three or seven partitions


def test_a_proven_season_is_no_alarm_and_its_absence_is():
    week = np.array([0, 0, 0, 0, 0, -8, -8])[np.arange(DAYS) % 7]
    values = noise(1) * 0.5 + week[:, None]
    quiet = replay(history(values, series([0])), BUDGETS)
    assert named(quiet) == []
    values[96] += 8  # a Saturday as busy as a Friday
    assert np.arange(DAYS)[96] % 7 == 5
    assert named(replay(history(values, series([0])), BUDGETS))[0] == (96, 0)


def test_the_noise_of_few_rows_is_no_news():
    values = noise(1) * 0.1
    values[90] += 2.5
    variance = np.full(values.shape, 0.01)
    assert named(replay(history(values, series([0]), variance=variance), BUDGETS))
    few = variance.copy()
    few[90] = 1.0  # that day had a hundredth of the rows
    assert named(replay(replace(history(values, series([0])), variance=few), BUDGETS)) == []


def test_what_should_be_rare_rings_when_it_comes_and_not_when_it_stays_away():
    rng = np.random.default_rng(1)
    counts = rng.poisson(2.0, (DAYS, 1)).astype(float)
    assert named(replay(history(counts, series([0], rare=1)), BUDGETS)) == []
    counts[90] = 30
    assert named(replay(history(counts, series([0], rare=1)), BUDGETS))[0] == (90, 0)
    counts[90:] = 0
    assert named(replay(history(counts, series([0], rare=1)), BUDGETS)) == []


def test_rows_that_are_lost_explain_their_columns():
    values = noise(3)
    values[90] -= 15
    of = series([0, 1, 2], group=[Group.ROWS, Group.COLUMNS, Group.COLUMNS],
                role=np.array([Role.ROWS, Role.MARGINAL, Role.MARGINAL]))  # fmt: skip
    found = replay(history(values, of), BUDGETS)
    assert [target for at, target in named(found) if at == 90] == [0]
    assert found[90].out[1].all()  # and is not hidden


def test_columns_that_are_missing_on_the_same_rows_are_one_cause():
    counts = np.zeros((DAYS, 3))
    counts[90:92] = 200
    of = series([0, 1, 2], rare=3, role=np.full(3, Role.NULL))
    found = replay(history(counts, of), BUDGETS)
    assert len({target for _, target in named(found)}) == 1
    assert found[90].out[1].all()


def test_a_column_that_moved_explains_that_others_no_longer_go_with_it():
    values = noise(2)
    values[90] += 12
    of = series([0, 1], role=np.array([Role.MARGINAL, Role.DEPENDENCE]))
    assert [target for at, target in named(replay(history(values, of), BUDGETS)) if at == 90] == [0]


def test_what_other_columns_foretell_is_no_news_of_its_own():
    rng = np.random.default_rng(5)
    front = rng.standard_t(4, (DAYS, 1))
    values = front + 0.2 * noise(4)
    values[100] += 14  # a front like none before it
    of = series([0, 1, 2, 3], foretells=np.ones(4, bool))
    apart = replay(history(values, replace(of, foretells=np.zeros(4, bool))), BUDGETS)
    together = replay(history(values, of), BUDGETS)
    assert together[100].score.max() < apart[100].score.max()
    assert together[100].out[1].any()


def test_a_series_below_its_least_value_says_nothing():
    values = noise(1) * 0.01
    values[90] += 1
    assert named(replay(history(values, series([0])), BUDGETS))
    assert named(replay(history(values, series([0], least=np.array([2.0]))), BUDGETS)) == []


@pytest.mark.parametrize("side", [-1, 1])
def test_only_the_side_that_counts_is_news(side):
    values = noise(1)
    values[90] += 10 * side
    assert named(replay(history(values, series([0], side=np.array([side]))), BUDGETS))
    assert named(replay(history(values, series([0], side=np.array([-side]))), BUDGETS)) == []


def test_gaps_are_no_verdict_and_break_nothing():
    values = noise(2)
    values[80:95, 0] = np.nan
    found = replay(history(values, series([0, 1])), BUDGETS)
    assert all(np.isnan(each.values.z[0, 0]) for each in found[80:95])
    assert not any(0 in each.named[1] for each in found[80:95])
    assert np.isfinite(found[-1].values.z[0, 0])


def test_a_smaller_budget_asks_for_more():
    found = replay(history(noise(5), series([0, 1, 2, 3, 4])), BUDGETS)[-1]
    assert (np.diff(found.threshold, axis=0) < 0).all()
    assert (np.diff(found.tail.reach(found.needed), axis=0) < 0).all()


def test_the_reach_is_the_deviation_at_which_it_rings():
    values = noise(1)
    quiet = replay(history(values, series([0])), BUDGETS)[100]
    assert quiet.named[1] == []
    level, away = quiet.values.expected[0, 0], quiet.tail.reach(quiet.needed)[1, 0] * quiet.values.scale[0, 0]
    for share, rings in ((0.97, False), (1.03, True)):
        moved = values.copy()
        moved[100] = level + share * away
        again = replay(history(moved, series([0])), BUDGETS)[100]
        assert bool((again.surprise[0] >= again.needed[1]).any()) == rings


def heard(days: int = DAYS, z: np.ndarray | None = None, rows: tuple[int, ...] = ()) -> Heard:
    """Return what is known from elsewhere: deviations of one series over each window, and missing rows."""
    z = np.zeros((days, len(WINDOWS), 1)) if z is None else np.repeat(z[:, None, None], len(WINDOWS), axis=1)
    missing = np.zeros((len(BUDGETS), days), bool)
    missing[:, list(rows)] = True
    return Heard(z, missing)


def test_rows_that_were_lost_explain_what_is_judged_after_them():
    values = noise(1)
    values[90] -= 15
    given_ = history(values, series([0]))
    assert (90, 0) in named(replay(given_, BUDGETS, heard()))
    assert named(replay(given_, BUDGETS, heard(rows=(90,)))) == []
    assert (90, 0) in named(replay(given_, BUDGETS, heard(rows=(80,))))  # ten days before is another matter


def test_what_was_judged_before_foretells_what_is_judged_after_it():
    front = np.random.default_rng(5).standard_t(4, DAYS)
    front[100] = 9
    values = 1.2 * front[:, None] + 0.3 * noise(1)
    given_ = history(values, series([0]))
    apart, together = replay(given_, BUDGETS, heard()), replay(given_, BUDGETS, heard(z=front))
    assert together[100].score.max() < apart[100].score.max() / 2
    assert together[100].out[1].any()


@settings(max_examples=15, deadline=None)
@given(arrays(float, 70, elements=st.floats(-9, 9)), st.integers(30, 69))
def test_what_is_heard_of_later_partitions_changes_no_verdict(z, end):
    given_ = history(noise(2, 70), series([0, 1]), warm=28)
    parts = {name: getattr(given_, name)[:end] for name in ("values", "variance", "n", "phases")}
    early = replay(replace(given_, **parts), BUDGETS, heard(end, z[:end], (29,)))
    assert all(map(same, early, replay(given_, BUDGETS, heard(70, z, (29, 69)))[:end]))
