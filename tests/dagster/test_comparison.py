"""Partitions of one comparison step are noted together, and struck out once Dagster was told."""

from unittest.mock import Mock, call

import pytest

from lupus_assets.assets.comparison import _compared
from lupus_assets.errors import PartitionMissing, ServiceUnreachable
from tests.models import day

DAYS = [day(number) for number in range(4)]


def compared(outcomes, failed):
    """Return what is compared of `DAYS`, one outcome each, and the calls of the undertaking."""
    undertaking = Mock(model="shop.score")
    answers = dict(zip(DAYS, outcomes, strict=True))

    def compare(window):
        if isinstance(answers[window], Exception):
            raise answers[window]
        return answers[window]

    return undertaking, _compared(Mock(), undertaking, DAYS, compare, failed)


def test_partitions_are_noted_once_and_struck_out_once_after_the_last_was_told():
    undertaking, steps = compared([[], [], [], []], {})
    for _ in range(4):
        next(steps)
        assert undertaking.method_calls == [call.begin(DAYS)]
    assert list(steps) == []
    assert undertaking.method_calls == [call.begin(DAYS), call.end(DAYS, DAYS)]


def test_what_is_missing_is_struck_out_and_what_fails_stays_noted():
    failed: dict[str, Exception] = {}
    undertaking, steps = compared([[], PartitionMissing("gone"), ZeroDivisionError("ours"), []], failed)
    assert [window for window, _ in steps] == [DAYS[0], DAYS[3]]
    assert undertaking.end.call_args == call([DAYS[0], DAYS[3], DAYS[1]], [DAYS[0], DAYS[3]])
    assert list(failed) == [DAYS[2].key]


def test_a_service_that_does_not_answer_ends_the_step_and_what_was_told_is_struck_out():
    undertaking, steps = compared([[], ServiceUnreachable("down"), [], []], {})
    assert next(steps) == (DAYS[0], [])
    with pytest.raises(ServiceUnreachable):
        next(steps)
    assert undertaking.end.call_args == call([DAYS[0]], [DAYS[0]])
