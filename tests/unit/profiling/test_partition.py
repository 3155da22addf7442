from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lupus_assets.profiling.profiled import WHOLE
from lupus_assets.reading.cut import Cut, cuts
from lupus_assets.sources.column import is_text, own_entries
from lupus_assets.stats.joint import Confusion, ErrorSums
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.score_label import ScoreLabel
from tests.models import DAY, day, declared, frozen, log, only, profiled

MODEL = declared()
REFERENCE = frozen(MODEL)
EMPTY = Moments.empty()
SEGMENTS = [("*", segment) for segment in REFERENCE.segments]


def same(left, right) -> None:
    """Hold that profiles are equal but for the rounding of moments."""
    assert left.profiles.keys() == right.profiles.keys()
    for cell, profile in left.profiles.items():
        other = right.profiles[cell]
        assert profile.counts == other.counts
        assert list(profile.columns) == list(other.columns)
        for name, column in profile.columns.items():
            mine, theirs = dict(vars(column)), dict(vars(other.columns[name]))
            moments, others = mine.pop("moments", None), theirs.pop("moments", None)
            assert mine == theirs
            assert vars(moments or EMPTY) == pytest.approx(vars(others or EMPTY), rel=1e-9, abs=1e-6)
        assert isinstance(profile.joint, ScoreLabel)
        assert profile.joint.decisions == other.joint.decisions
        assert profile.joint.roc == other.joint.roc
        assert profile.residual.signed.mean == pytest.approx(other.residual.signed.mean, rel=1e-9, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=4))
def test_any_split_of_the_rows_into_batches_gives_the_same_profile(at):
    table = log(5, version=["v1", "v2", None] * 100, country=["de", None, "jp"] * 100)
    same(only(profiled(MODEL, REFERENCE, table, at=at)), only(profiled(MODEL, REFERENCE, table)))


@pytest.mark.parametrize("versions", [["v1"] * 300, ["v1", "v2", None] * 100], ids=["one", "two"])
def test_a_dictionary_may_hold_a_value_more_than_once(versions):
    table = log(5, version=versions, country=["de", None, "jp"] * 100)
    repeated = table
    for at, name in enumerate(table.schema.names):
        if is_text(table.schema.types[at]):
            texts = table[name].combine_chunks().cast(pa.string())
            repeated = repeated.set_column(at, name, own_entries(texts))
    assert len(repeated["country"].chunk(0).dictionary) == 300
    same(only(profiled(MODEL, REFERENCE, repeated, at=[100])), only(profiled(MODEL, REFERENCE, table)))


@pytest.mark.parametrize("at", [[], [1], [150], [299]])
def test_a_label_that_one_batch_cannot_give_costs_the_performance_whatever_the_split(at):
    labels = np.zeros(300)
    labels[299] = 7.0
    found = only(profiled(MODEL, REFERENCE, log(5, y=labels), at=at))
    assert "holds other numbers where 0 or 1 is needed" in found.problems["y"]
    assert all(profile.joint is None and "y" not in profile.columns for profile in found.profiles.values())
    assert found.profiles[WHOLE].residual is not None


def test_segments_of_the_reference_have_a_profile_even_without_rows():
    found = only(profiled(MODEL, REFERENCE, log(5, country=["de"] * 300)))
    assert list(found.profiles) == [WHOLE, *SEGMENTS]
    counts = {segment: found.profiles["*", segment].counts.rows for _, segment in SEGMENTS}
    assert counts == {"country=de": 300, "country=jp": 0, "country=kr": 0}
    assert found.profiles["*", "country=jp"].columns["amount"].rows == 0


def test_segments_add_up_to_all_rows():
    found = only(profiled(MODEL, REFERENCE, log(5)))
    parts = [found.profiles[cell] for cell in SEGMENTS]
    assert sum(part.counts.rows for part in parts) == 300
    total = parts[0].columns["amount"] + parts[1].columns["amount"] + parts[2].columns["amount"]
    assert total.histogram == found.profiles[WHOLE].columns["amount"].histogram


def test_a_segment_column_that_comes_second_has_the_residuals_that_it_has_alone():
    parts = {"country": ["de", None, "jp"] * 100, "region": ["n", "s", "s", None] * 75}
    tables = [log(number, **parts) for number in range(3)]
    both, alone = declared(segments=("country", "region")), declared(segments=("region",))
    table = log(5, **parts)
    expected = only(profiled(alone, frozen(alone, tables), table, at=[120])).profiles
    found = only(profiled(both, frozen(both, tables), table, at=[120])).profiles
    for cell in (("*", "region=n"), ("*", "region=s")):
        assert found[cell].residual == expected[cell].residual
        assert found[cell].residual.n == found[cell].counts.rows


