from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.column import (
    CategoricalColumn,
    Column,
    IdentityColumn,
    NumericColumn,
    TimestampColumn,
)
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.grid import Grid
from tests.strategies import SALT, arrays, category_counts, grids, splits

UNIT = Grid(0.0, 1.0)
EMPTY: list[Column] = [
    NumericColumn.empty(UNIT),
    CategoricalColumn.empty(),
    IdentityColumn.empty(),
    TimestampColumn.empty(),
]


def exact(column: NumericColumn) -> tuple[object, ...]:
    """Return all but the moments, which add to rounding only."""
    return tuple(value for name, value in vars(column).items() if name != "moments")


@given(splits(), grids(), st.integers(0, 9))
def test_numeric_parts_add_to_the_whole_in_any_order(
    parts: list[NDArray[np.float64]], grid: Grid, nulls: int
) -> None:
    whole = NumericColumn.of(np.concatenate(parts), nulls * len(parts), grid)
    states = [NumericColumn.of(part, nulls, grid) for part in parts]
    for total in (reduce(add, states), reduce(add, states[::-1])):
        assert exact(total) == exact(whole)
        assert total.finite == whole.finite
    assert whole + NumericColumn.empty(grid) == whole


@given(splits(), grids())
def test_several_added_at_once_are_what_they_are_two_by_two(
    parts: list[NDArray[np.float64]], grid: Grid
) -> None:
    states = [NumericColumn.of(part, 1, grid) for part in parts]
    assert NumericColumn.sum(states) == reduce(add, states)


def test_many_values_added_at_once_are_what_they_are_two_by_two() -> None:
    parts = np.split(np.random.default_rng(1).normal(size=30_000), [3, 900, 1_800, 20_000])
    states = [NumericColumn.of(part, 1, UNIT) for part in [*parts, parts[1]]]
    assert NumericColumn.sum(states) == reduce(add, states)
    older = replace(states[3], distinct=Distinct.older(states[3].distinct.hashes[:1_024]))
    assert NumericColumn.sum([*states, older]) == reduce(add, [*states, older])


@given(arrays(), st.integers(0, 9))
def test_every_row_is_counted_once(values: NDArray[np.float64], nulls: int) -> None:
    column = NumericColumn.of(values, nulls, UNIT)
    odd = column.nulls + column.nans + column.positive_infinities + column.negative_infinities
    assert column.rows == values.size + nulls == odd + column.finite
    assert column.histogram.total == column.finite


def test_nan_and_inf_have_counts_of_their_own() -> None:
    column = NumericColumn.of(np.array([np.nan, np.inf, -np.inf, np.inf, -0.0, 0.0, 3.0]), 2, UNIT)
    assert (column.rows, column.nulls, column.nans) == (9, 2, 1)
    assert (column.positive_infinities, column.negative_infinities, column.zeros) == (2, 1, 2)
    assert (column.minimum, column.maximum, column.moments.mean) == (0.0, 3.0, 1.0)
    assert column.distinct.estimate() == 2


def test_the_minimum_does_not_depend_on_which_zero_came_first() -> None:
    for values in ([0.0, -0.0], [-0.0, 0.0], [-0.0]):
        assert str(NumericColumn.of(np.array(values), 0, UNIT).minimum) == "0.0"


@given(st.lists(category_counts(), min_size=1, max_size=3), st.integers(0, 9))
def test_categorical_parts_add_to_the_whole(parts: list[dict[str, int]], nulls: int) -> None:
    def column(values: list[str], counts: list[int], nulls: int) -> CategoricalColumn:
        return CategoricalColumn.of(values, np.array(counts, np.int64), nulls, SALT)

    values = [value for part in parts for value in part]
    counts = [n for part in parts for n in part.values()]
    whole = column(values, counts, nulls * len(parts))
    assert reduce(add, [column(list(p), list(p.values()), nulls) for p in parts]) == whole
    assert whole.rows == sum(counts) + whole.nulls
    assert whole + CategoricalColumn.empty() == whole


@given(st.lists(st.lists(st.integers(-(2**62), 2**62)), min_size=1, max_size=3), st.integers(0, 9))
def test_timestamp_parts_add_to_the_whole(parts: list[list[int]], nulls: int) -> None:
    times = [time for part in parts for time in part]
    whole = TimestampColumn.of(np.array(times, np.int64), nulls * len(parts))
    assert reduce(add, [TimestampColumn.of(np.array(part, np.int64), nulls) for part in parts]) == whole
    assert (whole.minimum, whole.maximum) == ((min(times), max(times)) if times else (None, None))
    assert whole.rows == len(times) + whole.nulls


@given(st.lists(st.lists(st.integers(0, 2**64 - 1)), min_size=1, max_size=3), st.integers(0, 9))
def test_identity_parts_add_to_the_whole(parts: list[list[int]], nulls: int) -> None:
    hashes = [each for part in parts for each in part]
    whole = IdentityColumn.of(np.array(hashes, np.uint64), nulls * len(parts))
    assert reduce(add, [IdentityColumn.of(np.array(part, np.uint64), nulls) for part in parts]) == whole
    assert whole.distinct.estimate() == len(set(hashes))
    assert whole.rows == len(hashes) + whole.nulls


@pytest.mark.parametrize("left", EMPTY)
@pytest.mark.parametrize("right", EMPTY)
def test_only_columns_of_one_kind_add(left: Column, right: Column) -> None:
    if type(left) is type(right):
        assert left + right == left
    else:
        with pytest.raises(StateError, match="changed its type"):
            left + right
