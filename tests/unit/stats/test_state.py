from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.state import State, add_counts, require_same_kind, tally, union


@dataclass(frozen=True, eq=False)
class Box(State):
    """A state of anything."""

    content: object


def arrays_of(keys: dict[int, int]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    ordered = sorted(keys)
    return np.array(ordered, np.uint64), np.array([keys[k] for k in ordered], np.int64)


@pytest.mark.parametrize(
    "content",
    [1, 0.5, float("nan"), "a", None, (1, np.arange(3)), {"a": np.arange(3)}, np.array([np.nan, 1.0])],
)
def test_a_state_equals_one_of_the_same_content(content: object) -> None:
    assert Box(content) == Box(content)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (np.arange(3), np.arange(4)),
        (np.arange(3), np.arange(3, dtype=np.int32)),
        (np.arange(3), 3),
        ((np.arange(3),), (np.arange(3), 1)),
        ({"a": np.arange(3)}, {"b": np.arange(3)}),
        (float("nan"), 1.0),
        (None, 0),
    ],
)
def test_a_state_differs_from_one_of_other_content(left: object, right: object) -> None:
    assert Box(left) != Box(right)
    assert Box(right) != Box(left)


def test_a_state_differs_from_what_is_no_state() -> None:
    assert Box(1) != 1


def test_states_have_no_hash() -> None:
    with pytest.raises(TypeError):
        hash(Box(1))


def test_different_kinds_cannot_be_added_and_the_error_names_both() -> None:
    with pytest.raises(StateError, match="a Box and a int"):
        require_same_kind(Box(1), 1)


@given(st.lists(st.lists(st.integers(0, 50)), min_size=1, max_size=3))
def test_a_union_is_sorted_and_unique(parts: list[list[int]]) -> None:
    expected = sorted({key for part in parts for key in part})
    assert union(*(np.array(part, np.uint64) for part in parts)).tolist() == expected


@given(*[st.dictionaries(st.integers(0, 2**64 - 1), st.integers(1, 9))] * 2)
def test_sparse_counts_add_as_dictionaries_do(left: dict[int, int], right: dict[int, int]) -> None:
    keys, counts, left_at, right_at = add_counts(*arrays_of(left), *arrays_of(right))
    expected = {key: left.get(key, 0) + right.get(key, 0) for key in left | right}
    assert dict(zip(keys.tolist(), counts.tolist(), strict=True)) == expected
    assert keys[left_at].tolist() == sorted(left)
    assert keys[right_at].tolist() == sorted(right)


@given(st.integers(1, 8), st.data())
def test_places_are_counted_whatever_their_number_and_type(size, data):
    places = data.draw(st.lists(st.integers(0, size - 1), max_size=30))
    for dtype in (np.uint8, np.int32, np.intp):
        found = tally(np.array(places, dtype), size)
        assert found.tolist() == [places.count(at) for at in range(size)]
