"""A number of a generation is used once, whoever is slow: a second of it would hide what came between."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lupus_assets.errors import StoreError
from lupus_assets.sinks.files.generation import fold
from lupus_assets.sinks.files.layout import floor_path, generation_path, path_of
from lupus_assets.sinks.files.parquet import ParquetStore
from tests.contract.test_compaction import COMPACTED, MODEL, MONTH, Watched, nothing, seen


def generation(number):
    return generation_path("metrics", MODEL, MONTH, number)


def mark(number):
    return floor_path("metrics", MODEL, MONTH, number)


class Loose(Watched):
    """Files whose listings are of no one moment, as those of a folder and a bucket are."""

    snapshot = False


@pytest.fixture(params=[Watched, Loose])
def files(request):
    return request.param()


@pytest.fixture
def compacted(files, place, rows):
    """Return the store of a month of two days, compacted once."""
    store = ParquetStore(files)
    for day in (0, 1):
        store.replace("metrics", place(day), rows(place(day), [float(day)]))
    assert store.compact("metrics", **COMPACTED)
    assert list(files.held) == [generation(1)]
    return store


def slow(files, others):
    """Let `others` run between a fold's look at the month and the generation that it makes of it."""

    def before(verb, _):
        if verb == "create":
            files.before = nothing
            others()

    files.before = before


def test_a_number_that_others_made_and_removed_meanwhile_is_not_made_again(files, compacted, place, rows):
    """A writer is slow; its piece is replaced and swept, and the number that it is about to make too."""

    def others():
        files.held.pop(path_of("metrics", place(0)))  # swept, as the piece of another writer of the place
        for value in (5.0, 6.0):
            compacted.replace("metrics", place(1), rows(place(1), [value]))
        assert set(files.held) == {generation(3), mark(1), mark(2)}

    slow(files, others)
    compacted.replace("metrics", place(0), rows(place(0), [7.0]))
    assert seen(compacted)["value"].to_pylist() == [7.0, 6.0]
    assert set(files.held) == {generation(4), mark(1), mark(2), mark(3)}


def test_a_number_that_others_removed_two_before_is_not_made_again(files, compacted, place, rows):
    """The same, with several generations in between."""

    def others():
        files.held.pop(path_of("metrics", place(0)))
        for value in (5.0, 6.0, 8.0, 9.0):
            compacted.replace("metrics", place(1), rows(place(1), [value]))

    slow(files, others)
    compacted.replace("metrics", place(0), rows(place(0), [7.0]))
    assert seen(compacted)["value"].to_pylist() == [7.0, 9.0]
    assert generation(6) in files.held


def test_a_number_that_another_made_first_is_left_to_him(files, compacted, place, rows):
    def others():
        compacted.replace("metrics", place(1), rows(place(1), [5.0]))

    slow(files, others)
    compacted.replace("metrics", place(0), rows(place(0), [7.0]))
    assert seen(compacted)["value"].to_pylist() == [7.0, 5.0]


def test_a_mark_is_there_before_the_first_generation_that_it_speaks_of_is_gone(files, place, rows):
    store, removed = ParquetStore(files, followed=True), []

    def before(verb, paths):
        if verb == "delete":
            numbers = [number for number in range(1, 9) if generation(number) in paths]
            removed.extend(numbers)
            assert all(any(mark(at) in files.held for at in range(number, 9)) for number in numbers)

    store.replace("metrics", place(0), rows(place(0), [0.0]))
    store.compact("metrics", **COMPACTED)
    files.before = before
    for value in (1.0, 2.0, 3.0):
        store.replace("metrics", place(0), rows(place(0), [value]))
    assert store.sweep("metrics", **COMPACTED) == 4  # three generations, one piece
    assert removed == [1, 2, 3]
    assert set(files.held) == {generation(4), mark(3)}
    assert store.sweep("metrics", **COMPACTED) == 0
    store.replace("metrics", place(0), rows(place(0), [4.0]))
    store.sweep("metrics", **COMPACTED)
    assert set(files.held) == {generation(5), mark(3), mark(4)}


def test_a_generation_that_was_superseded_and_came_back_is_not_in_force_and_is_swept(
    files, compacted, place, rows
):
    old = files.held[generation(1)]
    compacted.replace("metrics", place(0), rows(place(0), [7.0]))
    assert set(files.held) == {generation(2), mark(1)}
    files.held[generation(1)] = old
    assert seen(compacted)["value"].to_pylist() == [7.0, 1.0]
    assert [month.unswept for month in compacted.months(["metrics"])] == [True]
    assert compacted.sweep("metrics", **COMPACTED) == 1
    assert set(files.held) == {generation(2), mark(1)}


def test_a_mark_without_a_later_generation_is_no_month_to_build_on(place, rows):
    """Somebody removed the generation in force: what is made of the month now would lack its rows."""
    files = Loose()
    ParquetStore(files).replace("metrics", place(0), rows(place(0), [0.0]))
    files.held[mark(1)] = b""
    with pytest.raises(StoreError, match="is changed faster than it can be looked at"):
        fold(files, "metrics", MODEL, MONTH)


works = st.lists(
    st.tuples(st.sampled_from(["replace", "compact", "sweep"]), st.integers(0, 2), st.booleans()), max_size=14
)


@settings(max_examples=60, deadline=None)
@given(works)
def test_no_number_is_made_twice_whatever_is_done_in_whatever_order(place, rows, works):
    for kind in (Watched, Loose):
        files = kind()
        made = []

        def before(verb, path, files=files, made=made):
            if verb == "create" and path not in files.held:
                made.append(path)

        files.before = before
        held = {}
        for version, (work, day, followed) in enumerate(works):
            store = ParquetStore(files, followed=followed)
            if work == "replace":
                store.replace("metrics", place(day), rows(place(day), [float(version)]))
                held[day] = float(version)
            else:
                getattr(store, work)("metrics", **COMPACTED)
            assert seen(store)["value"].to_pylist() == [held[day] for day in sorted(held)]
        assert made == [generation(number + 1) for number in range(len(made))]
