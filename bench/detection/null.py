"""What is called an incident where nothing happened, and whether a change is caught at the same budgets.

    python -m bench.detection.null [--months 400] [--repeats 60] [--budgets 1 2 4] [--only NAME ...]
                                   [--seed 1]

Each history is one model (`ordinary`): 60 days of reference, then four months that are judged. Rows a day are
24, 100, 1,000, 10,000 and 100,000 in turn.

iid          every day by itself
ar           days' deviations have correlation 0.7 with those of the day before, and thrice the sampling noise
weekly       weekdays differ by four times a day's noise; at weekends 40 % fewer rows, half more nulls
growth       rows grow by half in a year and swing by 20 % over it, means swing by 0.2 standard deviations
correlated   200 columns whose deviations and sampling noise have correlation 0.5

Alarms no more than three partitions apart are one incident. Their number is allowed up to the 97.5 % point of
a Poisson number whose mean is 1.1 × the budget × the months. Two cases put one change into such a history:

drop         a working day of the kind `weekly` has 20 % fewer rows, at 3 % noise; caught if rows are named
             that day; in at least 95 %
drift        a mean of the kind `iid` moves by half a standard deviation of the rows within 30 days, and
             stays; caught if the column is named until 14 days after; in at least 80 %

Exit code 1 if a budget is exceeded or a case falls short.
"""

from lupus_assets.process import prepare

prepare()

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from zlib import crc32

import numpy as np
from scipy.stats import poisson

from bench.detection.ordinary import (
    DAYS,
    KINDS,
    PER_MONTH,
    REFERENCE,
    SATURDAY,
    SERVED,
    Array,
    Change,
    history,
)
from lupus_assets.detect.detector import Judged, replay

ROWS_A_DAY = (24, 100, 1_000, 10_000, 100_000)
QUIET = 3  # partitions without an alarm end an incident
TOLERANCE, CONFIDENCE = 1.1, 0.975
SETTLED, LATEST = 15, 60  # partitions after the reference between which a change begins
DROP, DRIFT = 0.2, 0.5  # of the rows; standard deviations
DRIFT_OVER, DRIFT_WITHIN = 30, 14  # partitions
LEAST = {"drop": 0.95, "drift": 0.8}
CASE_ROWS = {"drop": (2_000, 10_000, 100_000), "drift": (1_000, 10_000, 100_000)}


@dataclass(frozen=True)
class Realised:
    """False incidents of one kind.

    Attributes
    ----------
    months : float
        Model-months, of all numbers of rows together.
    incidents : array of float, shape (numbers of rows, budgets)
    """

    months: float
    incidents: Array


def incidents(found: Sequence[Judged], budget: int) -> int:
    """Return how many incidents the judged partitions have, for the budget at this index."""
    alarms = np.array([at for at in range(REFERENCE, len(found)) if found[at].named[budget]])
    return int(alarms.size > 0) + int(np.count_nonzero(np.diff(alarms) > QUIET))


def realised(name: str, months: float, budgets: Sequence[float], seed: int) -> Realised:
    """Return what is called an incident in at least so many model-months of one kind."""
    models = ceil(months * PER_MONTH / SERVED / len(ROWS_A_DAY))  # of each number of rows
    found = np.zeros((len(ROWS_A_DAY), len(budgets)))
    for at, rows_a_day in enumerate(ROWS_A_DAY):
        for rng in _generators(name, rows_a_day, models, seed):
            judged = replay(history(KINDS[name], rows_a_day, rng, weekday=int(rng.integers(7))), budgets)
            found[at] += [incidents(judged, budget) for budget in range(len(budgets))]
    return Realised(models * len(ROWS_A_DAY) * SERVED / PER_MONTH, found)


def caught(case: str, rows_a_day: int, repeats: int, budgets: Sequence[float], seed: int) -> Array:
    """Return the share of changes that are caught, shape (budgets,)."""
    kind = KINDS["weekly" if case == "drop" else "iid"]
    target = kind.rows_target if case == "drop" else 0
    hits = np.zeros(len(budgets))
    for rng in _generators(case, rows_a_day, repeats, seed):
        weekday, start = int(rng.integers(7)), REFERENCE + int(rng.integers(SETTLED, LATEST))
        while (weekday + start) % 7 >= SATURDAY:
            start += 1
        change, end = (_drop(start), start + 1) if case == "drop" else _drift(start)
        judged = replay(history(kind, rows_a_day, rng, weekday=weekday, change=change), budgets)
        for budget in range(len(budgets)):
            hits[budget] += any(target in each.named[budget] for each in judged[start:end])
    return hits / repeats


def _drop(start: int) -> Change:
    rows = np.ones(DAYS)
    rows[start] = 1 - DROP
    return Change(rows, np.zeros(DAYS))


def _drift(start: int) -> tuple[Change, int]:
    done = np.clip((np.arange(DAYS) - start + 1) / DRIFT_OVER, 0, 1)
    return Change(np.ones(DAYS), DRIFT * done), start + DRIFT_OVER + DRIFT_WITHIN


def _generators(name: str, rows_a_day: int, count: int, seed: int) -> Iterator[np.random.Generator]:
    for each in range(count):
        yield np.random.default_rng([seed, crc32(name.encode()), rows_a_day, each])


def budget_lines(name: str, found: Realised, budgets: Sequence[float]) -> Iterator[tuple[str, bool]]:
    """Yield a line of the table for each budget, and whether it is kept."""
    for index, budget in enumerate(budgets):
        count = int(found.incidents[:, index].sum())
        most = int(poisson.ppf(CONFIDENCE, TOLERANCE * budget * found.months))
        by_rows = found.incidents[:, index] / (found.months / len(ROWS_A_DAY))
        line = (
            f"| {name} | {budget:g} | {found.months:.0f} | {count} | {most} | {count / found.months:.2f} | "
        )
        yield line + " / ".join(f"{rate:.2f}" for rate in by_rows) + " |", count <= most


def main() -> int:
    """Print both tables, and say whether budgets are kept and changes caught."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--months", type=float, default=400, help="model-months of each kind")
    parser.add_argument("--repeats", type=int, default=60, help="changes of each case and number of rows")
    parser.add_argument("--budgets", type=float, nargs="+", default=[1.0, 2.0, 4.0])
    parser.add_argument("--only", nargs="+", choices=[*KINDS, *LEAST], default=[*KINDS, *LEAST])
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    kept = True
    rows = " / ".join(f"{each:,}" for each in ROWS_A_DAY)
    print("| kind | budget | months | incidents | allowed | a month | a month at", rows, "rows a day |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for name in [each for each in arguments.only if each in KINDS]:
        found = realised(name, arguments.months, arguments.budgets, arguments.seed)
        for line, within in budget_lines(name, found, arguments.budgets):
            print(line if within else f"{line} exceeded", flush=True)
            kept = kept and within
    print("\n| case | rows a day | least |", " | ".join(f"at {each:g}" for each in arguments.budgets), "|")
    print("|---|---|---|" + "---|" * len(arguments.budgets), flush=True)
    for case in [each for each in arguments.only if each in LEAST]:
        for rows_a_day in CASE_ROWS[case]:
            shares = caught(case, rows_a_day, arguments.repeats, arguments.budgets, arguments.seed)
            print(
                f"| {case} | {rows_a_day:,} | {LEAST[case]} |",
                *(f"{each:.2f} |" for each in shares),
                flush=True,
            )
            kept = kept and bool((shares >= LEAST[case]).all())
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
