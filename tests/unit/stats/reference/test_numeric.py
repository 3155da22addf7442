"""A reference's bins, ranks and limits say where a current window lies."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata

from lupus_assets.errors import StateError
from lupus_assets.measuring.column import numeric_drift
from lupus_assets.stats import codec
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.distance.binning import quantile_cuts
from lupus_assets.stats.distance.pair import smoothed
from lupus_assets.stats.distance.pooled import chi_square_p
from lupus_assets.stats.distance.shares import l_infinity, psi
from lupus_assets.stats.estimate import Estimate
from lupus_assets.stats.grid import BINS, Grid
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.reference.categorical import CategoricalReference
from lupus_assets.stats.reference.numeric import CLIP, NumericReference

GRID = Grid(0.0, 1.0)
EVERY_BIN = np.arange(BINS, dtype=np.int32)

anything = arrays(
    np.float64,
    st.integers(0, 60),
    elements=st.floats(-1e6, 1e6) | st.just(np.nan) | st.just(np.inf) | st.just(-np.inf) | st.just(3.0),
)


def numeric(x: np.ndarray, grid: Grid = GRID) -> NumericColumn:
    missing = np.isnan(x)
    nulls = int(missing.sum()) // 2  # half of the missing are nulls, the others NaN
    return NumericColumn.of(np.delete(x, np.flatnonzero(missing)[:nulls]), nulls, grid)


def categorical(values: list[str], nulls: int = 0) -> CategoricalColumn:
    distinct, counts = np.unique(np.array(values, dtype=object), return_counts=True)
    return CategoricalColumn.of(list(distinct), counts, nulls, salt=b"salt")


def normal(n: int = 5000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, n)


@pytest.fixture(scope="module")
def reference() -> NumericReference:
    return NumericReference.of(numeric(normal()))


def test_a_smooth_column_is_cut_into_ten_nearly_equal_bins(reference):
    assert reference.reference_counts.size == 12
    assert reference.reference_counts[-2:].tolist() == [0, 0]
    assert np.all(np.abs(reference.reference_counts[:-2] - 500) < 25)


def test_ties_leave_fewer_bins_and_keep_the_repeated_value_to_itself():
    x = np.concatenate([-1 - np.arange(20.0), np.zeros(60), 1 + np.arange(20.0)])
    cuts = quantile_cuts(Histogram.of(x, GRID), 10)
    zero = np.searchsorted(cuts, GRID.bins(np.zeros(1)), side="right")[0]
    counts = np.bincount(np.searchsorted(cuts, GRID.bins(x), side="right"))
    assert counts[zero] == 60
    assert counts.sum() == 100
    assert counts.size < 10


@pytest.mark.parametrize(("x", "counts"), [(np.empty(0), [0, 0]), (np.full(5, 2.0), [5, 0, 0])])
def test_an_empty_column_has_no_part_and_a_constant_one(x, counts):
    assert quantile_cuts(Histogram.of(x, GRID), 10).size == 0
    assert NumericReference.of(numeric(x)).reference_counts.tolist() == counts


@given(anything, anything)
def test_every_row_is_binned_once(x, y):
    counts = NumericReference.of(numeric(x)).binned(numeric(y))
    assert counts.dtype == np.int64
    assert counts.sum() == y.size
    assert counts[-1] == np.isnan(y).sum()


def test_infinities_and_what_is_beyond_the_extremes_are_outside_of_all_parts(reference):
    counts = reference.binned(numeric(np.array([-np.inf, np.inf, np.inf, -99.0, 99.0, 0.0])))
    assert counts[-2] == 5


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([50.0], [1e6]),
        ([0.0, 1.0], [0.0, 100.0]),
        ([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 7.0]),
        ([0.0, 10.0], [0.0, 7.0]),
        ([1.0, 2.0], [-9.0, 2.0]),
        ([1 / 3, 2 / 3], [1 / 3, 0.5]),
    ],
)
def test_a_value_that_the_reference_has_not_is_outside_although_it_has_few(before, after):
    old, new = (np.tile(values, 100) for values in (before, after))
    old_column, new_column = (numeric(each, Grid.of(old)) for each in (old, new))
    reference = NumericReference.of(old_column)
    counts = reference.binned(new_column)
    assert counts[-2] == np.count_nonzero(~np.isin(new, old))
    shares = smoothed(reference.reference_counts, counts)
    assert psi(*shares) > 0.5
    assert l_infinity(*shares) > 0.2
    assert chi_square_p(*reference.pooled(new_column)) < 1e-6


def test_what_lies_between_a_repeated_value_and_a_spread_of_values_is_of_the_spread(reference):
    rng = np.random.default_rng(4)
    old = np.concatenate([np.zeros(500), rng.uniform(5, 9, 500), np.full(300, 20.0)])
    counts = NumericReference.of(numeric(old)).binned(numeric(np.array([1.0, 4.9, 12.0, 19.0])))
    assert counts[-2] == 0
    assert (counts[0], counts[-3]) == (0, 0)  # neither of 0 nor of 20


@given(anything, anything, st.integers(0, 60))
def test_binned_windows_add_up(x, y, at):
    reference = NumericReference.of(numeric(x))
    parts = reference.binned(numeric(y[:at])) + reference.binned(numeric(y[at:]))
    assert np.array_equal(parts, reference.binned(numeric(y)))


def test_ranks_are_the_mid_ranks_of_repeated_values():
    x = np.array([1.0, 2.0, 2.0, 5.0, 7.0, 7.0, 7.0])
    reference = NumericReference.of(numeric(x))
    assert reference.ranks(GRID.bins(x)) == pytest.approx((rankdata(x) - 0.5) / x.size)
    assert reference.ranks(GRID.bins(np.array([-9.0, 3.0, 99.0]))) == pytest.approx([0, 3 / 7, 1])


@given(anything)
def test_ranks_rise_from_zero_to_one(x):
    reference = NumericReference.of(numeric(x))
    ranks = reference.ranks(EVERY_BIN)
    assert np.all(np.diff(ranks) >= 0)
    assert 0 <= ranks[0] <= ranks[-1] <= 1
    if np.isfinite(x).any():
        assert reference.mean_rank(reference.column).value == pytest.approx(0.5)


@given(anything, anything)
def test_ranks_and_clipped_means_are_to_the_bit_those_of_a_table_of_all_bins(x, y):
    reference, current = NumericReference.of(numeric(x)), numeric(y)
    histogram = reference.column.histogram
    own = np.zeros(BINS)
    own[histogram.bins] = histogram.counts
    table = (np.cumsum(own) - own / 2) / max(histogram.total, 1)
    assert reference.ranks(EVERY_BIN).tobytes() == table.tobytes()
    if histogram.total and current.histogram.total:
        median = float(histogram.quantile(0.5))
        clipped = np.clip(GRID.middle(EVERY_BIN), median - CLIP, median + CLIP)
        means = [float(each[current.histogram.bins] @ current.histogram.counts) / current.histogram.total
                 for each in (table, np.abs(table - 0.5), clipped)]  # fmt: skip
        estimates = (reference.mean_rank, reference.rank_spread, reference.clipped_mean)
        assert [estimate(current).value for estimate in estimates] == means


def test_measuring_against_a_reference_keeps_no_table_of_its_bins():
    """A table of all bins has 512 KiB, and a reference of 40 columns and 20 segments 840 columns."""
    references = [NumericReference.of(numeric(normal(500, seed))) for seed in range(20)]
    current = numeric(normal(500, 99))
    tracemalloc.start()
    try:
        for reference in references:
            for _ in numeric_drift(current, reference):
                pass
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 4_096 * len(references)


def test_mean_and_spread_of_ranks_are_those_of_the_rows_with_their_sampling_variance(reference):
    y = normal(400, seed=1) * 1.2 + 0.3
    u = reference.ranks(GRID.bins(y))
    for estimate, rows in [
        (reference.mean_rank(numeric(y)), u),
        (reference.rank_spread(numeric(y)), np.abs(u - 0.5)),
    ]:
        assert estimate.value == pytest.approx(rows.mean(), rel=1e-12)
        assert estimate.variance == pytest.approx(rows.var(ddof=1) / 400, rel=1e-9)
        assert estimate.n == 400


def test_a_clipped_mean_is_the_mean_until_a_value_is_twelve_spreads_out(reference):
    x = normal(500, 7)
    of = reference.clipped_mean(numeric(x))
    assert of.value == pytest.approx(x.mean(), abs=2e-3)
    assert of.variance == pytest.approx(x.var(ddof=1) / x.size, rel=0.02)
    wild = reference.clipped_mean(numeric(np.append(x, 1e9)))
    assert wild.value == pytest.approx((x.sum() + 12) / 501, abs=1e-2)
    assert reference.clipped_mean(numeric(np.empty(0))).reason is not None


def test_the_five_most_frequent_values_are_counted_by_name():
    reference = CategoricalReference.of(categorical(list("aaaaaabbbbbccccddde") + ["f"] * 10))
    assert reference.named(categorical(list("fffabz"))).tolist() == [3, 1, 1, 0, 0]


def test_ranks_without_values_have_a_reason(reference):
    empty = numeric(np.array([np.nan, np.inf]))
    assert reference.mean_rank(empty) == Estimate.undefined("the window holds no finite values")
    assert NumericReference.of(empty).rank_spread(numeric(np.ones(2))) == Estimate.undefined(
        "the reference holds no finite values", 2
    )
    assert reference.mean_rank(numeric(np.ones(1))).variance is None


def test_limits_leave_the_widest_of_their_margins():
    uniform = NumericReference.of(numeric(np.linspace(0, 100, 1001)))
    assert uniform.limits == pytest.approx((-25, 125))
    heavy = NumericReference.of(numeric(np.append(np.linspace(0, 1, 1000), 101.0)))
    low, high = heavy.limits
    assert low == pytest.approx(-25.25)
    assert high == pytest.approx(201, rel=0.01)
    lumps = np.append(np.repeat([0.0, 1.0], 500), 3.0)  # too few beyond the quantile to have a tail
    assert NumericReference.of(numeric(lumps)).limits == pytest.approx((-0.75, 5.0), rel=0.03)


def test_a_tail_that_falls_like_a_power_reaches_as_far_as_ten_times_as_many_values_would():
    """Pareto's tail, of exponent one half but for the median that distances are taken from."""
    values = (1 - np.linspace(0, 1, 20_001)[:-1]) ** -0.5
    away = values - np.median(values)
    start = np.quantile(away, 0.98)
    exponent = np.log(away[away > start] / start).mean()
    assert 0.5 < exponent < 0.6
    low, high = NumericReference.of(numeric(values)).limits
    assert high == pytest.approx(values[-1] + away[-1] * (10**exponent - 1), rel=0.02)
    assert low == pytest.approx(1 - 0.25 * (values[-1] - 1), rel=0.01)


