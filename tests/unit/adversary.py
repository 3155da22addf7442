"""Columns on which numbers go wrong: ties, extremes, offsets, saturation, and nothing at all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

START = datetime(2024, 1, 1, tzinfo=UTC)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def numbers(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return numeric columns of `n` rows, none of them null."""
    z, u, e = rng.normal(size=n), rng.random(n), rng.exponential(size=n)
    coin = rng.random(n) < 0.4
    return {
        "constant": np.full(n, 50.0),
        "constant_zero": np.zeros(n),
        "constant_unround": np.full(n, 0.1 + 0.2),
        "constant_huge": np.full(n, 1e300),
        "constant_integer": np.full(n, 7),
        "zero_one": coin * 1.0,
        "zero_hundred": coin * 100.0,
        "thirds": np.where(coin, 1 / 3, 2 / 3),
        "codes": rng.integers(0, 4, n),
        "rating": rng.choice([1.0, 2.0, 3.0, 4.0, 5.0], n, p=[0.05, 0.05, 0.1, 0.3, 0.5]),
        "mostly_one_value": np.where(u < 0.9, 7.5, z),
        "poisson": rng.poisson(3, n),
        "ages": rng.integers(18, 90, n),
        "wide_integers": rng.integers(-(10**6), 10**6, n),
        "past_floats": 2**60 + rng.integers(0, 50, n),
        "unsigned": rng.integers(2**63, 2**64 - 1, n, dtype=np.uint64),
        "small_bytes": rng.integers(-128, 127, n).astype(np.int8),
        "negative_integers": -rng.integers(1, 6, n),
        "normal": z,
        "float32": z.astype(np.float32),
        "negative": -1 - e,
        "uniform": u,
        "exponential": e,
        "lognormal": np.exp(2 * z),
        "power_law": u**-0.8,
        "cauchy": np.tan(np.pi * (u - 0.5)),
        "zero_inflated": np.where(coin, np.exp(z), 0.0),
        "saturated": sigmoid(12 * z),
        "two_humps": np.where(coin, z - 40, z + 40),
        "cents": np.round(np.exp(z) * 10, 2),
        "ramp": np.arange(n) * 1.5,
        "offset": 1e9 + z,
        "far_integers": 1e15 + rng.integers(0, 9, n),
        "tiny": 1e-30 * z,
        "denormal": 5e-324 * rng.integers(0, 9, n),
        "largest": 1.5e308 * np.where(coin, 1, -1),
        "signed_zeros": np.where(coin, -0.0, 0.0),
    }


def table(n: int, seed: int, names: tuple[str, ...] | None = None) -> pa.Table:
    """Return these columns and those with nulls, NaN and infinities, text, truth values and times."""
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {name: pa.array(values) for name, values in numbers(n, rng).items()}
    z, some = rng.normal(size=n), rng.random(n) < 0.3
    found |= {
        "holes": pa.array(z, mask=some),
        "all_null": pa.nulls(n, pa.float64()),
        "all_nan": pa.array(np.full(n, np.nan)),
        "odd": pa.array(rng.choice([np.nan, np.inf, -np.inf, 1.0, 2.5], n), mask=some, from_pandas=False),
        "truth": pa.array(rng.random(n) < 0.2),
        "text": pa.array(rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])),
        "text_ties": pa.array([f"v{row % 50}" for row in range(n)]),
        "text_tail": pa.array([f"v{each}" for each in rng.zipf(1.5, n).clip(max=3_000)]),
        "text_null": pa.nulls(n, pa.string()),
        "time": pa.array(
            [START + timedelta(seconds=row) for row in range(min(n, 5_000))] * (n // min(n, 5_000))
        ),
    }
    chosen = found if names is None else {name: found[name] for name in names}
    return pa.table(chosen)
