#!/usr/bin/env bash
# `get_partition_keys_in_time_window` of an hourly definition in a zone that moves its clock by half an hour counts hours from the
# start of the window it is asked for: after the change it returns keys, such as 00:00, that `get_partition_keys` does not have (it
# has 00:30). Who lists hours of a span so looks for, or launches, partitions that do not exist; no error says why.
# dagster 1.13.27 (PyPI); Australia/Lord_Howe, the one zone that does so today.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "dagster==1.13.27" tzdata
cat > "$folder/probe.py" <<'PYTHON'
import sys
from datetime import datetime, timedelta, timezone

import dagster as dg

hours = dg.HourlyPartitionsDefinition("2026-01-01-00:00", timezone="Australia/Lord_Howe")
known = set(hours.get_partition_keys(current_time=datetime(2026, 6, 1, tzinfo=timezone.utc)))
first = datetime(2026, 4, 30, 13, 30, tzinfo=timezone.utc)  # midnight of 1 May there; the clock moved on 5 April
asked = {}
for minutes in (0, 30):
    start = first - timedelta(minutes=minutes)
    asked[minutes] = hours.get_partition_keys_in_time_window(dg.TimeWindow(start, start + timedelta(hours=3)))
print("dagster", dg.__version__)
for minutes, keys in asked.items():
    print(f"asked from {minutes} minutes before: {keys}; partitions of the definition: {[key in known for key in keys]}")
assert not any(key in known for key in asked[0]), "the behaviour has changed"
assert all(key in known for key in asked[30]), "the behaviour has changed"
print("The same hours have keys of no partition, or of partitions, by where the span begins.")
sys.stdout.flush()
PYTHON
DAGSTER_DISABLE_TELEMETRY=1 "$folder/venv/bin/python" "$folder/probe.py"
