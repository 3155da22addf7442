from dataclasses import replace

import numpy as np
import pytest

from lupus_assets.declare.metric import METRICS, NEEDS_LABEL, OF_KIND
from lupus_assets.judging.rule import describe, rule_rows
from lupus_assets.sinks.schema import to_table
from tests.models import DAY, day, declared, metric


def ruled(rows, *rules, numbers=(5,), reference="now", **parts):
    table = to_table("metrics", rows)
    windows = [day(number) for number in numbers]
    model = declared(rules=rules, **parts)
    return rule_rows(table, model=model, track="champion", reference=reference, windows=windows)


@pytest.mark.parametrize(
    ("rule", "value", "flagged", "said"),
    [
        ({"below": 10}, 9.0, True, "clipped mean of `amount` is 9, below 10"),
        ({"below": 10}, 10.0, False, "clipped mean of `amount` is 10, not below 10"),
        ({"above": 10}, 10.5, True, "clipped mean of `amount` is 10.5, above 10"),
        ({"above": 10}, 10.0, False, "clipped mean of `amount` is 10, not above 10"),
    ],
)
def test_a_limit_is_crossed_beyond_it_and_not_at_it(rule, value, flagged, said):
    (row,) = ruled([metric(5, value)], {"metric": "clipped_mean", **rule})
    assert (row.flagged, row.sentence) == (flagged, said)
    assert (row.low, row.high) == (rule.get("below"), rule.get("above"))
    assert row.rule == f"clipped_mean {next(iter(rule))} 10"


@pytest.mark.parametrize(
    ("verb", "value", "flagged", "said"),
    [
        ("falls", 1.9, True, "more than 1 below the recent 3 partitions' median 3"),
        ("falls", 2.0, False, "not more than 1 below the recent 3 partitions' median 3"),
        ("rises", 4.1, True, "more than 1 above the recent 3 partitions' median 3"),
        ("rises", 4.0, False, "not more than 1 above the recent 3 partitions' median 3"),
    ],
)
def test_a_change_is_measured_from_the_median_of_the_recent_partitions(verb, value, flagged, said):
    past = [metric(number, float(number)) for number in range(5)]  # the last three: 2, 3, 4
    rule = {"metric": "clipped_mean", f"{verb}_from_recent": {"partitions": 3, "by": 1}}
    (row,) = ruled([*past, metric(5, value)], rule)
    assert (row.flagged, row.expected, row.history) == (flagged, 3.0, 5)
    assert row.effect == value - 3
    assert said in row.sentence
    assert row.rule == f"clipped_mean {verb} from recent 3 by 1"


def test_a_change_needs_as_many_earlier_partitions_as_it_names():
    rule = {"metric": "clipped_mean", "falls_from_recent": {"partitions": 3, "by": 1}}
    (row,) = ruled([metric(4, 50.0), metric(5, 0.0)], rule)
    assert not row.flagged
    assert row.sentence.endswith("no verdict yet: 1 of 3 earlier partitions")


@pytest.mark.parametrize(("verb", "value", "flagged"), [("falls", 9.0, True), ("rises", 9.0, False)])
def test_a_change_from_the_season_is_measured_from_partitions_of_the_same_weekday(verb, value, flagged):
    """Sundays are at 1, all other days at 10.5: a Friday at 9 is low among Fridays."""
    past = [metric(number, 1.0 if number % 7 == 6 else 10.5) for number in range(32)]
    rule = {"metric": "clipped_mean", f"{verb}_from_season": {"periods": 4, "by": 1}}
    (row,) = ruled([*past, metric(32, value)], rule, numbers=[32])
    assert (row.flagged, row.expected) == (flagged, 10.5)
    assert row.rule == f"clipped_mean {verb} from season of 4 by 1"
    assert "the median of the last 4 of the same weekday or hour 10.5" in row.sentence


def test_a_season_needs_as_many_partitions_of_its_phase_as_it_names():
    past = [metric(number, 10.0) for number in range(20)]
    rule = {"metric": "clipped_mean", "falls_from_season": {"periods": 4, "by": 1}}
    (row,) = ruled([*past, metric(20, 1.0)], rule, numbers=[20])
    assert row.sentence.endswith("no verdict yet: 2 of 4 earlier partitions")


