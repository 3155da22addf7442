"""Distances agree with scipy, on the same shares exactly and on raw values within their bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, entropy, ks_2samp, wasserstein_distance

from lupus_assets.errors import StateError
from lupus_assets.stats import distance
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.reference import quantile_cuts

GRID = Grid(0.0, 1.0)
ON_COUNTS = [distance.psi, distance.jensen_shannon, distance.l_infinity]

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
    value = distance.psi(binned(reference, cuts), binned(current, cuts))
    assert value == pytest.approx(0.0997, abs=0.003)


@given(counts, counts)
def test_psi_is_the_symmetric_entropy_of_the_smoothed_shares(a, b):
    expected = entropy(a + 0.5, b + 0.5) + entropy(b + 0.5, a + 0.5)
    assert distance.psi(a, b) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(counts, counts)
def test_jensen_shannon_is_scipys_on_the_smoothed_shares(a, b):
    ours = float(distance.jensen_shannon(a, b))
    if np.array_equal(a, b):
        assert ours == pytest.approx(0, abs=1e-7)  # the root of a rounding error
    else:
        theirs = jensenshannon(a + 0.5, b + 0.5)
        assert ours**2 == pytest.approx(theirs**2, abs=1e-12)


@given(counts, counts)
def test_chi_square_is_scipys_without_correction_on_the_smoothed_counts(a, b):
    ours = distance.chi_square(a, b)
    theirs = chi2_contingency(np.stack([a, b]) + 0.5, correction=False)
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-12, abs=1e-12)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-12)


def test_l_infinity_is_the_largest_difference_of_a_smoothed_share():
    assert distance.l_infinity([9, 0], [0, 9]) == pytest.approx(0.9)


@given(counts, counts)
def test_distances_on_counts_are_symmetric_and_in_their_ranges(a, b):
    for measure in ON_COUNTS:
        assert measure(a, b) == pytest.approx(measure(b, a), abs=1e-12)
        assert measure(a, b) >= 0
    assert distance.jensen_shannon(a, b) <= np.sqrt(np.log(2))
    assert distance.l_infinity(a, b) < 1


@pytest.mark.parametrize("measure", [*ON_COUNTS, lambda a, b: distance.chi_square(a, b).p])
def test_many_windows_at_once_give_what_each_gives_alone(measure):
    rng = np.random.default_rng(1)
    reference, windows = rng.integers(0, 99, 11), rng.integers(0, 99, (4, 3, 11))
    together = measure(reference, windows)
    assert together.shape == (4, 3)
    assert together[2, 1] == measure(reference, windows[2, 1])


@pytest.mark.parametrize("measure", [*ON_COUNTS, distance.chi_square])
def test_a_window_without_rows_is_refused(measure):
    with pytest.raises(ValueError, match="without rows"):
        measure([1, 2], [0, 0])
    with pytest.raises(ValueError, match="without rows"):
        measure([0, 0], [[1, 2], [3, 4]])


@pytest.mark.parametrize("measure", [*ON_COUNTS, distance.chi_square])
def test_bins_that_are_not_aligned_are_refused(measure):
    with pytest.raises(ValueError, match="3 reference bins against 1"):
        measure([1, 2, 3], [4])


def test_one_bin_leaves_nothing_to_compare():
    assert distance.chi_square([5], [7]) == (0, 1)
    assert distance.psi([5], [7]) == 0


def test_psi_without_drift_is_on_average_what_the_sample_sizes_say():
    rng = np.random.default_rng(2)
    a = rng.multinomial(2000, np.full(10, 0.1), size=3000)
    b = rng.multinomial(500, np.full(10, 0.1), size=3000)
    assert distance.psi(a, b).mean() == pytest.approx(distance.expected_psi(10, 2000, 500), rel=0.03)
    with pytest.raises(ValueError, match="without rows"):
        distance.expected_psi(10, 0, 5)


def test_ks_is_scipys_within_the_largest_mass_of_a_bin():
    x, y = normal_pair()
    reference, current = Histogram.of(x, GRID), Histogram.of(y, GRID)
    largest = max((h.counts / h.total).max() for h in (reference, current))
    exact = ks_2samp(x, y).statistic
    assert exact - largest <= distance.ks(reference, current) <= exact + 1e-12


def test_ks_of_repeated_values_is_exact():
    x, y = np.repeat([1.0, 2.0, 3.0], [5, 3, 2]), np.repeat([1.0, 2.0, 4.0], [1, 3, 6])
    ours = distance.ks(Histogram.of(x, GRID), Histogram.of(y, GRID))
    assert ours == pytest.approx(ks_2samp(x, y).statistic, abs=1e-12)


def test_wasserstein_is_scipys_within_a_two_hundredth_of_a_standard_deviation():
    x, y = normal_pair()
    ours = distance.wasserstein(Histogram.of(x, GRID), Histogram.of(y, GRID))
    assert ours == pytest.approx(wasserstein_distance(x, y), abs=0.005 * x.std())


@pytest.mark.parametrize("measure", [distance.ks, distance.wasserstein])
def test_a_histogram_is_at_distance_zero_from_itself(measure):
    histogram = Histogram.of(normal_pair()[0], GRID)
    assert measure(histogram, histogram) == 0


@pytest.mark.parametrize("measure", [distance.ks, distance.wasserstein])
def test_histograms_that_are_empty_or_on_different_grids_are_refused(measure):
    full, empty = Histogram.of(np.ones(3), GRID), Histogram.of(np.empty(0), GRID)
    with pytest.raises(ValueError, match="without values"):
        measure(full, empty)
    with pytest.raises(StateError, match="different grids"):
        measure(full, Histogram.of(np.ones(3), Grid(1.0, 1.0)))
