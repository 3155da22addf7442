"""Hive and Elasticsearch as assets that follow the tables, and the schedule that compacts them.

A run over partitions writes files and uses no service. One sensor per view compares the service with the
files, and launches the asset that brings the service up to date. An outage of a service therefore delays no
verdict, and the view is updated within a tick of its end.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from lupus_assets.assets.installation import RESOURCE, installation_of
from lupus_assets.errors import StoreError
from lupus_assets.upkeep import closed_before, compact, follow, settle, sweep

GROUP = "views"
CHECK = "in_step"
INTERVAL_SECONDS = 30
LONGEST_WAIT = timedelta(hours=1)  # between two attempts after repeated failures
REMEMBERED = 10  # newest runs that are read to count failures in a row
COMPACTION = "compaction"
NIGHTLY = "30 3 * * *"
DESCRIPTION = {
    "hive": "The tables in Hive: every month's partition points at the files that hold it now.",
    "search": "Metrics, verdicts, comparisons and incidents in Elasticsearch.",
}
KINDS = {"hive": {"hive"}, "search": {"elasticsearch"}}


def view_key(name: str) -> dg.AssetKey:
    """Return the asset key of a view."""
    return dg.AssetKey(["lupus", name])


def upkeep(names: Sequence[str]) -> dg.Definitions:
    """Return the assets, jobs and sensors of a location's views, and its compaction."""
    assets = [view_asset(name) for name in names]
    jobs = [
        dg.define_asset_job(
            f"follow_{name}",
            selection=dg.AssetSelection.assets(view_key(name)),
            executor_def=dg.in_process_executor,
            description=f"Brings {name} up to date.",
        )
        for name in names
    ]
    return dg.Definitions(
        assets=assets,
        jobs=[*jobs, compaction],
        sensors=[view_sensor(name) for name in names],
        schedules=[
            dg.ScheduleDefinition(
                name=f"{COMPACTION}_schedule",
                job=compaction,
                cron_schedule=NIGHTLY,
                default_status=dg.DefaultScheduleStatus.RUNNING,
                description="Every night, the months before the last become one file each.",
            )
        ],
    )


def view_asset(name: str) -> dg.AssetsDefinition:
    """Return the asset that brings a view up to date."""

    @dg.asset(
        key=view_key(name),
        group_name=GROUP,
        description=DESCRIPTION[name],
        kinds=KINDS[name],
        check_specs=[
            dg.AssetCheckSpec(CHECK, asset=view_key(name), description="Does it show what the tables hold?")
        ],
        required_resource_keys={RESOURCE},
    )
    def bring_up_to_date(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        installation = installation_of(context)
        tables, view = installation.tables(), installation.view(name)
        strays: list[str] = []
        try:
            if view.in_place:
                settle(tables)
            changed = follow(tables, view, strays)
            removed = sweep(tables, view) if view.in_place else 0
        except StoreError as error:
            context.log_event(said(name, str(error)))
            raise dg.Failure(str(error)) from None  # the chained error could contain a request
        yield dg.MaterializeResult(
            metadata={"months changed": changed, "files removed": removed},
            check_results=[
                dg.AssetCheckResult(
                    passed=not strays,
                    check_name=CHECK,
                    severity=dg.AssetCheckSeverity.WARN,
                    description=_without(strays) or "every month as it is",
                )
            ],
        )

    return bring_up_to_date


def _without(strays: Sequence[str]) -> str:
    """Return the state of a view in words where foreign files lie among the tables; "" without any."""
    more = f" (and {len(strays) - 1:,} more)" if len(strays) > 1 else ""
    return f"every other month as it is; {strays[0]}{more}" if strays else ""


def said(name: str, problem: str) -> dg.AssetCheckEvaluation:
    """Return the failing check of a view that is not up to date."""
    return dg.AssetCheckEvaluation(
        asset_key=view_key(name),
        check_name=CHECK,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=problem,
    )


def view_sensor(name: str) -> dg.SensorDefinition:
    """Return the sensor that launches the asset of a view when the tables have changed."""

    @dg.sensor(
        name=f"{name}_view",
        job_name=f"follow_{name}",
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={RESOURCE},
        description=f"Whether {name} shows what the tables hold; one listing of them a tick.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        waiting = _waiting(context.instance, f"follow_{name}", datetime.now(UTC))
        if waiting:
            return dg.SkipReason(waiting)
        installation = installation_of(context)
        strays: list[str] = []
        try:
            tables, view = installation.tables(), installation.view(name)
            months = tables.months(strays=strays)
            behind = bool(view.behind(months))
            if view.in_place and not behind:
                behind = any(view.released([month for month in months if month.unswept]))
        except StoreError as error:
            if context.cursor != str(error):  # reported once, not at every tick
                context.instance.report_runless_asset_event(said(name, str(error)))
            context.update_cursor(str(error))
            return dg.SkipReason(f"{error}. What it misses meanwhile is made up for when it answers.")
        without = _without(strays)
        if without and context.cursor != without:
            context.instance.report_runless_asset_event(said(name, without))
        context.update_cursor(without)
        if not behind:
            return dg.SkipReason("every month is shown as it is")
        return dg.RunRequest()

    return sensor


def _waiting(instance: dg.DagsterInstance, job: str, now: datetime) -> str | None:
    """Return why a view is not updated now: a run is in progress, or the last ones failed; else None."""
    records = instance.get_run_records(dg.RunsFilter(job_name=job), limit=REMEMBERED)
    if records and not records[0].dagster_run.is_finished:
        return "it is being brought up to date"
    failures = 0
    for record in records:
        if record.dagster_run.status != dg.DagsterRunStatus.FAILURE:
            break
        failures += 1
    if not failures or records[0].end_time is None:
        return None
    wait = min(timedelta(seconds=INTERVAL_SECONDS) * 2**failures, LONGEST_WAIT)
    again = datetime.fromtimestamp(records[0].end_time, UTC) + wait
    return f"the last {failures} runs failed; tried again at {again:%H:%M:%S} UTC" if now < again else None


@dg.op(required_resource_keys={RESOURCE}, description="Makes one file of every month before the last.")
def compact_closed_months(context: dg.OpExecutionContext) -> None:
    """Compact the months before the last one, of every table and model; only a backfill changes them."""
    before = closed_before(datetime.now(UTC))
    count = compact(installation_of(context).tables(), before)
    context.log.info(f"{count} months before {before} were made one file each")


@dg.job(name=COMPACTION, executor_def=dg.in_process_executor)
def compaction() -> None:
    """Compact every month before the last into one file, of every table and model."""
    compact_closed_months()
