#!/usr/bin/env bash
# Dagster's run monitoring, switched on, does not look at a run that has STARTED where the default run launcher runs it: this launcher
# cannot say whether a worker lives, and only the code server that started it notices its end. If both die (the machine's power, the
# memory killer), the run stays STARTED and holds its place in `max_concurrent_runs` for good: two such runs, and nothing runs again.
# dagster 1.13.27 (PyPI), DefaultRunLauncher.supports_check_run_worker_health.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "dagster==1.13.27"
mkdir "$folder/home"
cat > "$folder/home/dagster.yaml" <<'YAML'
telemetry: {enabled: false}
run_monitoring: {enabled: true, poll_interval_seconds: 1, start_timeout_seconds: 5}
YAML
cat > "$folder/job.py" <<'PYTHON'
import os
import signal

import dagster as dg


@dg.asset
def scores():
    os.kill(os.getppid(), signal.SIGKILL)  # the code server
    os.kill(os.getpid(), signal.SIGKILL)


job = dg.define_asset_job("job", [scores], executor_def=dg.in_process_executor)
defs = dg.Definitions(assets=[scores], jobs=[job])
PYTHON
cat > "$folder/probe.py" <<'PYTHON'
import logging
import os
import time
import warnings

warnings.filterwarnings("ignore")
import dagster as dg
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import PythonFileTarget
from dagster._daemon.monitoring import execute_run_monitoring_iteration

instance = dg.DagsterInstance.get()
target = PythonFileTarget(python_file="job.py", attribute=None, working_directory=os.getcwd(), location_name="here")
with WorkspaceProcessContext(instance, target) as context:
    request = context.create_request_context()
    (repository,) = request.get_code_location("here").get_repositories().values()
    job = repository.get_full_job("job")
    absent = (
        "run_id resolved_op_selection root_run_id parent_run_id step_keys_to_execute execution_plan_snapshot "
        "parent_job_snapshot asset_selection asset_check_selection op_selection"
    )
    run = instance.create_run(
        job_name="job",
        run_config={},
        status=dg.DagsterRunStatus.NOT_STARTED,
        tags={},
        job_snapshot=job.job_snapshot,
        remote_job_origin=job.get_remote_origin(),
        job_code_origin=job.get_python_origin(),
        asset_graph=repository.asset_graph,
        **dict.fromkeys(absent.split()),
    )
    instance.launch_run(run.run_id, request)
    for _ in range(240):
        time.sleep(0.5)
        if instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.STARTED:
            break
    time.sleep(3)
print("dagster", dg.__version__, "- run monitoring enabled:", instance.run_monitoring_enabled)
with WorkspaceProcessContext(instance, target) as context:  # all starts again, as after a power cut
    for _ in range(5):
        list(execute_run_monitoring_iteration(context, logging.getLogger("monitoring")))
        time.sleep(2)
left = instance.get_run_by_id(run.run_id).status
print("a run whose processes are dead, after five looks of run monitoring:", left.value)
assert left == dg.DagsterRunStatus.STARTED, "the behaviour has changed"
PYTHON
cd "$folder"
DAGSTER_HOME="$folder/home" DAGSTER_DISABLE_TELEMETRY=1 "$folder/venv/bin/python" probe.py 2>"$folder/log" ||
  { cat "$folder/log" >&2; exit 1; }
