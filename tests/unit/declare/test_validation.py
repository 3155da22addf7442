"""What parts of a declaration must agree on, where the mistakes of a whole file do not show it."""

import pytest
import yaml

from lupus_assets.declare.consistency.parts import check_cadence, check_columns, check_model
from lupus_assets.declare.mistake import dotted
from tests.unit.declare.text import GOOD, swapped


def said(text: str) -> list[tuple[str, str, str]]:
    found = check_model(yaml.safe_load(text)["attributes"])
    return [(dotted(each.path), each.what, each.remedy) for each in found]


def in_columns(**parts: object) -> list[tuple[str, str, str]]:
    return [(dotted(each.path), each.what, each.remedy) for each in check_columns(parts)]


TWICE = "is named twice", "remove one of the two"
NOT_WATCHED = "which is not watched", "name a feature instead"


def test_nothing_is_wrong_with_a_good_declaration_or_with_nothing():
    assert said(GOOD) == []
    assert list(check_model({})) == list(check_model(None)) == list(check_model([1])) == []


@pytest.mark.parametrize(
    ("old", "new", "where", "what", "remedy"),
    [
        (
            "weather: [temp]",
            "weather: [temp, hour, temp]",
            "groups.weather[2]",
            f"'temp' {TWICE[0]}",
            TWICE[1],
        ),
        (
            "weather: [temp]",
            "weather: [temp]\n    sky: [hour, hour]",
            "groups.sky[1]",
            f"'hour' {TWICE[0]}",
            TWICE[1],
        ),
        ("private: [temp]", "private: [temp, temp]", "columns.private[1]", f"'temp' {TWICE[0]}", TWICE[1]),
        (
            "weather: [temp]",
            "weather: [flight_id]",
            "groups.weather[0]",
            f"'flight_id' is the key, {NOT_WATCHED[0]}",
            NOT_WATCHED[1],
        ),
        (
            "below: 500",
            "below: 500, column: tail_number",
            "rules[0].column",
            f"'tail_number' is the entity, {NOT_WATCHED[0]}",
            NOT_WATCHED[1],
        ),
        (
            "segments: [origin]",
            "segments: [p_late]",
            "segments[0]",
            "'p_late' is the prediction",
            "segment by a feature or remove it",
        ),
        (
            "every: day, start: 2013-05-01, end: 2014-01-01",
            "every: hour, start: 2013-05-01, grace: 401d",
            "cadence.grace",
            "401d is thousands of partitions of a cadence of 'hour'",
            "write at most 400d, or judge the model by day",
        ),
        (
            "every: day, start: 2013-05-01, end: 2014-01-01",
            "every: 6 hours, start: 2013-05-01, grace: 401d",
            "cadence.grace",
            "401d is thousands of partitions of a cadence of '6 hours'",
            "write at most 400d, or judge the model by day",
        ),
        (
            "every: day, start: 2013-05-01, end: 2014-01-01",
            "every: '0  */2 * * *', start: 2013-05-01, grace: 401d",
            "cadence.grace",
            "401d is thousands of partitions of a cadence of '0 */2 * * *'",
            "write at most 400d, or judge the model by day",
        ),
        (
            "challenger: {function",
            "a_vs_b: {function",
            "tracks.a_vs_b",
            "'a_vs_b' has a vs, which stands between the tracks of a comparison",
            "write another name",
        ),
        ("below: 500", "rises_from_season: {periods: 4, by: 1}", None, None, None),
    ],
)
def test_one_contradiction_is_one_mistake_at_its_place(old, new, where, what, remedy):
    text = swapped(old, new).replace("new: challenger", "new: other") if "_vs_" in new else swapped(old, new)
    expected = [] if where is None else [(where, what, remedy)]
    found = [each for each in said(text) if not each[0].startswith("compare")]
    assert found == expected


@pytest.mark.parametrize("every", ["day", "week", "0 6 * * *", "30 12 1 * *"])
def test_delays_of_years_are_fine_where_a_day_has_one_partition(every):
    cadence = f"every: '{every}', start: 2013-05-01, grace: 900d"
    assert said(swapped("every: day, start: 2013-05-01, end: 2014-01-01", cadence)) == []