def test_what_lies_beyond_the_limits_is_counted_with_infinities():
    reference = NumericReference.of(numeric(np.linspace(0, 100, 1001)))
    assert reference.out_of_range(reference.column) == 0
    current = numeric(np.array([-30.0, -20.0, 50.0, 120.0, 130.0, 1e9, np.inf, -np.inf, np.nan]))
    assert reference.out_of_range(current) == 5
    assert NumericReference.of(numeric(np.empty(0))).out_of_range(current) is None


def test_a_column_on_another_grid_is_refused(reference):
    other = numeric(np.ones(3), Grid(1.0, 1.0))
    for method in (
        reference.binned,
        reference.pooled,
        reference.mean_rank,
        reference.rank_spread,
        reference.out_of_range,
    ):
        with pytest.raises(StateError, match="another grid"):
            method(other)


def test_the_top_thirty_categories_have_bins_and_the_rest_shares_one():
    values = [str(i) for i in range(40) for _ in range(40 - i)]
    reference = CategoricalReference.of(categorical(values, nulls=3))
    assert reference.top.size == 30
    assert reference.reference_counts.tolist() == [*range(40, 10, -1), sum(range(1, 11)), 3]


def test_every_row_of_a_category_is_binned_once_and_the_unseen_are_counted():
    reference = CategoricalReference.of(categorical(["a", "a", "b"]))
    current = categorical(["a", "b", "b", "c", "d"], nulls=2)
    assert reference.binned(current).tolist() == [1, 2, 2, 2]
    assert reference.unseen(current) == 2
    assert reference.unseen(reference.column) == 0
    part, rest = categorical(["a", "a", "b"]), categorical(["b", "c"])
    assert CategoricalReference.of(part + rest).unseen(part, within=True) == 2  # a is in no other part
    assert reference.unseen(categorical([])) == 0


def test_nothing_is_unseen_by_a_reference_that_was_pruned():
    names = [str(i) for i in range(10_001)]
    pruned = categorical(names)
    assert CategoricalReference.of(pruned).unseen(categorical(["new"])) is None
    assert CategoricalReference.of(categorical(["a"])).unseen(pruned) == 10_000


def test_references_survive_their_bytes_with_what_was_derived(reference):
    read = codec.from_bytes(codec.to_bytes(reference))
    assert read == reference
    assert read.parts == reference.parts
    cities = CategoricalReference.of(categorical(["a", "b"], nulls=1))
    assert codec.from_bytes(codec.to_bytes(cities)) == cities
