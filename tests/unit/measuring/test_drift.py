"""Windows are chosen by day and track, and compared column by column."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from lupus_assets.errors import StateError, UsageError
from lupus_assets.measuring.drift import parse_window
from lupus_assets.records import Place, ProfileRow, ReferenceRow
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.stats.codec import to_bytes
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.reference.frozen import Reference
from lupus_assets.stats.reference.numeric import NumericReference
from lupus_assets.windows import compare

MODEL = "shop.score"
DAY = datetime(2013, 5, 1, 4, tzinfo=UTC)  # midnight in New York
GRID = Grid(0.0, 1.0)


def write(store, at, columns, track="champion", later=0):
    """Write a partition's profile; with `later`, as of so many days after."""
    start = DAY + timedelta(days=at)
    as_of = start + timedelta(days=1 + later)
    rows = [
        ProfileRow(
            track=track, version="*", partition_key=f"{start:%Y-%m-%d}", window_start=start, as_of=as_of,
            segment=segment, column_name=name, kind=type(state).__name__, reference="r",
            state=to_bytes(state),
        )
        for name, state in columns.items()
        for segment in ("*", "origin=JFK")
    ]  # fmt: skip
    store.replace("profiles", Place(MODEL, track, start, as_of, f"{start:%Y-%m}"), rows)


def amounts(shift, seed, grid=GRID):
    return NumericColumn.of(np.random.default_rng(seed).normal(shift, 1, 1_000), 10, grid)


def origins(jfk):
    return CategoricalColumn.of(["JFK", "LGA"], np.array([jfk, 1_000 - jfk]), 0, b"salt")


@pytest.fixture
def store(tmp_path):
    found = ParquetStore(Folder(tmp_path))
    for day in range(10):
        moved = day == 9
        write(
            found,
            day,
            {"amount": amounts(1.0 if moved else 0.0, day), "origin": origins(900 if moved else 500)},
        )
    return found


def ask(store, reference, current):
    return compare(store, MODEL, parse_window(reference), parse_window(current))


def test_a_moved_day_stands_out_from_the_days_before_and_an_ordinary_one_does_not(store):
    moved = ask(store, "2013-05-01..2013-05-09", "2013-05-10")
    same = ask(store, "2013-05-01..2013-05-08", "2013-05-09")
    assert moved.partitions == (9, 1)
    amount, origin = moved.columns
    assert (amount.column, amount.kind, amount.rows) == ("amount", "numeric", (9 * 1_010, 1_010))
    assert amount.nulls == pytest.approx((10 / 1_010, 10 / 1_010))
    assert amount.median == pytest.approx((0.0, 1.0), abs=0.1)
    assert amount.distances["wasserstein"] == pytest.approx(1.0, abs=0.1)
    assert amount.distances["psi"] > 0.5 > 10 * same.columns[0].distances["psi"]
    assert same.columns[0].distances["psi"] < 3 * same.columns[0].expected_psi
    assert origin.distances["l_infinity"] == pytest.approx(0.4, abs=0.01)
    assert origin.median == (None, None)


def test_windows_that_meet_are_read_once_and_others_alone(store, monkeypatch):
    read, asked = store.read, []

    def watched(table, **named):
        asked.append((named["since"].day, named["until"].day))
        return read(table, **named)

    monkeypatch.setattr(store, "read", watched)
    pairs = [("2013-05-02..2013-05-03", "2013-05-04"), ("2013-05-02", "2013-05-09")]
    for before, now in pairs:
        found = compare(store, MODEL, parse_window(before), parse_window(now))
        assert found.partitions == (len(before) // 20 + 1, 1)
    assert asked == [(1, 6), (1, 4), (8, 11)]


def test_tracks_are_compared_by_name_and_one_has_to_be_chosen_of_several(store):
    write(store, 0, {"amount": amounts(2.0, 1), "origin": origins(500)}, track="challenger")
    found = ask(store, "champion:2013-05-01", "challenger:2013-05-01")
    assert found.columns[0].distances["wasserstein"] == pytest.approx(2.0, abs=0.1)
    with pytest.raises(UsageError, match="has the tracks challenger, champion; write challenger:2013"):
        ask(store, "2013-05-01", "champion:2013-05-02")


def test_of_several_cuts_the_latest_counts_and_a_column_of_one_window_only_is_left_out(store):
    write(store, 9, {"amount": amounts(5.0, 1), "late": amounts(0.0, 1)}, later=3)
    found = ask(store, "2013-05-01", "2013-05-10")
    assert found.columns[0].median[1] == pytest.approx(5.0, abs=0.1)
    assert found.left_out == ("late",)


def test_windows_of_other_references_are_refused_with_the_column(store):
    write(store, 20, {"amount": amounts(0.0, 1, Grid(5.0, 1.0))})
    with pytest.raises(StateError, match="column 'amount': the windows lie on different grids"):
        ask(store, "2013-05-01", "2013-05-21")


def test_the_reference_that_was_frozen_last_is_a_window_like_any_other(store):
    for version, level in ((1, 7.0), (2, 3.0)):
        as_of = DAY + timedelta(days=version)
        columns = {"amount": NumericReference.of(amounts(level, 1))}
        reference = Reference(1_000, {"amount": "numeric"}, {"amount": GRID}, {"*": columns}, None, "", "r")
        row = ReferenceRow(
            track="champion", window_start=DAY, window_end=as_of, as_of=as_of, rows=1_000, reference="r",
            borrowed_from=None, state=to_bytes(reference),
        )  # fmt: skip
        store.replace("frozen_references", Place(MODEL, "champion", DAY, as_of, "2013-05"), [row])
    found = ask(store, "reference", "2013-05-09")
    assert found.partitions == (1, 1)
    assert found.columns[0].median == pytest.approx((3.0, 0.0), abs=0.1)
    with pytest.raises(UsageError, match="has no challenger:reference; materialise it first"):
        ask(store, "challenger:reference", "2013-05-09")


def test_days_without_a_profile_are_an_error(store):
    with pytest.raises(
        UsageError, match=r"shop.score has no profile in 2014-01-01\.\.2014-01-02; materialise"
    ):
        ask(store, "2013-05-01", "2014-01-01..2014-01-02")
    with pytest.raises(UsageError, match=r"shop\.other has no profile"):
        compare(store, "shop.other", parse_window("2013-05-01"), parse_window("2013-05-01"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2013-5-1", "is no window; write 2013-05-01"),
        ("2013-02-30", "is no window: day is out of range"),
        ("2013-05-02..2013-05-01", "ends before it begins"),
        ("Champion:2013-05-01", "is no window"),
    ],
)
def test_what_is_no_window_is_refused(text, message):
    with pytest.raises(UsageError, match=message):
        parse_window(text)


def test_a_span_is_written_as_it_is_read():
    for text in ("2013-05-01", "champion:2013-05-01..2013-05-28", "reference", "champion:reference"):
        assert str(parse_window(text)) == text


def test_no_table_at_all_is_no_profile(tmp_path):
    with pytest.raises(UsageError, match="has no profile in 2013-05-01; materialise it"):
        ask(ParquetStore(Folder(tmp_path / "empty")), "2013-05-01", "2013-05-02")
