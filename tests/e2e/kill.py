"""Lives of an installation that is killed at random times, until its schedule finds nothing open.

Imported by the tests of kills, with few and with many of them; not a test.
"""

import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import dagster as dg

from lupus_assets.assets.key import STEPS, comparison_key, step_key
from lupus_assets.assets.launched import UNFINISHED
from lupus_assets.assets.operation import RANGE_END, RANGE_START, group_slug
from lupus_assets.records import TABLES
from lupus_assets.server.lost_runs import report_lost_runs
from tests.dagster.site import Site, resources_of, small_model, small_rows, utc
from tests.e2e.test_restart import digests

FIRST, LAST = "2013-03-01", "2013-03-06"
NOON = utc(2013, 3, 4, 12)  # the reference window of three days is over: from here on, a tick a day
END = utc(2013, 3, 7, 12)
TRACKS = ("champion", "challenger")
MODEL = small_model(
    "killed",
    tracks={track: {"parquet": f"killed/{track}/{{partition}}.parquet"} for track in TRACKS},
    compare=[{"old": "champion", "new": "challenger"}],
    reference={"from": "2013-03-01", "to": "2013-03-03"},
)
CHECKS = ("arrival", "completeness", "input_drift", "prediction_shift", "target_shift", "performance")
KILLS = 2  # of a life: a third run of the same partition is the last that the schedule launches
PATIENCE = 300  # seconds for anything, on a busy machine
TICKS = 40  # of one moment, until something must have been left for a person


@dataclass(frozen=True)
class Life:
    """One installation, and how its time goes by.

    Attributes
    ----------
    home : Path
    daily : bool
        Whether a tick comes every day, which gives a run for each partition, or only at the end: a range.
    """

    home: Path
    daily: bool

    @property
    def moments(self) -> list[datetime]:
        """When the schedule ticks, as often as it finds something open."""
        days = (END - NOON).days
        return [NOON + timedelta(days=day) for day in range(days + 1)] if self.daily else [END]

    def site(self, instance: dg.DagsterInstance) -> Site:
        """Return the location over this installation."""
        return Site.of(self.home, [MODEL], instance)

    def instance(self) -> dg.DagsterInstance:
        """Return its Dagster, on disk."""
        folder = self.home / "dagster"
        folder.mkdir(parents=True, exist_ok=True)
        return dg.DagsterInstance.local_temp(str(folder))


def begin(life: Life, data: Path) -> Life:
    """Lay out a new installation over the logs of `data`."""
    life.home.mkdir()
    (life.home / "data").symlink_to(data)
    with life.instance():
        pass  # the database is made before anything is killed
    return life


def write_logs(home: Path) -> Path:
    """Write the logs of both tracks; return their folder."""
    with dg.DagsterInstance.ephemeral() as instance:
        site = Site.of(home, [MODEL], instance)
        for track in TRACKS:
            windows = site.windows(MODEL, FIRST, LAST)
            site.write(MODEL, windows, track=track, rows={each.key: small_rows(each, 80) for each in windows})
    return home / "data"


def requests(site: Site, at: datetime) -> list[dg.RunRequest]:
    """Return what the schedule launches at one moment."""
    repository = site.location.get_repository_def()
    with dg.build_schedule_context(
        instance=site.instance, scheduled_execution_time=at, repository_def=repository,
        resources=resources_of(site.home),
    ) as context:  # fmt: skip
        schedule = repository.get_schedule_def(f"{group_slug(MODEL.cadence.group)}_schedule")
        data = schedule.evaluate_tick(context)
    assert "wait for a person" not in (data.skip_message or ""), data.skip_message
    return list(data.run_requests or ())


def live(life: Life) -> None:
    """Go on from where the installation was, to the end; what the process does that is killed."""
    passed = life.home / "passed"
    with life.instance() as instance:
        site = life.site(instance)
        (life.home / "began").touch()
        for moment in life.moments[int(passed.read_text()) if passed.exists() else 0 :]:
            for _ in range(TICKS):
                found = requests(site, moment)
                if not found:
                    break
                for request in found:
                    span = request.tags.get(RANGE_START), request.tags.get(RANGE_END)
                    keys = request.partition_key or (str(span[0]), str(span[1]))
                    site.run(MODEL, keys, request.asset_selection, request.tags)
            else:
                raise AssertionError(f"{TICKS} ticks, and still open: {found}")
            passed.write_text(str(life.moments.index(moment) + 1))


