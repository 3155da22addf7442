from collections.abc import Sequence

import pytest

from lupus_assets.declare.metric import METRICS
from lupus_assets.judging.check import CHECKS, Outcome, check_of, checks_of, outcomes, unmeasured
from lupus_assets.judging.finding import Findings
from lupus_assets.judging.rule import describe, rule_rows
from lupus_assets.records import HISTORY_RULE, VerdictRow
from lupus_assets.sinks.schema import to_table
from tests.models import day, declared, metric
from tests.models import verdict as of_day

FAMILIES = {"input", "prediction", "target", "performance"}


def verdict(column: str = "amount", flagged: bool = True, **other: object) -> VerdictRow:
    """Return a verdict on a column's mean."""
    plain = {"metric": "mean", "p": 0.0, "surprise": 10.0, "sentence": f"`{column}` is odd"}
    return of_day(5, 1.0, column_name=column, flagged=flagged, **(plain | other))


def open_verdict(column: str = "amount", **other: object) -> VerdictRow:
    """Return a verdict that is none yet."""
    return verdict(column, flagged=False, p=None, low=None, high=None, **other)


def answer(verdicts: Sequence[VerdictRow], check: str, **known: object) -> Outcome:
    """Return the outcome of one check."""
    (outcome,) = outcomes(Findings(verdicts, **known), [check])
    return outcome


def said(verdicts: Sequence[VerdictRow], check: str, **known: object) -> tuple[bool, str]:
    """Return whether a check passes, and its sentence."""
    outcome = answer(verdicts, check, **known)
    return outcome.passed, outcome.sentence


@pytest.mark.parametrize(
    ("other", "check"),
    [
        ({}, "input_drift"),
        ({"metric": "null_rate"}, "completeness"),
        ({"rule": "fact", "metric": "distinct"}, "completeness"),
        ({"family": "prediction", "metric": "psi"}, "prediction_shift"),
        ({"family": "target", "metric": "base_rate"}, "target_shift"),
        ({"family": "target", "metric": "labelled_rate"}, "completeness"),
        ({"family": "performance", "metric": "auc"}, "performance"),
        ({"rule": "row_count below 500", "metric": "row_count"}, "rules"),
    ],
)
def test_a_verdict_speaks_to_one_check(other, check):
    row = verdict(**other)
    assert check_of(row) == check
    for each in CHECKS:
        assert said([row], each)[0] == (each != check)


@pytest.mark.parametrize("rule", ["history", "fact", "low traffic"])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_verdict_has_a_check(family, rule):
    assert {check_of(verdict(metric=metric, family=family, rule=rule)) for metric in METRICS} <= set(CHECKS)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS.keys())
def test_a_check_names_metrics_and_families_that_exist(check):
    for topic in check.topics:
        assert METRICS.keys() >= set(topic.metrics)
        assert set(topic.families) <= FAMILIES


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_check_of_histories_names_metrics_whose_histories_are_judged(check):
    """Otherwise it would pass for ever, with nothing to judge."""
    named = {name for topic in check.topics if HISTORY_RULE in topic.rules for name in topic.metrics}
    assert [name for name in named if not METRICS[name].judged] == []


def test_a_track_has_the_checks_that_its_declaration_gives_something_to_judge():
    of_labels = {"target_shift", "performance"}
    assert set(checks_of(declared(), "champion")) == set(CHECKS) - {"rules"}
    assert set(checks_of(declared({"label": None}), "champion")) == set(CHECKS) - {"rules"} - of_labels
    tracks = {name: {"parquet": f"{name}/{{partition}}.parquet"} for name in ("champion", "challenger")}
    rule = {"metric": "row_count", "below": 5, "track": "challenger"}
    ruled = declared(rules=[rule], tracks=tracks)
    assert [("rules" in checks_of(ruled, track)) for track in tracks] == [False, True]


def test_a_failing_check_names_the_worst_and_who_else():
    rows = [
        verdict(name, surprise=surprise) for name, surprise in zip("abcdef", range(6, 0, -1), strict=True)
    ]
    assert said(rows, "input_drift") == (False, "`a` is odd (also b, c, d and 2 more)")
    assert said([verdict("a"), verdict("a", metric="psi")], "input_drift") == (False, "`a` is odd")


@pytest.mark.parametrize(
    ("rows", "check", "sentence"),
    [
        (
            [verdict(name, flagged=False, metric=metric) for name in "abc" for metric in ("mean", "psi")],
            "input_drift",
            "3 inputs by 2 metrics looked at, all within their expected ranges",
        ),
        (
            [verdict("p", flagged=False, family="prediction")],
            "prediction_shift",
            "`p` by 1 metric looked at, all within their expected ranges",
        ),
        (
            [
                verdict("", flagged=False, metric="row_count"),
                verdict("", flagged=False, metric="row_count", segment="country=de"),
                verdict("", flagged=False, metric="row_count", segment="country=jp"),
                *(verdict(name, flagged=False, metric="null_rate") for name in "ab"),
            ],
            "completeness",
            "rows and 2 columns by 2 metrics looked at, also in 2 segments, all within their expected ranges",
        ),
        (
            [
                verdict("a", flagged=False, rule="null_rate above 0.1"),
                verdict("b", flagged=False, rule="null_rate above 0.1"),
                verdict("", flagged=False, rule="row_count below 500"),
            ],
            "rules",
            "rows and 2 columns by 2 rules looked at, all within their thresholds",
        ),
        ([], "input_drift", "nothing to judge"),
        ([], "rules", "nothing to judge"),
        (
            [open_verdict("a", history=3)],
            "input_drift",
            "too little history for a verdict: 3 earlier partitions",
        ),
        (
            [verdict("a", flagged=False), open_verdict("b"), open_verdict("c", segment="country=de")],
            "input_drift",
            "`a` by 1 metric looked at, all within their expected ranges; "
            "too little history for a verdict: `b`, `c` where country=de",
        ),
    ],
)
def test_a_passing_check_says_what_it_looked_at(rows, check, sentence):
    assert said(rows, check) == (True, sentence)


