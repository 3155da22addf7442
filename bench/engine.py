"""CPU of profiling over the CPU of decoding the same columns, in one process, in turn, warm.

    python -m bench.engine [--rows 1000000] [--rounds 5]

Three ways: marginals with distinct counts and score × label (bar: 2.0 times decoding); the same with one
segment of five values, an entity and what is bound to a reference (bar: 5); and the peak of memory. User and
system seconds, medians. The data are those of `bench.data`.
"""

from lupus_assets.process import prepare

prepare()

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.profiling.freezing import freeze
from lupus_assets.profiling.partition import profile_partition
from lupus_assets.profiling.profiled import WHOLE
from lupus_assets.reading.batch import Reading
from lupus_assets.reading.cut import cuts
from lupus_assets.reading.role import kinds, needed, roles
from lupus_assets.records import Window
from lupus_assets.sources.parquet import ParquetSource
from lupus_assets.stats.codec import to_bytes

START = datetime(2025, 1, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=1), "2025-01-01")
SALT = b"bench"
PLAIN = {"timestamp": "ts", "prediction": {"score": "p"}, "label": "y"}


def declared(**more: object) -> MonitoredModel:
    """Return the declaration of the benchmark's model."""
    columns = PLAIN | dict(more.pop("columns", {}))  # type: ignore[call-overload]
    return MonitoredModel.model_validate(
        {
            "model": "bench",
            "team": "bench",
            "cadence": {"every": "day", "start": "2025-01-01"},
            "tracks": {"champion": {"parquet": "{partition}.parquet"}},
            "columns": columns,
            **more,
        }
    )


class Way:
    """One way to profile a file.

    Parameters
    ----------
    model : MonitoredModel
    path : Path
        Of the folder.
    bound : bool
        Whether what is bound to a reference is computed too, and repeated rows are counted.
    """

    def __init__(self, model: MonitoredModel, path: Path, *, bound: bool) -> None:
        self.model = model
        self.source = ParquetSource("{partition}.parquet", path, ZoneInfo("UTC"))
        schema = self.source.schema(WINDOW)
        self.roles = roles(model, kinds(model, schema))
        self.columns = [name for name in needed(model, self.roles) if name in schema.names]
        self.schema = pa.schema([schema.field(name) for name in self.columns])
        sample = [next(iter(self.source.batches(WINDOW, self.columns)))]
        self.reference = freeze(
            model,
            roles=self.roles,
            schema=self.schema,
            windows=[WINDOW],
            batches=lambda _: iter(sample),
            salt=SALT,
        )
        if not bound:
            grids = {name: replace(grid, decimals=None) for name, grid in self.reference.grids.items()}
            self.reference = replace(self.reference, surrogate=None, association=None, grids=grids)
        self.bound = bound

    def decode(self) -> int:
        """Read every column and look at none."""
        return sum(batch.num_rows for batch in self.source.batches(WINDOW, self.columns))

    def profile(self) -> object:
        """Profile the file."""
        found = profile_partition(
            self.source.batches(WINDOW, self.columns),
            schema=self.schema,
            reading=Reading(self.model, self.roles, self.reference.grids, SALT),
            reference=self.reference,
            window=WINDOW,
            cuts=cuts(self.model, WINDOW),
            repeated=self.bound,
        )
        return next(iter(found.values())).profiles[WHOLE]


def cpu(work: Callable[[], object]) -> float:
    """Return the user and system seconds of one call."""
    before = time.process_time()
    work()
    return time.process_time() - before


def taken(way: Way, rounds: int) -> tuple[float, float]:
    """Return the CPU seconds of decoding and of profiling, in turn: medians."""
    way.decode(), way.profile()  # both once before the clock
    pairs = [(cpu(way.decode), cpu(way.profile)) for _ in range(rounds)]
    floor, ours = (statistics.median(each) for each in zip(*pairs, strict=True))
    return floor, ours


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own: what drawing the rows takes is not the engine's.
        command = [sys.executable, "-m", "bench.data", f"{folder / WINDOW.key}.parquet"]
        subprocess.run([*command, "--rows", str(arguments.rows)], check=True)
        ways = {
            "marginals, distinct, score × label": Way(declared(), folder, bound=False),
            "… with segment, entity and reference": Way(
                declared(columns={"entity": "s_200000"}, segments=["s_5"]), folder, bound=True
            ),
        }
        print(f"{arguments.rows:,} rows, CPU seconds, median of {arguments.rounds} rounds in turn")
        for title, way in ways.items():
            floor, ours = taken(way, arguments.rounds)
            size = len(to_bytes(way.profile())) / 1024
            print(
                f"{title:38} {len(way.columns)} columns  decode {floor:6.2f}  profile {ours:6.2f}"
                f"  {ours / floor:5.2f} ×   all rows serialised: {size:.0f} KiB"
            )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process {peak:.0f} MiB")


if __name__ == "__main__":
    main()
