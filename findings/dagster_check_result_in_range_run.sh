#!/usr/bin/env bash
# An AssetCheckResult of a *partitioned* asset check that is yielded in a single-run backfill over a range is stored
# without any partition, and the check of every partition stays PLANNED although the run has succeeded. Who shows
# partition-wise quality in Dagster sees checks that never end, and no error says why.
# dagster 1.13.27 (PyPI); `AssetCheckSpec(partitions_def=...)` is in preview.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "dagster==1.13.27"
mkdir "$folder/home"
echo "telemetry: {enabled: false}" > "$folder/home/dagster.yaml"
cat > "$folder/probe.py" <<'PYTHON'
import sys
import warnings

warnings.filterwarnings("ignore")  # the feature is in preview and says so at every use
import dagster as dg

DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-05")
CHECK = dg.AssetCheckSpec("complete", asset="scores", partitions_def=DAYS)


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run(), check_specs=[CHECK])
def scores():
    yield dg.MaterializeResult()
    yield dg.AssetCheckResult(check_name="complete", passed=True)


instance = dg.DagsterInstance.get()
RANGE = {"dagster/asset_partition_range_start": "2026-01-01", "dagster/asset_partition_range_end": "2026-01-04"}
run = dg.materialize([scores], instance=instance, tags=RANGE)
storage = instance.event_log_storage
history = storage.get_asset_check_execution_history(CHECK.key, limit=20)
found = sorted((record.partition or "(none)", record.status.value) for record in history)
print("dagster", dg.__version__)
print("run succeeded:", run.success)
print("materialised:", sorted(storage.get_materialized_partitions(scores.key)))
print("check:", found)
days = DAYS.get_partition_keys()
assert run.success
assert found == sorted([("(none)", "SUCCEEDED"), *((day, "PLANNED") for day in days)]), "the behaviour has changed"
print("Four partitions are materialised; their checks are PLANNED for ever, one result belongs to no partition.")
sys.stdout.flush()
PYTHON
DAGSTER_HOME="$folder/home" DAGSTER_DISABLE_TELEMETRY=1 "$folder/venv/bin/python" "$folder/probe.py" 2>"$folder/log" ||
  { cat "$folder/log" >&2; exit 1; }
