"""Times of a declaration that no run could make anything of are mistakes, with line, key and remedy."""

from datetime import UTC, datetime
from functools import cache
from itertools import takewhile

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lupus_assets.declare import load
from lupus_assets.declare.pattern import repeats_after
from lupus_assets.declare.rhythm import rhythm_of
from lupus_assets.declare.timing import check_future
from tests.unit.declare.text import GOOD, mistakes, swapped, write

REFERENCE = "  reference: {from: 2013-05-01, to: 2013-06-30}\n"
OPEN = swapped(", end: 2014-01-01", "")


def with_cadence(text, cadence):
    return text.replace("{every: day, start: 2013-05-01}", cadence)


def with_log(pattern, cadence="{every: day, start: 2013-05-01}"):
    return with_cadence(OPEN, cadence).replace('"{partition}.parquet"', f'"{pattern}"')


MONTHLY = "{every: month, start: 2013-05-01}"


@pytest.mark.parametrize(
    ("cadence", "window", "expected"),
    [
        (MONTHLY, "{from: 2013-05-01, to: 2013-05-30}",
            "20: reference.to: 2013-05-01 to 2013-05-30 hold no whole partition of the cadence 'month', "
            "write 2013-05-31 or later"),
        (MONTHLY, "{from: 2013-05-02, to: 2013-06-15}",
            "20: reference.to: 2013-05-02 to 2013-06-15 hold no whole partition of the cadence 'month', "
            "write 2013-06-30 or later"),
        ("{every: week, start: 2013-05-01}", "{from: 2013-05-01, to: 2013-05-11}",
            "20: reference.to: 2013-05-01 to 2013-05-11 hold no whole partition of the cadence 'week', "
            "write 2013-05-12 or later"),
        ("{every: '0 0 1 1,4,7,10 *', start: 2013-05-01}", "{from: 2013-05-01, to: 2013-06-30}",
            "20: reference.to: 2013-05-01 to 2013-06-30 hold no whole partition of the cadence "
            "'0 0 1 1,4,7,10 *', write 2013-09-30 or later"),
        ("{every: '0 6 * * *', start: 2013-05-01}", "{from: 2013-05-01, to: 2013-05-01}",
            "20: reference.to: 2013-05-01 to 2013-05-01 hold no whole partition of the cadence '0 6 * * *', "
            "write 2013-05-02 or later"),
        ("{every: hour, start: '2013-05-01T23:30:00'}", "{from: 2013-05-01, to: 2013-05-01}",
            "20: reference.to: 2013-05-01 to 2013-05-01 hold no whole partition of the cadence 'hour', "
            "write 2013-05-02 or later"),
        ("{every: month, start: 2013-05-01, end: 2013-06-20}", "{from: 2013-05-02, to: 2013-06-15}",
            "20: reference.to: 2013-05-02 to 2013-06-15 hold no whole partition of the cadence 'month', "
            "give the cadence a later end, or an earlier from"),
    ],
)  # fmt: skip
def test_a_reference_window_without_a_whole_partition_is_a_mistake(tmp_path, cadence, window, expected):
    text = with_cadence(OPEN, cadence).replace("{from: 2013-05-01, to: 2013-06-30}", window)
    assert mistakes(tmp_path, text) == [f"defs.yaml:{expected}"]


@pytest.mark.parametrize(
    ("cadence", "window"),
    [
        (MONTHLY, "{from: 2013-05-01, to: 2013-05-31}"),
        ("{every: week, start: 2013-05-01}", "{from: 2013-05-01, to: 2013-05-12}"),
        ("{every: day, start: 2013-05-01}", "{from: 2013-05-01, to: 2013-05-01}"),
        ("{every: hour, start: '2013-05-01T22:30:00'}", "{from: 2013-05-01, to: 2013-05-01}"),
        ("{every: '0 6 * * *', start: 2013-05-01}", "{from: 2013-05-01, to: 2013-05-02}"),
        ("{every: month, start: 2013-03-01, timezone: Asia/Tokyo}", "{from: 2013-03-01, to: 2013-03-31}"),
    ],
)  # fmt: skip
def test_a_reference_window_of_one_whole_partition_passes(tmp_path, cadence, window):
    text = with_cadence(OPEN, cadence).replace("{from: 2013-05-01, to: 2013-06-30}", window)
    load(write(tmp_path, text))


