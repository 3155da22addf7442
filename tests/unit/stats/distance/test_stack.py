"""Stacked windows give the very numbers that adding the states and comparing them two by two gives."""

from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from lupus_assets.errors import StateError
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.distance.categorical import CategoricalStack
from lupus_assets.stats.distance.distributions import DISTRIBUTIONS
from lupus_assets.stats.distance.expectation import expected_psi
from lupus_assets.stats.distance.numeric import NumericStack
from lupus_assets.stats.distance.pair import gaps, smoothed
from lupus_assets.stats.distance.pooled import POOLED
from lupus_assets.stats.distance.shares import SHARES
from lupus_assets.stats.distance.stack import distances
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.histogram import all_values
from lupus_assets.stats.reference.categorical import CategoricalReference
from lupus_assets.stats.reference.numeric import NumericReference
from tests.strategies import SALT, arrays, category_counts

GRID = Grid(0.0, 1.0)
ORDER = [each.name for each in (*SHARES, *POOLED)]
OF_NUMBERS = [*ORDER, *(each.name for each in DISTRIBUTIONS)]


def numeric(values: np.ndarray, nulls: int = 1) -> NumericColumn:
    return NumericColumn.of(values, nulls, GRID)


def categorical(counts: dict[str, int], nulls: int = 1) -> CategoricalColumn:
    return CategoricalColumn.of(list(counts), np.array(list(counts.values()), np.int64), nulls, SALT)


def expected(reference, new) -> list[float]:
    a, b = reference.reference_counts, reference.binned(new)
    of_shares = [float(each.function(*smoothed(a, b))) for each in SHARES]
    return of_shares + [float(each.function(*reference.pooled(new))) for each in POOLED]


@settings(deadline=None)
@given(st.lists(arrays(), min_size=2, max_size=6), st.data())
def test_windows_of_a_stack_are_the_sums_of_its_partitions(parts, data):
    columns = [numeric(part) for part in parts]
    split = data.draw(st.integers(1, len(columns) - 1))
    old, new = (reduce(add, some) for some in (columns[:split], columns[split:]))
    stack = NumericStack.of([columns[:split], columns[split:]])
    found = stack.distances(0)
    assert stack.rows.tolist() == [old.rows, new.rows]
    np.testing.assert_allclose(
        [found[name][1] for name in ORDER], expected(NumericReference.of(old), new), rtol=1e-12
    )
    reference = NumericReference.of(old)
    counts = reference.reference_counts
    alone = expected_psi(counts, reference.parts.forecast(counts), new.rows)
    assert stack.expected_psi(0, new.rows) == pytest.approx(alone, rel=1e-12)
    if old.finite and new.finite:
        pair = gaps(old.histogram, new.histogram, all_values(old.values, new.values))
        for each in DISTRIBUTIONS:
            assert found[each.name][1] == each.function(*pair)
        assert stack.quantile(1, 0.5) == float(new.quantiles(0.5))
    else:
        assert np.isnan([found["ks"][1], found["wasserstein"][1]]).all()


@settings(deadline=None)
@given(st.lists(category_counts(), min_size=2, max_size=6), st.data())
def test_categories_are_compared_on_the_references_most_frequent(parts, data):
    columns = [categorical(part) for part in parts]
    split = data.draw(st.integers(1, len(columns) - 1))
    old, new = (reduce(add, some) for some in (columns[:split], columns[split:]))
    found = CategoricalStack.of([columns[:split], columns[split:]]).distances(0)
    np.testing.assert_allclose(
        [found[name][1] for name in ORDER],
        expected(CategoricalReference.of(old), new),
        rtol=1e-12,
    )


@settings(deadline=None)
@given(st.lists(arrays(), min_size=1, max_size=5))
def test_all_pairs_are_the_distances_from_each_window_in_turn(parts):
    stack = NumericStack.of([[numeric(part)] for part in parts])
    pairs = stack.pairs()
    for at in range(len(parts)):
        for name, values in stack.distances(at).items():
            np.testing.assert_allclose(pairs[name][at], values, rtol=1e-9)


