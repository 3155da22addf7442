"""Whole rows: what a verdict, a fact and an event of an incident hold, field by field."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from lupus_assets.declare import MonitoredModel
from lupus_assets.judging.fact import fact_rows
from lupus_assets.judging.incident import Episodes, Open, episodes, incident_rows, resumed
from lupus_assets.judging.rule import rule_rows
from lupus_assets.reading.cut import Cut, cuts
from lupus_assets.records import IncidentRow, MetricRow, VerdictRow, Window
from lupus_assets.sinks.schema import to_table
from tests.judged import verdict_rows
from tests.models import by_column, day, declared, frozen, metric, verdict


def ruled(rows: list[MetricRow], rule: dict[str, object], number: int) -> VerdictRow:
    table = to_table("metrics", rows)
    (row,) = rule_rows(
        table, model=declared(rules=[rule]), track="champion", reference="now", windows=[day(number)]
    )
    return row


def test_a_row_of_a_rule():
    assert ruled([metric(5, 9.0)], {"metric": "clipped_mean", "below": 10}, 5) == VerdictRow(
        track="champion", version="*", partition_key="2024-01-06", window_start=day(5).start,
        as_of=day(5).end, segment="*", family="input", column_name="amount", metric="clipped_mean",
        rule="clipped_mean below 10", value=9.0, expected=None, low=10.0, high=None, p=None, effect=None,
        surprise=None, history=0, partitions=None, since=None, severity="alarm", flagged=True, incident=None,
        sentence="clipped mean of `amount` is 9, below 10",
    )  # fmt: skip


def test_a_row_of_a_change_has_what_was_expected_and_the_limit():
    past = [metric(number, float(number)) for number in range(5)]
    rule = {"metric": "clipped_mean", "rises_from_recent": {"partitions": 3, "by": 1}}
    found = ruled([*past, metric(5, 3.5)], rule, 5)
    assert (found.expected, found.low, found.high, found.effect) == (3.0, None, 4.0, 0.5)
    assert (found.severity, found.flagged, found.history, found.p) == (None, False, 5, None)
    falls = {"metric": "clipped_mean", "falls_from_recent": {"partitions": 3, "by": 1}}
    found = ruled([*past, metric(5, 1.5)], falls, 5)
    assert (found.expected, found.low, found.high, found.effect) == (3.0, 2.0, None, -1.5)


def test_a_row_of_a_trend_has_a_p_value_and_no_range():
    rows = [metric(number, float(number)) for number in range(10)]
    rule = {"metric": "clipped_mean", "rises_steadily": {"partitions": 10}}
    found = ruled(rows, rule, 9)
    assert (found.expected, found.low, found.high, found.effect) == (None,) * 4
    assert found.p < 0.01
    assert found.sentence.endswith("rising steadily: up 9 over 10 partitions")


def test_a_share_is_said_in_percent_by_every_kind_of_rule():
    shares = [metric(number, 0.02 * (number + 1), metric="null_rate") for number in range(10)]
    assert "is 20 %, above 0.1" in ruled(shares, {"metric": "null_rate", "above": 0.1}, 9).sentence
    recent = {"metric": "null_rate", "rises_from_recent": {"partitions": 3, "by": 0.01}}
    assert ruled(shares, recent, 9).sentence.endswith("the recent 3 partitions' median 16 %")
    steadily = {"metric": "null_rate", "rises_steadily": {"partitions": 10}}
    assert "up 18 % over 10" in ruled(shares, steadily, 9).sentence


def test_a_rule_looks_back_on_windows_that_are_not_asked_for():
    """Numbers before the windows count as history, and have no row of their own."""
    rows = [metric(number, 1.0) for number in range(4)]
    assert ruled(rows, {"metric": "clipped_mean", "above": 5}, 2).history == 2


def test_a_row_of_a_fact():
    model = declared()
    facts = [("p", "null_rate", 1.0, "said of p"), ("", "row_count", 0.0, "said of rows")]
    of_score, of_rows = fact_rows(
        iter(facts), by_column(model, frozen(model)), track="t", window=day(5), as_of=day(5).end
    )
    assert of_score == VerdictRow(
        track="t", version="*", partition_key="2024-01-06", window_start=day(5).start, as_of=day(5).end,
        segment="*", family="prediction", column_name="p", metric="null_rate", rule="fact", value=1.0,
        expected=None,
        low=None, high=None, p=None, effect=None, surprise=None, history=0, partitions=None, since=None,
        severity="alarm", flagged=True, incident=None, sentence="said of p",
    )  # fmt: skip
    assert of_rows == replace(
        of_score, family="input", column_name="", metric="row_count", value=0.0, sentence="said of rows"
    )


def flagged(number: int, column: str, **other: object) -> VerdictRow:
    return verdict(number, column_name=column, flagged=True, severity="alarm", **other)


def test_an_event_of_an_incident():
    row = flagged(5, "", metric="row_count", sentence="too few rows")
    found = episodes("champion", {day(5): {"rows"}})
    (event,) = incident_rows(day(5), day(6).end, "champion", [row], found)
    opened = IncidentRow(
        track="champion", partition_key="2024-01-06", window_start=day(5).start, as_of=day(6).end,
        incident="champion/2024-01-06", event="opened", column_name="rows", metric="row_count",
        sentence="too few rows",
    )  # fmt: skip
    assert event == opened
    later = episodes("champion", {day(5): {"rows"}, **{day(at): () for at in (6, 7, 8)}})
    (event,) = incident_rows(day(8), day(8).end, "champion", [], later)
    assert event == replace(
        opened, partition_key="2024-01-09", window_start=day(8).start, as_of=day(8).end, event="closed",
        column_name="", metric="", sentence="no alarm in 3 partitions",
    )  # fmt: skip


NOTHING = Open()


def stored(flags: dict[int, tuple[str, ...]]) -> list[VerdictRow]:
    """Return two verdicts of every day, of which those of the named columns are alarms."""
    return [
        flagged(number, name) if name in alarmed else verdict(number, column_name=name)
        for number, alarmed in flags.items()
        for name in ("a", "")
    ]


def whole(flags: dict[int, tuple[str, ...]], before: Open = NOTHING) -> Episodes:
    alarms = {day(number): {name or "rows" for name in names} for number, names in flags.items()}
    return episodes("champion", alarms, before)


FLAGS = {0: (), 1: ("a",), 2: (), 3: ("a", ""), 4: (), 5: (), 6: (), 7: (), 8: ("",), 9: (), 10: ("a",)}


@pytest.mark.parametrize("split", range(12))
@pytest.mark.parametrize("before", [NOTHING, Open("champion/x", ("a",), 1)])
def test_incidents_of_stored_verdicts_and_of_new_ones_are_those_of_all_together(split, before):
    past = {number: names for number, names in FLAGS.items() if number < split}
    rest = {number: names for number, names in FLAGS.items() if number >= split}
    new = {(day(number), cut_of(number)): stored({number: names}) for number, names in rest.items()}
    found, expected = (
        resumed("champion", to_table("verdicts", stored(past)), new, before),
        whole(FLAGS, before),
    )
    assert found == expected


def cut_of(number: int) -> Cut:
    return cuts(declared(), day(number))[0]


def test_an_open_incident_goes_on_with_its_members_and_its_quiet():
    before = Open("champion/x", ("a",), 2)
    assert whole({0: ()}, before).closed == {day(0).start: "champion/x"}
    assert whole({0: ()}, before).last == NOTHING
    assert whole({0: ("a",)}, before).last == Open("champion/x", ("a",), 0)
    assert whole({0: ("a",)}, before).worse == frozenset()
    joined = whole({0: ("a", ""), 1: ()}, before)
    assert joined.worse == {(day(0).start, "rows")}
    assert joined.last == Open("champion/x", ("a", "rows"), 1)


HOURS = {"every": "hour", "start": datetime(2024, 1, 1, tzinfo=UTC), "timezone": "Asia/Tokyo"}


def hourly(values: list[float]) -> list[MetricRow]:
    windows = [hour(at) for at in range(len(values))]
    return [
        metric(0, value, window_start=window.start, as_of=window.end, partition_key=window.key)
        for window, value in zip(windows, values, strict=True)
    ]


def hour(at: int) -> Window:
    start = np.datetime64("2024-01-01T00", "h") + at
    moment = start.astype("datetime64[us]").astype(datetime).replace(tzinfo=UTC)
    end = (start + 1).astype("datetime64[us]").astype(datetime).replace(tzinfo=UTC)
    return Window(moment, end, f"{moment:%Y-%m-%d-%H:%M}")


def judged(model: MonitoredModel, rows: list[MetricRow], window: Window) -> VerdictRow:
    table = to_table("metrics", rows)
    (row,) = verdict_rows(table, model=model, track="champion", reference="now", windows=[window])
    return row


def test_hours_are_said_with_date_and_time_of_the_zone():
    values = [*(50 + np.random.default_rng(3).normal(size=60)), 90.0]
    model = declared(cadence=HOURS, reference={"from": "2024-01-01", "to": "2024-01-02"})
    row = judged(model, hourly(values), hour(60))
    assert row.flagged
    assert row.since == "2024-01-03 21:00"  # 12:00 of UTC
    assert row.sentence.endswith("at 21 h; since 2024-01-03 21:00")


@pytest.mark.parametrize(("jump", "side"), [(2.5, "above"), (-2.5, "below")])
def test_what_shows_over_several_partitions_says_over_how_many_and_by_how_much(jump, side):
    values = 50 + np.random.default_rng(4).normal(size=60)
    values[40:] += jump
    model = declared(alarms={"budget": "4 per month"})
    rows = [metric(number, float(value)) for number, value in enumerate(values)]
    lasting = [judged(model, rows[: at + 1], day(at)) for at in range(42, 54)]
    told = [row for row in lasting if row.flagged and row.partitions > 1]
    assert told
    for row in told:
        assert (
            f"; over {row.partitions} partitions {abs(row.effect):.4g} {side} what was expected"
            in row.sentence
        )
        assert row.effect * jump > 0


OTHERS = ", and others were measured against another reference: materialise those again"


@pytest.mark.parametrize(("foreign", "said"), [(2, True), (4, True), (5, False), (None, False)])
def test_a_history_that_is_short_since_the_reference_is_another_says_so(foreign, said):
    """From the first partition on that was measured against another."""
    rows = [metric(number, 50.0) for number in range(5)]
    if foreign is not None:
        rows.append(metric(foreign, 50.0, reference="before", column_name="country"))
    rows.append(metric(0, 50.0, reference="before", version="v1"))  # a version is in no history
    row = judged(declared(), sorted(rows, key=lambda each: each.window_start), day(4))
    assert row.sentence.endswith(f"; no verdict yet: 4 of 21 earlier partitions{OTHERS if said else ''}")
