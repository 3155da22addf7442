"""The demonstration: a year of real flights through the whole product, and what it caught.

``python -m definitions.flights.late_arrival.demo``. Every step that is done is skipped or repeats itself
exactly, so the demonstration can be killed at any point and started again.
"""

import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from definitions.flights.late_arrival.data import write_logs
from definitions.flights.late_arrival.report import report
from definitions.location import defs
from lupus_assets.assets.key import STEPS, comparison_key, reference_key, step_key
from lupus_assets.assets.operation import group_slug
from lupus_assets.assets.partition import partitions_of
from lupus_assets.cli.progress import duration
from lupus_assets.declare import MonitoredModel, load
from lupus_assets.installation import Installation
from lupus_assets.ports import ObjectStore
from lupus_assets.records import Entry
from lupus_assets.resources.environment import lupus_home
from lupus_assets.sinks.files.layout import place_of
from lupus_assets.upkeep import follow

PROJECT = Path(__file__).parents[3]
DECLARATION = Path(__file__).with_name("defs.yaml")
POLL_SECONDS = 0.5
QUIET_SECONDS = 10  # between two lines of progress where nobody watches
MARK = {"lupus/demo": "late_arrival"}  # tag of the demonstration's runs
UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def main() -> None:
    """Make the logs, materialise every partition, and print what was caught."""
    began = time.monotonic()
    if "DAGSTER_HOME" not in os.environ:
        raise SystemExit("DAGSTER_HOME is not set: run `make demo`, which sets it")
    home = lupus_home(PROJECT)
    model = load(DECLARATION)
    clear_dead_runs()
    with LINE.step("prediction logs"):
        count = write_logs(home / "data" / model.model, LINE.note)
        LINE.say(f"{count} partitions of {len(model.tracks)} tracks")
    with LINE.step("reference"):
        materialise([reference_key(model)], None)
        LINE.say(f"frozen from {model.reference_window()[0]:%Y-%m-%d} on")
    keys = partitions_of(model.cadence.group).get_partition_keys()
    start = str(model.cadence.start)
    served = [key for key in keys if key >= start]
    with LINE.step("tracks and comparison"):
        in_parallel(model, (served[0], served[-1]), len(served))
    installation = Installation.from_environment(os.environ, home)
    for name in installation.view_names:
        with LINE.step(f"{name} follows"):
            LINE.say(f"{follow(installation.tables(), installation.view(name))} months")
    print(report(model, installation.tables()))
    spent = time.monotonic() - began
    print(f"\nTime spent: {spent:.0f} s for {len(served)} partitions of {len(model.tracks)} tracks.")
    print("Next: `make ui` opens all of this in Dagit; `.venv/bin/lupus incidents` lists every alarm;")
    print('      `.venv/bin/lupus sql "select * from verdicts where flagged"` asks the tables.')


def clear_dead_runs() -> None:
    """Fail the runs that a killed demonstration left behind: they would hold up the queue."""
    with dg.DagsterInstance.get() as instance:
        for record in instance.get_run_records(dg.RunsFilter(tags=MARK, statuses=UNFINISHED)):
            instance.report_run_failed(record.dagster_run, "the process of the demonstration was ended")


def materialise(assets: list[dg.AssetKey], keys: tuple[str, str] | None) -> None:
    """Materialise assets in one run, over the range from the first to the last key."""
    logging.disable(logging.WARNING)  # thousands of events go to the database; the terminal shows progress
    location = defs()
    model = load(DECLARATION)
    tags = dict(MARK)
    if keys is None:
        job = location.resolve_implicit_global_asset_job_def()
    else:
        job = location.resolve_job_def(group_slug(model.cadence.group))
        tags |= {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[1]}
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance, asset_selection=assets, tags=tags, raise_on_error=False
        )
    if not result.success:
        raise SystemExit(f"the run {result.run_id} failed; `make ui` shows its log")


def in_parallel(model: MonitoredModel, keys: tuple[str, str], partitions: int) -> None:
    """Materialise every track, and the comparison, in a process of its own, and show how far they are."""
    work = {
        ("metrics", track): [step_key(model, track, step) for step in STEPS] for track in model.tracks
    } | {
        ("comparisons", f"{pair.old}~{pair.new}"): [comparison_key(model, pair.old, pair.new)]
        for pair in model.compare
    }
    spawn = multiprocessing.get_context("spawn")
    workers = {
        name: spawn.Process(target=child, args=(os.getpid(), assets, keys))
        for (_, name), assets in work.items()
    }
    for worker in workers.values():
        worker.start()
    progress(model, list(work), partitions, lambda: any(worker.is_alive() for worker in workers.values()))
    failed = [name for name, worker in workers.items() if worker.exitcode]
    if failed:
        raise SystemExit(f"the run of {', '.join(failed)} failed; `make ui` shows its log")


def child(parent: int, assets: list[dg.AssetKey], keys: tuple[str, str]) -> None:
    """Materialise in a process that ends when its parent does, however that ended."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    materialise(assets, keys)


def progress(
    model: MonitoredModel, work: list[tuple[str, str]], partitions: int, busy: Callable[[], bool]
) -> None:
    """Show how many partitions each (table, track) has that were written since this call, until idle."""
    began = time.monotonic()
    files = Installation.from_environment(os.environ, lupus_home(PROJECT)).files
    before = set().union(*(_pieces(files, model, table, track) for table, track in work))
    while True:
        running = busy()
        counts = {track: 0 for _, track in work}
        for table, track in work:
            newer = _pieces(files, model, table, track) - before
            counts[track] = len({place_of(entry.path).start for entry in newer})
        said = " · ".join(f"{track} {count}/{partitions}" for track, count in counts.items())
        if not running:
            LINE.say(said)
            return
        done = sum(counts.values())
        if done:
            left = (time.monotonic() - began) * (partitions * len(work) / done - 1)
            said = f"{said}, about {duration(left)} left"
        LINE.note(said)
        time.sleep(POLL_SECONDS)


def _pieces(files: ObjectStore, model: MonitoredModel, table: str, track: str) -> set[Entry]:
    return {
        entry for entry in files.list(f"{table}/model={model.name}") if place_of(entry.path).track == track
    }


@dataclass
class Line:
    """The terminal line of the current step; where nobody watches, each word of it stands."""

    title: str = ""
    said: float = -QUIET_SECONDS

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show a step with what `say` says of it, and the seconds it took."""
        self.title = f"{title:<28} "
        began = time.monotonic()
        self.say("…")
        yield
        print(f"  {time.monotonic() - began:.0f} s", flush=True)

    def note(self, text: str) -> None:
        """Say how far the step is, where nobody watches now and then."""
        if sys.stdout.isatty() or time.monotonic() - self.said >= QUIET_SECONDS:
            self.said = time.monotonic()
            self.say(text)

    def say(self, text: str) -> None:
        """Replace what the line says."""
        if sys.stdout.isatty():
            print(f"\r\033[K{self.title}{text}", end="", flush=True)
        else:
            print(f"{self.title}{text}", flush=True)


LINE = Line()


if __name__ == "__main__":
    main()
