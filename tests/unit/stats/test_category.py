from collections import Counter
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lupus_assets.stats.category import CAP, Categories, hash_value
from tests.strategies import SALT, category_counts


def categories(counts: dict[str, int], cap: int = CAP) -> Categories:
    return Categories.of(list(counts), np.array(list(counts.values()), np.int64), SALT, cap)


def known(state: Categories) -> dict[str | None, int]:
    return dict(zip(state.names, state.counts.tolist(), strict=True))


@given(category_counts())
def test_under_the_cap_counts_are_exact(counts: dict[str, int]) -> None:
    state = categories(counts)
    assert known(state) == {value: n for value, n in counts.items() if n}
    assert state.other == 0
    assert state.total == sum(counts.values())
    assert state.distinct.estimate() == sum(n > 0 for n in counts.values())
    assert state.hashes.tolist() == sorted(hash_value(v, SALT) for v, n in counts.items() if n)


@given(st.lists(category_counts(), min_size=1, max_size=4))
def test_parts_add_to_the_whole_in_any_order(parts: list[dict[str, int]]) -> None:
    whole = categories(dict(reduce(add, map(Counter, parts), Counter())))
    states = [categories(part) for part in parts]
    assert reduce(add, states) == reduce(add, states[::-1]) == whole
    assert reduce(lambda right, left: left + right, states[::-1]) == whole
    assert whole + Categories.empty() == whole


def test_repeated_values_of_a_dictionary_add() -> None:
    state = Categories.of(["a", "b", "a"], np.array([1, 2, 4]), SALT)
    assert known(state) == {"a": 5, "b": 2}


def test_the_hash_is_keyed() -> None:
    assert hash_value("JFK", b"one") != hash_value("JFK", b"other")
    assert hash_value("JFK", SALT) == hash_value("JFK", SALT)
    assert 0 <= hash_value("", SALT) < 2**64


def test_a_broken_string_is_a_value_too() -> None:
    assert categories({"\ud800": 1}).total == 1


def test_beyond_the_cap_the_rarest_go_to_other_and_the_total_stays() -> None:
    counts = {f"v{i}": i for i in range(1, 101)}
    state = categories(counts, cap=10)
    assert known(state) == {f"v{i}": i for i in range(91, 101)}
    assert state.total == sum(counts.values())
    assert state.other == sum(range(1, 91))
    assert state.distinct.estimate() == 100


def test_equally_frequent_values_are_kept_by_hash() -> None:
    counts = {f"v{i}": 1 for i in range(100)}
    state = categories(counts, cap=10)
    assert state.hashes.tolist() == sorted(hash_value(v, SALT) for v in counts)[:10]


def test_a_sum_beyond_the_cap_is_cut_again() -> None:
    left = categories({f"a{i}": 1 + i for i in range(CAP)})
    right = categories({f"b{i}": 1 + i for i in range(CAP)})
    both = left + right
    assert both.hashes.size == both.counts.size == len(both.names) == CAP
    assert both.total == left.total + right.total
    assert both.counts.min() >= CAP // 2
    assert set(both.names) <= set(left.names) | set(right.names)


def test_a_million_values_are_counted() -> None:
    n = 1_000_000
    state = Categories.of([str(i) for i in range(n)], np.ones(n, np.int64), SALT)
    assert state.total == n
    assert state.hashes.size == CAP
    assert state.distinct.estimate() == pytest.approx(n, rel=0.1)


def test_disclosure_drops_the_names_of_rare_values_and_nothing_else() -> None:
    state = categories({"rare": 19, "common": 20})
    shown = state.disclosed()
    assert set(shown.names) == {None, "common"}
    assert shown.counts.tolist() == state.counts.tolist()
    assert set(state.disclosed(at_least=21).names) == {None}
    assert set(state.anonymous().names) == {None}
    assert state.anonymous().total == 39


def test_a_name_known_on_either_side_is_kept() -> None:
    state = categories({"a": 1, "b": 2})
    assert (state + state.anonymous()).names == (state.anonymous() + state).names == state.names


def test_counts_are_found_by_hash() -> None:
    state = categories({"a": 1, "b": 2})
    asked = np.array([hash_value(v, SALT) for v in ("b", "z", "a", "b")], np.uint64)
    assert state.count_of(asked).tolist() == [2, 0, 1, 2]
    assert Categories.empty().count_of(asked).tolist() == [0, 0, 0, 0]


def test_the_top_is_by_count_then_by_hash() -> None:
    state = categories({"a": 1, "b": 3, "c": 3, "d": 2})
    top = state.top(3)
    assert state.counts[top].tolist() == [3, 3, 2]
    assert state.hashes[top[0]] < state.hashes[top[1]]
    assert state.top(99).size == 4


def test_a_label_is_the_name_or_the_begin_of_the_hash() -> None:
    state = categories({"JFK": 1})
    assert state.label(0) == "JFK"
    assert state.anonymous().label(0) == f"#{hash_value('JFK', SALT):016x}"[:13]


def test_the_top_of_many_equally_frequent_values_is_by_hash() -> None:
    """A short list is sorted by insertion, which keeps the order whatever it is asked to."""
    state = categories({f"v{i}": 1 + i % 3 for i in range(600)})
    top = state.top(300)
    expected = sorted(range(600), key=lambda at: (-int(state.counts[at]), int(state.hashes[at])))[:300]
    assert top.tolist() == expected
