"""Evidently's drift of every pair of columns in a folder, by every method of its kind, and by its default.

A pair is two files of one column, ``<name>~<kind>~reference.parquet`` and ``<name>~<kind>~current.parquet``.
"""

import json
import sys
from pathlib import Path

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift

METHODS = {
    "continuous": {
        "psi": "psi",
        "jensen_shannon": "jensenshannon",
        "hellinger": "hellinger",
        "wasserstein": "wasserstein",
        "ks": "ks",
    },
    "categorical": {
        "psi": "psi",
        "jensen_shannon": "jensenshannon",
        "hellinger": "hellinger",
        "chi_square": "chisquare",
    },
}
SHOWN = {
    "K-S p_value": "ks",
    "Wasserstein distance (normed)": "wasserstein",
    "Jensen-Shannon distance": "jensen_shannon",
    "chi-square p_value": "chi_square",
    "Z-test p_value": "z_test",
}


def dataset(path: Path, kind: str) -> Dataset:
    """Return the column as Evidently takes a column of this kind."""
    columns = {"numerical_columns" if kind == "continuous" else "categorical_columns": ["value"]}
    return Dataset.from_pandas(pd.read_parquet(path), data_definition=DataDefinition(**columns))


found: dict[str, dict[str, float | str]] = {}
for path in sorted(Path(sys.argv[1]).glob("*~reference.parquet")):
    name, kind, _ = path.name.split("~")
    reference, current = dataset(path, kind), dataset(path.with_name(f"{name}~{kind}~current.parquet"), kind)
    methods = list(METHODS[kind].items())
    report = Report(
        [ValueDrift(column="value"), *(ValueDrift(column="value", method=each) for _, each in methods)]
    )
    default, *values = report.run(current, reference).dict()["metrics"]
    shown = SHOWN[default["config"]["method"]]
    found[name] = {"default": shown, shown: float(default["value"])}
    found[name] |= {ours: float(value["value"]) for (ours, _), value in zip(methods, values, strict=True)}
json.dump(found, sys.stdout)
