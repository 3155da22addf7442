"""The data set of the benchmarks: 22 columns of a prediction log, seeded, of any length.

    python -m bench.data OUT.parquet --rows 1000000 --seed 0 [--shift]

Ten floats of different shapes, four integers, text of 5, 50, 5,000 and 200,000 values, a boolean, a
timestamp, a score in [0, 1] and a label that is 1 as often as the score says. `NULLABLE` columns are 2 %
null. Parquet, zstd, row groups of 131,072 rows, each drawn from a generator of its own and written before
the next: ten million rows need no more memory than one group, and a longer file begins with the rows of a
shorter one as far as whole groups go. `--shift` writes the next day, on which the columns of `SHIFTED` have
moved.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

GROUP = 131_072  # rows of a row group
DAY = np.datetime64("2025-01-01", "us")
NULL_SHARE = 0.02
NULLABLE = (
    "f_normal",
    "f_lognormal",
    "f_heavy",
    "f_cents",
    "i_small",
    "i_wide",
    "s_5",
    "s_50",
    "s_5000",
    "flag",
)
SHIFTED = ("f_normal", "f_lognormal", "f_cents", "f_zeros", "i_small", "s_50", "flag", "p")


def write(path: Path, *, rows: int, seed: int = 0, shift: bool = False) -> None:
    """Write one day of `rows` rows; the same arguments give the same values."""
    with pq.ParquetWriter(path, _group(0, 0, 1, seed=seed, shift=shift).schema, compression="zstd") as writer:
        for index, start in enumerate(range(0, rows, GROUP)):
            size = min(GROUP, rows - start)
            table = _group(index, start, size, seed=seed, shift=shift)
            writer.write_table(table, row_group_size=GROUP)


def _group(index: int, start: int, size: int, *, seed: int, shift: bool) -> pa.Table:
    """Return rows `start` to `start + size`, drawn from a generator that only this group uses."""
    rng = np.random.default_rng([seed, int(shift), index])
    columns = _floats(rng, size, shift) | _integers(rng, start, size, shift) | _texts(rng, size, shift)
    score = rng.beta(2.4 if shift else 2.0, 5.0, size)
    times = DAY + np.timedelta64(int(shift), "D") + rng.integers(0, 86_400_000_000, size).astype("m8[us]")
    columns |= {
        "flag": pa.array(rng.random(size) < (0.35 if shift else 0.3)),
        "ts": pa.array(np.sort(times)).cast(pa.timestamp("us", "UTC")),
        "p": pa.array(score),
        "y": pa.array((rng.random(size) < score).astype(np.int8)),
    }
    for name in NULLABLE:
        columns[name] = _with_nulls(columns[name], rng.random(size) < NULL_SHARE)
    return pa.table(columns)


def _floats(rng: np.random.Generator, size: int, shift: bool) -> dict[str, pa.Array]:
    moved = float(shift)
    zero = rng.random(size) < 0.7 - 0.1 * moved
    broken = rng.random(size) < 0.01
    values: dict[str, NDArray[np.float64]] = {
        "f_normal": rng.normal(0.2 * moved, 1 + 0.1 * moved, size),
        "f_lognormal": rng.lognormal(3 + 0.1 * moved, 1, size),
        "f_uniform": rng.uniform(-5, 5, size),
        "f_heavy": rng.standard_t(2.5, size),
        "f_cents": np.round(rng.gamma(2, 20 + 2 * moved, size), 2),
        "f_zeros": np.where(zero, 0.0, rng.gamma(1.5, 10, size)),
        "f_nan": np.where(broken, np.nan, rng.normal(50, 10, size)),
        "f_modes": np.where(rng.random(size) < 0.4, rng.normal(-3, 1, size), rng.normal(4, 2, size)),
        "f_share": rng.beta(0.5, 0.5, size),
        "f_offset": rng.normal(1e6, 1, size),
    }
    return {name: pa.array(column) for name, column in values.items()}


def _integers(rng: np.random.Generator, start: int, size: int, shift: bool) -> dict[str, pa.Array]:
    return {
        "i_small": pa.array(rng.poisson(3.3 if shift else 3.0, size)),
        "i_year": pa.array(rng.integers(2012, 2015, size)),
        "i_wide": pa.array(rng.integers(-(10**12), 10**12, size)),
        "i_id": pa.array(10**9 + start + rng.permutation(size)),
    }


def _texts(rng: np.random.Generator, size: int, shift: bool) -> dict[str, pa.Array]:
    """Return text whose values grow rarer with their number, as 1 / number; of 200,000, all alike."""
    columns = {}
    for count in (5, 50, 5_000):
        # (count + 1) ** uniform is log-uniform on [1, count + 1): value k has the share log((k + 1) / k)
        number = ((count + 1) ** rng.random(size)).astype(np.int32) - 1
        columns[f"s_{count}"] = _text((number + 1) % count if shift and count == 50 else number, count)
    columns["s_200000"] = _text(rng.integers(0, 200_000, size).astype(np.int32), 200_000)
    return columns


def _text(number: NDArray[np.int32], count: int) -> pa.Array:
    names = pa.array([f"value-{each:06d}" for each in range(count)])
    return names.take(pa.array(np.minimum(number, count - 1)))


def _with_nulls(column: pa.Array, null: NDArray[np.bool_]) -> pa.Array:
    return pc.if_else(pa.array(null), pa.scalar(None, column.type), column)


def main() -> None:
    """Write the file that the arguments ask for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shift", action="store_true", help="the next day, some columns moved")
    arguments = parser.parse_args()
    write(arguments.out, rows=arguments.rows, seed=arguments.seed, shift=arguments.shift)


if __name__ == "__main__":
    main()