def test_an_entity_is_counted_alike_whether_its_dictionary_holds_each_value_once_or_each_row():
    columns = {"user": [f"u{at % 1_500}" for at in range(6_000)], "country": ["de", "jp"] * 3_000}
    table = log(5, 6_000, **columns)
    rows = own_entries(table["user"].combine_chunks().cast(pa.string()))
    table_of_rows = table.set_column(table.schema.get_field_index("user"), "user", rows)
    found, by_row = (only(profiled(MODEL, REFERENCE, each)).profiles for each in (table, table_of_rows))
    for cell in found:
        assert found[cell].columns["user"] == by_row[cell].columns["user"]
    assert found[WHOLE].columns["user"].distinct.hashes.size == 1_500


def test_a_value_that_is_no_segment_of_the_reference_counts_among_all_rows_only():
    found = only(profiled(MODEL, REFERENCE, log(5, country=["xx"] * 300)))
    assert found.profiles[WHOLE].counts.rows == 300
    assert [found.profiles[cell].counts.rows for cell in SEGMENTS] == [0, 0, 0]


@pytest.mark.parametrize("batches", [[], [pa.RecordBatch.from_pylist([], log(0, 0).schema)]])
def test_an_empty_partition_has_every_state_with_zero_rows(batches):
    table = pa.Table.from_batches(batches, log(0, 0).schema)
    found = only(profiled(MODEL, REFERENCE, table))
    assert list(found.profiles) == [WHOLE, *SEGMENTS]
    for profile in found.profiles.values():
        assert profile.counts.rows == 0
        assert [column.rows for column in profile.columns.values()] == [0] * 8
        assert profile.joint.n == profile.residual.n == 0
    assert found.profiles[WHOLE].counts.duplicates == 0


def test_one_version_has_no_entry_of_its_own_and_several_have_one_each():
    one = only(profiled(MODEL, REFERENCE, log(5)))
    assert {version for version, _ in one.profiles} == {"*"}
    two = only(profiled(MODEL, REFERENCE, log(5, version=["v1"] * 100 + ["v2"] * 190 + [None] * 10)))
    assert [version for version, _ in two.profiles][-2:] == ["v1", "v2"]
    counts = {version: two.profiles[version, "*"].counts.rows for version in ("*", "v1", "v2")}
    assert counts == {"*": 300, "v1": 100, "v2": 190}


def test_a_version_whose_rows_have_not_arrived_is_no_version_yet():
    model = declared({"arrival": "came"})
    came = [day(5).start] * 200 + [day(9).start] * 100
    table = log(5, version=["v1"] * 200 + ["v2"] * 100, came=came)
    found = only(profiled(model, frozen(model, [log(0, came=[day(0).start] * 300)]), table))
    assert {version for version, _ in found.profiles} == {"*"}
    assert found.profiles[WHOLE].counts.rows == 200


def test_rows_that_arrive_after_the_cut_are_invisible_to_it():
    model = declared(
        {"arrival": "came"}, cadence={"every": "day", "start": day(0).start.date(), "grace": "6h"}
    )
    (cut,) = cuts(model, day(5))
    came = [cut.as_of] * 100 + [cut.as_of + timedelta(microseconds=1)] * 100 + [None] * 100
    reference = frozen(model, [log(0, came=[day(0).start] * 300)])
    later = Cut(cut.as_of + DAY, rows=True, labels=True)
    found = profiled(model, reference, log(5, came=came), wanted=[cut, later])
    assert [found[each].profiles[WHOLE].counts.rows for each in (cut, later)] == [100, 200]
    assert "came" not in found[cut].profiles[WHOLE].columns


def test_labels_are_visible_from_their_arrival_on_and_null_before():
    label = {"column": "y", "arrival": "known", "arrives_within": "3d"}
    model = declared({"label": label})
    due, labelled = cuts(model, day(5))
    known = [day(6).end] * 120 + [labelled.as_of] * 80 + [day(20).start] * 60 + [None] * 40
    reference = frozen(model, [log(0, known=[day(0).start] * 300)])
    found = profiled(model, reference, log(5, known=known))
    early, late = found[due].profiles[WHOLE], found[labelled].profiles[WHOLE]
    assert early.joint is None
    assert "y" not in early.columns
    assert late.counts is None
    assert list(late.columns) == ["y"]
    assert late.joint.n == 200
    assert (late.columns["y"].rows, late.columns["y"].nulls) == (300, 100)
    assert found[due].problems == found[labelled].problems == {}


def test_the_cut_of_the_rows_does_not_depend_on_labels_that_come_later():
    model = declared({"label": {"column": "y", "arrives_within": "3d"}, "key": None})
    reference = frozen(model)
    due, _ = cuts(model, day(5))
    seen = []
    for y in (pa.nulls(300, pa.bool_()), pa.array([True] * 300), pa.array([True, False] * 150)):
        twice = [log(5, y=y), log(5, y=pa.nulls(300, pa.bool_()))]  # equal rows but for the label
        seen.append(profiled(model, reference, pa.concat_tables(twice), wanted=[due])[due].profiles)
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][WHOLE].counts.duplicates == 300