@pytest.mark.parametrize(("delay", "fine"), [("400d", True), ("400d1h", False)])
def test_labels_may_be_400_days_late_by_the_hour_and_no_more(delay, fine):
    text = swapped("every: day, start: 2013-05-01, end: 2014-01-01", "every: hour, start: 2013-05-01")
    text = text.replace("{column: late}", f"{{column: late, arrives_within: {delay}}}")
    assert [where for where, *_ in said(text)] == ([] if fine else ["columns.label.arrives_within"])


@pytest.mark.parametrize("name", ["vs", "vs_b", "a_vs", "a_vs_b"])
def test_a_track_is_not_called_vs(name):
    assert [where for where, *_ in said(f"attributes: {{tracks: {{{name}: {{}}}}}}")] == [f"tracks.{name}"]
    assert said("attributes: {tracks: {avs: {}, vsb: {}, canvas_b: {}}}") == []


def test_a_track_whose_name_is_a_number_is_known():
    assert said("attributes: {tracks: {5: {}}, reference: {track: '5'}}") == []


@pytest.mark.parametrize("kind", ["class", "value"])
def test_a_prediction_without_a_score_has_neither_threshold_nor_positive_label(kind):
    decided = ("decision", f"a prediction by {kind} is not decided by a threshold",
               "remove it, or declare prediction.score")  # fmt: skip
    positive = ("label.positive", f"a prediction by {kind} has no positive label",
                "remove it, or declare prediction.score")  # fmt: skip
    label = {"column": "y", "positive": "yes"}
    assert in_columns(prediction={kind: "p"}, decision={"threshold": 0.5}, label=label) == [decided, positive]
    assert in_columns(prediction={kind: "p"}, label={"column": "y", "positive": True}) == []
    assert in_columns(prediction={kind: "p", "score": "q"}, decision={}, label=label) == []
    assert in_columns(prediction={"score": "q"}, decision={}, label=label) == []


ROLES = {
    "timestamp": ("timestamp", "the timestamp"),
    "arrival": ("arrival", "the arrival time"),
    "key": ("key", "the key"),
    "entity": ("entity", "the entity"),
    "version": ("version", "the version"),
    "prediction.score": ("prediction", "the prediction"),
    "prediction.class": ("prediction", "the prediction"),
    "prediction.value": ("prediction", "the prediction"),
    "label": ("label", "the label"),
    "label.column": ("label", "the label"),
    "label.arrival": ("label", "the label's arrival time"),
    "features.numeric": ("features", "a numeric feature"),
    "features.categorical": ("features", "a categorical feature"),
}


def columns_with(place: str, name: str) -> dict[str, object]:
    outer, _, inner = place.partition(".")
    value: object = [name] if outer == "features" else name
    return {outer: {inner: value} if inner else value}


@pytest.mark.parametrize("place", [place for place in ROLES if place != "timestamp"])
def test_a_column_has_one_role_whatever_it_is(place):
    parts = {"timestamp": "x"} | columns_with(place, "x")
    where = f"{place}[0]" if place.startswith("features") else place
    assert in_columns(**parts) == [
        (where, "'x' is the timestamp already", "a column has one role: remove one of the two")
    ]
    _, role = ROLES[place]
    later = columns_with(place, "x") | {"features": {"categorical": ["x"]}}
    if not place.startswith("features"):
        assert [what for _, what, _ in in_columns(**later)] == [f"'x' is {role} already"]


@pytest.mark.parametrize("place", ROLES)
def test_what_has_to_be_stored_to_be_watched_cannot_be_private(place):
    _, role = ROLES[place]
    found = in_columns(private=["x"], **columns_with(place, "x"))
    stored = role in {"the timestamp", "the version", "the prediction", "the label"}
    assert [what for _, what, _ in found] == (
        [f"'x' is {role}, which cannot be watched without being stored"] if stored else []
    )


def test_other_columns_may_be_named_where_all_of_them_are_features():
    """Under `auto` any column that has no role is one; where features are listed, these are all."""
    auto = "attributes: {columns: {timestamp: t, features: auto}, segments: [s], groups: {g: [x]}}"
    assert said(auto) == []
    listing = auto.replace("auto", "{numeric: [a]}")
    assert said(listing) == [
        ("groups.g[0]", "'x' is no declared feature", "add it to columns.features; there are: a")
    ]
    none = auto.replace("auto", "{}")
    assert said(none) == [
        ("groups.g[0]", "'x' is no declared feature", "add it to columns.features; there are: none")
    ]


