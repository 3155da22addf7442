#!/usr/bin/env bash
# DuckDB concludes from a float column's maximum in a Parquet footer that it holds no NaN; Arrow writes that maximum over the other
# values, as the format asks. So `WHERE isnan(x)` finds nothing and max(x) is a number in a file that holds NaN: a check for NaN passes on
# exactly the files that it is for. `read_parquet(..., can_have_nan = true)`, false by default since 2.0, gives the right answers.
# duckdb 2.0.1, pyarrow 26.0.1 (PyPI); open issue 25521 of duckdb.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "duckdb==2.0.1" "pyarrow==26.0.1" "numpy==2.4.6"
cat > "$folder/probe.py" <<'PYTHON'
import sys
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

folder = Path(sys.argv[1])
values = np.arange(1_000.0)
values[5] = np.nan
print("duckdb", duckdb.__version__, "pyarrow", pa.__version__, "- 1,000 rows, one of them NaN")
path = folder / "scores.parquet"
pq.write_table(pa.table({"x": values}), path)
questions = {
    "rows with isnan(x)": "SELECT count(*) FROM {file} WHERE isnan(x)",
    "rows with x > 2000 (NaN is the largest)": "SELECT count(*) FROM {file} WHERE x > 2000",
    "max(x)": "SELECT max(x) FROM {file}",
}
answers = {}
for option in ("", ", can_have_nan = true"):
    file = f"read_parquet('{path}'{option})"
    print(f"read_parquet('scores.parquet'{option})")
    for question, query in questions.items():
        answers[option, question] = duckdb.sql(query.format(file=file)).fetchall()[0][0]
        print(f"  {question}: {answers[option, question]}")
print("pyarrow, rows with is_nan:", pc.sum(pc.is_nan(pq.read_table(path)["x"])).as_py())
assert [answers["", question] for question in questions] == [0, 0, 999.0], "the behaviour has changed"
right = [answers[", can_have_nan = true", question] for question in questions]
assert right[:2] == [1, 1]
assert np.isnan(right[2])
PYTHON
"$folder/venv/bin/python" "$folder/probe.py" "$folder"