@pytest.mark.parametrize(
    ("verb", "flagged", "said"),
    [("rises", True, "rising steadily: up"), ("falls", False, "not falling steadily: up")],
)
def test_a_steady_change_is_a_trend(verb, flagged, said):
    noise = np.random.default_rng(2).normal(0, 1, 28)
    rows = [metric(number, 10 + 0.3 * number + noise[number]) for number in range(28)]
    (row,) = ruled(rows, {"metric": "clipped_mean", f"{verb}_steadily": {"partitions": 28}}, numbers=[27])
    assert row.flagged == flagged
    assert (row.p < 0.01) == flagged
    assert said in row.sentence
    assert row.rule == f"clipped_mean {verb} steadily over 28, p 0.01"
    (young,) = ruled(rows, {"metric": "clipped_mean", f"{verb}_steadily": {"partitions": 28}}, numbers=[20])
    assert young.sentence.endswith("no verdict yet: 20 of 27 earlier partitions")


def test_numbers_of_another_reference_are_neither_judged_nor_compared_with():
    rule = {"metric": "psi", "rises_from_recent": {"partitions": 2, "by": 0.1}}
    past = [metric(number, 0.9, metric="psi", reference="before") for number in range(4)]
    (row,) = ruled([*past, metric(5, 0.2, metric="psi")], rule)
    assert (row.history, row.flagged) == (0, False)
    assert ruled([metric(5, 0.2, metric="psi", reference="before")], {"metric": "psi", "above": 0.1}) == []


def test_a_rule_concerns_what_it_names_and_all_rows_otherwise():
    rows = [
        metric(5, 1.0),
        metric(5, 1.0, column_name="other"),
        metric(5, 1.0, segment="country=de"),
        metric(5, 1.0, segment="country=jp"),
        metric(5, 1.0, version="v1"),
    ]

    def concerned(**limits):
        return [(row.column_name, row.segment) for row in ruled(
            rows, {"metric": "clipped_mean", "below": 5, **limits}, groups={"some": ["other"]},
        )]  # fmt: skip

    assert concerned() == [("amount", "*"), ("other", "*")]
    assert concerned(column="amount") == [("amount", "*")]
    assert concerned(group="some") == [("other", "*")]
    assert concerned(segment="country") == [("amount", "country=de"), ("amount", "country=jp")]
    assert concerned(segment="country=jp") == [("amount", "country=jp")]


def test_a_rule_of_another_track_is_silent():
    tracks = {name: {"parquet": f"{name}/{{partition}}.parquet"} for name in ("champion", "challenger")}
    rule = {"metric": "clipped_mean", "below": 5, "track": "challenger"}
    assert ruled([metric(5, 1.0)], rule, tracks=tracks) == []


def test_of_several_cuts_the_latest_stands():
    late = metric(5, 20.0, as_of=day(5).end + 3 * DAY)
    (row,) = ruled([metric(5, 1.0), late], {"metric": "clipped_mean", "below": 5})
    assert (row.flagged, row.as_of) == (False, late.as_of)


def test_an_undefined_number_crosses_nothing_and_its_reason_is_said():
    rows = [metric(4, 1.0), metric(5, None, reason="no positive decision")]
    (row,) = ruled(rows, {"metric": "clipped_mean", "below": 5})
    assert (row.flagged, row.severity, row.value, row.history) == (False, None, None, 1)
    assert (row.low, row.high, row.p) == (None, None, None)
    assert row.sentence == "clipped mean of `amount` has no value: no positive decision"