def test_a_group_may_hold_a_column_that_is_called_like_a_metric():
    listing = "columns: {timestamp: t, features: {numeric: [a]}}, groups: {g: [psi]}, rules: [{column: psi}]"
    assert [where for where, *_ in said(f"attributes: {{{listing}}}")] == ["rules[0].column"]


def test_a_key_is_needed_where_tracks_are_compared_and_columns_are_there():
    pair = "compare: [{old: a, new: b}]"
    assert [where for where, *_ in said(f"attributes: {{columns: {{timestamp: t}}, {pair}}}")] == ["compare"]
    assert said(f"attributes: {{{pair}}}") == said(f"attributes: {{columns: {{key: k}}, {pair}}}") == []


def test_pairs_are_the_same_in_one_order_alone():
    pair = "{old: a, new: b}"
    pairs = f"[{pair}, {{old: b, new: a}}, {pair}, {pair}, {{old: c}}, {{old: c}}, {{new: d}}]"
    assert said(f"attributes: {{compare: {pairs}}}") == [
        (f"compare[{at}]", "is the same pair as compare[0]", "remove one of the two") for at in (2, 3)
    ]


@pytest.mark.parametrize(
    ("cadence", "expected"),
    [
        (
            {"every": "day", "start": "2013-05-01T06:00"},
            [
                (
                    "start",
                    "2013-05-01T06:00 is not midnight in UTC, and the cadence is by day",
                    "write 2013-05-01",
                )
            ],
        ),
        (
            {"every": "week", "start": "2013-05-06", "end": "2013-06-03T00:30"},
            [
                (
                    "end",
                    "2013-06-03T00:30 is not midnight in UTC, and the cadence is by week",
                    "write 2013-06-03",
                )
            ],
        ),
        ({"every": "hour", "start": "2013-05-01T06:00"}, []),
        ({"every": "day", "start": "2013-05-01T15:00Z", "timezone": "Asia/Tokyo"}, []),
        (
            {"every": "day", "start": "2013-05-02", "end": "2013-05-02"},
            [("end", "2013-05-02 is not after the start 2013-05-02", "give a later end; it is exclusive")],
        ),
        ({"every": "day", "start": "2013-05-02", "end": "2013-05-03"}, []),
        ({"every": "day", "start": "2013-05-02T06:00", "timezone": "Mars"}, []),  # said of the zone already
    ],
)
def test_a_cadence_agrees_with_itself(cadence, expected):
    assert [(dotted(each.path), each.what, each.remedy) for each in check_cadence(cadence)] == expected


@pytest.mark.parametrize(
    ("cadence", "reference", "expected"),
    [
        ("{start: 2013-05-01, end: 2013-06-01}", "{from: 2013-05-01, to: 2013-05-31}", []),
        (
            "{start: 2013-05-01, end: 2013-06-01}",
            "{from: 2013-05-01, to: 2013-06-01}",
            [
                (
                    "reference.to",
                    "2013-06-01 is past the cadence's end, which is exclusive",
                    "write 2013-05-31 or earlier",
                )
            ],
        ),
        ("{start: 2013-05-01T06:00, every: hour}", "{from: 2013-05-01, to: 2013-05-01}", []),
        (
            "{start: 2013-05-01}",
            "{from: 2013-04-30, to: 2013-04-30}",
            [
                (
                    "reference.from",
                    "2013-04-30 is before the cadence's start 2013-05-01",
                    "write 2013-05-01 or later",
                )
            ],
        ),
        (
            "{start: 2013-05-01}",
            "{from: 2013-04-30, to: 2013-04-29}",
            [("reference.to", "2013-04-29 is before 2013-04-30", "give a day from then on")],
        ),
        ("{}", "{from: 2013-04-30, to: 2013-04-30}", []),
    ],
)
def test_a_reference_lies_within_its_cadence(cadence, reference, expected):
    assert said(f"attributes: {{cadence: {cadence}, reference: {reference}}}") == expected
