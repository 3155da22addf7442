"""Runs whose process is gone while Dagster's database says that they are running.

A code server reports a run that dies, unless it dies with it: after a power cut such runs would keep their
places in the queue, and nothing would run again. Dagster's default launcher cannot tell whether a run is
alive; the first events of a run name its process, and the operating system knows that process.

For installations on one machine. In `deploy/` Dagster asks the code server.
"""

import os
import re
import subprocess
import time
from pathlib import Path

import dagster as dg

MESSAGE = "The process of this run is gone: it was killed, or the machine went down."
PROCESS = re.compile(r"\(pid: (\d+)\)")  # in the events with which a run says that it is executed
PROC = Path("/proc")
TOLERANCE_SECONDS = 2.0  # between two clocks: of the event, and of the system since its start
IN_PROCESS = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def report_lost_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs of this machine as ended if their process is gone; return their ids.

    A run that has not said in which process it is, is left alone: ``run_monitoring`` waits for its start.
    """
    lost = []
    for run in instance.get_runs(dg.RunsFilter(statuses=IN_PROCESS)):
        process = _process_of(instance, run)
        if process is None or lives(*process):
            continue
        # Asked again: a process says how its run ended before it goes.
        now = instance.get_run_by_id(run.run_id)
        if now is None or now.is_finished:
            continue
        if now.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(now, MESSAGE)
        else:
            instance.report_run_failed(now, MESSAGE)
        lost.append(run.run_id)
    return lost


def _process_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[int, float] | None:
    """Return the process id of a run, and the time of the event that names it in seconds since 1970."""
    said = [
        (int(found[1]), event.timestamp)
        for event in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
        if (found := PROCESS.search(event.message))
    ]
    return said[-1] if said else None


def lives(process: int, since: float) -> bool:
    """Return whether a process is alive that was running at `since`, in seconds since 1970.

    One that started later has only got its number.
    """
    began = _began(process)
    return began is not None and began <= since + TOLERANCE_SECONDS


def _began(process: int) -> float | None:
    """Return the start of a process in seconds since 1970; None if there is none, or only a zombie."""
    if PROC.is_dir():
        try:
            fields = (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
            boot = re.search(r"^btime (\d+)$", (PROC / "stat").read_text(), re.MULTILINE)
        except OSError:
            return None
        if fields[0] in "ZX" or boot is None:
            return None
        return int(boot[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    answer = subprocess.run(  # noqa: S603  # where there is no /proc, as on macOS
        ["ps", "-o", "etime=,state=", "-p", str(process)],  # noqa: S607
        capture_output=True, text=True, check=False,
    ).stdout.split()  # fmt: skip
    if not answer or answer[1].startswith("Z"):
        return None
    days, _, clock = answer[0].rpartition("-")
    parts = [int(days or 0), *([0, 0] + [int(each) for each in clock.split(":")])[-3:]]
    age = sum(part * seconds for part, seconds in zip(parts, (86_400, 3_600, 60, 1), strict=True))
    return time.time() - age
