"""`lupus_assets.stats.distance.as_others_define` against the packages themselves, on pairs of columns.

    python -m bench.peers.definition

Each package reads the same files in an environment of its own. Exit code 1 if a number differs by more than
1e-6, of itself where it is above 1.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.peers import environment
from bench.peers.contender import SCRIPTS
from bench.peers.process import measure
from lupus_assets.stats.distance import as_others_define as definition

TOLERANCE = 1e-6
# What others published of these data, to all digits that they gave.
PUBLISHED = {
    ("evidently", "readme", "psi"): 0.1438,
    ("nannyml", "car_loan.debt_to_income_ratio.0", "jensen_shannon"): 0.0316611,
    ("nannyml", "car_loan.debt_to_income_ratio.0", "ks"): 0.01576,
}


def pairs() -> Iterator[tuple[str, definition.Kind, Any, Any]]:
    """Yield pairs of columns, seeded: a name, the kind, the reference and the current values."""
    rng = np.random.default_rng(0)
    yield "readme", "continuous", rng.normal(0, 1, 5_000), rng.normal(0.3, 1.2, 800)
    for rows in (900, 1_000, 1_001, 9_999, 10_000, 40_000):
        yield f"lognormal.{rows}", "continuous", rng.lognormal(3, 1, rows), rng.lognormal(3.2, 1.1, 3_000)
    yield "heavy", "continuous", rng.standard_t(2, 20_000), rng.standard_t(1.5, 4_000)
    yield "outside.below", "continuous", rng.uniform(0, 1, 12_000), rng.uniform(-0.2, 0.9, 5_000)
    yield "outside.above", "continuous", rng.uniform(0, 1, 12_000), rng.uniform(0.1, 1.3, 5_000)
    yield "outside.both", "continuous", rng.uniform(0, 1, 12_000), rng.normal(0.5, 0.5, 5_000)
    yield "apart", "continuous", rng.normal(0, 1, 3_000), rng.normal(50, 1, 2_000)
    yield "narrow", "continuous", 5 + 1e-6 * rng.normal(0, 1, 3_000), 5 + 1e-6 * rng.normal(1, 1, 2_000)
    yield "offset", "continuous", rng.normal(1e6, 1, 11_000), rng.normal(1e6 + 0.1, 1, 3_000)
    yield "zeros", "continuous", _zeros(rng, 0.7, 12_000), _zeros(rng, 0.5, 6_000)
    yield "cents", "continuous", np.round(rng.gamma(2, 5, 5_000), 2), np.round(rng.gamma(2, 6, 2_000), 2)
    yield "nan", "continuous", _gaps(rng, rng.normal(0, 1, 12_000)), _gaps(rng, rng.normal(0.1, 1, 4_000))
    yield "integers", "continuous", rng.integers(0, 100, 5_000), rng.integers(0, 110, 2_000)
    yield "years", "continuous", rng.integers(1990, 2014, 5_000), rng.integers(1992, 2016, 2_000)
    yield "few", "continuous", rng.poisson(3, 5_000), rng.poisson(4, 2_000)
    yield (
        "three",
        "continuous",
        rng.integers(2012, 2015, 5_000),
        rng.choice([2012, 2013, 2014], 900, p=[0.2, 0.3, 0.5]),
    )
    yield "three.short", "continuous", rng.integers(0, 3, 600) * 1.0, rng.integers(0, 3, 500) * 1.0
    yield "two.short", "continuous", rng.integers(0, 2, 600) * 1.0, rng.choice([0.0, 1.0], 500, p=[0.4, 0.6])
    yield "same", "continuous", np.arange(2_000.0), np.arange(2_000.0)
    yield (
        "letters",
        "categorical",
        rng.choice([*"abc"], 5_000),
        rng.choice([*"abc"], 2_000, p=[0.5, 0.3, 0.2]),
    )
    yield (
        "letters.short",
        "categorical",
        rng.choice([*"abc"], 700),
        rng.choice([*"abc"], 500, p=[0.4, 0.3, 0.3]),
    )
    yield "letters.two", "categorical", rng.choice([*"ab"], 700), rng.choice([*"ab"], 500, p=[0.45, 0.55])
    yield "letters.new", "categorical", rng.choice([*"abc"], 700), rng.choice([*"abcd"], 500)
    yield "letters.gone", "categorical", rng.choice([*"abcd"], 3_000), rng.choice([*"abc"], 500)
    yield "letters.null", "categorical", _nulls(rng, [*"abc"], 3_000), _nulls(rng, [*"abcd"], 800)
    yield "many", "categorical", _named(rng.zipf(1.6, 9_000)), _named(rng.zipf(1.5, 4_000))
    yield "codes", "categorical", rng.integers(0, 8, 3_000), rng.integers(0, 9, 1_500)
    yield "booleans", "categorical", rng.random(3_000) < 0.3, rng.random(1_500) < 0.35


def _zeros(rng: np.random.Generator, share: float, rows: int) -> Any:
    return np.where(rng.random(rows) < share, 0.0, rng.gamma(1.5, 10, rows))


def _gaps(rng: np.random.Generator, values: Any) -> Any:
    return np.where(rng.random(values.size) < 0.05, np.nan, values)


def _nulls(rng: np.random.Generator, letters: list[str], rows: int) -> Any:
    return rng.choice(np.array([*letters, None], dtype=object), rows)


def _named(numbers: Any) -> Any:
    return np.char.add("value-", np.minimum(numbers, 5_000).astype(str))


def ours(kind: definition.Kind, reference: Any, current: Any) -> dict[str, dict[str, Any]]:
    """Return each package's numbers as this project computes them; a chi-square as its p or its statistic."""
    both = (reference, current)
    if kind == "continuous":
        alike = ("wasserstein", "ks")
        found = {
            package: {name: getattr(definition, name)(*both, definition=package) for name in alike}
            for package in ("evidently", "nannyml")
        }
    else:
        chi_square = {
            package: definition.chi_square(*both, definition=package) for package in ("evidently", "nannyml")
        }
        found = {
            "evidently": {"chi_square": float(chi_square["evidently"].p)},
            "nannyml": {
                "chi_square": float(chi_square["nannyml"].statistic),
                "l_infinity": definition.l_infinity(*both),
            },
        }
    for package, numbers in found.items():
        for name in ("jensen_shannon", "hellinger"):
            numbers[name] = getattr(definition, name)(*both, kind=kind, definition=package)
    default = definition.evidently_default(*both, kind=kind)
    found["evidently"] |= {"psi": definition.psi(*both, kind=kind), "default": default}
    if default not in found["evidently"]:
        number = getattr(definition, default)
        value = number(*both, definition="evidently")
        found["evidently"][default] = float(value.p) if default == "chi_square" else value
    return found


