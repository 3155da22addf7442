"""How CPU grows with the number of distinct values, and with that of segments.

    python -m bench.scaling [--rows 1000000] [--rounds 3]

Three columns, of text, of integers and of floats, whose values are `distinct` each; and a partition of six
columns with one segment column of `segments` values. User and system seconds over decoding the same file,
medians.
"""

from bench.engine import WINDOW, Way, declared, taken  # isort: skip  # sets what numpy and pyarrow read once

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.data import DAY, GROUP

DISTINCT = (1_000, 10_000, 100_000, 200_000, 1_000_000)
SEGMENTS = (5, 20, 80, 320)
BESIDE = 6  # columns of numbers in each segment


def write(path: Path, rows: int, distinct: int, segments: int) -> None:
    """Write one day; every value occurs as often as every other, give or take one; or, of none, numbers."""
    rng = np.random.default_rng(0)
    value = rng.permutation(rows) % max(distinct, 1)
    table = {
        "ts": pa.array(DAY + rng.integers(0, 86_400_000_000, rows).astype("m8[us]")).cast(
            pa.timestamp("us", "UTC")
        ),
        "p": pa.array(rng.random(rows)),
        "y": pa.array(rng.integers(0, 2, rows)),
        "segment": pa.array([f"s{each}" for each in range(segments)]).take(
            pa.array(rng.integers(0, segments, rows))
        ),
    }
    if distinct:
        table |= {
            "text": pa.array([f"value-{each:07d}" for each in range(distinct)]).take(pa.array(value)),
            "integer": pa.array(value * 7_919),
            "number": pa.array(value / 7.0),
        }
    else:
        table |= {f"number_{at}": pa.array(rng.normal(size=rows)) for at in range(BESIDE)}
    pq.write_table(pa.table(table), path, compression="zstd", row_group_size=GROUP)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / f"{WINDOW.key}.parquet"
        for distinct in DISTINCT:
            write(path, arguments.rows, distinct, 1)
            floor, ours = taken(Way(declared(), path.parent, bound=False), arguments.rounds)
            print(f"{distinct:9,} distinct values  decode {floor:.2f}  profile {ours:.2f}", flush=True)
        for segments in SEGMENTS:
            write(path, arguments.rows, 0, segments)
            way = Way(declared(segments=["segment"]), path.parent, bound=False)
            floor, ours = taken(way, arguments.rounds)
            print(f"{segments:9,} segments         decode {floor:.2f}  profile {ours:.2f}", flush=True)


if __name__ == "__main__":
    main()
