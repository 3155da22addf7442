#!/usr/bin/env bash
# A Delta table with column mapping (a renamed or dropped column switches it on) is opened by deltalake without complaint, and
# `to_pyarrow_table` gives null in every row of every mapped column: the files hold physical names. The same package's QueryBuilder
# reads the values. A monitor or a training job that loads through pyarrow sees an empty feature and no error.
# deltalake 1.6.6, pyarrow 26.0.1 (PyPI); Delta protocol, "Column Mapping", reader version 2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "deltalake==1.6.6" "pyarrow==26.0.1"
cat > "$folder/probe.py" <<'PYTHON'
import json
import sys
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq

table = Path(sys.argv[1])
(table / "_delta_log").mkdir(parents=True)
pq.write_table(pa.table({"col-a1": pa.array([1, 2, 3], pa.int64())}), table / "part-0.parquet")
mapped = {"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": "col-a1"}
score = {"name": "score", "type": "long", "nullable": True, "metadata": mapped}
actions = [
    {"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}},
    {
        "metaData": {
            "id": "0b0b0b0b-0000-4000-8000-000000000000",
            "format": {"provider": "parquet", "options": {}},
            "schemaString": json.dumps({"type": "struct", "fields": [score]}),
            "partitionColumns": [],
            "configuration": {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "1"},
            "createdTime": 0,
        }
    },
    {
        "add": {
            "path": "part-0.parquet",
            "partitionValues": {},
            "size": (table / "part-0.parquet").stat().st_size,
            "modificationTime": 0,
            "dataChange": True,
        }
    },
]
log = table / "_delta_log" / "00000000000000000000.json"
log.write_text("\n".join(json.dumps(action) for action in actions))
opened = deltalake.DeltaTable(str(table))
by_arrow = opened.to_pyarrow_table()["score"].to_pylist()
query = deltalake.QueryBuilder().register("t", opened).execute("SELECT score FROM t").read_all()
by_query = sorted(pa.table(query)["score"].to_pylist())
print("deltalake", deltalake.__version__, "pyarrow", pa.__version__)
print("in the file:        [1, 2, 3]")
print("to_pyarrow_table(): ", by_arrow)
print("QueryBuilder:       ", by_query)
assert by_arrow == [None, None, None], "the behaviour has changed"
assert by_query == [1, 2, 3]
PYTHON
"$folder/venv/bin/python" "$folder/probe.py" "$folder/table"
