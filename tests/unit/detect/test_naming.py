"""Who is named: the causes, in an order, and for how long what was named goes on."""

import numpy as np
import pytest

from lupus_assets.detect.history import Group, Role
from lupus_assets.detect.naming import AT_ONCE, STEP, Episodes, Naming, Point
from lupus_assets.detect.run import Runs

COLUMNS, ROWS = Group.COLUMNS, Group.ROWS


def naming(*groups: Group) -> Naming:
    group = np.array(groups)
    return Naming(group, group != ROWS)


def point(*over: float, role=None, nulls=None) -> Point:
    size = len(over)
    roles = np.zeros(size, np.int64) if role is None else np.array(role)
    return Point(np.array(over), roles, np.full(size, np.nan) if nulls is None else np.array(nulls))


def test_what_reaches_its_threshold_is_named_and_what_stays_below_is_not():
    assert naming(COLUMNS, COLUMNS).step(0, point(0.0, -1e-9)) == [0]


def test_the_most_surprising_is_named_first_and_a_third_column_of_one_partition_is_not():
    assert AT_ONCE == 2
    assert naming(COLUMNS, COLUMNS, COLUMNS).step(0, point(1.0, 3.0, 2.0)) == [1, 2]


def test_each_open_column_puts_a_step_on_the_threshold_of_the_next():
    for over, opens in ((STEP, True), (STEP - 1e-9, False)):
        machine = naming(COLUMNS, COLUMNS, COLUMNS)
        assert machine.step(0, point(9.0, 8.0, -1.0)) == [0, 1]
        assert (2 in machine.step(1, point(-1.0, -1.0, over))) is opens
    machine = naming(COLUMNS, COLUMNS)
    assert machine.step(0, point(0.0, -1.0)) == [0]
    assert machine.step(1, point(-1.0, 0.0)) == [1]  # one that is open asks nothing of the second


@pytest.mark.parametrize(("quiet", "open_still"), [(0, True), (2, True), (3, False), (9, False)])
def test_a_target_closes_after_three_quiet_partitions(quiet, open_still):
    """A target that is open is named whatever would keep a new one from being named: here, missing rows."""
    machine = naming(COLUMNS, ROWS)
    assert machine.step(0, point(1.0, -1.0)) == [0]
    again = machine.step(1 + quiet, point(1.0, -1.0), rows=True)
    assert again == ([0] if open_still else [])


@pytest.mark.parametrize(("after", "explained"), [(0, True), (1, True), (2, True), (3, False)])
def test_missing_rows_explain_what_opens_within_three_partitions(after, explained):
    for elsewhere in (False, True):
        machine = naming(COLUMNS, ROWS)
        if elsewhere:
            assert machine.step(5, point(-1.0, -1.0), rows=True) == []
        else:
            assert machine.step(5, point(-1.0, 1.0, role=[Role.MARGINAL, Role.ROWS])) == [1]
        assert (machine.step(5 + after, point(1.0, -1.0)) == []) is explained


def test_columns_that_are_missing_as_often_are_one_cause():
    roles = [Role.NULL, Role.NULL]
    for shares, named in (
        ([0.5, 0.5], [0]),
        ([0.5, 0.43], [0]),  # within 15 % of the larger, and .003
        ([0.5, 0.42], [0, 1]),
        ([0.002, 0.0045], [0]),
        ([0.002, 0.006], [0, 1]),
    ):
        assert naming(COLUMNS, COLUMNS).step(0, point(2.0, 1.0, role=roles, nulls=shares)) == named


@pytest.mark.parametrize(("after", "one_cause"), [(1, True), (3, True), (4, False)])
def test_a_column_that_is_missing_as_often_a_little_later_is_the_same_cause(after, one_cause):
    machine = naming(COLUMNS, COLUMNS)
    machine.step(0, point(2.0, -1.0, role=[Role.NULL, Role.NULL], nulls=[0.3, 0.0]))
    again = machine.step(after, point(-1.0, 2.0, role=[Role.NULL, Role.NULL], nulls=[0.0, 0.3]))
    assert again == ([] if one_cause else [1])


def test_a_column_that_moved_by_itself_explains_that_another_no_longer_goes_with_it():
    roles = [Role.MARGINAL, Role.DEPENDENCE]
    assert naming(COLUMNS, COLUMNS).step(0, point(0.1, 9.0, role=roles)) == [0]
    machine = naming(COLUMNS, COLUMNS)
    assert machine.step(0, point(1.0, -1.0, role=roles)) == [0]
    assert machine.step(1, point(-1.0, 1.0, role=roles)) == [1]  # that was another partition


@pytest.mark.parametrize(
    ("after", "score", "named"), [(1, 1.9, []), (1, 2.0, [1]), (3, 1.0, []), (4, 1.0, [1])]
)
def test_of_columns_that_go_apart_the_less_surprising_is_explained_by_the_more(after, score, named):
    roles = [Role.DEPENDENCE, Role.DEPENDENCE]
    machine = naming(COLUMNS, COLUMNS)
    assert machine.step(0, point(2.0, -1.0, role=roles)) == [0]
    assert machine.step(after, point(-1.0, score, role=roles)) == named


def test_alarms_no_more_than_three_partitions_apart_are_one_incident():
    for gap, incidents in ((1, 1), (3, 1), (4, 2)):
        episodes = Episodes()
        for at in (0, gap):
            episodes.step(at, [0])
        episodes.step(gap + 1, [])
        assert episodes.count == incidents


@pytest.mark.parametrize(("quiet", "goes_on"), [(0, True), (1, True), (2, True), (3, False)])
def test_what_is_far_out_is_a_new_event_after_three_partitions_without(quiet, goes_on):
    runs = Runs(2)
    assert runs.step(np.array([True, False])).tolist() == [False, False]
    for _ in range(quiet):
        assert not runs.step(np.array([False, False])).any()
    assert runs.step(np.array([True, True])).tolist() == [goes_on, False]
