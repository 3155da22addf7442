from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lupus_assets.judging.incident import QUIET, episodes, incident_rows, marked, ranked
from lupus_assets.judging.wording import listed, number, season, subject, target
from lupus_assets.records import VerdictRow
from tests.models import START, day, declared


def verdict(column: str = "amount", flagged: bool = True, **other: object) -> VerdictRow:
    """Return one verdict of day 5."""
    plain = {
        "track": "champion", "version": "*", "partition_key": day(5).key, "window_start": day(5).start,
        "as_of": day(5).end, "segment": "*", "family": "input", "column_name": column, "metric": "mean",
        "rule": "history", "value": 1.0, "expected": 0.0, "low": None, "high": None, "p": 0.0, "effect": 1.0,
        "surprise": 10.0, "history": 60, "partitions": 1, "since": None, "severity": None,
        "flagged": flagged, "incident": None,
        "sentence": f"`{column}` is odd",
    }  # fmt: skip
    return VerdictRow(**(plain | other))


def found(flags: str, targets: tuple[str, ...] = ("amount",)):
    return episodes("champion", {day(at): targets if flag == "x" else () for at, flag in enumerate(flags)})


def of(flags: str) -> str:
    """Return the day on which the incident of each alarm began, as a digit."""
    incidents = found(flags).of
    keys = {day(at).start: at for at in range(len(flags))}
    begun = {f"champion/{day(at).key}": str(at) for at in range(len(flags))}
    return "".join(begun.get(incidents.get((start, "amount"), ""), ".") for start in keys)


@pytest.mark.parametrize(
    ("flags", "incidents"),
    [
        ("..x..", "..2.."),
        (".xx.x", ".11.1"),
        ("x..x.", "0..0."),
        ("x...x", "0...4"),
        (".....", "....."),
    ],
)
def test_alarms_belong_together_until_there_was_quiet(flags, incidents):
    assert of(flags) == incidents


def test_an_incident_is_closed_after_its_quiet_and_not_before():
    assert QUIET == 3
    assert found("x..").closed == {}
    assert found("x...").closed == {day(3).start: f"champion/{day(0).key}"}
    assert found("x...x...").closed.keys() == {day(3).start, day(7).start}


@given(st.text("x.", max_size=30), st.integers(0, 30))
def test_incidents_do_not_depend_on_later_partitions(flags, days):
    early, whole = found(flags[:days]), found(flags)
    end = day(min(days, len(flags))).start
    assert early.of == {at: name for at, name in whole.of.items() if at[0] < end}
    assert early.worse == {each for each in whole.worse if each[0] < end}
    for name in ("opened", "closed"):
        assert getattr(early, name) == {at: each for at, each in getattr(whole, name).items() if at < end}


def test_another_column_joins_the_incident_that_is_open_and_keeps_it_open():
    """The budget is of incidents: a front that moves five columns in a week is one."""
    a, b = {"a"}, {"b"}
    incidents = episodes(
        "champion", {day(at): each for at, each in enumerate([a, b, a | b, b, (), (), (), a])}
    )
    first = f"champion/{day(0).key}"
    assert {incidents.of[day(at).start, "b"] for at in range(1, 4)} == {first}
    assert incidents.worse == {(day(1).start, "b")}
    assert incidents.closed == {day(6).start: first}
    assert incidents.opened == {day(0).start: first, day(7).start: f"champion/{day(7).key}"}


def test_a_metric_that_people_read_speaks_for_its_column():
    rows = [
        verdict("a", metric="psi", surprise=90.0),
        verdict("a", metric="mean", surprise=9.0),
        verdict("b"),
    ]
    assert [(row.column_name, row.metric) for row in ranked(rows)] == [
        ("a", "mean"),
        ("a", "psi"),
        ("b", "mean"),
    ]


