"""A range of partitions is judged as each of them alone: by the series, and what was ordinary, up to it."""

import numpy as np
import pytest

from lupus_assets.judging.chain import Judging, Setting
from lupus_assets.judging.series import Ledger
from lupus_assets.judging.track import chains, foreign_since, go_on, judge
from lupus_assets.records import MetricRow, VerdictRow
from lupus_assets.sinks.schema import to_table
from tests.judged import verdict_rows
from tests.models import START, day, declared, metric

DAYS = 70
TAUGHT = {"from": START.date(), "to": day(24).start.date()}
LATER = {"from": day(-40).start.date(), "to": day(-10).start.date()}  # without a partition of the log


def rows_of(*, labels_from: int = 0) -> list[MetricRow]:
    """Return days of two columns and rows, of one column more from day 45 on, and of labels on most."""
    rng = np.random.default_rng(11)
    found = []
    for number in range(DAYS):
        front, jump = rng.normal(), 6.0 * (number in (50, 51, 60))
        found.append(metric(number, float(rng.poisson(1000)), column_name="", metric="row_count", n=1000))
        for place, name in enumerate("ab"):
            value = front + rng.normal() / 5 + jump * (place == 0)
            found.append(metric(number, value, column_name=name, upper=value + 0.1))
        if number >= 45:
            found.append(metric(number, rng.normal(), column_name="new", upper=3.0))
        auc = 0.8 + rng.normal() / 50 - jump / 30
        if number >= labels_from and number % 9:
            found.append(
                metric(number, auc, family="performance", column_name="y", metric="auc", upper=auc + 0.02)
            )
    return found


def judged(rows: list[MetricRow], numbers: list[int], reference: dict[str, object]) -> list[VerdictRow]:
    cadence = {"every": "day", "start": day(-40).start.date()}
    model = declared({"label": {"column": "y"}}, reference=reference, cadence=cadence)
    return verdict_rows(
        to_table("metrics", [row for row in rows if row.window_start <= day(numbers[-1]).start]),
        model=model,
        track="champion",
        reference="now",
        windows=[day(number) for number in numbers],
    )


@pytest.mark.parametrize("reference", [TAUGHT, LATER], ids=["a reference teaches", "the first partitions do"])
@pytest.mark.parametrize("labels_from", [0, 30])
def test_a_range_is_judged_as_each_of_its_partitions_alone(reference, labels_from):
    rows = rows_of(labels_from=labels_from)
    numbers = [3, 20, 24, 25, 26, 27, 28, 29, 44, 45, 46, 51, 58, 59, 60, 69]
    alone = [row for number in numbers for row in judged(rows, [number], reference)]
    assert judged(rows, numbers, reference) == alone
    assert [row for row in alone if row.flagged]


def test_verdicts_come_in_the_order_of_time_those_of_rows_before_those_of_labels():
    found = judged(rows_of(), [46, 47], TAUGHT)
    assert [(row.partition_key, row.column_name, row.metric) for row in found] == [
        (day(number).key, column, name)
        for number in (46, 47)
        for column, name in (
            ("", "row_count"), ("a", "clipped_mean"), ("b", "clipped_mean"), ("new", "clipped_mean"),
            ("y", "auc"),
        )
    ]  # fmt: skip


@pytest.mark.parametrize(("number", "said"), [(24, False), (25, True)])
def test_the_first_partition_behind_the_reference_has_a_verdict(number, said):
    """`to` is the reference's last day, of 25 here."""
    found = judged(rows_of(), [number], TAUGHT)
    assert {row.p is not None for row in found} == {said}


@pytest.mark.parametrize(("number", "said"), [(20, False), (21, True)])
def test_no_verdict_rests_on_fewer_than_twenty_one_partitions(number, said):
    found = judged(rows_of(), [number], LATER)
    assert {row.p is not None for row in found if row.column_name == "a"} == {said}


def setting() -> Setting:
    model = declared({"label": {"column": "y"}}, reference=TAUGHT)
    return Setting(model, (1.0, 4.0), model.reference_window()[1])


def test_every_budget_has_its_judgements_and_what_has_series_is_named():
    whole = chains(Ledger.of(to_table("metrics", rows_of()), "now"))
    found = judge(whole, setting(), [day(60)])
    assert [(each.chain, each.budget, each.start) for each in found.judgements] == [
        ("rows", 0, day(60).start), ("rows", 1, day(60).start),
        ("labels", 0, day(60).start), ("labels", 1, day(60).start),
    ]  # fmt: skip
    assert found.series == {"rows", "labels"}
    assert set(found.chains) == {"rows", "labels"}
    assert {name: chain.partitions for name, chain in found.chains.items()} == {"rows": 61, "labels": 54}
    of_rows = [row for row in rows_of() if row.family != "performance"]
    only = judge(chains(Ledger.of(to_table("metrics", of_rows), "now")), setting(), [day(60)])
    assert (only.series, set(only.chains)) == ({"rows"}, {"rows"})


def test_a_partition_that_the_ledger_has_not_is_not_judged():
    rows = [row for row in rows_of() if row.window_start != day(60).start]
    whole = chains(Ledger.of(to_table("metrics", rows), "now"))
    assert judge(whole, setting(), [day(60)]).judgements == []
    assert [each.start for each in judge(whole, setting(), [day(59), day(60), day(61)]).judgements] == [
        day(number).start for number in (59, 59, 59, 59, 61, 61, 61, 61)
    ]


def test_a_state_goes_on_where_a_series_stays_away_and_not_where_one_is_new():
    rows = rows_of()

    def between(first: int, end: int, *without: str):
        mine = [row for row in rows if day(first).start <= row.window_start < day(end).start]
        return chains(
            Ledger.of(to_table("metrics", [row for row in mine if row.column_name not in without]), "now")
        )

    whole = judge(between(0, 45), setting(), [day(44)])
    assert go_on(between(45, 46), setting(), [day(45)], whole.chains) is None
    gone = go_on(between(45, 46, "new", "b"), setting(), [day(45)], whole.chains)
    (first, *_) = gone.judgements
    verdicts = first.rows(day(45), track="champion")
    assert [row.column_name for row in verdicts] == ["", "a"]
    assert {row.history for row in verdicts} == {45}


@pytest.mark.parametrize(
    ("rows", "first"),
    [
        ([], None),
        ([metric(3, 1.0), metric(4, 1.0)], None),
        ([metric(5, 1.0, reference="before"), metric(4, 1.0, reference="older"), metric(0, 1.0)], 4),
        ([metric(4, 1.0, reference="before", version="v1"), metric(5, 1.0)], None),
    ],
)
def test_numbers_against_another_reference_are_known_from_their_first_partition_on(rows, first):
    found = foreign_since(to_table("metrics", rows), "now")
    assert found == (None if first is None else day(first).start)


def test_partitions_are_taken_in_time_order():
    whole = chains(Ledger.of(to_table("metrics", rows_of()), "now"))["rows"]
    judging = Judging(whole, setting())
    assert (judging.done(), judging.first) == (None, 25)
    said = "^partitions are taken in time order; the first ones teach what is ordinary$"
    with pytest.raises(ValueError, match=said):
        list(judging.step(judging.starts[25]))
    assert [len(list(judging.step(start))) for start in judging.starts[:27]] == [0] * 24 + [25, 1, 1]
    assert judging.done().partitions == 27
    assert list(judging.step(day(-1).start.replace(tzinfo=None))) == []
