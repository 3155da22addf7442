"""Report the runs that died with a code server, once its successor answers.

Runs are children of the code server and its unit leaves none of them behind, yet nobody reports those that
die with it: after a power failure the database holds them for running. They would keep their places in the
queue, and their partitions from being launched, until ``max_runtime_seconds``.

Not before it answers: to launch such a run again the daemon tries once, and needs a code server for it.
"""

import json
import os

import dagster as dg
from dagster._core.storage.tags import GRPC_INFO_TAG  # private, as is the rest: what the launcher itself uses
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

MESSAGE = "The code server ended, and this run with it."


def knows(server: DagsterGrpcClient, run: dg.DagsterRun) -> bool:
    """Return whether a run is among the server's children."""
    answer = server.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id))
    return bool(deserialize_value(answer, CanCancelExecutionResult).can_cancel)


def main() -> None:
    """Mark as failed what is said to run on this server and does not."""
    host, port = os.environ["LUPUS_CODE_HOST"], int(os.environ["LUPUS_CODE_PORT"])
    server = DagsterGrpcClient(host=host, port=port)
    with dg.DagsterInstance.get() as instance:
        for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
            launched_on = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
            if (launched_on.get("host"), launched_on.get("port")) != (host, port) or knows(server, run):
                continue
            now = instance.get_run_by_id(run.run_id)
            if now is not None and not now.is_finished:  # it may have ended between the two questions
                instance.report_run_failed(now, MESSAGE)
                print(f"{run.run_id}: {MESSAGE}")


if __name__ == "__main__":
    main()
