"""A project of declarations in the environment ``services``, and the processes that work on it.

Run as a module it is one of these processes: it loads the location and executes what it is told, with every
library's log as verbose as it gets.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
PATIENCE = 600  # seconds for one process, on a busy machine
LUPUS = "from tests.services.project import command; command()"

Step = Mapping[str, Any]
"""``set``: variables; ``range``: first and last key of all models; ``job``: its name; ``tick``: of a view."""


@dataclass(frozen=True)
class Project:
    """The folder of a project, and the variables of its environment.

    Attributes
    ----------
    root : Path
    variables : mapping of str to str
    """

    root: Path
    variables: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of its processes, and none that this process happens to have."""
        own = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.root),
            "LANG": "C.UTF-8",
            "PYTHONPATH": f"{self.root}:{PROJECT}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DO_NOT_TRACK": "1",
            "LUPUS_HOME": str(self.root / "home"),
            "LUPUS_DATA": str(self.data),
            "DAGSTER_HOME": str(self.dagster),
        }
        return own | dict(self.variables)

    @property
    def data(self) -> Path:
        """Where the prediction logs are."""
        return self.root / "data"

    @property
    def dagster(self) -> Path:
        """The home of Dagster: runs, events, output of steps."""
        return self.root / "dagster"

    @property
    def said(self) -> Path:
        """What the processes printed, a file for each stream."""
        return self.root / "said"

    def install(self, declarations: Mapping[str, str]) -> None:
        """Lay out the project: settings of Dagster, and a declaration by each ``team/model``."""
        for folder in (self.dagster, self.data, self.said):
            folder.mkdir(parents=True)
        shutil.copy(PROJECT / "resources" / "dagster.yaml", self.dagster)
        shutil.copy(PROJECT / "pyproject.toml", self.root)
        for name, text in declarations.items():
            folder = self.root / "definitions" / name
            folder.mkdir(parents=True)
            (folder / "defs.yaml").write_text(text)
        for name in ("__init__.py", "location.py"):
            shutil.copy(PROJECT / "definitions" / name, self.root / "definitions" / name)

    def run(self, name: str, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, keep what it prints, and return it."""
        done = subprocess.run(
            command, cwd=self.root, env=self.environment | variables, capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
        for stream, text in (("out", done.stdout), ("err", done.stderr)):
            (self.said / f"{name}.{stream}").write_text(text)
        return done

    def lupus(self, name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command ``lupus``, with every library's log."""
        return self.run(name, sys.executable, "-c", LUPUS, *arguments, **variables)

    def drive(self, name: str, *steps: Step) -> list[dict[str, Any]]:
        """Do steps one after the other in a process; return what Dagit would show of each."""
        outcome = self.root / f"{name}.json"
        told = json.dumps(steps)
        done = self.run(name, sys.executable, "-m", "tests.services.project", told, str(outcome))
        assert done.returncode == 0, done.stderr[-4_000:]
        return list(json.loads(outcome.read_text()))


def verbose() -> None:
    """Let every library say all that it can."""
    import elastic_transport

    logging.basicConfig(level=logging.DEBUG)
    elastic_transport.debug_logging()


def command() -> None:
    """Be the command ``lupus``."""
    verbose()
    from lupus_assets.cli import main

    sys.exit(main())


def drive(steps: Sequence[Step]) -> Iterator[dict[str, Any]]:
    """Do steps in the project of the working directory; yield what came of each."""
    import dagster as dg

    from lupus_assets.assets import load_location
    from lupus_assets.resources.environment import resources

    root = Path.cwd()
    with dg.DagsterInstance.get() as instance:
        for step in steps:
            before = dict(os.environ)
            os.environ.update(step.get("set", {}))
            location = load_location(root, root / "definitions", resources(root))
            if "tick" in step:
                context = dg.build_sensor_context(
                    instance=instance, definitions=location, resources=location.resources
                )
                ticked = location.resolve_sensor_def(f"{step['tick']}_view").evaluate_tick(context)
                yield {"success": ticked.skip_message is None, "said": [ticked.skip_message or ""]}
            else:
                jobs, tags = [step.get("job")], {}
                if "range" in step:
                    jobs = [job.name for job in location.jobs or () if job.name.startswith("day_")]
                    tags = dict(zip(RANGE_TAGS, step["range"], strict=True))
                for job in jobs:
                    result = location.resolve_job_def(str(job)).execute_in_process(
                        instance=instance, tags=tags, raise_on_error=False
                    )
                    yield {"success": result.success, "said": list(told(result))}
            os.environ.clear()
            os.environ.update(before)


RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def told(result: Any) -> Iterator[str]:
    """Yield what Dagit shows of a run: the errors of its steps, and the sentences of failing checks."""
    for event in result.all_events:
        if event.is_step_failure:
            failed = event.step_failure_data
            yield str(failed.user_failure_data.description if failed.user_failure_data else "")
            yield str(failed.error)
    for evaluation in result.get_asset_check_evaluations():
        if not evaluation.passed:
            yield str(evaluation.description)


if __name__ == "__main__":
    verbose()
    Path(sys.argv[2]).write_text(json.dumps(list(drive(json.loads(sys.argv[1])))))
