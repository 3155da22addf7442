"""Which generation of a month is in force, by the files that were listed."""

from datetime import UTC, datetime

import pytest

from lupus_assets.records import Entry, Place
from lupus_assets.sinks.files.layout import generation_path, month_may_hold
from lupus_assets.sinks.files.month import Files, highest_mark, listed
from lupus_assets.sinks.memory import MemoryFiles

MODEL, MONTH = "shop.score", "2013-05"
START = datetime(2013, 5, 1, tzinfo=UTC)
PLACE = Place(MODEL, "champion", START, START, MONTH)


def entry(number: int) -> Entry:
    return Entry(generation_path("metrics", MODEL, MONTH, number), f"version {number}")


def files(generations: set[int], marks: set[int], *, pieces: int = 0) -> Files:
    held = {PLACE: Entry("a piece", "version")} if pieces else {}
    return Files("metrics", MODEL, MONTH, held, {number: entry(number) for number in generations}, marks)


@pytest.mark.parametrize(
    ("generations", "marks", "newest", "floor", "superseded"),
    [
        (set(), set(), 0, 0, []),
        ({1}, set(), 1, 0, []),
        ({1, 2}, set(), 2, 0, [1]),
        ({1, 2}, {1}, 2, 1, [1]),
        ({2}, {1}, 2, 1, []),
        ({1, 2, 3}, {1, 2}, 3, 2, [1, 2]),
        ({2}, {2}, 0, 2, [2]),  # the mark's own number is not in force
        ({1, 2}, {1, 2, 3}, 0, 3, [1, 2]),  # the one in force was not listed
        ({1, 10, 9}, {8, 2}, 10, 8, [1, 9]),
        (set(), {4}, 0, 4, []),
    ],
)
def test_the_newest_generation_above_every_mark_is_in_force(generations, marks, newest, floor, superseded):
    found = files(generations, marks)
    assert (found.newest, found.floor) == (newest, floor)
    assert sorted(found.superseded) == [entry(number) for number in superseded]


@pytest.mark.parametrize(
    ("generations", "marks", "pieces", "unswept"),
    [
        (set(), set(), 1, False),  # a month in pieces
        ({1}, set(), 0, False),
        ({1}, set(), 1, True),
        ({1, 2}, {1}, 0, True),
        ({2}, {1}, 0, False),
    ],
)
def test_a_month_is_unswept_that_was_compacted_and_has_other_files(generations, marks, pieces, unswept):
    assert files(generations, marks, pieces=pieces).as_month().unswept is unswept


def test_a_month_shows_the_folder_of_the_generation_in_force_or_of_its_pieces():
    assert files({1, 2}, {1}).as_month().location == entry(2).path.removesuffix("/rows.parquet")
    assert files(set(), set(), pieces=1).as_month().location == f"metrics/model={MODEL}/month={MONTH}"


def test_a_month_has_another_version_with_any_file_that_counts_and_with_no_other():
    versions = [
        files(*each).as_month().version for each in (({1}, set()), ({1, 2}, set()), ({2}, set()), ({2}, {1}))
    ]
    assert versions[0] != versions[1] == versions[2] == versions[3]
    assert files({1}, set(), pieces=1).as_month().version not in versions


def test_the_highest_mark_is_of_the_month_asked_for():
    store = MemoryFiles()
    assert highest_mark(store, "metrics", MODEL, MONTH) == 0
    for month, number in ((MONTH, 3), (MONTH, 12), (MONTH, 9), ("2013-06", 40)):
        store.put(f"generations/metrics/model={MODEL}/month={month}/{number:06d}.gone", b"")
    store.put(entry(50).path, b"")
    assert highest_mark(store, "metrics", MODEL, MONTH) == 12


def month_start(month: int) -> datetime:
    return datetime(2013, month, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "months"),
    [
        (None, None, ["2013-04", "2013-05", "2013-06"]),
        (month_start(6), None, ["2013-05", "2013-06"]),  # its first hours are of May further west
        (datetime(2013, 6, 2, tzinfo=UTC), None, ["2013-06"]),
        (datetime(2013, 6, 1, 23, tzinfo=UTC), None, ["2013-05", "2013-06"]),
        (None, datetime(2013, 4, 29, tzinfo=UTC), ["2013-04"]),
        (None, datetime(2013, 4, 30, tzinfo=UTC), ["2013-04", "2013-05"]),  # its last hours, further east
    ],
)
def test_months_are_listed_that_may_hold_the_windows_in_some_zone(since, until, months):
    store = MemoryFiles()
    for month in ("2013-04", "2013-05", "2013-06"):
        store.put(
            f"metrics/model={MODEL}/month={month}/champion~{month[:4]}{month[5:]}02T0000Z~{month[:4]}{month[5:]}03T0000Z.parquet",
            b"",
        )
    assert [each.month for each in listed(store, "metrics", since=since, until=until)] == months
    assert [
        month for month in ("2013-04", "2013-05", "2013-06") if month_may_hold(month, since, until)
    ] == months
