"""Evidently: the drift preset of one day against another, with its default methods.

Columns named after the two files are left out.
"""

import json
import sys

import evidently
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

CATEGORICAL = ["s_5", "s_50", "s_5000", "s_200000", "flag", "y"]
METHODS = {"Wasserstein distance (normed)": "wasserstein", "Jensen-Shannon distance": "jensen_shannon"}

without = sys.argv[3:]
days = [pd.read_parquet(path).drop(columns=without) for path in sys.argv[1:3]]
categorical = [name for name in CATEGORICAL if name not in without]
numerical = [name for name in days[0] if name not in CATEGORICAL and name != "ts"]
definition = DataDefinition(
    numerical_columns=numerical, categorical_columns=categorical, datetime_columns=["ts"]
)
current, reference = (Dataset.from_pandas(day, data_definition=definition) for day in days)
found = Report([DataDriftPreset()]).run(current, reference).dict()

drift = {}
for metric in found["metrics"]:
    if metric["config"]["type"].endswith(":ValueDrift"):
        drift[metric["config"]["column"]] = {METHODS[metric["config"]["method"]]: float(metric["value"])}
json.dump({"version": evidently.__version__, "rows": len(days[0]), "drift": drift}, sys.stdout)
