"""What comparing windows from stored profiles costs: a day against 28, and all pairs of 90 days.

    python -m bench.compare [--days 90] [--rows 100000] [--rounds 9]

The columns of `bench.data` that have a distribution: 16 numeric, 4 of text, 1 boolean. CPU seconds are user
and system of this process, medians, loading included; the distances are PSI, Jensen-Shannon, chi-square,
L-infinity, Kolmogorov-Smirnov and Wasserstein.
"""

from lupus_assets.process import prepare

prepare()

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from lupus_assets.measuring.drift import COLUMNS, Frozen, Span, partitions
from lupus_assets.records import Place, ProfileRow, ReferenceRow
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.stats.codec import from_bytes, to_bytes
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.distance.categorical import CategoricalStack
from lupus_assets.stats.distance.marginal import NumericMarginal
from lupus_assets.stats.distance.numeric import NumericStack
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.reference.categorical import CategoricalReference
from lupus_assets.stats.reference.frozen import Reference
from lupus_assets.stats.reference.numeric import NumericReference
from lupus_assets.windows import compare

MODEL = "bench.model"
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
REFERENCE_DAYS = 28
NUMERIC, TEXTS = 16, (2, 5, 50, 5_000, 200_000)


def columns(rows: int, rng: np.random.Generator) -> dict[str, NumericColumn | CategoricalColumn]:
    """Return the states of one day."""
    grid = Grid(0.0, 1.0)
    found: dict[str, NumericColumn | CategoricalColumn] = {
        f"number_{at}": NumericColumn.of(rng.normal(0, 1 + at / 10, rows), 10, grid) for at in range(NUMERIC)
    }
    for at, size in enumerate(TEXTS):
        counts = np.bincount(rng.integers(0, size, rows), minlength=size)
        found[f"text_{at}"] = CategoricalColumn.of(
            [f"value-{each}" for each in range(size)], counts, 10, b"bench"
        )
    return found


def write(store: ParquetStore, days: int, rows: int) -> None:
    """Write the profiles of `days` days."""
    rng = np.random.default_rng(0)
    for day in range(days):
        start, as_of = FIRST + timedelta(days=day), FIRST + timedelta(days=day + 1)
        found = [
            ProfileRow(
                track="champion", version="*", partition_key=f"{start:%Y-%m-%d}", window_start=start,
                as_of=as_of, segment="*", column_name=name, kind=type(state).__name__, reference="bench",
                state=to_bytes(state),
            )
            for name, state in columns(rows, rng).items()
        ]  # fmt: skip
        store.replace("profiles", Place(MODEL, "champion", start, as_of, f"{start:%Y-%m}"), found)


def freeze(store: ParquetStore, days: int) -> None:
    """Write what a reference of the first `days` days is: their states added up."""
    rows = store.read(
        "profiles", model=MODEL, until=FIRST + timedelta(days=days), columns=COLUMNS
    ).to_pylist()
    whole: dict[str, Any] = {}
    for row in rows:
        state, name = from_bytes(row["state"]), row["column_name"]
        whole[name] = whole[name] + state if name in whole else state
    references = {
        name: NumericReference.of(state)
        if isinstance(state, NumericColumn)
        else CategoricalReference.of(state)
        for name, state in whole.items()
    }
    end = FIRST + timedelta(days=days)
    reference = Reference(
        rows=max(state.rows for state in whole.values()), kinds={}, grids={}, columns={"*": references},
        surrogate=None, declared="", digest="bench",
    )  # fmt: skip
    row = ReferenceRow("champion", FIRST, end, end, reference.rows, "bench", None, to_bytes(reference))
    store.replace("frozen_references", Place(MODEL, "champion", FIRST, end, f"{FIRST:%Y-%m}"), [row])


def median(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return the median CPU and wall seconds of `work`, the first round left out."""
    cpu, wall = [], []
    for _ in range(rounds + 1):
        began, spent = time.perf_counter(), time.process_time()
        work()
        cpu.append(time.process_time() - spent)
        wall.append(time.perf_counter() - began)
    return statistics.median(cpu[1:]), statistics.median(wall[1:])


def pairs(store: ParquetStore, days: int) -> None:
    """Compare every day with every other, column by column."""
    span = Span(FIRST.date(), (FIRST + timedelta(days=days - 1)).date())
    rows = store.read("profiles", model=MODEL, columns=COLUMNS)
    states = partitions(rows, span)
    for name in states[0]:
        column: list[Any] = [[each[name]] for each in states]
        numeric = isinstance(column[0][0], NumericMarginal)
        stack = NumericStack.of(column) if numeric else CategoricalStack.of(column)
        stack.pairs()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = ParquetStore(Folder(Path(folder)))
        write(store, arguments.days, arguments.rows)
        last = FIRST.date() + timedelta(days=REFERENCE_DAYS)
        reference, day = Span(FIRST.date(), last - timedelta(days=1)), Span(last, last)
        freeze(store, REFERENCE_DAYS)
        cpu, wall = median(lambda: compare(store, MODEL, Frozen(), day), arguments.rounds)
        print(f"a day against the frozen reference: {cpu * 1e3:.0f} ms CPU, {wall * 1e3:.0f} ms")
        for what in ("in pieces", "compacted"):
            cpu, wall = median(lambda: compare(store, MODEL, reference, day), arguments.rounds)
            print(f"a day against {REFERENCE_DAYS}, {what}: {cpu * 1e3:.0f} ms CPU, {wall * 1e3:.0f} ms")
            for month in store.months(["profiles"]):
                store.compact("profiles", model=MODEL, month=month.month)
        cpu, wall = median(lambda: pairs(store, arguments.days), 1)
        print(f"all pairs of {arguments.days} days, loading included: {cpu:.2f} s CPU, {wall:.2f} s")


if __name__ == "__main__":
    main()
