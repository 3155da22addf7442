"""CPU of loading a location of many models, and of a tick of its schedule that finds nothing open.

    python -m bench.location [--models 300] [--rounds 3] [--against ../other-checkout]

Every model has two tracks, late labels and a comparison, and is judged up to now. User and system seconds of
processes of their own, medians; with `--against`, this checkout and the other in turn.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
DAYS = 45  # more than a tick looks back
TABLES = ("profiles", "metrics", "verdicts", "incidents")
DELAY = timedelta(days=3)
DECLARATION = """\
type: lupus_assets.assets.MonitoredModel
attributes:
  model: {model}
  team: fleet
  cadence: {{every: day, start: 2025-01-01, grace: 6h}}
  tracks:
    champion: {{parquet: "{model}/champion/{{partition}}.parquet"}}
    challenger: {{parquet: "{model}/challenger/{{partition}}.parquet"}}
  columns: {{timestamp: ts, key: id, prediction: {{score: p}}, label: {{column: y, arrives_within: 3d}}}}
  reference: {{from: 2025-01-01, to: 2025-01-28}}
  compare: [{{old: champion, new: challenger}}]
"""


def write(home: Path, models: int) -> None:
    """Write declarations, and the names of the files of all that is judged."""
    for number in range(models):
        model = f"model_{number:04d}"
        folder = home / "definitions" / "fleet" / model
        folder.mkdir(parents=True)
        (folder / "defs.yaml").write_text(DECLARATION.format(model=model))
        for day in range(DAYS):
            start = NOW.replace(hour=0) - timedelta(days=day)
            due, labelled = start + timedelta(hours=30), start + timedelta(days=1) + DELAY
            judged = [as_of for as_of in (due, labelled) if start + timedelta(days=1) <= NOW]
            open_cuts = [as_of for as_of in judged if as_of == due or as_of <= NOW]
            for as_of in open_cuts:
                places = [(table, track) for table in TABLES for track in ("champion", "challenger")]
                if as_of == open_cuts[-1]:
                    places.append(("comparisons", "champion~challenger"))
                for table, track in places:
                    path = home / "warehouse" / table / f"model=fleet.{model}" / f"month={start:%Y-%m}"
                    path.mkdir(parents=True, exist_ok=True)
                    (path / f"{track}~{start:%Y%m%dT%H%MZ}~{as_of:%Y%m%dT%H%MZ}.parquet").touch()


def measure(home: Path) -> dict[str, float]:
    """Return what loading and a tick take in this process, in seconds."""
    warnings.filterwarnings("ignore")
    import dagster as dg

    from lupus_assets.assets import load_location
    from lupus_assets.resources.installation import Embedded

    resources = {"lupus": Embedded(home=str(home), data_root=str(home / "data"), salt="bench")}
    began = _cpu()
    location = load_location(home, home / "definitions", resources)
    repository = location.get_repository_def()
    repository.load_all_definitions()
    loaded = _cpu()
    (schedule,) = [each for each in repository.schedule_defs if each.name != "compaction_schedule"]
    with (
        dg.DagsterInstance.local_temp(tempfile.mkdtemp(dir=home)) as instance,
        dg.build_schedule_context(
            instance=instance, scheduled_execution_time=NOW, repository_def=repository, resources=resources
        ) as context,
    ):
        ready = _cpu()
        data = schedule.evaluate_tick(context)
        ticked = _cpu()
    if data.run_requests:
        raise SystemExit(f"the tick found {len(data.run_requests)} runs to launch, and nothing is open")
    return {"load": loaded - began, "tick": ticked - ready}


def _cpu() -> float:
    times = os.times()
    return times.user + times.system


def run(checkout: Path, home: Path) -> dict[str, float]:
    """Return what a process of `checkout` measures."""
    python = checkout / ".venv" / "bin" / "python"
    answer = subprocess.run(
        [str(python), str(Path(__file__).resolve()), "--measure", str(home)],
        cwd=checkout, env={**os.environ, "PYTHONPATH": str(checkout)}, check=True, capture_output=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path, help="another checkout, with its .venv")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure)))
        return
    checkouts = [HERE, *([arguments.against.resolve()] if arguments.against else [])]
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), arguments.models)
        found = {checkout: [] for checkout in checkouts}
        for _ in range(arguments.rounds):
            for checkout in checkouts:
                found[checkout].append(run(checkout, Path(name)))
        for checkout, rounds in found.items():
            medians = {what: statistics.median(each[what] for each in rounds) for what in rounds[0]}
            figures = "  ".join(f"{what} {seconds:.2f} s" for what, seconds in medians.items())
            print(f"{arguments.models} models, {checkout.name}: {figures}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
