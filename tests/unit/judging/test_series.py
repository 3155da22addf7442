"""The metrics of a track as series over partitions, and parts of them."""

from dataclasses import fields

import numpy as np
import pytest

from lupus_assets.judging.series import Ledger
from lupus_assets.sinks.schema import to_table
from tests.models import DAY, day, metric

NAN, NAT = np.nan, np.datetime64("NaT", "us")
A, B, C = (("*", "input", name, "clipped_mean") for name in "abc")
GONE = ("*", "input", "gone", "clipped_mean")


def at(number: int, cut: int = 0) -> np.datetime64:
    """Return the end of a day, or of one of the days after it."""
    return np.datetime64((day(number).end + cut * DAY).replace(tzinfo=None), "us")


def start(number: int) -> np.datetime64:
    return np.datetime64(day(number).start.replace(tzinfo=None), "us")


ROWS = [
    metric(0, 1.0, column_name="a", upper=1.5, n=10),
    metric(0, 2.0, column_name="b", n=20),
    metric(2, 3.0, column_name="b", upper=3.5, n=30),
    metric(3, None, column_name="a", n=40),
    metric(3, 5.0, column_name="c", upper=5.5, n=50),
    metric(3, 6.0, column_name="c", upper=6.5, n=60, as_of=day(3).end + 2 * DAY),
]
LEDGER = Ledger.of(to_table("metrics", ROWS), "now")


def expect(found: Ledger, **parts: object) -> None:
    """Hold every field of a ledger against what is given, exactly and in its type."""
    assert {each.name for each in fields(Ledger)} == parts.keys()
    assert found.series == parts.pop("series")
    assert type(found.series) is list
    for name, wanted in parts.items():
        array = getattr(found, name)
        expected = np.array(wanted, dtype="datetime64[us]" if name in ("starts", "as_of") else np.float64)
        assert array.dtype == expected.dtype, name
        np.testing.assert_array_equal(array, expected, err_msg=name)


def test_each_field_has_a_row_for_a_partition_and_a_column_for_a_series():
    """The mean of column c was measured again two days later: the later cut stands."""
    expect(
        LEDGER,
        starts=[start(0), start(2), start(3)],
        series=[A, B, C],
        values=[[1, 2, NAN], [NAN, 3, NAN], [NAN, NAN, 6]],
        upper=[[1.5, NAN, NAN], [NAN, 3.5, NAN], [NAN, NAN, 6.5]],
        n=[[10, 20, NAN], [NAN, 30, NAN], [40, NAN, 60]],
        design=np.ones((3, 3)),
        as_of=[[at(0), at(0), NAT], [NAT, at(2), NAT], [at(3), NAT, at(3, 2)]],
    )


def test_some_series_keep_the_partitions_that_have_a_row_of_them():
    expect(
        LEDGER.only(np.array([True, False, False])),
        starts=[start(0), start(3)],
        series=[A],
        values=[[1], [NAN]],
        upper=[[1.5], [NAN]],
        n=[[10], [40]],
        design=[[1], [1]],
        as_of=[[at(0)], [at(3)]],
    )


@pytest.mark.parametrize(("end", "days", "series"), [(0, [0], [A, B]), (1, [0], [A, B]), (2, [0, 2], [A, B])])
def test_what_was_known_at_a_partition_is_the_series_that_had_a_row_by_then(end, days, series):
    columns = [LEDGER.series.index(key) for key in series]
    rows = slice(len(days))
    expect(
        LEDGER.until(start(end)),
        starts=[start(number) for number in days],
        series=series,
        **{
            name: getattr(LEDGER, name)[rows][:, columns]
            for name in ("values", "upper", "n", "design", "as_of")
        },
    )


def test_until_the_last_partition_all_is_known_and_before_the_first_nothing():
    assert LEDGER.until(start(3)).series == [A, B, C]
    before = LEDGER.until(start(0) - np.timedelta64(1, "us"))
    assert (before.series, before.starts.tolist(), before.values.shape) == ([], [], (0, 0))


