#!/usr/bin/env bash
# pyarrow reads INT96 timestamps, as Spark, Impala and Hive write them, as nanoseconds by default. A date that does not fit
# wraps without an error: the customary "valid for ever" of warehouses, 9999-12-31, is read as a day in 1816, so that a check of
# ranges or of freshness sees a sound date. `coerce_int96_timestamp_unit="us"` reads it rightly.
# pyarrow 26.0.1 (PyPI).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "pyarrow==26.0.1"
cat > "$folder/probe.py" <<'PYTHON'
import sys
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

path = sys.argv[1]
days = [datetime(2026, 10, 1), datetime(9999, 12, 31)]
table = pa.table({"valid_to": pa.array(days, pa.timestamp("us"))})
pq.write_table(table, path, use_deprecated_int96_timestamps=True)
plain = pq.read_table(path)["valid_to"]
coerced = pq.read_table(path, coerce_int96_timestamp_unit="us")["valid_to"]
print("pyarrow", pa.__version__)
print("written:", [f"{day:%Y-%m-%d}" for day in days])
print("read:   ", plain.cast(pa.string()).to_pylist(), plain.type)
print("coerced:", coerced.cast(pa.string()).to_pylist(), coerced.type)
years = [text[:4] for text in plain.cast(pa.string()).to_pylist()]
assert years == ["2026", "1816"], "the behaviour has changed"
assert coerced.to_pylist() == days
PYTHON
"$folder/venv/bin/python" "$folder/probe.py" "$folder/a.parquet"
