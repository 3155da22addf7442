"""The processes of `deploy/`, started by the commands of their units: PostgreSQL, code server, Dagit, daemon.

systemd itself is not here: what it does when a process ends (kill the rest, start it again), the tests do.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from tests.dagster.site import Site, small_model
from tests.e2e.test_restart import digests
from tests.services.postgres import Postgres
from tests.services.server import free_port

pytestmark = pytest.mark.services

PROJECT = Path(__file__).parents[2]
DEPLOY = PROJECT / "deploy"
UNITS = ("lupus-code", "lupus-daemon", "lupus-web")
BIN = Path(sys.executable).parent
MODEL = small_model()
DECLARATION = """
type: lupus_assets.assets.MonitoredModel
attributes:
  model: score
  team: shop
  owners: [shop@example.com]
  cadence: {every: day, start: 2013-03-01, end: 2013-06-01, grace: 6h}
  tracks:
    champion: {parquet: "score/champion/{partition}.parquet"}
  columns: {timestamp: at, key: id, prediction: {score: p}, label: {column: bought}}
  reference: {from: 2013-03-01, to: 2013-03-07}
"""
FIRST, LAST = "2013-03-01", "2013-03-25"
STEPS = ("profile", "metrics", "verdicts")
PATIENCE = 300  # seconds for anything, on a busy machine


def wait(found: Callable[[], Any], what: str, seconds: float = PATIENCE, pause: float = 0.5) -> Any:
    """Return the first true thing that `found` returns."""
    until = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < until, f"waited {seconds:.0f} s for {what}"
        time.sleep(pause)
    return result


def settings(unit: str) -> dict[str, list[str]]:
    """Return the lines of a unit by their name."""
    found: dict[str, list[str]] = {}
    text = (DEPLOY / "systemd" / f"{unit}.service").read_text()
    plain = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in re.sub(r"\\\n\s*", " ", plain).splitlines():
        name, equals, value = line.partition("=")
        if equals:
            found.setdefault(name, []).append(value)
    return found


def example() -> dict[str, str]:
    """Return the variables of the example that are set."""
    lines = (DEPLOY / "lupus.env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


class Deployment:
    """A project of one model, and the processes of its units.

    Parameters
    ----------
    project : Path
        Takes the place of ``/opt/lupus`` and ``/var/lib/lupus``.
    postgres : Postgres
    """

    def __init__(self, project: Path, postgres: Postgres) -> None:
        self.project = project
        self.home = project / "home"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        variables = example() | {
            "LUPUS_ENV": "embedded",
            "LUPUS_HOME": str(self.home),
            "LUPUS_DATA": str(self.home / "data"),
            "LUPUS_SALT": "test",
            "DAGSTER_HOME": str(self.home / "dagster"),
            "DAGSTER_PG_PORT": str(postgres.port),
            "DAGSTER_PG_USER": postgres.user,
            "DAGSTER_PG_PASSWORD": postgres.password,
            "DAGSTER_PG_DB": postgres.database,
            "LUPUS_CODE_PORT": str(free_port()),
            "LUPUS_WEB_PORT": str(free_port()),
        }
        # Which kernels OpenBLAS takes decides the last bit of a sum, and files are compared byte by byte.
        kernels = {name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_")}
        self.environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **kernels, **variables}
        self.url = f"http://127.0.0.1:{variables['LUPUS_WEB_PORT']}"

    def install(self) -> None:
        """Lay out the project: what an installation has, with one model of its own."""
        shutil.copytree(DEPLOY, self.project / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
        model = self.project / "definitions" / "shop" / "score"
        model.mkdir(parents=True)
        for name in ("__init__.py", "location.py"):
            shutil.copy(PROJECT / "definitions" / name, self.project / "definitions" / name)
        (model / "defs.yaml").write_text(DECLARATION)
        (self.home / "dagster").mkdir(parents=True)
        shutil.copy(DEPLOY / "dagster.yaml", self.home / "dagster" / "dagster.yaml")

    def commands(self, unit: str, name: str) -> list[list[str]]:
        """Return the commands of a unit as systemd would run them, in this project."""
        found = []
        for line in settings(unit).get(name, []):
            placed = line.replace("/opt/lupus/.venv/bin", str(BIN)).replace("/opt/lupus", str(self.project))
            words = [
                re.sub(r"\$\{(\w+)\}", lambda match: self.environment[match[1]], word)
                for word in shlex.split(placed)
            ]
            found.append(words)
        return found

    def start(self, *units: str) -> None:
        """Start units as systemd does: what comes before, the process, what tells that it is there."""
        for unit in units:
            self._finish(unit, "ExecStartPre")
            with self.log(unit).open("ab") as log:
                self.processes[unit] = subprocess.Popen(
                    self.commands(unit, "ExecStart")[0],
                    cwd=self.project, env=self.environment, stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip
            self._finish(unit, "ExecStartPost")

    def _finish(self, unit: str, name: str) -> None:
        for command in self.commands(unit, name):
            with self.log(unit).open("ab") as log:
                subprocess.run(
                    command, cwd=self.project, env=self.environment, stdout=log, stderr=log, timeout=PATIENCE,
                    check=True,
                )  # fmt: skip

    def log(self, unit: str) -> Path:
        """Return where a unit's processes write."""
        return self.project / f"{unit}.log"

    def stop(self, unit: str, *, seconds: float = PATIENCE) -> int:
        """End a unit as ``KillMode=mixed`` does: tell its process, then kill what is left."""
        process = self.processes.pop(unit)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(seconds)
        finally:
            _kill_group(process.pid)
            process.wait()

    def kill(self, unit: str) -> None:
        """End a unit and all below it at once, as a power failure would."""
        process = self.processes.pop(unit)
        _kill_group(process.pid)
        process.wait()

    def ask(self, query: str, **variables: Any) -> dict[str, Any] | None:
        """Return the data of a GraphQL query; None while there is no answer."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                found = json.load(response)
        except OSError:
            return None
        return None if "errors" in found else dict(found["data"])

    def location_is_loaded(self) -> bool:
        """Return whether Dagit shows the location's assets."""
        answer = self.ask(
            "{workspaceOrError{... on Workspace{locationEntries{locationOrLoadError{__typename}}}}}"
        )
        entries = answer["workspaceOrError"].get("locationEntries", []) if answer else []
        return [each["locationOrLoadError"]["__typename"] for each in entries] == ["RepositoryLocation"]

    def launch(self, **tags: str) -> str:
        """Launch the model's job through Dagit; return the run's id."""
        parameters = {
            "selector": {
                "repositoryLocationName": "lupus",
                "repositoryName": "__repository__",
                "jobName": "day_utc_2013q1_until_20130601",
                "assetSelection": [{"path": ["shop", "score", f"score_champion_{step}"]} for step in STEPS],
            },
            "mode": "default",
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        # After the database was away, Dagit answers once for each of its old connections with an error.
        answer = wait(lambda: self.ask(LAUNCH, params=parameters), "Dagit to launch", pause=1)
        assert "run" in answer["launchRun"], answer
        return str(answer["launchRun"]["run"]["runId"])

    def launch_everything(self) -> str:
        """Launch all the model's partitions in one run, which takes long enough to be disturbed."""
        return self.launch(
            **{"dagster/asset_partition_range_start": FIRST, "dagster/asset_partition_range_end": LAST}
        )

    def runs(self) -> list[dict[str, Any]]:
        """Return all runs, the newest first."""
        answer = self.ask("{runsOrError{... on Runs{results{runId status parentRunId}}}}")
        return list(answer["runsOrError"]["results"]) if answer else []

    def status(self, run: str) -> str:
        """Return the status of a run."""
        return next((each["status"] for each in self.runs() if each["runId"] == run), "none")

    def wait_for(self, run: str, status: str, seconds: float = PATIENCE) -> None:
        """Wait until a run has a status."""
        wait(lambda: self.status(run) == status, f"{run} to be {status}, {self.runs()}", seconds)

    def wait_for_retry(self, run: str) -> str:
        """Return the run that was launched in place of one that died."""
        return str(
            wait(
                lambda: next((each["runId"] for each in self.runs() if each["parentRunId"] == run), None),
                f"a retry of {run}",
            )
        )

    def said(self, run: str) -> str:
        """Return the messages of a run's events."""
        answer = self.ask(
            "query($run: ID!){logsForRun(runId: $run){... on EventConnection{events{"
            "... on MessageEvent{message}}}}}",
            run=run,
        )
        return " ".join(each.get("message", "") for each in answer["logsForRun"]["events"]) if answer else ""

    def process_of(self, run: str) -> int:
        """Return the process of a run, from its own event."""
        pid = r"Started process for run \(pid: (\d+)\)"
        return int(wait(lambda: re.search(pid, self.said(run)), f"the process of {run}")[1])

    def written(self) -> int:
        """Return the number of files in the warehouse."""
        return len(list((self.home / "warehouse").glob("verdicts/model=*/month=*/*.parquet")))

    def empty(self) -> None:
        """Take the tables away."""
        shutil.rmtree(self.home / "warehouse", ignore_errors=True)

    def run_under_way(self) -> tuple[str, int]:
        """Return a run over everything that has written some of its tables and not all, and its process."""
        self.empty()
        run = self.launch_everything()
        process = self.process_of(run)
        wait(lambda: self.written() > 3, f"{run} to write its first tables", pause=0.01)
        return run, process


LAUNCH = (
    "mutation($params: ExecutionParams!){launchRun(executionParams: $params){__typename "
    "... on LaunchRunSuccess{run{runId}} ... on PythonError{message} "
    "... on RunConfigValidationInvalid{errors{message}}}}"
)


def _kill_group(number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(number, signal.SIGKILL)


@pytest.fixture(scope="module")
def lupus(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Deployment]:
    """Start everything in the order of the units."""
    found = Deployment(tmp_path_factory.mktemp("opt"), postgres)
    found.install()
    with dg.DagsterInstance.ephemeral() as instance:
        site = Site.of(found.home, [MODEL], instance)
        site.write(MODEL, site.windows(MODEL, FIRST, LAST))
    try:
        found.start("lupus-code", "lupus-daemon", "lupus-web")
        wait(found.location_is_loaded, "Dagit to show the location")
        yield found
    finally:
        for unit in list(found.processes):
            found.kill(unit)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, lupus: Deployment) -> dict[str, str]:
    """Return the files of a run over everything that nothing happened to."""
    home = tmp_path_factory.mktemp("whole")
    shutil.copytree(lupus.home / "data", home / "data")
    with dg.DagsterInstance.ephemeral() as instance:
        assert Site.of(home, [MODEL], instance).run(MODEL, (FIRST, LAST)).success
    return digests(home / "warehouse")


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path):
    assert set(UNITS) == {path.stem for path in (DEPLOY / "systemd").iterdir()}
    for unit in UNITS:
        text = (DEPLOY / "systemd" / f"{unit}.service").read_text()
        placed = text.replace("/opt/lupus/.venv/bin", str(BIN)).replace("/opt/lupus", str(PROJECT))
        (tmp_path / f"{unit}.service").write_text(placed)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / f"{unit}.service") for unit in UNITS)],  # noqa: S607
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_variable_that_is_read_is_in_the_example():
    read = set(re.findall(r"\$\{(\w+)\}", "".join(path.read_text() for path in DEPLOY.glob("systemd/*"))))
    for name in ("dagster.yaml", "workspace.yaml"):
        read |= set(re.findall(r"\benv: (\w+)", (DEPLOY / name).read_text()))
        yaml.safe_load((DEPLOY / name).read_text())
    assert read
    assert read <= set(example())


