#!/usr/bin/env bash
# Dagster reads a cron range of one value as the whole field: `0 0 10-10 * *`, the tenth of each month to cron itself, makes a
# partition of every day, and so does a schedule. Ranges of one value come from generated cron strings; a monthly monitor then
# judges thirty windows a month. `0 0 10 * *` is the tenth.
# dagster 1.13.27 (PyPI), TimeWindowPartitionsDefinition; cronsim 2.7 (PyPI) as the other reading.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "dagster==1.13.27" "cronsim==2.7"
cat > "$folder/probe.py" <<'PYTHON'
from datetime import datetime, timedelta
from itertools import takewhile

import dagster as dg
from cronsim import CronSim

START, END = datetime(2026, 1, 1), datetime(2026, 4, 1)
found = {}
print("dagster", dg.__version__)
for cron in ("0 0 10 * *", "0 0 10-10 * *", "0 0 10-11 * *"):
    days = dg.TimeWindowPartitionsDefinition(
        start=START, end=END, fmt="%Y-%m-%d", cron_schedule=cron, timezone="UTC"
    )
    fires = list(takewhile(lambda moment: moment < END, CronSim(cron, START - timedelta(minutes=1))))
    found[cron] = len(days.get_partition_keys()), len(fires)
    print(f"{cron}: {found[cron][0]} partitions in three months; cronsim fires {found[cron][1]} times")
assert found["0 0 10 * *"][1] == found["0 0 10-10 * *"][1] == 3
assert found["0 0 10 * *"][0] == 2, "the behaviour has changed"  # the third window is not over
assert found["0 0 10-10 * *"][0] > 80, "the behaviour has changed"
PYTHON
DAGSTER_DISABLE_TELEMETRY=1 "$folder/venv/bin/python" "$folder/probe.py"
