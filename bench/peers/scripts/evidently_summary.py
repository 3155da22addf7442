"""Evidently: the data summary preset of one data frame."""

import json
import sys

import evidently
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataSummaryPreset

CATEGORICAL = ["s_5", "s_50", "s_5000", "s_200000", "flag", "y"]
STATISTICS = {"MinValue": "min", "MaxValue": "max", "MeanValue": "mean", "StdValue": "sd"}

frame = pd.read_parquet(sys.argv[1]).astype({"y": "int64"})  # it refuses categories of one byte
numerical = [name for name in frame if name not in CATEGORICAL and name != "ts"]
definition = DataDefinition(
    numerical_columns=numerical, categorical_columns=CATEGORICAL, datetime_columns=["ts"]
)
found = Report([DataSummaryPreset()]).run(Dataset.from_pandas(frame, data_definition=definition)).dict()

columns: dict[str, dict[str, float]] = {}
rows = 0
for metric in found["metrics"]:
    kind, value = metric["config"]["type"].rpartition(":")[2], metric["value"]
    column = columns.setdefault(metric["config"].get("column", ""), {})
    if kind == "RowCount":
        rows = int(value)
    elif kind == "MissingValueCount":
        column["missing"] = float(value["count"])
    elif kind in STATISTICS:
        column[STATISTICS[kind]] = float(value)
columns.pop("")
json.dump({"version": evidently.__version__, "rows": rows, "columns": columns}, sys.stdout)