def test_the_last_partition_has_all_series():
    expect(
        LEDGER.last(),
        starts=[start(3)],
        series=[A, B, C],
        values=[[NAN, NAN, 6]],
        upper=[[NAN, NAN, 6.5]],
        n=[[40, NAN, 60]],
        design=[[1, 1, 1]],
        as_of=[[at(3), NAT, at(3, 2)]],
    )


def test_series_that_were_there_once_keep_their_places_where_they_are_gone():
    """A chain goes on with the series that it knows, in their order, whatever the partitions bring."""
    expect(
        LEDGER.of_series((GONE, B)),  # a tuple becomes a list
        starts=[start(0), start(2)],
        series=[GONE, B],
        values=[[NAN, 2], [NAN, 3]],
        upper=[[NAN, NAN], [NAN, 3.5]],
        n=[[NAN, 20], [NAN, 30]],
        design=[[1, 1], [1, 1]],
        as_of=[[NAT, at(0)], [NAT, at(2)]],
    )
    assert LEDGER.of_series([A, B, C]).series == [A, B, C]
    none = LEDGER.of_series([GONE])
    assert (none.series, none.values.shape) == ([GONE], (0, 1))


def test_the_start_of_a_partition_is_aware():
    assert [LEDGER.window(number) for number in range(3)] == [day(0).start, day(2).start, day(3).start]


COUNTED = "null_rate", "out_of_range_rate"
EFFECTS = "null_design_effect", "range_design_effect"


def test_counts_have_the_design_effect_of_their_own_partition_column_and_kind():
    """At least 1; one that is not known is 1. Other series, as the share of zeros and means, have none."""
    rows = [metric(0, 0.5, metric=name, column_name=column, n=100) for column in "ab" for name in COUNTED]
    rows += [metric(1, 0.5, metric=COUNTED[0], column_name="a", n=100), metric(0, 0.5, n=100)]
    rows += [
        metric(0, 3.0, metric=EFFECTS[0], column_name="a", n=100),
        metric(0, 5.0, metric=EFFECTS[1], column_name="a", n=100),
        metric(0, 0.4, metric=EFFECTS[0], column_name="b", n=100),
        metric(1, 7.0, metric=EFFECTS[0], column_name="a", n=100),
        metric(1, None, metric=EFFECTS[1], column_name="a", n=100),
    ]
    found = Ledger.of(to_table("metrics", sorted(rows, key=lambda row: row.window_start)), "now")
    assert {key[2:]: effects for key, effects in zip(found.series, found.design.T.tolist(), strict=True)} == {
        ("a", "null_rate"): [3, 7],
        ("a", "out_of_range_rate"): [5, 1],
        ("b", "null_rate"): [1, 1],
        ("b", "out_of_range_rate"): [1, 1],
        ("amount", "clipped_mean"): [1, 1],
    }


def test_a_segment_has_no_more_of_an_effect_than_all_rows():
    rows = [
        metric(0, 0.1, metric="null_rate", n=800, segment="country=de"),  # more than the effect is of
        metric(0, 9.0, metric="null_design_effect", n=400),
    ]
    assert Ledger.of(to_table("metrics", rows), "now").design.tolist() == [[9.0]]


def test_series_are_sorted_by_segment_family_column_and_metric():
    keys = [
        (segment, family, column, name)
        for segment in ("*", "country=de")
        for family in ("input", "prediction")
        for column in ("a", "b")
        for name in ("clipped_mean", "psi")
    ]
    order = np.random.default_rng(0).permutation(len(keys))
    rows = [
        metric(0, float(place), segment=segment, family=family, column_name=column, metric=name)
        for place, (segment, family, column, name) in ((place, keys[place]) for place in order)
    ]
    found = Ledger.of(to_table("metrics", rows), "now")
    assert found.series == keys
    assert found.values[0].tolist() == list(range(len(keys)))
