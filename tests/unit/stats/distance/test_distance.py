"""Distances agree with scipy, on the same shares exactly and on raw values within their bounds."""

from collections.abc import Callable
from itertools import product
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, entropy, ks_2samp, kstest, wasserstein_distance

from lupus_assets.errors import StateError
from lupus_assets.stats.column import NumericColumn
from lupus_assets.stats.distance import distributions, shares
from lupus_assets.stats.distance.binning import forecast_categories, quantile_cuts
from lupus_assets.stats.distance.categorical import CategoricalStack
from lupus_assets.stats.distance.distributions import DISTRIBUTIONS
from lupus_assets.stats.distance.expectation import expected_psi
from lupus_assets.stats.distance.marginal import CategoricalMarginal, CategoryCounts, NumericMarginal
from lupus_assets.stats.distance.numeric import NumericStack
from lupus_assets.stats.distance.pair import gaps, smoothed
from lupus_assets.stats.distance.pooled import POOLED, chance, chi_square, chi_square_p
from lupus_assets.stats.distance.shares import SHARES
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.histogram import Histogram

GRID = Grid(0.0, 1.0)


def on_counts(function):
    return lambda a, b: function(*smoothed(a, b))


def of_histograms(function):
    return lambda reference, current: function(*gaps(reference, current))


psi, jensen_shannon, l_infinity = map(on_counts, (shares.psi, shares.jensen_shannon, shares.l_infinity))
ks, wasserstein = map(of_histograms, (distributions.ks, distributions.wasserstein))
ON_SHARES = [on_counts(each.function) for each in SHARES]
ON_COUNTS = [*ON_SHARES, *(each.function for each in POOLED)]
OF_HISTOGRAMS = [of_histograms(each.function) for each in DISTRIBUTIONS]

counts = arrays(np.int64, 7, elements=st.integers(0, 10_000)).filter(lambda c: c.sum() > 0)


def normal_pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(0, 1, 5000), rng.normal(0.3, 1.2, 800)


def binned(histogram: Histogram, cuts: np.ndarray) -> np.ndarray:
    bins = np.searchsorted(cuts, histogram.bins, side="right")
    return np.bincount(bins, histogram.counts, cuts.size + 1).astype(np.int64)


def test_psi_is_near_the_one_of_exact_quantiles_without_smoothing():
    reference, current = (Histogram.of(x, GRID) for x in normal_pair())
    cuts = quantile_cuts(reference, 10)
    value = psi(binned(reference, cuts), binned(current, cuts))
    assert value == pytest.approx(0.0997, abs=0.003)