def test_all_pairs_of_categories_too():
    stack = CategoricalStack.of([[categorical({"a": n, "b": 100 - n})] for n in (10, 50, 90)])
    pairs = stack.pairs()
    np.testing.assert_array_equal(pairs["psi"][1], stack.distances(1)["psi"])
    assert pairs["psi"][0, 2] > pairs["psi"][0, 1] > pairs["psi"][0, 0] == 0


@pytest.mark.parametrize("rows", [(40_000, 40_000), (400, 40_000), (40_000, 400), (60, 60), (40_000, 0)])
@pytest.mark.parametrize("values", [10, 40, 200, 2_000])
def test_the_most_frequent_of_two_windows_are_those_of_their_sum(rows, values):
    rng = np.random.default_rng(values)
    shares = rng.dirichlet(np.full(values, 0.5), 2)  # what is frequent in one window is rare in the other
    columns = [
        categorical({str(at): n for at, n in enumerate(rng.multinomial(size, share).tolist()) if n})
        for size, share in zip(rows, shares, strict=True)
    ]
    found = CategoricalStack.of([[column] for column in columns]).pooled(0)[:, 1]
    expected = CategoricalReference.of(columns[0]).pooled(columns[1])
    top = expected.shape[1] - 2
    np.testing.assert_array_equal(found[:, 2 : 2 + top], expected[:, :top])
    np.testing.assert_array_equal(found[:, :2], expected[:, top:])
    assert not found[:, 2 + top :].any()


def test_all_pairs_of_many_categories_are_the_distances_from_each_window_in_turn():
    rng = np.random.default_rng(5)
    windows = [
        [categorical({str(at): n for at, n in enumerate(rng.poisson(mean, 700).tolist()) if n})]
        for mean in (0.1, 1, 1, 20)
    ]
    stack = CategoricalStack.of(windows)
    pairs = stack.pairs()
    for at in range(len(windows)):
        for name, values in stack.distances(at).items():
            np.testing.assert_allclose(pairs[name][at], values, rtol=1e-9)


def test_columns_are_compared_together_as_each_alone():
    rng = np.random.default_rng(6)
    stacks = [
        NumericStack.of([[numeric(rng.normal(0, 1, n))] for n in (500, 50)]),
        NumericStack.of([[numeric(np.repeat(rng.normal(0, 1, 3), n), 0)] for n in (200, 0)]),
        CategoricalStack.of([[categorical({"a": n, "b": 7})] for n in (10, 50)]),
        NumericStack.of([[numeric(rng.normal(0, 1, n))] for n in (0, 40)]),
        CategoricalStack.of([[categorical({str(n): n for n in range(1, most)})] for most in (60, 50)]),
    ]
    for stack, found in zip(stacks, distances(stacks, 0), strict=True):
        for name, values in stack.distances(0).items():
            np.testing.assert_allclose(found[name], values, rtol=1e-12)


def test_ks_is_scipys_to_within_the_largest_bin():
    rng = np.random.default_rng(3)
    old, new = rng.normal(0, 1, 20_000), rng.normal(0.2, 1.1, 5_000)
    columns = [numeric(old, 0), numeric(new, 0)]
    found = NumericStack.of([[column] for column in columns]).distances(0)["ks"][1]
    exact = ks_2samp(old, new).statistic
    largest = max(column.histogram.largest_mass for column in columns)
    assert exact - largest <= found <= exact


def test_a_window_without_rows_has_no_distance():
    found = NumericStack.of([[numeric(np.ones(3))], [numeric(np.empty(0), 0)]])
    assert all(np.isnan(found.distances(0)[name][1]) for name in OF_NUMBERS)
    assert all(np.isnan(found.distances(1)[name]).all() for name in ORDER)
    assert found.quantile(1, 0.5) is None


def test_a_window_without_partitions_is_one_without_rows():
    stack = NumericStack.of([[], [numeric(np.ones(3))]])
    assert stack.rows.tolist() == [0, 4]
    assert all(np.isnan(values).all() for values in stack.distances(0).values())


def test_windows_on_other_grids_are_refused():
    other = NumericColumn.of(np.ones(3), 0, Grid(1.0, 1.0))
    with pytest.raises(StateError, match="profile them with one reference"):
        NumericStack.of([[numeric(np.ones(3))], [other]])
