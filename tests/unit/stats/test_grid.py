import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.grid import BINS, BLOCK, CENTRE, Grid
from tests.strategies import arrays, finite_arrays, grids

ALL = np.arange(BINS, dtype=np.int32)
UNIT = Grid(0.0, 1.0)


def finite(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return x[np.isfinite(x)]


@given(arrays(), grids())
def test_a_larger_value_never_has_a_lower_bin(x: NDArray[np.float64], grid: Grid) -> None:
    bins = grid.bins(np.sort(finite(x)))
    assert bins.dtype == np.int32
    assert (np.diff(bins) >= 0).all()
    assert ((bins >= 0) & (bins < BINS)).all()


@given(finite_arrays(), grids())
def test_values_lie_within_their_bin(x: NDArray[np.float64], grid: Grid) -> None:
    """Up to the rounding to float32, which is 6e-8 of the distance from the centre."""
    bins = grid.bins(x)
    slack = 1e-7 * np.abs(x - grid.centre) + 1e-40 * grid.scale + 1e-15 * abs(grid.centre)
    assert (grid.lower(bins) - slack <= x).all()
    assert (x <= grid.upper(bins) + slack).all()


def test_a_bin_is_narrower_than_0_8_percent_of_the_distance_from_the_centre() -> None:
    normal = np.float32(1.2e-38)  # below, float32 has fewer than 7 bits of mantissa left
    bins = ALL[(np.abs(UNIT.middle(ALL)) > normal) & (np.abs(UNIT.middle(ALL)) < 3.4e38)]
    width = UNIT.upper(bins) - UNIT.lower(bins)
    nearest = np.minimum(np.abs(UNIT.lower(bins)), np.abs(UNIT.upper(bins)))
    assert bins.size > 60_000
    assert (width < 0.008 * nearest).all()


def test_bins_join_without_gap_and_their_edges_are_finite() -> None:
    for grid in (UNIT, Grid(3.5, 1e-3), Grid(-1e308, 1e300), Grid(0.0, 5e-324)):
        lower, middle, upper = grid.lower(ALL), grid.middle(ALL), grid.upper(ALL)
        assert np.isfinite([lower, middle, upper]).all()
        assert (upper[:-1] == lower[1:]).all()
        assert ((lower <= middle) & (middle <= upper)).all()


@given(grids())
def test_the_middle_of_the_centre_is_the_centre(grid: Grid) -> None:
    bins = grid.bins(np.array([grid.centre]))
    assert bins.tolist() == [CENTRE]
    assert grid.middle(bins).tolist() == [grid.centre]


def test_negative_zero_is_zero() -> None:
    assert UNIT.bins(np.array([-0.0, 0.0])).tolist() == [CENTRE, CENTRE]


def test_both_sides_of_the_centre_mirror_each_other() -> None:
    x = np.geomspace(1e-30, 1e30, 999)
    assert (UNIT.bins(x) + UNIT.bins(-x) == BINS - 1).all()


def test_values_beyond_float32_fall_in_the_outermost_finite_bins() -> None:
    big = float(np.finfo(np.float32).max)
    assert UNIT.bins(np.array([1e300, 1.7e308])).tolist() == UNIT.bins(np.array([big, big])).tolist()
    assert UNIT.bins(np.array([-1e300])).tolist() == UNIT.bins(np.array([-big])).tolist()
    assert Grid(-1.7e308, 1e-300).bins(np.array([1.7e308])).tolist() == UNIT.bins(np.array([big])).tolist()


def test_blocks_do_not_show() -> None:
    x = np.random.default_rng(1).normal(size=2 * BLOCK + 7)
    assert (UNIT.bins(x) == np.concatenate([UNIT.bins(x[:1000]), UNIT.bins(x[1000:])])).all()
    assert (UNIT.bins(x[::3]) == UNIT.bins(x)[::3]).all()


def test_the_grid_of_a_normal_sample_is_its_mean_and_sd() -> None:
    grid = Grid.of(np.random.default_rng(1).normal(5, 2, 100_000))
    assert grid.centre == pytest.approx(5, abs=0.05)
    assert grid.scale == pytest.approx(2, rel=0.02)


@pytest.mark.parametrize(
    ("sample", "grid"),
    [
        ([], Grid(0.0, 1.0)),
        ([np.nan, np.inf], Grid(0.0, 1.0)),
        ([0.1, 0.1, 0.1], Grid(0.1, 1.0)),  # constant
        ([0.0] * 9 + [10.0], Grid(0.0, 3.0)),  # no IQR, but a standard deviation
        ([1.0, 2.0, 3.0, np.nan], Grid(2.0, 1 / 1.349)),
        ([-1.7e308, 1.7e308], Grid(0.0, 1.0)),  # the difference overflows
    ],
)
def test_the_grid_of_an_odd_sample_is_usable(sample: list[float], grid: Grid) -> None:
    assert Grid.of(np.array(sample)) == grid


@given(arrays())
def test_any_sample_has_a_grid(sample: NDArray[np.float64]) -> None:
    grid = Grid.of(sample)
    assert grid.scale > 0


@pytest.mark.parametrize("decimals", range(5))
@pytest.mark.parametrize("single", [False, True])
def test_the_decimals_of_a_sample_are_the_fewest_that_its_values_have(decimals: int, single: bool) -> None:
    x = np.round(np.random.default_rng(1).normal(20, 9, 5_000), decimals)
    x = x.astype(np.float32).astype(np.float64) if single else x
    grid = UNIT.with_decimals(np.append(x, [np.nan, np.inf]))
    assert grid.decimals == decimals
    assert not grid.off(x).any()
    assert grid.off(x * 1.8 + 32.0123).mean() > 0.5  # another unit


@pytest.mark.parametrize(
    "x",
    [
        np.random.default_rng(1).normal(size=5_000),
        np.random.default_rng(1).normal(size=5_000) * 1e9,  # float32 could not tell
        np.round(np.random.default_rng(1).normal(size=5_000), 2) + (np.arange(5_000) % 100 == 0) / 3e3,
        np.empty(0),
        np.full(3, np.nan),
    ],
)
def test_a_sample_on_no_decimal_grid_gives_none(x: NDArray[np.float64]) -> None:
    grid = UNIT.with_decimals(x)
    assert grid.decimals is None
    assert not grid.off(x[np.isfinite(x)]).any()


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
def test_a_scale_that_is_none_is_refused(scale: float) -> None:
    with pytest.raises(StateError, match="scale finite and above 0"):
        Grid(0.0, scale)
