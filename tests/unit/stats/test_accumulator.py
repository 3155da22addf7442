from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lupus_assets.stats.accumulator import Coding, NumericAccumulator
from lupus_assets.stats.column import NumericColumn
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.grid import BLOCK, Grid
from lupus_assets.stats.integer_counts import SPAN
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.reference.encoder import NumericEncoder
from lupus_assets.stats.scratch import Scratch
from tests.strategies import arrays, grids

SCRATCH = Scratch()
RNG = np.random.default_rng(1)
MANY = 3 * BLOCK + 1_000


def gathered(pieces, grid, absent=None, *, dense=True) -> NumericColumn:
    accumulator = NumericAccumulator(grid, dense)
    for at, piece in enumerate(pieces):
        accumulator.add(piece, np.empty(0, np.intp) if absent is None else absent[at], SCRATCH)
    return accumulator.state()


def same(found: NumericColumn, expected: NumericColumn, rel: float = 1e-12) -> None:
    """Hold that all is equal but for the rounding of the moments."""
    nothing = Moments.empty()
    assert replace(found, moments=nothing) == replace(expected, moments=nothing)
    mine, theirs = found.moments, expected.moments
    assert mine.n == theirs.n
    assert mine.mean == pytest.approx(theirs.mean, rel=rel, abs=rel * abs(expected.maximum or 0))
    assert mine.m2 == pytest.approx(theirs.m2, rel=1e-9, abs=1e-300)
    assert mine.m4 == pytest.approx(theirs.m4, rel=1e-9, abs=1e-300)
    if np.isfinite(theirs.m3):
        scale = theirs.m2**0.5 * theirs.m4**0.5 if np.isfinite(theirs.m4) else np.inf
        assert mine.m3 == pytest.approx(theirs.m3, rel=1e-9, abs=1e-9 * scale + 1e-300)


def whole(values, grid, nulls=0) -> NumericColumn:
    given = np.asarray(values)
    found = NumericColumn.of(given.astype(np.float64), nulls, grid)
    # Integers that no float holds are told apart.
    return replace(found, distinct=Distinct.of_integers(given)) if given.dtype.kind in "iu" else found


@given(st.lists(arrays(), max_size=4), grids(), st.booleans())
def test_pieces_give_what_the_column_gives_at_once(parts, grid, dense):
    together = np.concatenate([np.empty(0), *parts])
    found, expected = gathered(parts, grid, dense=dense), whole(together, grid)
    nothing = Moments.empty()
    assert replace(found, moments=nothing) == replace(expected, moments=nothing)
    assert found.moments.n == expected.moments.n


@given(st.data(), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=30))
def test_integers_of_any_size_are_those_of_float64_but_for_their_number(data, values):
    array = np.array(values, np.int64)
    cut = data.draw(st.integers(0, array.size))
    grid = Grid(0.0, 1e6)
    found, expected = gathered([array[:cut], array[cut:]], grid), whole(array, grid)
    nothing = Moments.empty()
    assert replace(found, moments=nothing) == replace(expected, moments=nothing)


SHAPES = {
    "normal": RNG.normal(3, 2, MANY),
    "like years": 2013 + RNG.integers(-1, 2, MANY).astype(float),
    "far from the grid": RNG.normal(1e9, 1, MANY),
    "constant": np.full(MANY, 0.1),
    "cents": np.round(RNG.gamma(2, 20, MANY), 2),
    "mostly zero": np.where(RNG.random(MANY) < 0.7, -0.0, RNG.gamma(1, 1, MANY)),
    "with NaN and infinities": np.where(
        RNG.random(MANY) < 0.1, RNG.choice([np.nan, np.inf, -np.inf], MANY), RNG.normal(size=MANY)
    ),
    "denormals": RNG.normal(size=MANY) * 1e-310,
    "huge": RNG.normal(size=MANY) * 1e70,
    "single precision": RNG.normal(size=MANY).astype(np.float32),
    "small integers": RNG.poisson(3, MANY),
    "wide integers": RNG.integers(-(10**12), 10**12, MANY),
    "integers that widen": np.concatenate([RNG.integers(0, 9, BLOCK), RNG.integers(0, 10**9, MANY - BLOCK)]),
    "unsigned": RNG.integers(0, 2**64 - 1, MANY, dtype=np.uint64),
    "bytes": RNG.integers(-128, 128, MANY).astype(np.int8),
    "flags": RNG.random(MANY) < 0.3,
}


@pytest.mark.parametrize("share", [0.0, 0.02, 0.9])
@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("name", SHAPES)
def test_many_values_of_any_shape_with_nulls_among_them(name, dense, share):
    values = SHAPES[name]
    null = np.random.default_rng(2).random(MANY) < share
    places = np.flatnonzero(null)
    grid = Grid(0.5, 2.0)
    cuts = [0, 10, BLOCK + 5, MANY]
    pieces = [values[start:end] for start, end in pairwise(cuts)]
    absent = [np.flatnonzero(null[start:end]) for start, end in pairwise(cuts)]
    found = gathered(pieces, grid, absent, dense=dense)
    same(found, whole(values[~null], grid, places.size))
    same(gathered([values], grid, [places], dense=dense), found)


def test_a_mean_far_from_the_grid_keeps_its_digits():
    values = RNG.normal(1e6, 1e-3, MANY)
    found = gathered(np.split(values, [100, BLOCK]), Grid(0.0, 1.0)).moments
    centred = values - 1e6
    assert found.mean - 1e6 == pytest.approx(centred.mean(), rel=1e-9, abs=1e-9)
    assert found.sd == pytest.approx(values.std(ddof=1), rel=1e-9)