def with_half_a_row(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half a row in every bin of the smaller side, and in the larger as much of its rows."""
    n, m = a.sum(), b.sum()
    return a + 0.5 * n / min(n, m), b + 0.5 * m / min(n, m)


@given(counts, counts)
def test_psi_is_the_symmetric_entropy_of_the_smoothed_shares(a, b):
    p, q = with_half_a_row(a, b)
    expected = entropy(p, q) + entropy(q, p)
    assert psi(a, b) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(counts, counts)
def test_jensen_shannon_is_scipys_on_the_smoothed_shares(a, b):
    ours = float(jensen_shannon(a, b))
    p, q = with_half_a_row(a, b)
    if np.allclose(a * b.sum(), b * a.sum()):
        assert ours == pytest.approx(0, abs=1e-7)  # the root of a rounding error
    else:
        assert ours**2 == pytest.approx(jensenshannon(p, q) ** 2, abs=1e-12)


@given(counts, counts)
def test_the_chi_square_statistic_is_scipys_without_correction_on_the_bins_that_are_filled(a, b):
    ours = chi_square(a, b)
    filled = a + b > 0
    theirs = chi2_contingency(np.stack([a, b])[:, filled], correction=False)
    assert ours == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-9)


def test_the_chi_square_p_value_of_many_rows_is_scipys():
    a, b = np.array([4_000, 3_000, 2_900, 0]), np.array([2_050, 1_480, 1_400, 0])
    theirs = chi2_contingency(np.stack([a, b])[:, :3], correction=False)
    assert chi_square_p(a, b) == pytest.approx(theirs.pvalue, rel=5e-3)


def test_mean_and_variance_of_the_chi_square_statistic_are_those_of_every_way_to_deal_the_rows():
    pooled, rows = np.array([3, 2, 1, 4]), 4
    others = [np.array(each) for each in product(*(range(c + 1) for c in pooled)) if sum(each) == rows]
    ways = np.array([np.prod([comb(c, k) for c, k in zip(pooled, each, strict=True)]) for each in others])
    statistic = np.array([float(chi_square(pooled - each, each)) for each in others])
    mean = ways @ statistic / ways.sum()
    variance = ways @ (statistic - mean) ** 2 / ways.sum()
    found = chance(np.array(6.0), np.array(4.0), np.array(4), np.array((1 / pooled).sum()))
    assert found == pytest.approx((mean, variance), rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 2), (2, 1)])
def test_a_handful_of_rows_has_no_p_value_but_one(n, m):
    assert chi_square_p([n, 0], [0, m]) == 1


ZIPF = 1 / np.arange(1, 201) ** 1.2
ZIPF /= ZIPF.sum()
SIZES = [(28_000, 28_000), (28_000, 1_000), (28_000, 200), (200, 28_000)]


def numbers(rng: np.random.Generator, rows: int) -> NumericMarginal:
    return NumericMarginal(0, 0, 0, 0, Histogram.of(rng.normal(size=rows), GRID))


def integers(rng: np.random.Generator, rows: int) -> NumericMarginal:
    return NumericMarginal(0, 0, 0, 0, Histogram.of(1.0 * rng.poisson(3, rows), GRID))


def categorical(values: np.ndarray) -> CategoricalMarginal:
    hashes, counts = np.unique(values.astype(np.uint64), return_counts=True)
    return CategoricalMarginal(0, CategoryCounts(hashes, counts, 0))


def text(rng: np.random.Generator, rows: int) -> CategoricalMarginal:
    return categorical(np.repeat(np.arange(ZIPF.size), rng.multinomial(rows, ZIPF)))


def distinct(rng: np.random.Generator, rows: int) -> CategoricalMarginal:
    return categorical(rng.integers(0, 2**60, rows))


def nearly_distinct(rng: np.random.Generator, rows: int) -> CategoricalMarginal:
    return categorical(rng.integers(0, 100_000, rows))


def partly_distinct(rng: np.random.Generator, rows: int) -> CategoricalMarginal:
    return categorical(rng.integers(0, 50_000, rows) * rng.integers(0, 2, rows))


def identifiers(rng: np.random.Generator, rows: int) -> NumericMarginal:
    return NumericMarginal(0, 0, 0, 0, Histogram.of(1.0 * rng.integers(0, 2**50, rows), GRID))


def stacked(
    drawn: Callable[..., Any], rng: np.random.Generator, *rows: int
) -> NumericStack | CategoricalStack:
    windows = [[drawn(rng, each)] for each in rows]
    numeric = isinstance(windows[0][0], NumericMarginal)
    return (NumericStack if numeric else CategoricalStack).of(windows)


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("drawn", [numbers, text])
def test_the_chi_square_p_value_is_uniform_where_nothing_happens(n, m, drawn):
    rng = np.random.default_rng(1)
    p = np.array([stacked(drawn, rng, n, m).distances(0)["chi_square_p"][1] for _ in range(1000)])
    assert kstest(p, "uniform").pvalue > 0.001
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.022)  # three standard errors


def test_l_infinity_is_the_largest_difference_of_a_smoothed_share():
    assert l_infinity([9, 0], [0, 9]) == pytest.approx(0.9)


@given(counts, counts)
def test_distances_on_counts_are_symmetric_and_in_their_ranges(a, b):
    for measure in ON_SHARES:
        assert measure(a, b) == pytest.approx(measure(b, a), abs=1e-12)
        assert measure(a, b) >= 0
    assert jensen_shannon(a, b) <= np.sqrt(np.log(2))
    assert l_infinity(a, b) < 1


@pytest.mark.parametrize("measure", ON_COUNTS)
def test_many_windows_at_once_give_what_each_gives_alone(measure):
    rng = np.random.default_rng(1)
    reference, windows = rng.integers(0, 99, 11), rng.integers(0, 99, (4, 3, 11))
    together = measure(reference, windows)
    assert together.shape == (4, 3)
    assert together[2, 1] == measure(reference, windows[2, 1])


@pytest.mark.parametrize("measure", ON_COUNTS)
def test_a_window_without_rows_is_refused(measure):
    with pytest.raises(ValueError, match="without rows"):
        measure([1, 2], [0, 0])
    with pytest.raises(ValueError, match="without rows"):
        measure([0, 0], [[1, 2], [3, 4]])


@pytest.mark.parametrize("measure", ON_COUNTS)
def test_bins_that_are_not_aligned_are_refused(measure):
    with pytest.raises(ValueError, match="3 reference bins against 1"):
        measure([1, 2, 3], [4])


def test_one_bin_leaves_nothing_to_compare():
    assert (chi_square([5], [7]), chi_square_p([5], [7])) == (0, 1)
    assert psi([5], [7]) == 0


@pytest.mark.parametrize(("n", "m"), [(5_000, 5_000), (5_000, 300), (5_000, 20), (300, 5_000), (5_000, 1)])
@pytest.mark.parametrize("drawn", [numbers, integers, text, identifiers])
def test_psi_without_drift_is_on_average_what_is_stated_beside_it(n, m, drawn):
    rng = np.random.default_rng(2)
    stacks = [stacked(drawn, rng, n, m) for _ in range(300)]
    found = [float(stack.distances(0)["psi"][1]) for stack in stacks]
    stated = [stack.expected_psi(0, m) for stack in stacks]
    assert np.mean(found) == pytest.approx(np.mean(stated), rel=0.1, abs=4 * np.std(found) / 300**0.5)


@pytest.mark.parametrize(("n", "m"), [(5_000, 5_000), (5_000, 300), (300, 300), (300, 5_000)])
@pytest.mark.parametrize("drawn", [distinct, nearly_distinct, partly_distinct])
def test_psi_of_identifiers_without_drift_is_on_average_what_is_stated_beside_it(n, m, drawn):
    rng = np.random.default_rng(3)
    stacks = [stacked(drawn, rng, n, m) for _ in range(150)]
    found = [float(stack.distances(0)["psi"][1]) for stack in stacks]
    stated = [stack.expected_psi(0, m) for stack in stacks]
    assert np.mean(found) > 0.0005
    assert np.mean(stated) == pytest.approx(np.mean(found), rel=0.1)


def test_many_values_that_occurred_equally_often_by_design_are_expected_as_often_again():
    counts, frequencies = np.array([24] * 30 + [15, 0]), np.array([24] * 30 + [1] * 15)
    assert forecast_categories(counts, frequencies)[:30] == pytest.approx(23)


def test_psi_is_expected_near_the_textbooks_value_with_a_few_rows_in_every_bin():
    counts = np.full(10, 200)
    assert expected_psi(counts, counts, 500) == pytest.approx(9 * (1 / 2000 + 1 / 500), rel=0.03)
    with pytest.raises(ValueError, match="without rows"):
        expected_psi(counts, counts, 0)
    with pytest.raises(ValueError, match="without rows"):
        expected_psi([0, 0], [0, 0], 5)


@pytest.mark.parametrize("m", [1, 20, 5_000])
def test_a_constant_is_at_distance_zero_from_itself(m):
    old, new = (NumericColumn.of(np.full(rows, 50.0), 0, GRID) for rows in (5_000, m))
    stack = NumericStack.of([[old], [new]])
    found = stack.distances(0)
    assert [found[name][1] for name in ("psi", "jensen_shannon", "l_infinity", "ks", "wasserstein")] == [
        0
    ] * 5
    assert found["chi_square_p"][1] == 1
    assert stack.expected_psi(0, m) == 0


def test_ks_is_scipys_within_the_largest_mass_of_a_bin():
    x, y = normal_pair()
    reference, current = Histogram.of(x, GRID), Histogram.of(y, GRID)
    largest = max((h.counts / h.total).max() for h in (reference, current))
    exact = ks_2samp(x, y).statistic
    assert exact - largest <= ks(reference, current) <= exact + 1e-12


def test_ks_of_repeated_values_is_exact():
    x, y = np.repeat([1.0, 2.0, 3.0], [5, 3, 2]), np.repeat([1.0, 2.0, 4.0], [1, 3, 6])
    ours = ks(Histogram.of(x, GRID), Histogram.of(y, GRID))
    assert ours == pytest.approx(ks_2samp(x, y).statistic, abs=1e-12)


def test_wasserstein_is_scipys_within_a_two_hundredth_of_a_standard_deviation():
    x, y = normal_pair()
    ours = wasserstein(Histogram.of(x, GRID), Histogram.of(y, GRID))
    assert ours == pytest.approx(wasserstein_distance(x, y), abs=0.005 * x.std())


@pytest.mark.parametrize("measure", OF_HISTOGRAMS)
def test_a_histogram_is_at_distance_zero_from_itself(measure):
    histogram = Histogram.of(normal_pair()[0], GRID)
    assert measure(histogram, histogram) == 0


@pytest.mark.parametrize("measure", OF_HISTOGRAMS)
def test_histograms_that_are_empty_or_on_different_grids_are_refused(measure):
    full, empty = Histogram.of(np.ones(3), GRID), Histogram.of(np.empty(0), GRID)
    with pytest.raises(ValueError, match="without values"):
        measure(full, empty)
    with pytest.raises(StateError, match="different grids"):
        measure(full, Histogram.of(np.ones(3), Grid(1.0, 1.0)))
