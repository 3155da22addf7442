"""whylogs: its default profile of a data frame."""

import json
import sys

import pandas as pd
import whylogs as why

FIELDS = {
    "missing": "counts/null",
    "distinct": "cardinality/est",
    "mean": "distribution/mean",
    "sd": "distribution/stddev",
    "min": "distribution/min",
    "max": "distribution/max",
}

frame = pd.read_parquet(sys.argv[1])
table = why.log(frame).view().to_pandas()

columns = {}
for name, row in table.iterrows():
    counted = row["distribution/n"] > 0  # it has a distribution of text as well, of no value
    kept = FIELDS if counted else ("missing", "distinct")
    columns[name] = {key: float(row[FIELDS[key]]) for key in kept if pd.notna(row[FIELDS[key]])}
rows = int(table["counts/n"].max())
json.dump({"version": why.__version__, "rows": rows, "columns": columns}, sys.stdout)
