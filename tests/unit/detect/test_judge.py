import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lupus_assets.detect.judge import ANY_PHASE, LEAST_HISTORY, SPREAD, THRESHOLD, History, Judgement, judge

DAYS = 100


def history(values, *, variance=np.nan, n=1.0, phase=None, side=0, counted=False) -> History:
    values = np.asarray(values, dtype=float)
    values = values if values.ndim == 2 else values[:, None]
    return History(
        values=values,
        variance=np.broadcast_to(np.asarray(variance, dtype=float), values.shape),
        n=np.broadcast_to(np.asarray(n, dtype=float), values.shape),
        phase=np.zeros(len(values), dtype=np.int64) if phase is None else np.asarray(phase),
        side=np.full(values.shape[1], side),
        counted=np.full(values.shape[1], counted),
    )


def noise(days=DAYS, series=1, seed=1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(days, series))


def until(found: Judgement, days: int) -> list[np.ndarray]:
    return [np.asarray(each)[:days] for each in vars(found).values()]


@settings(max_examples=60)
@given(
    arrays(float, (60, 3), elements=st.one_of(st.floats(-1e3, 1e3), st.just(np.nan))),
    arrays(np.int64, 60, elements=st.integers(0, 6)),
    st.integers(1, 59),
    st.sampled_from([-1, 0, 1]),
)
def test_a_verdict_is_the_same_with_and_without_later_partitions(values, phase, days, side):
    """Causality: neither values nor phases after a partition reach its verdict."""
    whole = judge(history(values, phase=phase, side=side))
    alone = judge(history(values[:days], phase=phase[:days], side=side))
    for with_later, without in zip(until(whole, days), until(alone, days), strict=True):
        np.testing.assert_array_equal(with_later, without)


@pytest.mark.parametrize("phases", [1, 7, DAYS])
def test_what_is_expected_does_not_depend_on_what_came(phases):
    """A value is no part of its own expected value nor of its own spread, whether seasons serve or not."""
    values, phase = noise(), np.arange(DAYS) % phases
    usual = judge(history(values, phase=phase))
    values[80] += 1e3
    odd = judge(history(values, phase=phase))
    for name in ("expected", "low", "high"):
        assert getattr(odd, name)[80, 0] == getattr(usual, name)[80, 0]


@pytest.mark.parametrize(
    ("count", "flagged"), [(0, True), (20, True), (95, False), (105, False), (200, True)]
)
def test_the_noise_of_a_count_is_that_of_the_expected_level(count, flagged):
    """Poisson around 100 is 40 to 160 in six spreads; a count of nothing brings no noise of its own."""
    values = np.log(np.full(40, 100) + 0.5)
    values[39] = np.log(count + 0.5)
    found = judge(history(values, counted=True))
    assert found.flagged[39, 0] == flagged
    assert found.expected[39, 0] - found.low[39, 0] == pytest.approx(THRESHOLD / np.sqrt(100.5))


def test_a_short_history_gives_no_verdict():
    values = noise()
    values[:LEAST_HISTORY] = 100.0  # however odd
    found = judge(history(values))
    none = slice(0, LEAST_HISTORY + 1)  # the first partition has no expected value, so no residual
    for array in (found.expected, found.low, found.high, found.z, found.p):
        assert np.isnan(array[none]).all()
        assert not np.isnan(array[LEAST_HISTORY + 1 :]).any()
    assert not found.flagged[none].any()
    assert found.history[:, 0].tolist() == [min(max(day - 1, 0), SPREAD) for day in range(DAYS)]


def test_a_jump_is_flagged_on_its_day_and_with_its_size():
    values = noise()
    values[80] += 30
    found = judge(history(values))
    assert np.flatnonzero(found.flagged[:, 0]).tolist() == [80]
    assert found.z[80, 0] > THRESHOLD
    assert found.p[80, 0] < 1e-8
    assert found.low[80, 0] < found.expected[80, 0] < found.high[80, 0] < values[80, 0]


def test_noise_of_one_kind_is_hardly_ever_flagged():
    found = judge(history(noise(days=300, series=50)))
    assert found.flagged.mean() < 1e-3


