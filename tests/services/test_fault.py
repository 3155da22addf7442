"""Processes and servers that die or hang at work: nothing is lost, nothing doubled, no verdict late.

What is killed is a process of its own, or a real server; what hangs is a real server that is stopped.
"""

import multiprocessing
import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import dagster as dg
import pytest

from lupus_assets.assets import view as view_asset
from lupus_assets.sinks.elasticsearch import client as elasticsearch
from lupus_assets.sinks.elasticsearch.client import Cluster
from lupus_assets.sinks.files import s3
from lupus_assets.sinks.files.s3 import Bucket
from lupus_assets.sinks.hive.connection import Hive
from tests.dagster.site import Site, small_rows
from tests.services.__main__ import variables
from tests.services.server import Server
from tests.services.site import (
    DAYS,
    MODEL,
    PATIENT,
    PIECES,
    RANGE,
    TRACKS,
    VIEWS,
    Place,
    assert_shown,
    before_call,
    do,
    live,
    said,
    tables_of,
    tick,
    view_says,
    write_logs,
)

pytestmark = pytest.mark.services

PROJECT = Path(__file__).parents[2]
SEED = 2013
KILLS, PLACES = 20, 2  # kills in all, and the installations that they are spread over
BEGINNING = 120  # seconds until a process has begun its work, on a busy machine
DELAY = 60.0  # seconds that a run may take longer than an undisturbed one, on a busy machine
# How a client of each service asks, and what it says when there is no answer.
ASKED = {"hive": (Hive, "run"), "search": (Cluster, "ask")}
# Questions of a view that shows nothing yet, of about 30 and 46: Elasticsearch is asked to write the metrics,
# or has written them, and they are not in the ledger.
AT_WORK, HALFWAY = {"hive": 15, "search": 35}, {"hive": 15, "search": 36}
MONTHS = {"hive": 6, "search": 4}  # tables that it shows, of the one month
GONE = {
    "bucket": r"does not answer .*start it or mend the network, then run again what failed",
    "hive": r"cannot be reached: .*; start it, or correct LUPUS_HIVE_HOST and LUPUS_HIVE_PORT",
    "search": r"does not answer .*; start it, or mend the network; what is missing is caught up later",
}
HUNG = {
    "hive": r"gave no answer in 10 s to .*and run this again later",
    "search": r"no answer in 1 s; see whether it is up and not overloaded; what is missing is caught up",
}


@dataclass(frozen=True)
class Undisturbed:
    """What a run over everything leaves in the bucket, and how long it takes."""

    tables: dict[str, str]
    seconds: float


@pytest.fixture(scope="module")
def servers(bucket_server, hive, elasticsearch_9) -> dict[str, Server]:
    """Return the servers by what they are for."""
    return {"bucket": bucket_server, "hive": hive, "search": elasticsearch_9}


@pytest.fixture(scope="module")
def place_of(tmp_path_factory, servers) -> Iterator[Callable[[str], Place]]:
    """Return a function from a name to an installation without any table, over the same logs."""
    root = tmp_path_factory.mktemp("fault")
    with dg.DagsterInstance.ephemeral() as instance:
        write_logs(Site.of(root, [MODEL], instance))
    given = variables(servers["bucket"], servers["search"], servers["hive"])

    def place_of(name: str) -> Place:
        home = root / name
        home.mkdir()
        return Place(name, home, root / "data", {**given, "LUPUS_WAREHOUSE": f"s3://lupus/{name}"})

    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            if name.startswith("AWS_"):  # the others are in the installation
                patch.setenv(name, value)
        yield place_of


@pytest.fixture(scope="module")
def undisturbed(place_of) -> Undisturbed:
    """Run over everything while nothing happens."""
    place = place_of("undisturbed")
    with dg.DagsterInstance.ephemeral() as instance:
        site = place.site(instance)
        began = time.monotonic()
        assert site.run(MODEL, RANGE).success
        found = Undisturbed(tables_of(place.files), time.monotonic() - began)
    assert len(found.tables) == PIECES
    return found


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(autouse=True)
def shorter_pauses(monkeypatch):
    """Ask again as often as ever where nobody answers, after pauses that a test can wait for."""
    monkeypatch.setattr(elasticsearch, "WAITS", tuple(pause / 10 for pause in elasticsearch.WAITS))
    monkeypatch.setattr(view_asset, "INTERVAL_SECONDS", 0)  # from a failed run to the tick that tries again