@pytest.mark.parametrize("at", [[], [100], [3, 150]])
def test_rows_that_repeat_a_key_are_counted_once_each_and_null_keys_repeat_nothing(at):
    ids = [f"key-{row}" for row in range(290)] + ["key-0"] * 5 + [None] * 5
    found = only(profiled(MODEL, REFERENCE, log(5, id=ids), at=at))
    assert found.profiles[WHOLE].counts.duplicates == 5
    assert found.profiles["*", "country=de"].counts.duplicates is None


def test_without_a_key_rows_repeat_that_are_equal_in_every_column():
    model = declared({"key": None})
    table = log(5, id=None)
    reference = frozen(model, [log(0, id=None)])
    once = only(profiled(model, reference, table))
    twice = only(profiled(model, reference, pa.concat_tables([table, table.slice(0, 7)]), at=[40]))
    assert once.profiles[WHOLE].counts.duplicates == 0
    assert twice.profiles[WHOLE].counts.duplicates == 7


@pytest.mark.parametrize("at", [[], [100, 200]])
def test_a_key_that_cannot_be_read_leaves_duplicates_unknown_rather_than_made_up(at):
    found = only(profiled(MODEL, REFERENCE, log(5, id=None), at=at))
    assert found.profiles[WHOLE].counts.duplicates is None
    assert "column 'id' is missing" in found.problems["id"]


def test_a_segment_column_that_is_missing_costs_its_segments_and_nothing_else():
    found = only(profiled(MODEL, REFERENCE, log(5, country=None)))
    assert list(found.profiles) == [WHOLE]
    assert found.profiles[WHOLE].counts.rows == 300


def test_scores_that_are_none_are_counted_and_left_out_of_performance_and_residual():
    p = [0.5] * 295 + [1.5, -0.1, float("nan"), float("inf"), None]
    whole = only(profiled(MODEL, REFERENCE, log(5, p=p))).profiles[WHOLE]
    assert whole.counts.invalid == 4
    assert whole.joint.n == whole.residual.n == 295


def test_a_numeric_label_of_nan_is_no_label():
    y = [1.0] * 100 + [0.0] * 100 + [float("nan")] * 60 + [None] * 40
    found = only(profiled(MODEL, REFERENCE, log(5, y=y)))
    assert found.problems == {}
    assert found.profiles[WHOLE].joint.n == 200
    assert found.profiles[WHOLE].columns["y"].nulls == 100


@pytest.mark.parametrize(
    ("positive", "labels"),
    [("late", ["late", "on time", None]), (False, [False, True, None]), (2, [2, 1, None])],
)
def test_the_positive_label_may_be_any_value(positive, labels):
    model = declared({"label": {"column": "y", "positive": positive}})
    table = log(0, y=labels * 100)
    joint = only(profiled(model, frozen(model, [table]), table)).profiles[WHOLE].joint
    assert (joint.n, joint.positives) == (200, 100)


def test_classes_meet_their_labels_by_name():
    model = declared({"prediction": {"class": "c"}, "label": {"column": "truth"}})
    said, truth = ["a", "b", "b", None] * 75, ["a", "b", "a", "a"] * 75
    table = log(0, p=None, y=None, c=said, truth=truth)
    whole = only(profiled(model, frozen(model, [table]), table)).profiles[WHOLE]
    assert isinstance(whole.joint, Confusion)
    assert (whole.joint.n, whole.joint.correct) == (225, 150)
    assert whole.residual is None
    assert whole.counts.invalid is None


def test_values_whose_error_overflows_are_left_out():
    model = declared({"prediction": {"value": "v"}, "label": {"column": "w"}})
    table = log(0, p=None, y=None, v=[1e308, 2.0, 3.0] * 100, w=[-1e308, 1.0, 1.0] * 100)
    ordinary = log(0, p=None, y=None, v=[1.0, 2.0, 3.0] * 100, w=[1.0] * 300)
    whole = only(profiled(model, frozen(model, [ordinary]), table)).profiles[WHOLE]
    assert isinstance(whole.joint, ErrorSums)
    assert whole.joint.n == 200
    assert whole.joint.error.mean == pytest.approx(1.5, rel=1e-12)


def test_a_document_is_the_name_of_no_category_version_or_segment():
    document = "x" * 2_000
    columns = {"country": [document] * 150 + ["de"] * 150, "version": ["v1"] * 100 + [document] * 200}
    reference = frozen(MODEL, [log(number, **columns) for number in range(5)])
    assert reference.segments == ("country=de",)
    found = only(profiled(MODEL, reference, log(5, **columns)))
    assert list(found.profiles) == [WHOLE, ("*", "country=de")]
    country = found.profiles[WHOLE].columns["country"].categories
    assert sorted(country.counts.tolist()) == [150, 150]
    assert set(country.names) == {"de", None}
