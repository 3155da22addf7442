"""A process that is killed at any moment leaves nothing behind that a second run does not put right."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg

from tests.dagster.site import Site, small_model

PROJECT = Path(__file__).parents[2]
MODEL = small_model("killed")
RANGE = ("2013-03-01", "2013-04-09")  # forty days
FILES = 4 * 40 + 1  # profiles, metrics, verdicts and incidents of each day, and the reference
KILLS = 5
PATIENCE = 60  # seconds until a child that does nothing is a failure


def materialise(home: Path) -> None:
    """Run the range to the end; what the child process does."""
    with dg.DagsterInstance.ephemeral() as instance:
        assert Site.of(home, [MODEL], instance).run(MODEL, RANGE).success


def start(home: Path) -> "subprocess.Popen[bytes]":
    code = f"from pathlib import Path; from {__name__} import materialise; materialise(Path({str(home)!r}))"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(  # this very file
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def written_since(warehouse: Path, moment: int) -> int:
    return sum(path.stat().st_mtime_ns >= moment for path in warehouse.glob("*/model=*/month=*/*.parquet"))


def digests(warehouse: Path) -> dict[str, str]:
    return {
        path.relative_to(warehouse).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in warehouse.glob("*/model=*/month=*/*.parquet")
    }


def test_a_run_that_is_killed_five_times_ends_with_the_bytes_of_one_that_was_not(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for home in (whole, killed):
        with dg.DagsterInstance.ephemeral() as instance:
            site = Site.of(home, [MODEL], instance)
            site.write(MODEL, site.windows(MODEL, *RANGE))
    materialise(whole)
    expected = digests(whole / "warehouse")
    assert len(expected) == FILES

    rng = random.Random(2013)  # noqa: S311  # not for secrets
    for _ in range(KILLS):
        # Files: a slow machine is killed at the same place. Half of what is there is not written anew.
        after = rng.randrange(1, FILES // 2)
        began = time.time_ns()
        child = start(killed)
        try:
            while written_since(killed / "warehouse", began) < after:
                assert child.poll() is None, f"the child ended before it had written {after} files"
                assert time.time_ns() - began < PATIENCE * 1e9
                time.sleep(0.005)
        finally:
            child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    materialise(killed)
    assert digests(killed / "warehouse") == expected