@contextmanager
def mended(server: Server) -> Iterator[None]:
    """Hold that the server answers again afterwards, whatever happens within."""
    try:
        yield
    finally:
        resume(server)


def resume(server: Server) -> None:
    if server.running:
        os.killpg(server.pid, signal.SIGCONT)
    else:
        server.start()


def hang(server: Server) -> None:
    """Stop all of a server's processes: connections are accepted, and nothing is ever answered."""
    os.killpg(server.pid, signal.SIGSTOP)


class Processes:
    """Starts processes that have everything imported already, so that they are at work in half a second."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([live.__module__])

    def start(self, place: Place) -> ForkServerProcess:
        """Start the whole life of an installation, and return once it has begun."""
        flag = place.home / "began"
        flag.unlink(missing_ok=True)
        process = self._context.Process(target=live, args=(place,))
        process.start()
        until = time.monotonic() + BEGINNING
        while not flag.exists():
            assert process.is_alive(), output(place)
            assert time.monotonic() < until
            time.sleep(0.002)
        return process


def output(place: Place) -> str:
    """Return the end of what a process printed."""
    return (place.home / "process.log").read_text()[-3_000:]


def test_a_life_that_is_killed_at_twenty_points_ends_as_one_that_was_not(place_of, monkeypatch):
    """The run over everything, both views, compaction, and the views again; from its start every time."""
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))  # for the server of forks
    processes, rng = Processes(), random.Random(SEED)  # noqa: S311  # not for secrets

    def finished(place: Place) -> float:
        process, began = processes.start(place), time.monotonic()
        process.join()
        assert process.exitcode == 0, output(place)
        return time.monotonic() - began

    whole = place_of("whole")
    span = finished(whole)
    expected = tables_of(whole.files)
    assert_shown(whole)

    killed: list[str] = []
    for number in range(PLACES):
        place = place_of(f"killed{number}")
        # In order, so that each life comes to what none before it has done.
        points = sorted(rng.random() for _ in range(KILLS // PLACES))
        while points:
            process, began = processes.start(place), time.monotonic()
            process.join(points.pop(0) * span)
            process.kill()
            process.join()
            lived = time.monotonic() - began
            if process.exitcode == -signal.SIGKILL:
                killed.append(f"{lived:.2f}")
            else:  # it was done before: the servers have become faster than at the first time
                assert process.exitcode == 0, output(place)
                span = lived
                points.append(rng.random())
        finished(place)
        assert tables_of(place.files) == expected
        assert_shown(place)
    assert len(killed) == KILLS
    print(f"seed {SEED}, of {span:.1f} s killed after {', '.join(killed)} s")


@pytest.mark.parametrize(("harm", "patience"), [(Server.kill, 90), (hang, 90)])
def test_a_run_without_its_bucket_fails_with_a_remedy_and_the_next_makes_the_same_bytes(
    place_of, servers, undisturbed, instance, monkeypatch, harm, patience
):
    short_of_patience(monkeypatch)
    place = place_of(f"bucket_{harm.__name__}")
    site = place.site(instance)
    with mended(servers["bucket"]):
        began = time.monotonic()
        with before_call(PIECES // 3, Bucket, "put", lambda: harm(servers["bucket"])):
            result = site.run(MODEL, RANGE)
        assert time.monotonic() - began < patience
        assert not result.success
        for text in said(result):  # of every step
            assert matches(GONE["bucket"], text)
        for track in TRACKS:
            assert site.materialised(MODEL, "verdicts", track) == set()
    before = tables_of(place.files)
    assert 0 < len(before) < PIECES
    assert before.items() <= undisturbed.tables.items()
    assert site.run(MODEL, RANGE).success
    assert tables_of(place.files) == undisturbed.tables
    for track in TRACKS:
        assert len(site.materialised(MODEL, "verdicts", track)) == DAYS


@pytest.mark.parametrize("name", VIEWS)
def test_a_server_that_dies_during_a_run_delays_no_verdict_and_its_view_catches_up(
    place_of, servers, undisturbed, instance, name
):
    place = place_of(f"dead_{name}")
    site = place.site(instance)
    with mended(servers[name]):
        with before_call(PIECES // 3, Bucket, "put", servers[name].kill):
            on_time(site, undisturbed)
        assert tables_of(place.files) == undisturbed.tables
        ticked = tick(site, name)
        assert ticked.run_requests == []
        assert matches(GONE[name], ticked.skip_message)
        assert not view_says(site, name)[0]
        fails_to_follow(site, name, GONE[name])
    catches_up(site, place, name)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_whose_server_dies_while_it_follows_catches_up(place_of, servers, instance, name):
    place = place_of(f"dying_{name}")
    site = place.site(instance)
    assert site.run(MODEL, RANGE).success
    with mended(servers[name]), before_call(HALFWAY[name], *ASKED[name], servers[name].kill):
        fails_to_follow(site, name, GONE[name])
    behind = place.installation.view(name).behind(place.installation.tables().months())
    assert 0 < len(behind) < MONTHS[name], "it was halfway"
    catches_up(site, place, name)


@pytest.mark.parametrize(("name", "harm"), [("hive", Server.kill), ("search", hang)])
def test_a_view_that_cannot_read_the_bucket_any_more_says_so_and_catches_up(
    place_of, servers, instance, monkeypatch, name, harm
):
    short_of_patience(monkeypatch)
    place = place_of(f"unread_{name}")
    site = place.site(instance)
    assert site.run(MODEL, RANGE).success
    with mended(servers["bucket"]), before_call(5, Bucket, "get", lambda: harm(servers["bucket"])):
        fails_to_follow(site, name, GONE["bucket"])
    catches_up(site, place, name)


@pytest.mark.parametrize(("name", "seconds", "patience"), [("hive", 10, 90), ("search", 1, 90)])
def test_a_server_that_hangs_is_given_up_and_shows_what_was_written_meanwhile(
    place_of, servers, undisturbed, instance, name, seconds, patience
):
    """What it was told before it hung it does when it goes on, and that is of old rows."""
    place = place_of(f"hung_{name}")
    data = shutil.copytree(place.data, place.home / "data")
    place = replace(place, data=data, timeout_seconds=seconds)
    site = place.site(instance)
    assert site.run(MODEL, RANGE).success
    with mended(servers[name]):
        with before_call(AT_WORK[name], *ASKED[name], lambda: hang(servers[name])):
            began = time.monotonic()
            fails_to_follow(site, name, HUNG[name])
            assert time.monotonic() - began < patience
        days = site.windows(MODEL, "2013-03-16", "2013-03-18")
        site.write(MODEL, days, rows={day.key: small_rows(day, count=200) for day in days})
        on_time(site, undisturbed)
        assert tables_of(place.files) != undisturbed.tables
    place = replace(place, timeout_seconds=PATIENT)
    catches_up(place.site(instance), place, name)


def on_time(site: Site, undisturbed: Undisturbed) -> None:
    """Run over everything, and hold that all is judged by then and no view was waited for."""
    asked: list[object] = []
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        for owner, method in ASKED.values():
            patch.setattr(owner, method, lambda *arguments, **_: asked.append(arguments))
        assert site.run(MODEL, RANGE).success
    assert time.monotonic() - began < undisturbed.seconds + DELAY
    assert asked == []
    for track in TRACKS:
        assert len(site.materialised(MODEL, "verdicts", track)) == DAYS
        checks = site.checked(MODEL, "completeness", track)
        assert len(checks) == DAYS
        assert all(check.current for check in checks.values())


def fails_to_follow(site: Site, name: str, remedy: str) -> None:
    """Follow, and hold that the run fails and that it and the view's check say what to do."""
    result = do(site, f"follow_{name}")
    assert not result.success
    (text,) = said(result)
    assert matches(remedy, text)
    passed, sentence = view_says(site, name)
    assert not passed
    assert matches(remedy, sentence)


def catches_up(site: Site, place: Place, name: str) -> None:
    """Hold that the next tick launches the view, which then shows all there is, once."""
    assert len(tick(site, name).run_requests) == 1
    assert do(site, f"follow_{name}").success
    assert view_says(site, name)[0]
    assert tick(site, name).run_requests == []
    assert_shown(place, [name])


def short_of_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a bucket that hangs be given up in seconds rather than minutes."""
    monkeypatch.setattr(s3, "READ_SECONDS", 1)
    monkeypatch.setattr(s3, "ATTEMPTS", 2)


def matches(remedy: str, text: str) -> bool:
    return re.search(remedy, text, re.DOTALL) is not None
