import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lupus_assets.errors import StateError
from lupus_assets.stats.clusters import BUCKETS, LEAST_TIMES, Clusters, buckets, counted

HOUR = 3_600_000_000
TIMES = np.repeat(np.arange(24, dtype=np.int64) * HOUR, 15)  # fifteen rows an hour


def of(times: np.ndarray, absent: np.ndarray) -> Clusters:
    bucket = buckets(times)
    return Clusters(counted(bucket), {"x": counted(bucket[absent])}, {})


@given(st.lists(st.integers(0, 23 * HOUR), min_size=1, max_size=60), st.data())
def test_clusters_add(times, data):
    at = np.array(times, np.int64)
    absent = np.array(data.draw(st.lists(st.booleans(), min_size=len(times), max_size=len(times))))
    cut = data.draw(st.integers(0, len(times)))
    parts = of(at[:cut], absent[:cut]) + of(at[cut:], absent[cut:])
    whole = of(at, absent)
    assert parts.rows.tolist() == whole.rows.tolist()
    assert parts.absent["x"].tolist() == whole.absent["x"].tolist()


def test_columns_of_one_side_only_stay():
    left = Clusters(np.ones(BUCKETS, np.int64), {"a": np.ones(BUCKETS, np.int64)}, {})
    right = Clusters(np.ones(BUCKETS, np.int64), {}, {"b": np.ones(BUCKETS, np.int64)})
    both = left + right
    assert (list(both.absent), list(both.beyond)) == (["a"], ["b"])
    assert both.without(["a"]).absent == {}


def test_independent_rows_have_an_effect_of_one_on_average():
    """By hand: as many binomial variances as there are rows, but for what the share itself is taken from."""
    rng = np.random.default_rng(3)
    effects = []
    for _ in range(400):
        clusters = of(TIMES, rng.random(TIMES.size) < 0.1)
        effects.append(clusters.design_effect(clusters.absent["x"]))
    own = np.sum((clusters.rows / TIMES.size) ** 2)
    assert np.mean(effects) == pytest.approx(1 - own, abs=0.03)


def test_an_hour_that_is_missing_as_a_whole_counts_about_as_one_row():
    clusters = of(TIMES, TIMES == 5 * HOUR)
    assert clusters.design_effect(clusters.absent["x"]) == pytest.approx(15, rel=0.05)


def test_every_row_is_one_event_of_its_own_kind():
    clusters = of(TIMES, np.ones(TIMES.size, bool))
    assert clusters.design_effect(clusters.absent["x"]) == 0.0


def test_few_times_do_not_tell():
    times = np.repeat(np.arange(LEAST_TIMES - 1, dtype=np.int64) * HOUR, 50)
    clusters = of(times, times == 0)
    assert clusters.design_effect(clusters.absent["x"]) is None


def test_more_events_than_rows_are_refused():
    clusters = of(TIMES, TIMES == 0)
    with pytest.raises(StateError, match="more events than rows; count both over the same rows"):
        clusters.design_effect(clusters.rows + 1)


def test_events_beyond_the_range_and_times_add_as_nulls_do():
    ones, twos = np.ones(BUCKETS, np.int64), np.full(BUCKETS, 2)
    both = Clusters(ones, {"a": ones}, {"b": twos}) + Clusters(twos, {"a": twos, "c": ones}, {"b": ones})
    assert both == Clusters(ones + twos, {"a": ones + twos, "c": ones}, {"b": ones + twos})
    assert both.without(["b", "c"]) == Clusters(ones + twos, {"a": ones + twos}, {})


def test_a_design_effect_is_the_scatter_of_the_counts_over_that_of_a_binomial():
    """And a twentieth of an event more, so that without events there is none."""
    rows = np.zeros(BUCKETS, np.int64)
    rows[:8] = [5, 6, 7, 8, 9, 10, 11, 12]
    events = np.zeros(BUCKETS, np.int64)
    events[:3] = [5, 0, 4]
    share = 9 / 68
    away = sum((event - row * share) ** 2 for event, row in zip(events[:8], rows[:8], strict=True))
    found = Clusters(rows, {}, {}).design_effect(events)
    assert found == pytest.approx(away / (68 * share * (1 - share) + 0.05))
    assert Clusters(rows, {}, {}).design_effect(0 * events) == 0.0
    assert Clusters(rows, {}, {}).design_effect(rows) == 0.0


def test_equal_times_share_a_bucket_and_others_are_spread_over_all():
    found = buckets(np.arange(4_096, dtype=np.int64) * HOUR)
    assert found.dtype == np.uint8
    assert np.unique(found).size == BUCKETS
    assert buckets(TIMES).tolist() == np.repeat(buckets(TIMES[::15]), 15).tolist()
    assert counted(found).shape == (BUCKETS,)
    assert counted(found).sum() == 4_096
