"""What the contenders' numbers are checked against; not timed.

``exact.py FILE`` gives rows, missing (null or NaN), minimum, maximum, mean, standard deviation and distinct
values of every column. ``exact.py FILE AGAINST`` gives the drift of FILE against AGAINST by the packages'
definitions: Evidently's of all rows, NannyML's of the first tenth; for the others KS.
"""

import json
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from lupus_assets.stats.distance import as_others_define as definition

CATEGORICAL = ("s_5", "s_50", "s_5000", "s_200000", "flag", "y")


def present(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the column without null and NaN."""
    column = column.drop_null()
    return column.filter(pc.invert(pc.is_nan(column))) if pa.types.is_floating(column.type) else column


def statistics(column: pa.ChunkedArray) -> dict[str, float]:
    """Return the numbers of one column, from all of its values."""
    kept = present(column)
    found = {"missing": len(column) - len(kept), "distinct": pc.count_distinct(kept).as_py()}
    if pa.types.is_boolean(kept.type):
        found["mean"] = pc.mean(kept).as_py()
    elif pa.types.is_integer(kept.type) or pa.types.is_floating(kept.type):
        values = kept.to_numpy().astype(np.float64)
        found |= {"min": values.min(), "max": values.max(), "mean": values.mean(), "sd": values.std(ddof=1)}
    return {name: float(value) for name, value in found.items()}


def numbers(*columns: pa.ChunkedArray) -> list[NDArray[Any]]:
    """Return the columns as numbers; equal text as equal numbers."""
    kept = [present(column) for column in columns]
    if not pa.types.is_string(kept[0].type):
        return [column.to_numpy() for column in kept]
    codes = pa.chunked_array([*kept[0].chunks, *kept[1].chunks]).dictionary_encode()
    places = np.concatenate([chunk.indices.to_numpy() for chunk in codes.chunks])
    return np.split(places, [len(kept[0])])


def drift(name: str, reference: pa.ChunkedArray, current: pa.ChunkedArray) -> dict[str, dict[str, float]]:
    """Return one column's drift as each package defines it; the methods that it prints."""
    kind: definition.Kind = "categorical" if name in CATEGORICAL else "continuous"
    before, now = numbers(reference, current)
    method = definition.evidently_default(before, now, kind=kind)
    first = numbers(reference, current.slice(0, len(current) // 10))
    ks = {} if kind == "categorical" else {"ks": float(ks_2samp(before, now, method="asymp").statistic)}
    return {
        "lupus": ks,
        "pandas": ks,
        "evidently": {
            method: definition.wasserstein(before, now, definition="evidently")
            if method == "wasserstein"
            else definition.jensen_shannon(before, now, kind=kind, definition="evidently")
        },
        "nannyml": {"jensen_shannon": definition.jensen_shannon(*first, kind=kind, definition="nannyml")},
    }


def main() -> None:
    """Print what the arguments ask for."""
    tables = [pq.read_table(path) for path in sys.argv[1:]]
    current = tables[0]
    if len(tables) == 1:
        found = {
            "rows": len(current),
            "columns": {name: statistics(current[name]) for name in current.column_names},
        }
    else:
        names = [name for name in current.column_names if name != "ts"]
        by_column = {name: drift(name, tables[1][name], current[name]) for name in names}
        found = {
            "rows": len(current),
            "drift": {
                package: {name: each[package] for name, each in by_column.items()}
                for package in ("lupus", "pandas", "evidently", "nannyml")
            },
        }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