def main() -> int:
    """Compare, print every number, and say whether all agree."""
    with tempfile.TemporaryDirectory() as folder:
        for name, kind, reference, current in pairs():
            for side, values in (("reference", reference), ("current", current)):
                table = pa.table({"value": pa.array(values, from_pandas=False)})
                pq.write_table(table, Path(folder) / f"{name}~{kind}~{side}.parquet")
        theirs = {
            package: json.loads(measure(_command(package, folder, *more)).output)
            for package, more in (("nannyml", ["--export"]), ("evidently", []))
        }
        mine = {}
        for path in sorted(Path(folder).glob("*~reference.parquet")):
            name, said, _ = path.name.split("~")
            both = [_values(path), _values(path.with_name(f"{name}~{said}~current.parquet"))]
            mine[name] = ours("continuous" if said == "continuous" else "categorical", *both)
    wrong, count, worst = 0, 0, 0.0
    for package, found in theirs.items():
        for name, numbers in found.items():
            for method, value in numbers.items():
                got, count = mine[name][package][method], count + 1
                if method == "default":
                    gap, allowed = float(got != value), 0.0
                else:
                    gap, allowed = abs(got - value), TOLERANCE * max(1.0, abs(value))
                    worst = max(worst, gap / max(1.0, abs(value)))
                if not gap <= allowed:
                    wrong += 1
                    print(f"{package} {name} {method}: {got}, not {value}")
    for (package, name, method), value in PUBLISHED.items():
        print(f"{package} {name} {method}: {mine[name][package][method]:.7f}, published {value}")
    print(f"{count} numbers of {len(mine)} pairs compared, {wrong} differ; largest difference {worst:.1e}")
    return 1 if wrong else 0


def _command(package: str, folder: str, *more: str) -> list[str]:
    script = SCRIPTS / f"{package}_definition.py"
    return [str(environment.python(package)), "-P", str(script), folder, *more]


def _values(path: Path) -> Any:
    column = pq.read_table(path)["value"]
    return (
        np.array(column.to_pylist(), dtype=object) if pa.types.is_string(column.type) else column.to_numpy()
    )


if __name__ == "__main__":
    sys.exit(main())