def test_a_run_of_one_partition_goes_through_the_queue(lupus):
    run = lupus.launch(**{"dagster/partition": FIRST})
    lupus.wait_for(run, "SUCCESS")
    for step in STEPS:
        answer = lupus.ask(
            "query($key: AssetKeyInput!){assetNodeOrError(assetKey: $key){... on AssetNode"
            "{assetMaterializations{partition runId}}}}",
            key={"path": ["shop", "score", f"score_champion_{step}"]},
        )
        found = answer["assetNodeOrError"]["assetMaterializations"]
        assert found == [{"partition": FIRST, "runId": run}]


def test_a_run_whose_process_is_killed_fails_at_once_and_is_launched_again(lupus, undisturbed):
    run, process = lupus.run_under_way()
    os.kill(process, signal.SIGKILL)
    lupus.wait_for(run, "FAILURE", 20)
    assert lupus.written() < len([path for path in undisturbed if path.startswith("verdicts/")])
    lupus.wait_for(lupus.wait_for_retry(run), "SUCCESS")
    assert digests(lupus.home / "warehouse") == undisturbed


def test_runs_that_die_with_the_code_server_fail_when_it_starts_and_are_launched_again(lupus, undisturbed):
    run, _ = lupus.run_under_way()
    lupus.kill("lupus-code")
    assert lupus.status(run) == "STARTED"
    lupus.start("lupus-code")
    assert lupus.status(run) == "FAILURE"
    lupus.wait_for(lupus.wait_for_retry(run), "SUCCESS")
    assert digests(lupus.home / "warehouse") == undisturbed


def test_a_code_server_told_to_stop_lets_its_run_finish_and_a_new_one_is_found(lupus, undisturbed):
    run, _ = lupus.run_under_way()
    assert lupus.stop("lupus-code") == 0
    assert lupus.status(run) == "SUCCESS"
    assert digests(lupus.home / "warehouse") == undisturbed
    lupus.start("lupus-code")
    wait(lupus.location_is_loaded, "Dagit to find the new code server")


def test_all_go_on_after_dagit_and_the_database_were_restarted(lupus, postgres):
    assert lupus.stop("lupus-web") in (0, -signal.SIGTERM)
    lupus.start("lupus-web")
    wait(lupus.location_is_loaded, "Dagit to be back")
    before = {unit: process.pid for unit, process in lupus.processes.items()}
    postgres.restart()
    lupus.wait_for(lupus.launch(**{"dagster/partition": LAST}), "SUCCESS")
    assert {
        unit: process.pid for unit, process in lupus.processes.items() if process.poll() is None
    } == before