def test_a_rule_without_a_verdict_says_why_in_a_check_that_passes():
    fine = verdict("", flagged=False, rule="row_count below 500")
    undefined = [
        open_verdict(name, rule="auc below 0.7", sentence=f"AUC of `{name}` has no value") for name in "pq"
    ]
    assert said(undefined, "rules") == (True, "AUC of `p` has no value (and 1 more)")
    assert said([fine, undefined[0]], "rules") == (
        True,
        "rows by 1 rule looked at, all within their thresholds; AUC of `p` has no value",
    )


def test_a_check_of_labels_waits_for_them_and_the_others_do_not():
    fine = [verdict("a", flagged=False)]
    assert said([], "performance", awaited="2024-01-09") == (True, "no labels yet: due 2024-01-09")
    assert said([], "target_shift", awaited="2024-01-09") == (True, "no labels yet: due 2024-01-09")
    assert said(fine, "input_drift", awaited="2024-01-09") == said(fine, "input_drift")


def test_arrival_says_how_many_rows_came():
    assert said([], "arrival", rows=1200) == (True, "1,200 rows arrived")
    assert said([], "arrival", rows=1) == (True, "1 row arrived")


def test_a_passing_check_says_what_is_out_of_its_range_and_why_that_is_no_alarm():
    notices = [
        verdict(name, flagged=False, severity="notice", surprise=surprise)
        for name, surprise in (("a", 4.0), ("b", 7.0))
    ]
    fine = verdict("c", flagged=False)
    assert said([fine, notices[1]], "input_drift") == (
        True,
        "2 inputs by 1 metric looked at, all but 1 within their expected ranges; explained: `b` is odd",
    )
    assert said([fine, *notices], "input_drift") == (
        True,
        "3 inputs by 1 metric looked at, all but 2 within their expected ranges; "
        "explained: `b` is odd (and 1 more)",
    )
    failed = answer([verdict("c"), *notices], "input_drift")
    assert [row.column_name for row in failed.explained] == ["b", "a"]
    assert failed.sentence == "`c` is odd"


def test_a_rule_that_no_number_speaks_to_is_named_once_the_labels_are_in():
    rows = [verdict("", rule="row_count below 500", metric="row_count", flagged=False)]
    rules = ["row_count below 500", "null_rate above 0.1"]
    outcome = answer(rows, "rules", rules=rules)
    assert outcome.passed
    assert outcome.sentence.endswith("; without any number to hold against it: null_rate above 0.1")
    assert "without" not in answer(rows, "rules", awaited="tomorrow", rules=rules).sentence
    assert "without" not in answer(rows, "rules", rules=rules[:1]).sentence
    assert "without" not in answer([verdict()], "input_drift", rules=rules).sentence


def test_a_misspelt_column_of_one_rule_is_not_hidden_by_another_rule():
    model = declared(
        rules=[{"metric": "null_rate", "above": 0.1, "column": name} for name in ("amount", "amuont")]
    )
    rules = [describe(rule) for rule in model.rules]
    table = to_table("metrics", [metric(5, 0.0, metric="null_rate")])
    rows = rule_rows(table, model=model, track="champion", reference="now", windows=[day(5)])
    assert said(rows, "rules", rules=rules) == (
        True,
        "`amount` by 1 rule looked at, all within their thresholds; "
        "without any number to hold against it: null_rate of amuont above 0.1",
    )


def test_of_a_wide_model_the_check_of_the_inputs_says_what_is_looked_at_together_whether_it_passes_or_not():
    for flagged in (True, False):
        assert said([verdict(flagged=flagged)], "input_drift", coverage="of 9 inputs 2 are")[1].endswith(
            "; of 9 inputs 2 are"
        )
    assert "inputs" not in said([], "completeness", coverage="of 9 inputs 2 are")[1]


@pytest.mark.parametrize(
    ("asked", "absent", "came", "answers"),
    [
        (("arrival", "completeness", "rules"), True, False, [("arrival", False, "gone")]),
        (
            ("arrival", "completeness", "rules"),
            False,
            True,
            [("completeness", False, "gone"), ("arrival", True, "arrived, and cannot be read")],
        ),
        (("arrival", "completeness"), False, False, [("completeness", False, "gone")]),
        (("arrival", "rules"), False, True, [("arrival", False, "gone"), ("rules", False, "gone")]),
        (("rules",), True, False, [("rules", False, "gone")]),
    ],
)
def test_a_partition_that_cannot_be_measured_fails_the_check_it_concerns_or_else_all(
    asked, absent, came, answers
):
    found = unmeasured(asked, "gone", absent=absent, came=came)
    assert [(each.check, each.passed, each.sentence) for each in found] == answers
