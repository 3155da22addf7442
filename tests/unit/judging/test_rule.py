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


def test_an_undefined_number_crosses_nothing():
    assert ruled([metric(5, None)], {"metric": "clipped_mean", "below": 5}) == []


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
