"""The demonstration: a year of real flights through the whole product, and what it caught.

``python -m definitions.flights.late_arrival.demo``. Every step that is done is skipped or repeats itself exactly,
so the demonstration can be killed at any point and started again.
"""

import logging
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from textwrap import shorten

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

import dagster as dg  # noqa: E402

from definitions.flights.late_arrival.data import write_logs  # noqa: E402
from definitions.flights.late_arrival.report import report  # noqa: E402
from definitions.location import defs  # noqa: E402
from lupus_assets.assets.key import comparison_key, reference_key, step_key  # noqa: E402
from lupus_assets.assets.operation import group_slug  # noqa: E402
from lupus_assets.assets.partition import partitions_of  # noqa: E402
from lupus_assets.declare import MonitoredModel, load  # noqa: E402
from resources.environment import lupus_home, resources  # noqa: E402

PROJECT = Path(__file__).parents[3]
DECLARATION = Path(__file__).with_name("defs.yaml")
POLL_SECONDS = 0.5


def main() -> None:
    """Make the logs, materialise every partition, and print what was caught."""
    began = time.monotonic()
    home = lupus_home(PROJECT)
    model = load(DECLARATION)
    prepare_home(home)
    with step("prediction logs"):
        count = write_logs(home / "data" / model.model)
        say(f"{count} partitions of {len(model.tracks)} tracks")
    with step("reference"):
        materialise([reference_key(model)], None)
        say(f"frozen from {model.reference_window()[0]:%Y-%m-%d} on")
    keys = partitions_of(model.cadence.group).get_partition_keys()
    start = str(model.cadence.start)
    served = [key for key in keys if key >= start]
    with step("profile, metrics, verdicts"):
        in_parallel(model, (served[0], served[-1]), len(served))
    with step("champion against challenger"):
        materialise(
            [comparison_key(model, pair.old, pair.new) for pair in model.compare], (served[0], served[-1])
        )
        say(f"{len(served)} partitions, flight by flight")
    print(report(model, resources(PROJECT)["lupus"].pipeline().store))  # type: ignore[attr-defined]
    print(
        f"\nTime spent: {time.monotonic() - began:.0f} s, {len(served)} partitions of {len(model.tracks)} tracks."
    )
    print("Next: `make ui` opens all of this in Dagit; `.venv/bin/lupus incidents` lists every alarm;")
    print('      `.venv/bin/lupus sql "select * from verdicts where flagged"` asks the tables.')


def prepare_home(home: Path) -> None:
    """Make Dagster's home inside `home`, with its telemetry off."""
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    (dagster_home / "dagster.yaml").write_text((PROJECT / "resources" / "dagster.yaml").read_text())
    os.environ["DAGSTER_HOME"] = str(dagster_home.resolve())


def materialise(assets: list[dg.AssetKey], keys: tuple[str, str] | None) -> None:
    """Materialise assets in one run, over the range from the first to the last key."""
    logging.disable(logging.WARNING)  # thousands of events go to the database; the terminal shows progress
    location = defs()
    model = load(DECLARATION)
    tags = {}
    name = "__ASSET_JOB"
    if keys is not None:
        name = group_slug(model.cadence.group)
        tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[1]}
    with dg.DagsterInstance.get() as instance:
        job = location.resolve_job_def(name) if keys else location.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            instance=instance, asset_selection=assets, tags=tags, raise_on_error=False
        )
    if not result.success:
        raise SystemExit(f"the run {result.run_id} failed; `make ui` shows its log")


def in_parallel(model: MonitoredModel, keys: tuple[str, str], partitions: int) -> None:
    """Materialise every track in a process of its own, and show how far they are."""
    spawn = multiprocessing.get_context("spawn")
    workers = {
        track: spawn.Process(
            target=materialise,
            args=([step_key(model, track, each) for each in ("profile", "metrics", "verdicts")], keys),
        )
        for track in model.tracks
    }
    for worker in workers.values():
        worker.start()
    try:
        progress(model, partitions, lambda: any(worker.is_alive() for worker in workers.values()))
    finally:
        for worker in workers.values():
            if worker.is_alive() and sys.exc_info()[0] is not None:
                worker.terminate()
            worker.join()
    failed = [track for track, worker in workers.items() if worker.exitcode]
    if failed:
        raise SystemExit(f"the run of {', '.join(failed)} failed; `make ui` shows its log")


def progress(model: MonitoredModel, partitions: int, busy: Callable[[], bool]) -> None:
    """Show how many partitions of each track have metrics that are newer than this call, until idle."""
    began = time.time()
    root = lupus_home(PROJECT) / "warehouse" / "metrics" / f"model={model.name}"
    while True:
        running = busy()
        fresh = {
            track: len(
                {
                    path.name.split("~")[1]
                    for path in root.glob(f"month=*/{track}~*")
                    if path.stat().st_mtime >= began
                }
            )
            for track in model.tracks
        }
        say(" · ".join(f"{track} {count}/{partitions}" for track, count in fresh.items()))
        if not running:
            return
        time.sleep(POLL_SECONDS)


_line = ""


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show a step with what `say` says of it, and the seconds it took."""
    global _line  # noqa: PLW0603  # one terminal, one line
    _line = f"{title:<28} "
    began = time.monotonic()
    say("…")
    yield
    print(f"  {time.monotonic() - began:.0f} s", flush=True)


def say(text: str) -> None:
    """Replace the line of the current step; where nobody watches, the last word of it stands."""
    if sys.stdout.isatty():
        print(f"\r\033[K{_line}{text}", end="", flush=True)
    else:
        print(f"{_line}{text}", flush=True)


if __name__ == "__main__":
    main()
