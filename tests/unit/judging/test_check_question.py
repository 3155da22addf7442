"""What a check asks, and how much later it is answered where labels are late."""

from datetime import timedelta

import pytest

from lupus_assets.judging.check import CHECKS, behind, described

LATE = [timedelta(days=3), timedelta(hours=36), timedelta(minutes=90), timedelta(weeks=2)]


@pytest.mark.parametrize("check", ["target_shift", "performance"])
@pytest.mark.parametrize("late", LATE)
def test_what_needs_labels_says_how_much_later_it_is_answered_and_is_read_back(check, late):
    assert described(check, late).startswith(f"{CHECKS[check].question} (known ")
    assert described(check, late).endswith(" later)")
    assert behind(described(check, late)) == late


def test_the_delay_is_written_as_a_declaration_writes_it():
    assert described("performance", timedelta(days=3)) == (
        "Is the realised performance as expected? (known 3d later)"
    )


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_not_late_is_asked_plainly(check):
    late = timedelta(0) if check in ("target_shift", "performance") else timedelta(days=3)
    assert described(check, late) == CHECKS[check].question
    assert behind(described(check, late)) == timedelta(0)