def test_facts_come_first_then_what_surprises_most_then_all_rows_before_a_segment():
    rows = [
        verdict("a", surprise=7.0),
        verdict("b", surprise=9.0, segment="country=de"),
        verdict("c", surprise=9.0),
        verdict("d", rule="fact", surprise=None),
        verdict("e", flagged=False, surprise=99.0),
    ]
    assert [row.column_name for row in ranked(rows)] == ["d", "c", "b", "a"]


def test_an_alarmed_partition_tells_of_each_target_once():
    rows = [verdict("a"), verdict("a", metric="psi"), verdict("b"), verdict("c", flagged=False)]
    events = incident_rows(day(5), day(5).end, "champion", rows, found(".....x", ("a", "b")))
    assert [(event.event, event.column_name) for event in events] == [("opened", "a"), ("joined", "b")]
    again = incident_rows(day(5), day(5).end, "champion", rows, found("....xx", ("a", "b")))
    assert {event.event for event in again} == {"joined"}
    assert {event.incident for event in again} == {f"champion/{day(4).key}"}


def test_a_target_that_had_no_alarm_in_it_makes_an_incident_worse():
    alarms = {day(0): {"a"}, day(1): {"a", "b"}, day(2): {"b"}}
    incidents = episodes("champion", alarms)
    told = [
        [
            (event.event, event.column_name)
            for event in incident_rows(window, window.end, "champion", rows, incidents)
        ]
        for window, rows in (
            (day(0), [replace(verdict("a"), window_start=day(0).start)]),
            (day(1), [replace(verdict(name), window_start=day(1).start) for name in "ab"]),
            (day(2), [replace(verdict("b"), window_start=day(2).start)]),
        )
    ]
    assert told == [[("opened", "a")], [("joined", "a"), ("worse", "b")], [("joined", "b")]]


def test_the_end_of_an_incident_is_an_event():
    (event,) = incident_rows(day(5), day(5).end, "champion", [], found("..x..."))
    assert (event.event, event.incident, event.sentence) == (
        "closed", f"champion/{day(2).key}", "no alarm in 3 partitions",
    )  # fmt: skip


def test_only_alarms_are_marked_with_their_incident():
    rows = marked([verdict("a"), verdict("b", flagged=False)], found(".....x", ("a",)))
    assert [row.incident for row in rows] == [f"champion/{day(5).key}", None]


def test_rows_as_such_are_named_where_no_column_is_to_blame():
    assert target(verdict("")) == "rows"
    assert subject("row_count", "", "*") == "number of rows"
    assert subject("null_rate", "temp", "origin=JFK") == "share of null `temp` where origin=JFK"


@pytest.mark.parametrize(
    ("value", "percent", "text"),
    [
        (0.2543, True, "25.4 %"),
        (0.5, True, "50 %"),
        (0.0, True, "0 %"),
        (1.0, True, "100 %"),
        (0.00012345, False, "0.0001234"),
        (999.94, False, "999.9"),
        (1234.5678, False, "1,235"),
        (-1234567.0, False, "-1,234,567"),
        (0.0, False, "0"),
    ],
)
def test_a_number_is_said_with_as_many_digits_as_mean_something(value, percent, text):
    assert number(value, percent=percent) == text


@pytest.mark.parametrize(
    ("every", "text"),
    [
        ("day", " on Mondays"),
        ("hour", " at 0 h"),
        ("6 hours", " at 0 h"),
        ("week", ""),
        ("month", " in January"),
        ("0 0 1 * *", ""),
    ],
)
def test_a_season_is_said_as_people_say_it(every, text):
    assert season(declared(cadence={"every": every, "start": START.date()}), START) == text


def test_the_season_is_that_of_the_cadences_zone():
    model = declared(cadence={"every": "day", "start": START.date(), "timezone": "America/New_York"})
    assert season(model, START) == " on Sundays"


def test_a_list_names_each_once_and_counts_the_rest():
    assert listed(["a", "b", "a"]) == "a, b"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert listed([]) == ""