def test_a_quiet_sunday_is_expected_on_sundays():
    """Each phase has its own level; a Sunday's value on a Monday is news."""
    phase = np.arange(DAYS) % 7
    values = noise() + np.where(phase == 6, -50.0, 0.0)[:, None]
    assert not judge(history(values, phase=phase)).flagged[28:].any()
    monday = 84
    values[monday] -= 50
    found = judge(history(values, phase=phase))
    assert found.flagged[monday, 0]
    assert found.expected[monday, 0] == pytest.approx(0, abs=2)
    assert found.expected[83, 0] == pytest.approx(-50, abs=2)


def test_a_phase_seen_too_rarely_borrows_the_recent_level():
    values = np.r_[np.zeros(30), np.full(ANY_PHASE, 5.0), 5.0]
    phase = np.zeros(len(values), dtype=np.int64)
    phase[-1] = 3
    assert judge(history(values, phase=phase)).expected[-1, 0] == 5.0


def test_what_sampling_noise_explains_is_not_flagged():
    """The same jump of a constant series, measured on few rows and on many."""
    values = np.zeros(40)
    values[39] = 1.0
    assert not judge(history(values, variance=0.2**2)).flagged.any()
    assert judge(history(values, variance=0.1**2)).flagged[39, 0]


def test_an_unknown_sampling_variance_sets_no_floor():
    values = np.zeros(40)
    values[39] = 1.0
    assert judge(history(values, variance=np.nan)).flagged[39, 0]


@pytest.mark.parametrize(
    ("side", "jump", "flagged"), [(1, 30, True), (1, -30, False), (-1, -30, True), (-1, 30, False)]
)
def test_only_the_side_that_counts_is_flagged(side, jump, flagged):
    values = noise()
    values[80] += jump
    found = judge(history(values, side=side))
    assert found.flagged[80, 0] == flagged
    assert found.p[80, 0] == pytest.approx(0.0 if flagged else 1.0, abs=1e-6)
    open_end = found.low if side > 0 else found.high
    assert np.isinf(open_end[80, 0])


def test_a_constant_series_that_changes_is_flagged_and_rounding_is_not():
    values = np.full((40, 2), 123.456)
    values[39, 0] += 0.01
    values[39, 1] *= 1 + 1e-12
    assert judge(history(values)).flagged[39].tolist() == [True, False]


def test_a_missing_value_has_no_verdict_and_leaves_the_others_theirs():
    values = noise(series=2)
    values[70, 0] = np.nan
    found = judge(history(values))
    assert np.isnan(found.z[70, 0])
    assert not found.flagged[70, 0]
    assert not np.isnan(found.z[70, 1])
    assert not np.isnan(found.z[71, 0])
    assert found.history[71].tolist() == [SPREAD - 1, SPREAD]


def test_a_series_without_any_value_is_never_judged():
    found = judge(history(np.full((40, 1), np.nan)))
    assert np.isnan(found.expected).all()
    assert not found.flagged.any()


def test_no_partitions_and_no_series_give_empty_results():
    assert judge(history(np.empty((0, 3)))).flagged.shape == (0, 3)
    assert judge(history(np.empty((5, 0)))).flagged.shape == (5, 0)


def test_a_series_that_is_quiet_but_for_some_days_has_its_spread_in_the_tail():
    """Rain: zero on most days. The median deviation is 0, and a rainy day is no alarm."""
    rng = np.random.default_rng(3)
    values = np.where(rng.random(200) < 0.15, rng.uniform(0.5, 1.5, 200), 0.0)
    assert not judge(history(values)).flagged[SPREAD:].any()


def test_a_fault_that_lasts_stays_flagged_until_its_phase_has_followed():
    """Ten faulty days widen nothing: each is as far out as the first, until the medians have moved."""
    values = noise()
    values[60:70] += 100.0
    found = judge(history(values, phase=np.arange(DAYS) % 7))
    assert found.flagged[60:70, 0].all()
    assert not found.flagged[90:, 0].any()


def test_a_fault_does_not_excuse_itself_by_the_noise_of_its_own_rows():
    """A column multiplied by a hundred is a hundred times as noisy; its range is that of the days before."""
    values, variance = noise(), np.ones((DAYS, 1))
    values[80], variance[80] = 30.0, 1e4
    found = judge(history(values, variance=variance, n=300.0))
    assert found.flagged[80, 0]
    assert found.high[80, 0] < 20


def test_fewer_rows_than_usual_have_more_noise():
    n = np.full((DAYS, 1), 400.0)
    n[80] = 4.0
    found = judge(history(np.zeros(DAYS), variance=1 / n, n=n))
    assert found.high[80, 0] == pytest.approx(10 * found.high[79, 0])
