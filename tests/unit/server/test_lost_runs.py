"""Runs whose process is gone are found by it; those that live, or have not begun, are left alone."""

import os
import subprocess
import sys
import time

import dagster as dg
import pytest

from lupus_assets.server.lost_runs import lives, report_lost_runs


@dg.job
def nothing():
    """Do nothing."""


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def run_in(instance: dg.DagsterInstance, process: int | None, status: dg.DagsterRunStatus) -> str:
    """Leave a run behind that said it is executed in a process."""
    run = instance.create_run_for_job(nothing, status=status)
    if process is not None:
        instance.report_engine_event(f"Started process for run (pid: {process}).", run)
    return run.run_id


@pytest.fixture
def gone() -> int:
    """Return the number of a process that was killed."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    process.kill()
    process.wait()
    return process.pid


def test_runs_left_by_a_power_cut_end_and_their_places_are_free(instance, gone):
    started = [run_in(instance, gone, dg.DagsterRunStatus.STARTED) for _ in range(2)]
    starting = run_in(instance, gone, dg.DagsterRunStatus.STARTING)
    canceling = run_in(instance, gone, dg.DagsterRunStatus.CANCELING)
    assert set(report_lost_runs(instance)) == {*started, starting, canceling}
    assert instance.get_run_by_id(started[0]).status == dg.DagsterRunStatus.FAILURE
    assert instance.get_run_by_id(canceling).status == dg.DagsterRunStatus.CANCELED
    assert report_lost_runs(instance) == []


def test_runs_that_live_or_wait_are_left_alone(instance):
    for process, status in (
        (os.getpid(), dg.DagsterRunStatus.STARTED), (None, dg.DagsterRunStatus.STARTING),
        (None, dg.DagsterRunStatus.NOT_STARTED),
    ):  # fmt: skip
        run_in(instance, process, status)
    assert report_lost_runs(instance) == []


def test_a_process_that_only_has_the_number_of_an_older_one_is_another():
    assert lives(os.getpid(), time.time())
    assert not lives(os.getpid(), 1_000_000.0)


def test_a_process_that_died_and_was_not_fetched_yet_is_gone():
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not lives(process.pid, time.time())
    process.wait()
