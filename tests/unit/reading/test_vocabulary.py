from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lupus_assets.reading import vocabulary
from lupus_assets.reading.vocabulary import Vocabulary
from lupus_assets.stats.category import CAP, Categories
from tests.strategies import SALT, category_counts


def counted(parts: list[tuple[int, dict[str, int]]]) -> Vocabulary:
    found = Vocabulary(SALT)
    for group, counts in parts:
        found.add(pa.array(list(counts), pa.string()), np.array(list(counts.values()), np.int64), group)
    return found


def plain(counts: Counter[str]) -> Categories:
    return Categories.of(list(counts), np.array(list(counts.values()), np.int64), SALT)


@settings(deadline=None)  # the first example loads Arrow's functions
@given(st.lists(st.tuples(st.integers(0, 2), category_counts()), max_size=6))
def test_dictionaries_of_any_order_give_the_counts_of_their_values(parts):
    total = [Counter[str](), Counter[str](), Counter[str]()]
    for group, counts in parts:
        total[group].update(counts)
    found = counted(parts)
    assert found.states(3) == [plain(each) for each in total]
    assert found.whole() == plain(total[0] + total[1] + total[2])
    assert found.states(3) == [plain(each) for each in total]  # asking changes nothing


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(st.sampled_from([*"abc", None])), category_counts()), max_size=4))
def test_rows_that_are_their_dictionary_count_as_dictionaries_of_their_values_do(parts):
    found, total = Vocabulary(SALT), Counter[str]()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(vocabulary, "UNMERGED_BYTES", 0)  # each dictionary is merged at once
        for rows, counts in parts:
            absent = np.flatnonzero([value is None for value in rows])
            found.add_rows(pa.array(rows, pa.string()), absent, 0)
            found.add(pa.array(list(counts), pa.string()), np.array(list(counts.values()), np.int64), 0)
            total.update(value for value in rows if value is not None)
            total.update(counts)
    assert found.states(1) == [plain(total)]
    assert found.whole() == plain(total)


def test_many_values_over_many_batches_keep_exact_counts_of_the_most_frequent():
    """Each batch alone would cut off values that are frequent over all of them."""
    names = [f"value-{n}" for n in range(3 * CAP)]
    parts = [(0, dict.fromkeys(names[at::3], 1) | dict.fromkeys(names[:100], 5)) for at in range(3)]
    whole = counted(parts).whole()
    assert whole.hashes.size == CAP
    assert whole.total == sum(sum(counts.values()) for _, counts in parts)
    top = {whole.names[at]: int(whole.counts[at]) for at in whole.top(100)}
    assert top == dict.fromkeys(names[:100], 15)
    assert whole.distinct.estimate() == pytest.approx(3 * CAP, rel=0.1)


def test_beyond_the_most_that_are_counted_totals_and_distinct_values_stay(monkeypatch):
    monkeypatch.setattr(vocabulary, "MOST_VALUES", 2 * CAP)
    monkeypatch.setattr(vocabulary, "UNMERGED_BYTES", CAP)
    frequent = {f"frequent-{n}": 50 for n in range(10)}
    parts = [(at % 2, {f"rare-{at}-{n}": 1 for n in range(CAP)} | frequent) for at in range(6)]
    found = counted(parts)
    assert [each.total for each in found.states(2)] == [3 * (CAP + 500)] * 2
    whole = found.whole()
    assert whole.total == 6 * (CAP + 500)
    assert {whole.names[at]: int(whole.counts[at]) for at in whole.top(10)} == dict.fromkeys(frequent, 300)
    assert whole.distinct.estimate() == pytest.approx(6 * CAP + 10, rel=0.1)


LONG = ["x" * 1_025, "y" * 5_000, "x" * 100_000]


def hashed_alone(counts: Counter[str]) -> Categories:
    """Return the counts with long values by their hash alone."""
    found = plain(counts)
    names = tuple(None if name is not None and len(name) > 1_024 else name for name in found.names)
    return replace(found, names=names)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.dictionaries(st.sampled_from([*"abc", *LONG]), st.integers(0, 9))),
        max_size=5,
    ),
    st.lists(st.sampled_from(["a", "z", None, *LONG]), max_size=9),
)
def test_long_values_are_counted_by_hash_and_have_no_name(parts, rows):
    total = [Counter[str](), Counter[str]()]
    for group, counts in parts:
        total[group].update(counts)
    found = counted(parts)
    found.add_rows(pa.array(rows, pa.string()), np.flatnonzero([each is None for each in rows]), 0)
    total[0].update(value for value in rows if value is not None)
    assert found.states(2) == [hashed_alone(each) for each in total]
    assert found.whole() == hashed_alone(total[0] + total[1])


def test_long_values_are_not_kept():
    found = Vocabulary(SALT)
    before = pa.total_allocated_bytes()
    for at in range(20):
        documents = pa.array([f"{at} {n} " * 1_000 for n in range(100)])
        found.add(documents, np.ones(100, np.int64), 0)
        found.add_rows(documents, np.empty(0, np.intp), 0)
        del documents
    assert pa.total_allocated_bytes() - before < 4_000_000
    assert found.whole().total == 4_000
    assert found.whole().distinct.estimate() == 2_000


def test_beyond_the_most_bytes_the_rarest_values_go(monkeypatch):
    monkeypatch.setattr(vocabulary, "MOST_BYTES", 100_000)
    monkeypatch.setattr(vocabulary, "UNMERGED_BYTES", 0)
    found = Vocabulary(SALT)
    before = pa.total_allocated_bytes()
    for at in range(6):
        names = ["frequent", *(f"{at} {n} {'x' * 900}" for n in range(CAP))]
        found.add(pa.array(names), np.array([50] + [1] * CAP), 0)
        assert pa.total_allocated_bytes() - before < 5 * CAP * 1_000
    whole = found.whole()
    assert whole.total == 6 * (CAP + 50)
    assert int(whole.counts[whole.names.index("frequent")]) == 300
    assert whole.distinct.estimate() == pytest.approx(6 * CAP + 1, rel=0.1)
