"""A hundred kills at random times, of range runs and of runs over one partition: nothing stays open."""

import pytest

from tests.e2e.kill import kill_many

pytestmark = pytest.mark.services

KILLS, SEED = 100, 2013


def test_after_a_hundred_kills_the_schedule_leaves_no_table_and_no_report_open(tmp_path):
    for said in kill_many(tmp_path, KILLS, SEED):
        print(said)
