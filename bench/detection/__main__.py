"""How much the monitor catches, and how often it rings for nothing: injected incidents, scored from outside.

    python -m bench.detection --eval DIR [--seeds 11 23 …] [--out DIR]

Makes the streams of ``DIR/scorers/streams.py``, replays each with `lupus_assets.replay` for every budget in
one pass, and has the scorer compare the alarms with what was injected. One setting for everything.
"""

from lupus_assets.process import prepare

prepare()

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from scipy.stats import t as student

from bench.detection.curve import curve
from bench.detection.streams import DATASETS, MODES, declaration, log, make
from lupus_assets.replay import backtest, learn

SEEDS = (11, 23, 47, 59, 71, 83, 97, 101, 113, 127)
BUDGETS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
AT = {"natural": 1.05, "shuffled": 0.95}  # false alarms a model-month at which recall is read off
KIND_COLUMNS = 5  # kind, strength, named strictly, found at all, delay


@dataclass(frozen=True)
class Set:
    """One data set, made natural or shuffled, of one seed."""

    evaluation: Path
    work: Path
    dataset: str
    mode: str
    seed: int

    @property
    def folder(self) -> Path:
        """Where its streams are."""
        return self.work / f"{self.dataset}-{self.mode}-{self.seed}"


def scored(of: Set) -> dict[str, object]:
    """Return what the scorer says of one set, by budget."""
    if not of.folder.is_dir():
        make(of.evaluation, of.folder, dataset=of.dataset, mode=of.mode, seed=of.seed)
    streams = sorted(path for path in of.folder.iterdir() if path.is_dir())
    model = declaration(streams[0] / "schema.json", streams[0] / "reference.parquet")
    learned = learn(model, log(streams[0] / "reference.parquet"))  # the same in every stream of a set
    alarms: dict[float, list[tuple[str, str, str]]] = {budget: [] for budget in BUDGETS}
    for stream in streams:
        found = backtest(model, learned, log(stream / "serving.parquet"), BUDGETS)
        for budget, named in found.alarms.items():
            alarms[budget] += [(stream.name, each.decided_at.isoformat(), each.target) for each in named]
    return {"dataset": of.dataset, "mode": of.mode, "seed": of.seed} | {
        str(budget): _score(of, budget, rows) for budget, rows in alarms.items()
    }


def _score(of: Set, budget: float, rows: list[tuple[str, str, str]]) -> dict[str, object]:
    path = of.folder / f"alerts-{budget}.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("stream", "decided_at", "target"), *rows])
    command = [
        sys.executable, str(of.evaluation / "scorers" / "streams.py"), "score",
        "--streams", str(of.folder), "--alerts", str(path), "--verbose",
    ]  # fmt: skip
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()
    return json.loads(said[-1]) | {"kinds": list(_kinds(said[2:-1]))}


def _kinds(lines: Iterable[str]) -> Iterator[tuple[str, float]]:
    """Yield each kind of incident with its strength, and the share that was named strictly."""
    kind = ""
    for line in lines:  # a kind that has several strengths is written once
        cells = line.split()
        if len(cells) == KIND_COLUMNS:
            kind, *cells = cells
        if len(cells) == KIND_COLUMNS - 1:
            yield f"{kind} {float(cells[0]):g}", float(cells[1])


def by_kind(found: list[dict], budget: float) -> list[str]:
    """Return the lines of a table: which kinds are named, by data set and mode, at one budget."""
    groups = sorted({(each["mode"], each["dataset"]) for each in found})
    shares: dict[str, dict[tuple[str, str], list[float]]] = {}
    for each in found:
        for kind, strict in each[str(budget)]["kinds"]:
            shares.setdefault(kind, {}).setdefault((each["mode"], each["dataset"]), []).append(strict)
    lines = [f"| incident | {' | '.join(f'{dataset}, {mode}' for mode, dataset in groups)} |"]
    lines.append("|---|" + "---|" * len(groups))
    for kind, shared in sorted(shares.items()):
        cells = [f"{mean(shared[group]):.2f}" if group in shared else "" for group in groups]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return lines


def points(found: list[dict], mode: str) -> list[tuple[float, float, float]]:
    """Return budget, false alarms a model-month and strict recall, over all data sets of one mode."""
    mine = [each for each in found if each["mode"] == mode]
    return [
        (
            budget,
            mean(each[str(budget)]["false_alarms_per_model_month"] for each in mine),
            mean(each[str(budget)]["recall_strict"] for each in mine),
        )
        for budget in BUDGETS
    ]


def recall_at(found: list[dict], mode: str, rate: float) -> float:
    """Return the strict recall at a rate of false alarms, between the budgets whose rates are next to it."""
    _, rates, recalls = zip(*points(found, mode), strict=True)
    return float(np.interp(rate, rates, recalls))


FIGURES = {
    "recall_strict": "strict recall",
    "false_alarms_per_model_month": "false alarms",
    "false_incidents_per_model_month": "false incidents",
    "first_alert_names_culprit": "first names culprit",
}


def table(found: list[dict], mode: str, dataset: str | None) -> list[str]:
    """Return the lines of one table: per budget, the mean over data sets and seeds, ± 95 % over seeds."""
    lines = [f"| budget | {' | '.join(FIGURES.values())} |", "|---|" + "---|" * len(FIGURES)]
    mine = [each for each in found if each["mode"] == mode and dataset in (None, each["dataset"])]
    seeds = sorted({each["seed"] for each in mine})
    for budget in BUDGETS:
        cells = []
        for name in FIGURES:
            by_seed = [
                mean(each[str(budget)][name] for each in mine if each["seed"] == seed) for seed in seeds
            ]
            reach = 0.0
            if len(seeds) > 1:
                reach = float(student.ppf(0.975, len(seeds) - 1)) * stdev(by_seed) / len(seeds) ** 0.5
            cells.append(f"{mean(by_seed):.3f} ± {reach:.3f}")
        lines.append(f"| {budget:g} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Make, replay, score and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--eval", type=Path, required=True, help="folder of data and scorers")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--datasets", nargs="+", default=DATASETS, choices=DATASETS)
    parser.add_argument("--modes", nargs="+", default=MODES, choices=MODES)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, help="keep streams, alarms, scores and the curve here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = (arguments.out or Path(scratch)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        sets = [
            Set(arguments.eval.resolve(), work, dataset, mode, seed)
            for seed, dataset, mode in product(arguments.seeds, arguments.datasets, arguments.modes)
        ]
        found = []
        with ProcessPoolExecutor(arguments.jobs) as pool:
            for done in as_completed([pool.submit(scored, each) for each in sets]):
                found.append(done.result())
                print(f"{len(found)}/{len(sets)}", end="\r", file=sys.stderr)
        (work / "scores.json").write_text(json.dumps(found, indent=1))
        (work / "curve.svg").write_text(curve({mode: points(found, mode) for mode in arguments.modes}))
    for mode in arguments.modes:
        for dataset in (None, *arguments.datasets):
            print(f"\n{mode}, {dataset or 'all data sets'}\n")
            print("\n".join(table(found, mode, dataset)))
        rate = AT[mode]
        print(f"\n{mode}: strict recall {recall_at(found, mode, rate):.3f} at {rate} false alarms a month")
    print("\nNamed strictly, by kind and strength, at budget 1\n")
    print("\n".join(by_kind(found, 1.0)))


if __name__ == "__main__":
    main()
