"""``python -m lupus_assets.server``: runs Dagit and the daemon until Ctrl-C, and ends all their processes.

Both start code servers that outlive a plain SIGTERM; each runs in a process group that is ended as a whole.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

import dagster as dg

from lupus_assets.installation import keep_private
from lupus_assets.server.lost_runs import MESSAGE, report_lost_runs

GRACE_SECONDS = 10
MAX_PORT = 65_535
LOOK_SECONDS = 60  # between two looks for runs that died


def main(argv: Sequence[str] | None = None) -> int:
    """Run both processes until one ends or a signal comes; return the exit code.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments after the name of the module; None means the process's own.
    """
    parser = argparse.ArgumentParser(prog="python -m lupus_assets.server", description=__doc__)
    parser.add_argument("-w", "--workspace", default="workspace.yaml", help="default: %(default)s")
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", default="3000", help="default: %(default)s")
    arguments = parser.parse_args(argv)
    if "DAGSTER_HOME" not in os.environ:
        print(
            "DAGSTER_HOME is not set; set it to the folder of dagster.yaml, or use `make ui`", file=sys.stderr
        )
        return 2
    problem = unservable(arguments.host, arguments.port)
    if problem is not None:
        print(problem, file=sys.stderr)
        return 2
    print(f"Dagit: http://{arguments.host}:{arguments.port}   (stop it with Ctrl-C)", flush=True)
    keep_private(os.environ, Path(os.environ["DAGSTER_HOME"]))
    with dg.DagsterInstance.get() as instance:
        # Makes the database, too: two processes that make the same SQLite file at once break each other.
        _report(instance)
    workspace = ["-w", arguments.workspace, "--log-level", "warning"]
    commands = (
        ["lupus_assets.server.dagit", *workspace, "--host", arguments.host, "--port", arguments.port],
        ["dagster._daemon", "run", *workspace],
    )
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    processes = [
        subprocess.Popen([sys.executable, "-m", *command], start_new_session=True)  # noqa: S603  # our own modules
        for command in commands
    ]
    looked = time.monotonic()
    while not stopped.wait(0.5):
        if any(process.poll() is not None for process in processes):
            break
        if time.monotonic() - looked > LOOK_SECONDS:
            with dg.DagsterInstance.get() as instance:
                _report(instance)
            looked = time.monotonic()
    failed = any(process.poll() not in (None, 0) for process in processes)
    for process in processes:
        _end(process)
    return int(failed and not stopped.is_set())


def unservable(host: str, port: str) -> str | None:
    """Return the reason why a port cannot be served, and the remedy; None if it can."""
    if not (port.isascii() and port.isdecimal() and 1 <= int(port) <= MAX_PORT):
        return f"port {port!r} is no number from 1 to {MAX_PORT}; choose one: `make ui PORT=3001`"
    try:
        asyncio.run(_bind(host, int(port)))
    except OSError as error:
        reason = str(error).rpartition(": ")[2]  # before it asyncio tells what it was attempting
        return f"port {port} of {host} cannot be served: {reason}; choose another: `make ui PORT=3001`"
    return None


async def _bind(host: str, port: int) -> None:
    """Bind every address of a host as the webserver will, and let them go."""
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port, start_serving=False)
    server.close()


def _report(instance: dg.DagsterInstance) -> None:
    for run in report_lost_runs(instance):
        print(f"{run}: {MESSAGE}", file=sys.stderr)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children."""
    _signal_group(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=GRACE_SECONDS)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


if __name__ == "__main__":
    sys.exit(main())
