"""The whole of a series: its rows in all pieces, a fact beside its history, and nothing of other series."""

from dataclasses import replace

import pytest

from lupus_assets.picturing.address import Address
from lupus_assets.picturing.course import COLUMNS, course, unknown
from lupus_assets.records import VerdictRow
from lupus_assets.sinks.schema import to_table
from tests.models import day, declared, verdict

OF = Address("t", "m", "champion", "input", "null_rate", day(9).key, "amount")


def shown(*rows: VerdictRow, of: Address = OF):
    return course([to_table("verdicts", rows).select(list(COLUMNS))], of)


def test_pieces_are_one_series_in_time_order():
    pieces = [to_table("verdicts", [verdict(number)]).select(list(COLUMNS)) for number in range(3)]
    found = course(pieces, OF)
    assert [point.key for point in found] == [day(number).key for number in range(3)]
    assert {(point.value, point.low, point.high) for point in found} == {(0.0, 0.0, 0.1)}


def test_only_the_series_itself_counts_and_other_partitions_of_the_track_have_no_value():
    others = [
        verdict(1, column_name="other"), verdict(2, segment="country=de"), verdict(3, metric="psi"),
        verdict(4, family="prediction"), verdict(5, rule="null_rate above 0.1"),
    ]  # fmt: skip
    found = shown(verdict(0), *others)
    assert [point.value for point in found] == [0.0, None, None, None, None, None]
    assert [point.sentence for point in found] == ["said of day 0", "", "", "", "", ""]


@pytest.mark.parametrize("rule", ["history", "fact"])
def test_a_fact_is_an_alarm_in_the_history_of_what_it_is_about(rule):
    fact = verdict(1, 1.0, rule="fact", low=None, high=None, flagged=True, sentence="all is null")
    of = replace(OF, rule=rule)
    calm, alarmed = shown(verdict(0), verdict(1, 0.9), fact, of=of)
    assert not calm.flagged
    assert (alarmed.flagged, alarmed.value, alarmed.high, alarmed.sentence) == (True, 0.9, 0.1, "all is null")
    (alone,) = shown(fact, of=of)
    assert (alone.flagged, alone.value, alone.low) == (True, 1.0, None)


def test_a_rule_is_a_series_of_its_own():
    rows = [verdict(0), verdict(0, rule="null_rate above 0.5", low=None, high=0.5)]
    assert [point.high for point in shown(*rows, of=replace(OF, rule="null_rate above 0.5"))] == [0.5]


def test_the_latest_cut_of_a_partition_stands():
    early, late = verdict(0, 0.2), verdict(0, 0.3, as_of=day(3).end)
    assert [point.value for point in shown(early, late)] == [0.3]


def test_what_no_verdict_has_is_named_with_what_there_is():
    rows = to_table("verdicts", [verdict(0), verdict(0, column_name="b", metric="psi")]).select(list(COLUMNS))
    assert unknown(rows, replace(OF, metric="ks")) == ("metric", ["null_rate", "psi"])
    assert unknown(rows, replace(OF, column_name="b")) == ("column_name", ["amount"])
    assert unknown(rows, replace(OF, rule="psi above 1")) == ("rule", ["history"])


def test_an_address_says_only_what_is_not_as_ever():
    row = verdict(3, column_name='a/b "c" ü&=', segment="country=de", rule="null_rate above 0.1")
    assert str(Address.of(declared(), row)) == (
        "/lupus/history/t/m/champion?family=input&metric=null_rate&until=2024-01-04"
        "&column_name=a%2Fb%20%22c%22%20%C3%BC%26%3D&segment=country%3Dde&rule=null_rate%20above%200.1"
    )
    assert str(Address.of(declared(), verdict(3, column_name=""))) == (
        "/lupus/history/t/m/champion?family=input&metric=null_rate&until=2024-01-04"
    )