def test_an_undefined_number_is_no_history():
    rows = [metric(3, 2.0), metric(4, None), metric(5, 0.5)]
    rule = {"metric": "clipped_mean", "falls_from_recent": {"partitions": 1, "by": 1}}
    (row,) = ruled(rows, rule)
    assert (row.flagged, row.expected, row.history) == (True, 2.0, 1)


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({}, "null_rate above 0.1"),
        ({"column": "amount"}, "null_rate of amount above 0.1"),
        ({"segment": "country"}, "null_rate where country above 0.1"),
        ({"segment": "country=jp"}, "null_rate where country=jp above 0.1"),
        ({"group": "some"}, "null_rate in group some above 0.1"),
        ({"column": "amount", "segment": "country=jp"}, "null_rate of amount where country=jp above 0.1"),
        ({"name": "many_nulls", "column": "amount"}, "many_nulls"),
    ],
)
def test_a_rule_is_called_by_its_name_or_by_all_that_it_says(limits, text):
    groups = {"some": ["amount"]}
    model = declared(rules=[{"metric": "null_rate", "above": 0.1, **limits}], groups=groups)
    assert describe(model.rules[0]) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"above": 0.1234567}, {"above": 0.1234568}),
        ({"above": 1000001}, {"above": 1000002}),
        ({"above": 1e-7}, {"above": 1.0000001e-7}),
        ({"above": 5}, {"below": 5}),
        (
            {"falls_from_recent": {"partitions": 3, "by": 0.1234567}},
            {"falls_from_recent": {"partitions": 3, "by": 0.1234568}},
        ),
        (
            {"falls_from_season": {"periods": 3, "by": 1000001}},
            {"falls_from_season": {"periods": 3, "by": 1000002}},
        ),
        (
            {"falls_steadily": {"partitions": 8, "p": 0.1234567}},
            {"falls_steadily": {"partitions": 8, "p": 0.1234568}},
        ),
        ({"above": 5, "column": "amount"}, {"above": 5}),
        ({"above": 5, "name": "one"}, {"above": 5, "name": "other"}),
    ],
)
def test_two_rules_on_one_number_are_two_verdicts_and_two_sentences(one, other):
    rows = [metric(number, 40.0 - 5 * (number % 2) - number) for number in range(32)]
    verdicts = ruled(rows, *({"metric": "clipped_mean", **rule} for rule in (one, other)), numbers=[31])
    assert len(verdicts) == 2
    assert len({row.rule for row in verdicts}) == 2
    assert len({row.sentence for row in verdicts}) == 2


def test_a_number_just_beyond_its_limit_does_not_read_like_the_limit():
    (row,) = ruled([metric(5, 0.25004, metric="null_rate")], {"metric": "null_rate", "above": 0.25})
    assert row.sentence == "share of null `amount` is 25.004 %, above 0.25"
    (row,) = ruled([metric(5, 1000000.7)], {"metric": "clipped_mean", "below": 1000001})
    assert row.sentence == "clipped mean of `amount` is 1,000,000.7, below 1000001"


def test_a_sentence_names_the_rule_where_it_is_not_one_of_everything():
    rule = {"metric": "clipped_mean", "below": 5}
    said = [
        ruled([metric(5, 1.0)], rule | limits, groups={"some": ["amount"]})[0].sentence
        for limits in ({}, {"column": "amount"}, {"group": "some"}, {"name": "low_amount"})
    ]
    plain = "clipped mean of `amount` is 1, below 5"
    assert said == [
        plain,
        *(f"{plain} (rule {each})" for each in ("of amount", "in group some", "low_amount")),
    ]


@pytest.mark.parametrize("name", METRICS)
def test_a_rule_may_name_any_metric_of_the_catalogue(name):
    """Where some kind of prediction has it."""
    rule = {"metric": name, "above": 0.5}
    kind = next((kind for kind, names in OF_KIND.items() if name in names), "score")
    model = declared({"prediction": {kind: "p"}, "decision": None}, rules=[rule])
    table = to_table("metrics", [replace(metric(5, 0.75), metric=name)])
    (row,) = rule_rows(table, model=model, track="champion", reference="now", windows=[day(5)])
    assert row.flagged
    assert ", above 0.5" in row.sentence
    assert describe(model.rules[0]) == row.rule


def test_whatever_needs_a_label_is_refused_without_one():
    for name in NEEDS_LABEL & set(OF_KIND["score"]):
        with pytest.raises(ValueError, match="needs labels"):
            declared({"label": None}, rules=[{"metric": name, "above": 0.5}])
