"""DuckDB, one query: missing, moments, extremes, quantiles, distinct, most frequent values, ten bins.

The bins are cut at the deciles of the first 100,000 rows, as those of a frozen reference would be. NaN is
left out by a filter on each aggregate: DuckDB 2.0.1 believes Parquet's statistics, which do not count NaN,
and finds none with ``isnan``, ``nullif`` or ``<>``; ``isfinite`` sees it.
"""

import json
import sys

import duckdb

connection = duckdb.connect()
source = connection.read_parquet(sys.argv[1])
types = {name: str(kind) for name, kind in zip(source.columns, source.types, strict=True)}
numbers = [name for name, kind in types.items() if kind in ("DOUBLE", "BIGINT", "TINYINT")]
present = {name: f"FILTER (isfinite({name}))" if kind == "DOUBLE" else "" for name, kind in types.items()}

tenths = [k / 10 for k in range(1, 10)]
deciles = ", ".join(f"quantile_cont({name}::DOUBLE, {tenths}) {present[name]}" for name in numbers)
query = f"SELECT {deciles} FROM (SELECT * FROM source LIMIT 100000)"  # noqa: S608
cuts = dict(zip(numbers, connection.sql(query).fetchall()[0], strict=True))

wanted = {("", "rows"): "count(*)"}
for name, kind in types.items():
    aggregates = {"distinct": f"approx_count_distinct({name})"}
    if kind == "VARCHAR":
        aggregates["top"] = f"approx_top_k({name}, 30)"
    elif kind == "BOOLEAN":
        aggregates["mean"] = f"avg({name}::INT)"
    else:
        aggregates |= {"min": f"min({name})", "max": f"max({name})"}
    if name in cuts:
        aggregates |= {
            "mean": f"avg({name})",
            "sd": f"stddev_samp({name})",
            "skewness": f"skewness({name} - {cuts[name][4]})",  # about the median, for columns far from 0
            "kurtosis": f"kurtosis({name} - {cuts[name][4]})",
            "quantiles": f"approx_quantile({name}, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])",
            "bins": f"histogram({name}::DOUBLE, {sorted(set(cuts[name]))})",
        }
    wanted |= {(name, statistic): f"{call} {present[name]}" for statistic, call in aggregates.items()}
    wanted[name, "missing"] = f"count(*) - count({name}) {present[name]}"
row = connection.sql(f"SELECT {', '.join(wanted.values())} FROM source").fetchall()[0]  # noqa: S608

columns: dict[str, dict[str, float]] = {name: {} for name in types}
rows = 0
for (name, statistic), value in zip(wanted, row, strict=True):
    if not name:
        rows = value
    elif isinstance(value, int | float):
        columns[name][statistic] = value
json.dump({"version": duckdb.__version__, "rows": rows, "columns": columns}, sys.stdout)
