from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.grid import BINS, Grid
from lupus_assets.stats.histogram import FEW, Histogram
from tests.strategies import finite_arrays, grids, splits

UNIT = Grid(0.0, 1.0)
MANY = np.random.default_rng(1).normal(size=200_000)


@given(splits(finite_arrays), grids())
def test_parts_add_to_the_whole_in_any_order(parts: list[NDArray[np.float64]], grid: Grid) -> None:
    whole = Histogram.of(np.concatenate(parts), grid)
    states = [Histogram.of(part, grid) for part in parts]
    assert reduce(add, states) == whole
    assert reduce(add, states[::-1]) == whole
    assert reduce(lambda right, left: left + right, states[::-1]) == whole
    assert whole + Histogram.empty(grid) == whole


def test_few_and_many_values_are_counted_alike() -> None:
    whole = Histogram.of(MANY, UNIT)
    few = [Histogram.of(part, UNIT) for part in np.array_split(MANY, MANY.size // (FEW - 1) + 1)]
    assert reduce(add, few) == whole
    for histogram in (whole, few[0], Histogram.empty(UNIT)):
        assert histogram.bins.dtype == np.int32
        assert histogram.counts.dtype == np.int64
    assert whole.total == whole.cumulative[-1] == MANY.size


def test_a_smooth_column_has_no_bin_with_much_mass() -> None:
    histogram = Histogram.of(MANY, UNIT)
    assert 2_500 < histogram.bins.size < 4_500
    assert histogram.largest_mass < 0.005


def test_dense_counts_lose_their_empty_bins() -> None:
    dense = np.zeros(BINS, np.int64)
    dense[[3, 5]] = 7, 1
    histogram = Histogram.of_counts(dense, UNIT)
    assert (histogram.bins.tolist(), histogram.counts.tolist()) == ([3, 5], [7, 1])
    assert histogram.largest_mass == 7 / 8


@given(finite_arrays().filter(len), st.floats(0, 1))
def test_a_quantile_misses_its_rank_by_no_more_than_the_largest_mass(
    x: NDArray[np.float64], q: float
) -> None:
    histogram = Histogram.of(x, Grid.of(x))
    value = histogram.quantile(q)
    slack = 1e-7 * abs(value - histogram.grid.centre) + 1e-12 * abs(value) + 1e-30
    assert np.mean(x < value - slack) - histogram.largest_mass <= q + 1e-9
    assert q - 1e-9 <= np.mean(x <= value + slack) + histogram.largest_mass


def test_quantiles_agree_with_those_of_the_values() -> None:
    q = np.array([[0.01, 0.25], [0.5, 0.99]])
    found = Histogram.of(MANY, UNIT).quantile(q)
    assert found.shape == q.shape
    assert found == pytest.approx(np.quantile(MANY, q), abs=0.01)


def test_quantiles_never_decrease_and_stay_finite() -> None:
    q = np.linspace(0, 1, 1_001)
    for histogram in (Histogram.of(MANY, UNIT), Histogram.of(np.array([-1.7e308, 0.0, 1.7e308]), UNIT)):
        values = histogram.quantile(q)
        assert np.isfinite(values).all()
        assert (np.diff(values) >= 0).all()


def test_an_empty_histogram_has_no_mass_and_no_quantiles() -> None:
    empty = Histogram.empty(UNIT)
    assert (empty.total, empty.largest_mass, empty.mass(np.ones(BINS))) == (0, 0.0, 0.0)
    assert empty.cumulative.size == 0
    with pytest.raises(ValueError, match="ask for its total first"):
        empty.quantile(0.5)


@pytest.mark.parametrize("q", [-0.1, 1.1, np.nan, [0.5, 2.0]])
def test_quantiles_are_asked_for_by_probabilities(q: float) -> None:
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        Histogram.of(MANY, UNIT).quantile(q)


def test_mass_sums_a_table_over_the_values() -> None:
    table = np.arange(BINS, dtype=np.float64)
    assert Histogram.of(MANY, UNIT).mass(table) == pytest.approx(UNIT.bins(MANY).sum())


def test_histograms_on_different_grids_cannot_be_added() -> None:
    with pytest.raises(StateError, match="same reference"):
        Histogram.of(MANY, UNIT) + Histogram.of(MANY, Grid(1.0, 1.0))


@settings(deadline=None)
@given(st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=60), st.floats(0, 1))
def test_quantiles_of_values_that_are_told_are_numpys(values, q):
    x = np.array(values)
    found = Histogram.of(x, UNIT).quantile(q, np.unique(x))
    assert found == pytest.approx(np.quantile(x, q), rel=1e-12, abs=1e-12)


def test_values_agree_if_they_are_in_the_bins_that_are_filled_and_in_all():
    histogram = Histogram.of(np.array([1.0, 2.0, 2.0]), UNIT)
    assert histogram.agreeing(np.array([1.0, 2.0])).tolist() == [1.0, 2.0]
    for others in (None, np.array([1.0]), np.array([1.0, 2.0, 7.0]), np.array([1.0, np.nan])):
        assert histogram.agreeing(others) is None
