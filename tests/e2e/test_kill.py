"""What a killed run leaves undone, in its tables or in Dagster, the next ticks make up for."""

from tests.e2e.kill import kill_many

KILLS, SEED = 4, 13


def test_after_kills_the_schedule_leaves_no_table_and_no_report_open(tmp_path):
    for said in kill_many(tmp_path, KILLS, SEED):
        print(said)