@pytest.mark.parametrize(
    ("cadence", "remedy"),
    [
        ("{every: month, start: 2013-05-02, end: 2013-06-20}", "write 2013-07-01 or later"),
        ("{every: week, start: 2013-05-01, end: 2013-05-12}", "write 2013-05-13 or later"),
        ("{every: '0 6 1 * *', start: 2013-05-01, end: 2013-06-01}", "write 2013-06-02 or later"),
    ],
)
def test_a_cadence_that_ends_before_its_first_partition_does_is_a_mistake(tmp_path, cadence, remedy):
    text = with_cadence(OPEN, cadence).replace(REFERENCE, "")
    every = yaml.safe_load(cadence)["every"]
    assert mistakes(tmp_path, text) == [
        f"defs.yaml:5: cadence.end: no whole partition of the cadence '{every}' lies between start and end, "
        f"{remedy}"
    ]


@pytest.mark.parametrize("key", ["start", "end"])
def test_months_start_at_midnight(tmp_path, key):
    moments = {"start": "2013-05-01", "end": "2014-01-01"} | {key: "'2013-08-01T06:00:00'"}
    text = with_cadence(OPEN, f"{{every: month, start: {moments['start']}, end: {moments['end']}}}")
    (mistake, *_) = mistakes(tmp_path, text)
    assert (
        f"cadence.{key}: 2013-08-01T06:00:00 is not midnight in UTC, and the cadence is by month" in mistake
    )


@pytest.mark.parametrize(
    ("pattern", "cadence", "said"),
    [
        ("{start:%Y}.parquet", None, "start 1d apart, write {partition}, or {start:%Y-%m-%d}"),
        ("{start:%Y/%m}/*.parquet", None, "start 1d apart, write {partition}, or {start:%Y-%m-%d}"),
        ("{start:%m-%d}.parquet", None, "start 365d apart"),
        ("{start:%d}.parquet", None, "start 28d apart"),
        ("{end:%a}.parquet", None, "start 7d apart"),
        ("{start:%Y-%m-%d}.parquet", "{every: hour, start: 2013-05-01}",
            "start 1h apart, write {partition}, or {start:%Y-%m-%d-%H:%M}"),
        ("{start:%Y-%m-%d-%I}.parquet", "{every: hour, start: 2013-05-01}", "start 12h apart"),
        ("{start:%Y-%m-%d}.parquet", "{every: 6 hours, start: 2013-05-01}", "start 6h apart"),
        ("{start:%Y-%m}.parquet", "{every: week, start: 2013-05-01}", "start 7d apart"),
        ("{start:%m}.parquet", MONTHLY, "start 365d apart"),
        ("{start:%Y}.parquet", MONTHLY, "start 28d apart"),
        ("{start:%Y-%m}.parquet", "{every: '0 0 1,15 * *', start: 2013-05-01}", "start 14d apart"),
    ],
)  # fmt: skip
def test_a_pattern_that_names_two_partitions_alike_is_a_mistake(tmp_path, pattern, cadence, said):
    text = with_log(pattern, cadence or "{every: day, start: 2013-05-01}").replace(REFERENCE, "")
    (mistake,) = mistakes(tmp_path, text)
    expected = f"defs.yaml:7: tracks.champion.parquet: '{pattern}' is the same for partitions that "
    assert mistake.startswith(expected + said)


@pytest.mark.parametrize(
    ("pattern", "cadence"),
    [
        ("{start:%Y-%m-%d}.parquet", "{every: day, start: 2013-05-01}"),
        ("{start:%G-W%V-%u}.parquet", "{every: day, start: 2013-05-01}"),
        ("{start:%Y}/{start:%j}.parquet", "{every: day, start: 2013-05-01}"),
        ("{start:%F}.parquet", "{every: day, start: 2013-05-01}"),
        ("{start:%-d.%-m.%Y}.parquet", "{every: day, start: 2013-05-01}"),
        ("{start}.parquet", "{every: day, start: 2013-05-01}"),
        ("{start:%Y-%m}.parquet", MONTHLY),
        ("{end:%Y-%m}.parquet", MONTHLY),
        ("{start:%Y}.parquet", "{every: '0 0 1 5 *', start: 2013-05-01}"),
        ("{start:%Y-%m-%dT%H}.parquet", "{every: hour, start: 2013-05-01, timezone: America/New_York}"),
        # A closed history that is over before the name comes again.
        ("{start:%m-%d}.parquet", "{every: day, start: 2013-05-01, end: 2014-01-01}"),
    ],
)
def test_a_pattern_that_tells_the_partitions_apart_passes(tmp_path, pattern, cadence):
    load(write(tmp_path, with_log(pattern, cadence).replace(REFERENCE, "")))


