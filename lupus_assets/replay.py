"""A monitor tried on a log before it is switched on: partition by partition, as it would have been that day.

The steps are those of the pipeline; nothing is stored, and no service is asked.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.rule import DAYS_PER_MONTH
from lupus_assets.declare.window import windows as windows_of
from lupus_assets.errors import UsageError
from lupus_assets.judging.chain import Setting
from lupus_assets.judging.fact import fact_rows, facts
from lupus_assets.judging.history import target_of
from lupus_assets.judging.incident import episodes, ranked
from lupus_assets.judging.rule import rule_rows
from lupus_assets.judging.series import Ledger
from lupus_assets.judging.track import chains, judge
from lupus_assets.judging.wording import target
from lupus_assets.measuring.partition import metric_rows
from lupus_assets.profiling.freezing import freeze
from lupus_assets.profiling.partition import Profiled, profile_partition
from lupus_assets.reading.batch import Reading
from lupus_assets.reading.cut import Cut, cuts
from lupus_assets.reading.role import Role, kinds, needed, roles
from lupus_assets.records import MetricRow, VerdictRow, Window
from lupus_assets.sinks.schema import to_table
from lupus_assets.sources.column import select
from lupus_assets.sources.log import LogSource
from lupus_assets.stats.reference.frozen import Reference

SALT = b"backtest"  # nothing that is hashed outlives it
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What leaves two partitions of any cadence to either side within the calendar.
EARLIEST, LATEST = ((datetime(year, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND for year in (100, 9900))
EMPTY, SPARE = 20, 100  # partitions for one that holds rows, and besides: more are times that are wrong

# Called with the name and the number of steps of a pass; hands out what to call after each step.
Watch: TypeAlias = Callable[[str, int], AbstractContextManager[Callable[[], None]]]


@contextmanager
def unwatched(_name: str, _steps: int) -> Iterator[Callable[[], None]]:
    """Watch nothing."""
    yield lambda: None


@dataclass(frozen=True)
class Alarm:
    """One target that is named at one partition.

    Attributes
    ----------
    partition : str
        Key of the judged partition.
    decided_at : datetime
        End of the window in which the verdict became possible, naive in the cadence's zone.
    target : str
        Column, ``rows`` or ``performance``.
    metric, sentence : str
    p, effect : float or None
        None for what is wrong whatever the history.
    """

    partition: str
    decided_at: datetime
    target: str
    metric: str
    p: float | None
    effect: float | None
    sentence: str


@dataclass(frozen=True)
class Backtest:
    """What a monitor would have said.

    Attributes
    ----------
    windows : tuple of Window
        Partitions of the log, all judged.
    months : float
    alarms : mapping of float to list of Alarm
        By budget, in time order.
    incidents : mapping of float to int
        By budget.
    """

    windows: tuple[Window, ...]
    months: float
    alarms: Mapping[float, list[Alarm]]
    incidents: Mapping[float, int]


@dataclass(frozen=True)
class Learned:
    """A reference that was frozen, and what its own partitions are like.

    Attributes
    ----------
    reference : Reference
    roles : tuple of Role
    metrics : list of MetricRow
        Of the partitions of the reference window.
    """

    reference: Reference
    roles: tuple[Role, ...]
    metrics: list[MetricRow]


def learn(model: MonitoredModel, log: LogSource, watch: Watch = unwatched) -> Learned:
    """Freeze the reference from a log of its window, and measure its partitions.

    Raises
    ------
    UsageError
        The log has no rows.
    ReferenceMissing, SourceError
    """
    spans = _windows(model, log)
    schema = log.schema(spans[0])
    listed = roles(model, kinds(model, schema))
    columns = [name for name in needed(model, listed) if name in schema.names]
    with watch("freezing", 2 * len(spans)) as step:  # which reads every partition twice

        def batches(window: Window) -> Iterator[pa.RecordBatch]:
            step()
            return log.batches(window, columns)

        reference = freeze(
            model,
            roles=listed,
            schema=select(schema, columns, log.name),
            windows=spans,
            batches=batches,
            salt=SALT,
        )
    metrics: list[MetricRow] = []
    with watch("measuring", len(spans)) as step:
        for window in spans:
            metrics += _measured(model, log, reference, listed, window, within=True)[0]
            step()
    return Learned(reference, listed, metrics)


def backtest(
    model: MonitoredModel,
    learned: Learned,
    log: LogSource,
    budgets: Sequence[float],
    watch: Watch = unwatched,
) -> Backtest:
    """Replay a log partition by partition.

    Rows and labels are seen once they have arrived, and a verdict rests on earlier partitions alone.

    Parameters
    ----------
    model : MonitoredModel
        Its `cadence.start` and `reference` are not looked at: what was learned comes before the log.
    learned : Learned
    log : LogSource
    budgets : sequence of float
        False incidents a month.
    watch : callable, optional
        Is told how far the pass over the log is.

    Raises
    ------
    UsageError
        The log has no rows.
    SourceError
    """
    spans = _windows(model, log)
    metrics, wrong = list(learned.metrics), []
    with watch("measuring", len(spans)) as step:
        for window in spans:
            rows, odd = _measured(model, log, learned.reference, learned.roles, window, within=False)
            metrics += rows
            wrong += odd
            step()
    with watch("judging", 0):
        return _judged(model, learned, spans, metrics, wrong, budgets)


def _judged(
    model: MonitoredModel,
    learned: Learned,
    spans: Sequence[Window],
    metrics: Sequence[MetricRow],
    wrong: list[VerdictRow],
    budgets: Sequence[float],
) -> Backtest:
    table, digest = to_table("metrics", metrics), learned.reference.digest
    track = next(iter(model.tracks))
    broken = rule_rows(table, model=model, track=track, reference=digest, windows=spans)
    wrong += [row for row in broken if row.flagged]
    setting = Setting(model, tuple(budgets), taught=spans[0].start)
    judgements = judge(chains(Ledger.of(table, digest)), setting, spans).judgements
    keys = {window.start: window for window in spans}
    alarms, incidents = {}, {}
    for at, budget in enumerate(budgets):
        flagged = [
            row
            for each in judgements
            if each.budget == at
            for row in each.rows(keys[each.start], track="", flagged_only=True)
        ]
        rows_by_window = _by_window(spans, [*flagged, *wrong])
        alarms[budget] = [
            alarm for window in spans for alarm in _alarms(model, window, rows_by_window[window], spans)
        ]
        named = {window: {target(row) for row in rows} for window, rows in rows_by_window.items()}
        incidents[budget] = len(episodes("", named).opened)
    months = (spans[-1].end - spans[0].start).total_seconds() / 86_400 / DAYS_PER_MONTH
    return Backtest(tuple(spans), months, alarms, incidents)


def _windows(model: MonitoredModel, log: LogSource) -> list[Window]:
    """Return the windows from the first row of a log to its last."""
    if log.span is None:
        raise UsageError(f"{log.name} holds no rows with a timestamp; give another file")
    _check_span(model, log, *log.span)
    first, last = (EPOCH + timedelta(microseconds=micros) for micros in log.span)
    around = windows_of(model.cadence, first - 2 * model.cadence.period, last + 2 * model.cadence.period)
    return [window for window in around if window.end > first and window.start <= last]


def _check_span(model: MonitoredModel, log: LogSource, first: int, last: int) -> None:
    """Raise `UsageError` where times are so far apart that nearly all partitions between them are empty."""
    period = model.cadence.period // MICROSECOND
    spanned, occupied = (last - first) // period, log.occupied(model.cadence.period)
    if spanned > SPARE + EMPTY * occupied or not EARLIEST <= first <= last <= LATEST:
        raise UsageError(
            f"{log.name} holds times from {_spelt(first)} to {_spelt(last)} in "
            f"{model.columns.timestamp!r}: {spanned:,} partitions, about {occupied:,} of them with rows; "
            "correct the times, or leave those rows out"
        )


def _spelt(micros: int) -> str:
    return str(np.datetime64(micros, "us").astype("datetime64[s]"))


def _measured(
    model: MonitoredModel,
    log: LogSource,
    reference: Reference,
    listed: tuple[Role, ...],
    window: Window,
    *,
    within: bool,
) -> tuple[list[MetricRow], list[VerdictRow]]:
    """Return the metrics of one partition at all its cuts, and what is wrong with it whatever its history."""
    schema = log.schema(window)
    columns = [name for name in needed(model, listed) if name in schema.names]
    by_column = {role.column: role for role in listed}
    found: Mapping[Cut, Profiled] = profile_partition(
        log.batches(window, columns),
        schema=select(schema, columns, log.name),
        reading=Reading(model, listed, reference.grids, SALT),
        reference=reference,
        window=window,
        cuts=cuts(model, window),
    )
    metrics: list[MetricRow] = []
    wrong: list[VerdictRow] = []
    for cut, profiled in found.items():
        metrics += metric_rows(
            profiled.profiles,
            reference,
            model,
            track="",
            window=window,
            as_of=cut.as_of,
            roles=by_column,
            within=within,
            judged_only=not model.rules,  # which may be about any metric
        )
        wrong += fact_rows(
            facts(profiled, reference, model.columns), by_column, track="", window=window, as_of=cut.as_of
        )
    return metrics, wrong


def _by_window(spans: Sequence[Window], rows: Sequence[VerdictRow]) -> dict[Window, list[VerdictRow]]:
    by_start: dict[datetime, list[VerdictRow]] = {window.start: [] for window in spans}
    for row in rows:
        by_start[row.window_start].append(row)
    return {window: by_start[window.start] for window in spans}


def _alarms(
    model: MonitoredModel, window: Window, rows: Sequence[VerdictRow], spans: Sequence[Window]
) -> Iterator[Alarm]:
    """Yield each target that is named at one partition once, by its most telling row."""
    named: set[str] = set()
    for row in ranked(rows):
        about = target_of(row.family, row.column_name, row.metric)
        if about not in named:
            named.add(about)
            decided = next(
                (each.end for each in spans if each.end >= row.as_of - model.cadence.grace), row.as_of
            )
            local = decided.astimezone(model.cadence.zone).replace(tzinfo=None)
            yield Alarm(window.key, local, about, row.metric, row.p, row.effect, row.sentence)
