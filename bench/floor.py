"""CPU of profiling a Parquet file over the CPU of decoding the same columns, in one process, in turn.

    python bench/floor.py [--rows 1000000] [--rounds 5]

Both read row group by row group; user and system seconds, medians. The file is synthetic and seeded: floats,
integers, text of 5 to 5,000 values, a boolean, a score and a label.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

import argparse
import statistics
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lupus_assets.declare import MonitoredModel
from lupus_assets.monitor.cut import cuts
from lupus_assets.monitor.freezing import freeze
from lupus_assets.monitor.profiling import profile_partition
from lupus_assets.monitor.role import kinds, needed, roles
from lupus_assets.monitor.rows import Reading
from lupus_assets.records import Window
from lupus_assets.sources.parquet import ParquetSource

START = datetime(2025, 1, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=1), "2025-01-01")
SALT = b"bench"


def write(path: Path, rows: int) -> None:
    """Write one partition of 20 columns."""
    rng = np.random.default_rng(1)
    columns: dict[str, pa.Array] = {
        "ts": pa.array(np.full(rows, np.datetime64("2025-01-01T12:00", "us"))).cast(pa.timestamp("us", "UTC"))
    }
    for index in range(10):
        columns[f"float_{index}"] = pa.array(rng.normal(index, 1 + index, rows), mask=rng.random(rows) < 0.02)
    for index in range(4):
        columns[f"int_{index}"] = pa.array(rng.integers(0, 10 ** (index + 1), rows))
    for size in (5, 50, 5_000):
        columns[f"text_{size}"] = pa.array(rng.integers(0, size, rows).astype(str))
    score = rng.random(rows)
    columns |= {
        "flag": pa.array(score > 0.5),
        "p": pa.array(score),
        "y": pa.array((rng.random(rows) < score).astype("i1")),
    }
    pq.write_table(pa.table(columns), path, compression="zstd", row_group_size=131_072)


def cpu(work: Callable[[], object]) -> float:
    """Return the user and system seconds of one call."""
    before = os.times()
    work()
    after = os.times()
    return after.user + after.system - before.user - before.system


def main() -> None:
    """Measure and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    model = MonitoredModel.model_validate(
        {
            "model": "bench",
            "team": "bench",
            "cadence": {"every": "day", "start": "2025-01-01"},
            "tracks": {"champion": {"parquet": "{partition}.parquet"}},
            "columns": {"timestamp": "ts", "prediction": {"score": "p"}, "label": "y"},
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / f"{WINDOW.key}.parquet", arguments.rows)
        source = ParquetSource("{partition}.parquet", Path(folder), ZoneInfo("UTC"))
        schema = source.schema(WINDOW)
        listed = roles(model, kinds(model, schema))
        columns = [name for name in needed(model, listed) if name in schema.names]
        reference = freeze(
            model,
            roles=listed,
            schema=pa.schema([schema.field(name) for name in columns]),
            windows=[WINDOW],
            batches=lambda window: source.batches(window, columns),
            salt=SALT,
        )
        reading = Reading(model, listed, reference.grids, SALT)

        def decode() -> int:
            return sum(batch.num_rows for batch in source.batches(WINDOW, columns))

        def profile() -> object:
            return profile_partition(
                source.batches(WINDOW, columns),
                schema=schema,
                reading=reading,
                reference=reference,
                window=WINDOW,
                cuts=cuts(model, WINDOW),
            )

        decode(), profile()  # both once before the clock
        pairs = [(cpu(decode), cpu(profile)) for _ in range(arguments.rounds)]
    floor, ours = (statistics.median(each) for each in zip(*pairs, strict=True))
    print(f"{arguments.rows:,} rows × {len(columns)} columns, median of {arguments.rounds} rounds in turn")
    print(f"decode  {floor:6.2f} CPU s")
    print(f"profile {ours:6.2f} CPU s   {ours / floor:.1f} × the floor, with surrogate, label and row hashes")


if __name__ == "__main__":
    main()