@pytest.mark.parametrize("source", ["hive", "hive_query"])
def test_partitions_of_hive_are_told_apart_too(tmp_path, source):
    pattern = "a.log/month={start:%Y-%m}" if source == "hive" else "SELECT * FROM a WHERE m = '{start:%Y-%m}'"
    text = OPEN.replace('parquet: "{partition}.parquet"', f'{source}: "{pattern}"')
    (mistake,) = mistakes(tmp_path, text)
    assert mistake.startswith(
        f"defs.yaml:7: tracks.champion.{source}: '{pattern}' is the same for partitions"
    )


@pytest.mark.parametrize("directive", ["%Q", "%5", "%é", "%"])
def test_what_strftime_does_not_know_is_a_mistake(tmp_path, directive):
    assert mistakes(tmp_path, with_log(f"{{start:%Y-%m-%d{directive}}}.parquet")) == [
        f"defs.yaml:7: tracks.champion.parquet: '{directive}' in '{{start:%Y-%m-%d{directive}}}' "
        "is no strftime directive, write {partition}, or {start:%Y/%m/%d} with any strftime format"
    ]


@cache
def starts_of_a_dozen_years(every):
    firings = rhythm_of(every).firings(datetime(2013, 1, 1))  # noqa: DTZ001
    return list(takewhile(lambda start: start < datetime(2025, 1, 20), firings))  # noqa: DTZ001


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.sampled_from("YmdHMjaGVu"), unique=True, min_size=1, max_size=6),
    st.sampled_from(["6 hours", "day", "week", "month", "0 6 * * 1-5", "0 0 1,15 * *"]),
)
def test_what_names_two_partitions_of_a_dozen_years_alike_is_found_and_nothing_else_is(directives, every):
    form = "-".join(f"%{directive}" for directive in directives)
    seen: dict[str, datetime] = {}
    distances = []
    for start in starts_of_a_dozen_years(every):
        text = f"{start:{form}}"
        if text in seen:
            distances.append(start - seen[text])
        seen[text] = start
    said = repeats_after(f"{{start:{form}}}", every)
    assert (said is None) == (not distances)
    assert said is None or said >= min(distances)


NOW = datetime(2013, 5, 1, 12, tzinfo=UTC)


def ahead(start="2013-05-01", **reference):
    return [
        (".".join(map(str, mistake.path)), mistake.what)
        for mistake in check_future({"cadence": {"start": start}, "reference": reference or None}, NOW)
    ]


def test_a_reference_that_lies_far_ahead_is_a_mistake_where_it_begins_or_ends_so():
    said = "is over a year ahead, and nothing is judged before the reference is over"
    assert ahead(start="2150-05-01") == [("cadence.start", f"2150-05-01 {said}")]
    assert ahead(**{"from": "2150-05-01", "to": "2150-06-30"}) == [("reference.from", f"2150-05-01 {said}")]
    assert ahead(**{"from": "2013-05-01", "to": "2031-06-30"}) == [("reference.to", f"2031-06-30 {said}")]


def test_a_reference_of_the_coming_year_is_none():
    assert ahead(start="2014-05-01") == ahead(**{"from": "2013-05-01", "to": "2014-05-01"}) == []
    assert ahead(start="1990-01-01") == ahead(start="no date") == ahead(**{"from": 5, "to": []}) == []


def test_the_good_declaration_is_good_for_every_hour_of_its_life():
    data = yaml.safe_load(GOOD)["attributes"]
    assert list(check_future(data, datetime(2012, 12, 1, tzinfo=UTC))) == []
    assert len(list(check_future(data, datetime(2012, 1, 1, tzinfo=UTC)))) == 1
