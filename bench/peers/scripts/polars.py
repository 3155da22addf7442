"""Polars, streaming: missing, mean, standard deviation, minimum, maximum, distinct; no quantiles."""

import json
import sys

import polars as pl
import polars.selectors as cs

numbers, floats = cs.numeric(), cs.float()
scan = pl.scan_parquet(sys.argv[1]).with_columns(floats.fill_nan(None))
found = scan.select(
    pl.len().alias("rows"),
    pl.all().null_count().name.prefix("missing|"),
    pl.all().approx_n_unique().name.prefix("distinct|"),
    (numbers | cs.boolean()).mean().name.prefix("mean|"),
    numbers.std().name.prefix("sd|"),
    (numbers | cs.temporal()).min().name.prefix("min|"),
    (numbers | cs.temporal()).max().name.prefix("max|"),
).collect(engine="streaming")

columns: dict[str, dict[str, float]] = {}
for name, value in found.row(0, named=True).items():
    statistic, _, column = name.partition("|")
    if column and isinstance(value, int | float):
        columns.setdefault(column, {})[statistic] = value
for numbers_of in columns.values():
    numbers_of["distinct"] -= numbers_of["missing"] > 0  # it counts null as a value
json.dump({"version": pl.__version__, "rows": found["rows"][0], "columns": columns}, sys.stdout)