def test_what_is_absent_may_hold_anything():
    values = np.array([1.0, np.nan, 2.0, np.inf, 1e308, 3.0])
    found = gathered([values], Grid(0.0, 1.0), [np.array([1, 3, 4])])
    same(found, whole([1.0, 2.0, 3.0], Grid(0.0, 1.0), 3))
    numbers = np.array([2**62, 5, -(2**62)])
    same(gathered([numbers], Grid(0.0, 1.0), [np.array([0, 2])]), whole([5.0], Grid(0.0, 1.0), 2))


def test_a_block_without_any_value_says_nothing_of_extremes():
    values = np.concatenate([np.full(BLOCK, np.nan), np.full(BLOCK, 7.0), np.full(10, 9.0)])
    absent = np.arange(BLOCK, 2 * BLOCK)
    found = gathered([values], Grid(0.0, 1.0), [absent])
    same(found, whole(np.concatenate([values[:BLOCK], values[2 * BLOCK :]]), Grid(0.0, 1.0), BLOCK))


def test_integers_are_counted_one_by_one_up_to_their_span():
    inside, beyond = np.array([0, SPAN - 1]), np.array([0, SPAN])
    for values in (inside, beyond):
        same(gathered([values, values[::-1]], Grid(0.0, 1.0)), whole(np.tile(values, 2), Grid(0.0, 1.0)))


def test_nothing_gives_the_empty_column():
    assert gathered([], Grid(0.0, 1.0)) == NumericColumn.empty(Grid(0.0, 1.0))
    assert gathered([np.empty(0)], Grid(0.0, 1.0)) == NumericColumn.empty(Grid(0.0, 1.0))


@pytest.mark.parametrize("base", [2**53 - 500, 2**60, -(2**62), 2**63 - 200_000_000])
@pytest.mark.parametrize("step", [1, 90_001])
def test_integers_that_no_float_holds_are_told_apart(base: int, step: int) -> None:
    """As identifiers of eight bytes are; whether they are counted one by one or hashed."""
    values = base + step * np.arange(1_000, dtype=np.int64).repeat(3)
    gathered = NumericAccumulator(Grid(float(base), 1e6))
    gathered.add(values, np.array([0, 1]), Scratch())
    assert gathered.state().distinct.estimate() == 1_000


def test_small_integers_are_the_floats_that_they_are() -> None:
    whole = np.arange(-700, 700)
    assert Distinct.of_integers(whole) == Distinct.of_floats(whole.astype(np.float64))


INTEGERS = st.lists(st.integers(-(2**20), 2**20), max_size=9).map(lambda some: np.array(some, np.int64))


@given(st.lists(st.one_of(arrays(), INTEGERS), max_size=4), st.floats(-1e6, 0), st.floats(0, 1e6), st.data())
def test_all_values_are_within_a_range_or_some_is_beyond(parts, low, high, data):
    accumulator, beyond = NumericAccumulator(Grid(0.0, 1.0)), False
    for part in parts:
        absent = np.flatnonzero([data.draw(st.booleans()) for _ in part])
        accumulator.add(part, absent, SCRATCH)
        present = np.delete(part, absent)
        beyond |= bool(np.any((present < low) | (present > high)))
        assert accumulator.within(low, high) is not beyond


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("size", [1, 100, BLOCK, MANY])
def test_codes_found_on_the_way_are_those_of_the_encoder(size, dense):
    x = RNG.normal(50, 10, size)
    x[RNG.random(size) < 0.05] = np.nan
    x[RNG.random(size) < 0.05] = np.inf
    x[size // 2 :: 7] = -1e300
    absent = np.flatnonzero(RNG.random(size) < 0.1)
    x[absent[::2]] = np.nan
    encoder = NumericEncoder.of(NumericColumn.of(RNG.normal(50, 10, 5_000), 0, Grid(50.0, 10.0)))
    coding = Coding.of(encoder, size)
    NumericAccumulator(Grid(50.0, 10.0), dense).add(x, absent, SCRATCH, coding)
    assert np.array_equal(coding.codes, encoder.encode(x, absent, Grid(50.0, 10.0)))


@pytest.mark.parametrize("absent", [np.arange(500), np.arange(250)], ids=["null", "null or not finite"])
def test_values_none_of_which_is_finite_have_the_code_of_null(absent):
    encoder = NumericEncoder.of(NumericColumn.of(RNG.normal(0, 1, 5_000), 0, Grid(0.0, 1.0)))
    coding = Coding.of(encoder, 500)
    NumericAccumulator(Grid(0.0, 1.0)).add(np.full(500, np.nan), absent, SCRATCH, coding)
    assert coding.codes.tolist() == [encoder.width - 1] * 500


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.bool_])
@pytest.mark.parametrize("size", [5, BLOCK + 5])
def test_room_that_is_new_serves_every_kind_of_number(kind, size):
    values = (np.arange(size) % 7).astype(kind)
    accumulator, absent = NumericAccumulator(Grid(0.0, 1.0)), np.array([1, size - 2])
    accumulator.add(values, absent, Scratch())
    present = np.delete(values, absent).astype(np.float64)
    same(accumulator.state(), NumericColumn.of(present, 2, Grid(0.0, 1.0)))
