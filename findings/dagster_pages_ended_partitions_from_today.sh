#!/usr/bin/env bash
# A TimeWindowPartitionsDefinition with an end, asked for a page of its partitions in descending order, as Dagster's webserver asks
# for the plots by partition, counts back from today and forgets the end: the pages hold keys after the end, which are no
# partitions, and the plots of a closed history (a retired model, a replay) are empty. `get_partition_keys` is right.
# dagster 1.13.27 (PyPI), `get_paginated_partition_keys`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "dagster==1.13.27"
cat > "$folder/probe.py" <<'PYTHON'
from datetime import datetime, timezone

import dagster as dg
from dagster._core.definitions.partitions.context import PartitionLoadingContext
from dagster._core.definitions.temporal_context import TemporalContext

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
print("dagster", dg.__version__)
for name, days in {
    "open": dg.DailyPartitionsDefinition("2026-01-01"),
    "ended": dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-02-01"),
}.items():
    context = PartitionLoadingContext(
        temporal_context=TemporalContext(effective_dt=NOW, last_event_id=None), dynamic_partitions_store=None
    )
    page = days.get_paginated_partition_keys(context, limit=5, ascending=False)
    newest = days.get_partition_keys(current_time=NOW)[-5:]
    print(f"{name}: newest {newest[-1]}, page {page.results}, more: {page.has_more}")
    if name == "open":
        assert sorted(page.results) == newest
    else:
        assert not set(page.results) & set(days.get_partition_keys(current_time=NOW)), "the behaviour has changed"
PYTHON
DAGSTER_DISABLE_TELEMETRY=1 "$folder/venv/bin/python" "$folder/probe.py"