def start(life: Life) -> ForkServerProcess:
    """Start `live` in a process of its own, and return once it has loaded the location."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    flag = life.home / "began"
    flag.unlink(missing_ok=True)
    process = context.Process(target=live, args=(life,))
    process.start()
    until = time.monotonic() + PATIENCE
    while not flag.exists():
        assert process.is_alive()
        assert time.monotonic() < until
        time.sleep(0.002)
    return process


def finish(life: Life) -> float:
    """Let `live` come to its end; return how many seconds it took."""
    process, began = start(life), time.monotonic()
    process.join(PATIENCE)
    assert process.exitcode == 0
    return time.monotonic() - began


def kill(life: Life, after: float) -> bool:
    """Kill `live` after so many seconds; return whether it was still at work."""
    process = start(life)
    process.join(after)
    process.kill()
    process.join()
    if process.exitcode != -signal.SIGKILL:
        return False
    with life.instance() as instance:
        report_lost_runs(instance)
        for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
            instance.report_run_failed(run)  # killed before it began: `run_monitoring` would wait for it
    return True


def tables_of(life: Life) -> dict[str, str]:
    """Return the digest of every file of a table; what is beside them is made anew where it is missing."""
    found = digests(life.home / "warehouse")
    return {path: digest for path, digest in found.items() if path.partition("/")[0] in TABLES}


def untold(life: Life) -> list[str]:
    """Return what Dagster was not told of: materialisations, and check results that count as current."""
    days = {window.key for window in Site.windows(None, MODEL, FIRST, LAST)}  # type: ignore[arg-type]
    missing = []
    with life.instance() as instance:
        site = life.site(instance)
        keys = {step_key(MODEL, track, step) for track in TRACKS for step in STEPS}
        for key in keys | {comparison_key(MODEL, *TRACKS)}:
            left = days - instance.get_materialized_partitions(key)
            missing += [f"{key.path[-1]} {day}" for day in sorted(left)]
        for track in TRACKS:
            for check in CHECKS:
                found = site.checked(MODEL, check, track)
                left = days - {day for day, result in found.items() if result.current}
                missing += [f"{track} {check} {day}" for day in sorted(left)]
    return missing


def kill_many(folder: Path, kills: int, seed: int) -> Iterator[str]:
    """Kill `kills` times, `KILLS` of each life; hold that every life ends as one that was left alone.

    Yields
    ------
    str
        What was done to a life.
    """
    rng = random.Random(seed)  # noqa: S311  # not for secrets
    os.environ["PYTHONWARNINGS"] = "ignore"
    data = write_logs(folder / "logs")
    spans, expected = {}, {}
    for daily in (False, True):
        whole = begin(Life(folder / f"whole{daily:d}", daily), data)
        spans[daily] = finish(whole)
        expected[daily] = tables_of(whole)
        assert untold(whole) == []
    assert expected[False] == expected[True]
    done = number = 0
    while done < kills:
        number += 1
        life = begin(Life(folder / f"killed{number}", daily=number % 2 == 0), data)
        lived = []
        for _ in range(min(KILLS, kills - done)):
            after = rng.uniform(0.0, spans[life.daily])
            if kill(life, after):
                lived.append(after)
        done += len(lived)
        took = finish(life)
        if not lived:  # it was done before: the machine has become faster than at the first time
            spans[life.daily] *= 0.7
        assert tables_of(life) == expected[life.daily], lived
        assert untold(life) == [], lived
        assert not list((life.home / "warehouse" / "pending").rglob("*.json"))
        moments = ", ".join(f"{each:.2f}" for each in lived)
        way = "a run a day" if life.daily else "a range"
        yield f"{way}: killed after {moments} s of {spans[life.daily]:.1f}, the rest took {took:.1f}"
        shutil.rmtree(life.home)
