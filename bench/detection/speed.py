"""What judging costs: a whole history, and the newest partition of many.

    python -m bench.detection.speed [--repeats 5]

Histories are those of `ordinary`, of 57 columns: 174 series. CPU seconds of one process, medians; beside them
the floor that any detector has, which is sorting the same histories once per series.
"""

from lupus_assets.process import prepare

prepare()

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import numpy as np

from bench.detection.ordinary import Kind, history
from lupus_assets.detect.detector import Detector, replay
from lupus_assets.detect.history import WINDOWS, Heard, History

COLUMNS, PARTITIONS = 57, 200
HISTORIES = 10_000
BUDGETS = (1.0,)


def long(partitions: int, seed: int) -> History:
    """Return a history of so many partitions, one after another from a shorter one."""
    given = history(Kind(columns=COLUMNS, weekly=2.0), 10_000, np.random.default_rng(seed))
    rows = np.arange(partitions) % len(given.values)
    parts = {name: getattr(given, name)[rows] for name in ("values", "variance", "n", "design")}
    return replace(given, **parts, phases=(np.arange(partitions) % 7)[:, None])


def cpu(act: Callable[[], object], repeats: int) -> float:
    """Return the median CPU seconds of an act."""
    taken = []
    for _ in range(repeats):
        began = time.process_time()
        act()
        taken.append(time.process_time() - began)
    return median(taken)


def newest(given: History, repeats: int) -> float:
    """Return the CPU seconds of the last step of a detector that has seen all others."""
    detector = Detector(given.series, given.per_month, BUDGETS)
    first, nothing, none = given.warm, np.zeros((len(WINDOWS), 0)), np.zeros(len(BUDGETS), dtype=bool)
    heard = Heard(np.zeros((first, len(WINDOWS), 0)), np.zeros((len(BUDGETS), first), dtype=bool))
    detector.start(
        given.values[:first],
        given.variance[:first],
        given.n[:first],
        given.design[:first],
        given.phases[:first],
        given.cycles,
        heard,
    )
    taken = []
    for at in range(first, len(given.values)):
        began = time.process_time()
        now = given.values[at], given.variance[at], given.n[at], given.design[at], given.phases[at]
        detector.step(*now, nothing, none)
        taken.append(time.process_time() - began)
    # The dear steps, in which weights and tails are learned anew, are among those that are summed.
    return float(np.mean(taken[-14 * repeats :]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    given = long(PARTITIONS, 1)
    series = given.values.shape[1]
    floor = cpu(lambda: [np.sort(given.values[:at], axis=0) for at in range(1, PARTITIONS)], repeats)
    whole = cpu(lambda: replay(given, BUDGETS), repeats)
    print(
        f"{series} series x {PARTITIONS} partitions, judged one by one: {whole:.3f} s ({floor:.3f} s sorted)"
    )
    step = newest(given, repeats)
    models = -(-HISTORIES // series)
    print(f"newest partition of {HISTORIES:,} series, {models} models: {models * step:.3f} s")


if __name__ == "__main__":
    main()
