"""One whole process: its processor time, its wall time, its memory and what it printed.

Standard library only, and small: a child's peak memory is at least that of the process that started it.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# No package may send anything out; nothing spins: OpenBLAS's idle threads cost five times the work they do.
# Polars, DuckDB and Arrow use every core, as by default; processor time is what is compared.
QUIET: Mapping[str, str] = {
    "DO_NOT_TRACK": "1",
    "NML_DISABLE_USAGE_LOGGING": "1",
    "WHYLOGS_NO_ANALYTICS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "CUDA_VISIBLE_DEVICES": "",
}
MEGABYTE = 1024  # ru_maxrss counts kilobytes on Linux


class ProcessFailedError(Exception):
    """A process ended with an error.

    Attributes
    ----------
    reason : str
        In one line.
    detail : str
        The end of what it said.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}\n{detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Usage:
    """What one process took.

    Attributes
    ----------
    cpu : float
        User and system seconds of the process and all of its children.
    wall : float
        Seconds.
    peak : float
        Largest resident memory of any one of them, in MB.
    output : str
        What it printed.
    """

    cpu: float
    wall: float
    peak: float
    output: str


def measure(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Usage:
    """Run `command` to its end.

    Raises
    ------
    ProcessFailedError
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        child = subprocess.Popen(
            command, stdout=output, stderr=errors, env={**os.environ, **QUIET, **(environment or {})}
        )
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            errors.seek(0)
            said = errors.read().strip() or "nothing said"
            raise ProcessFailedError(f"exit {child.returncode}: {said.splitlines()[-1]}", said[-2_000:])
        output.seek(0)
        return Usage(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / MEGABYTE, output.read())
