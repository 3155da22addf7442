"""Backtests: a replay of a monitor on a log, partition by partition, with the data of each partition's time.

The steps are those of `lupus_assets.pipeline`, over tables in memory; no service is used.
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
from lupus_assets.judge import Judge
from lupus_assets.judging.chain import Setting
from lupus_assets.judging.history import target_of
from lupus_assets.judging.incident import episodes, ranked
from lupus_assets.judging.wording import target
from lupus_assets.pipeline import Pipeline, Trial
from lupus_assets.reading.cut import Cut
from lupus_assets.records import VerdictRow, Window
from lupus_assets.sinks.memory import MemoryStore
from lupus_assets.sources.log import LogSource
from lupus_assets.stats.reference.frozen import Reference

SALT = b"backtest"  # no hash is stored beyond the backtest
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVER = datetime(9999, 1, 1, tzinfo=UTC)  # a time after the arrival of all rows and labels
# Two partitions of any cadence on either side are within the calendar; a `Place` has years of four digits.
EARLIEST, LATEST = ((datetime(year, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND for year in (1000, 9900))
EMPTY, SPARE = 20, 100  # most partitions per one with rows, plus a constant; more mean wrong times

# Called with the name and the number of steps of a pass; its context gives a callback for after each step.
Watch: TypeAlias = Callable[[str, int], AbstractContextManager[Callable[[], None]]]


@contextmanager
def unwatched(_name: str, _steps: int) -> Iterator[Callable[[], None]]:
    """Show no progress; the default `Watch`."""
    yield lambda: None


@dataclass(frozen=True)
class Alarm:
    """An alarm on one target at one partition.

    Attributes
    ----------
    partition : str
        Key of the judged partition.
    decided_at : datetime
        End of the window in which the verdict became possible, naive, in the cadence's zone.
    target : str
        Column, ``rows`` or ``performance``.
    metric, sentence : str
    p, effect : float or None
        None for facts, which need no history.
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
    """The result of a backtest.

    Attributes
    ----------
    windows : tuple of Window
        The judged partitions: all of the log.
    months : float
        Length of the log in months.
    alarms : mapping of float to list of Alarm
        By budget, in time order.
    incidents : mapping of float to int
        Number of incidents by budget.
    """

    windows: tuple[Window, ...]
    months: float
    alarms: Mapping[float, list[Alarm]]
    incidents: Mapping[float, int]


@dataclass(frozen=True)
class Learned:
    """A frozen reference, and the metrics of its own partitions.

    Attributes
    ----------
    reference : Reference
    store : MemoryStore
        Holds the metrics of the partitions of the reference window.
    """

    reference: Reference
    store: MemoryStore


@dataclass(frozen=True)
class _Stepping:
    """A log that calls `step` whenever a partition is read; implements `lupus_assets.ports.Source`."""

    log: LogSource
    step: Callable[[], None]

    def arrived(self, window: Window) -> bool:
        return self.log.arrived(window)

    def schema(self, window: Window) -> pa.Schema:
        return self.log.schema(window)

    def batches(self, window: Window, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        self.step()
        return self.log.batches(window, columns)


def learn(model: MonitoredModel, log: LogSource, watch: Watch = unwatched) -> Learned:
    """Freeze the reference from a log of its window, and compute the metrics of its partitions.

    Raises
    ------
    UsageError
        The log has no rows.
    ReferenceMissing, SourceError
    """
    spans = _windows(model, log)
    store, tried, track = MemoryStore(), _tried(model), next(iter(model.tracks))
    trial = Trial(spans[0].start, spans[-1].end)
    with watch("freezing", 2 * len(spans)) as step:  # freezing reads every partition twice
        stepping = _Stepping(log, step)
        frozen = Pipeline(store, lambda *_: stepping, SALT, trial).freeze(tried, spans, EVER)
    pipeline = Pipeline(store, lambda *_: log, SALT, trial)
    with watch("measuring", len(spans)) as step:
        for window in spans:
            profiled = pipeline.profile(tried, track, window, frozen[track], EVER)
            pipeline.metrics(tried, track, window, frozen[track], profiled)
            step()
    return Learned(frozen[track], store)


def backtest(
    model: MonitoredModel,
    learned: Learned,
    log: LogSource,
    budgets: Sequence[float],
    watch: Watch = unwatched,
) -> Backtest:
    """Replay a log partition by partition.

    Rows and labels are used once they have arrived; a verdict depends on its own and earlier partitions only.

    Parameters
    ----------
    model : MonitoredModel
        Its `cadence.start` and `reference` are ignored: the reference is `learned`.
    learned : Learned
    log : LogSource
    budgets : sequence of float
        False incidents a month.
    watch : callable, optional
        Shows the progress over the log.

    Raises
    ------
    UsageError
        The log has no rows.
    SourceError
    """
    spans = _windows(model, log)
    tried, track, reference = _tried(model), next(iter(model.tracks)), learned.reference
    trial, store = Trial(spans[0].start, spans[0].start), learned.store.copy()
    pipeline = Pipeline(store, lambda *_: log, SALT, trial)
    facts: dict[Window, dict[Cut, list[VerdictRow]]] = {}
    with watch("measuring", len(spans)) as step:
        for window in spans:
            profiled = pipeline.profile(tried, track, window, reference, EVER)
            pipeline.metrics(tried, track, window, reference, profiled)
            facts[window] = pipeline.facts(tried, track, window, reference, profiled)
            step()
    with watch("judging", 0):
        setting = Setting(tried, tuple(budgets), trial.end)
        flagged = Judge(store, tried, track, reference.digest, facts).alarms(setting)
    alarms, incidents = {}, {}
    for budget, rows in zip(budgets, flagged, strict=True):
        by_window = _by_window(facts, rows)
        alarms[budget] = [
            alarm for window in spans for alarm in _alarms(model, window, by_window[window], spans)
        ]
        named = {window: {target(row) for row in told} for window, told in by_window.items()}
        incidents[budget] = len(episodes("", named).opened)
    months = (spans[-1].end - spans[0].start).total_seconds() / 86_400 / DAYS_PER_MONTH
    return Backtest(tuple(spans), months, alarms, incidents)


def _by_window(
    facts: Mapping[Window, Mapping[Cut, Sequence[VerdictRow]]], flagged: Sequence[VerdictRow]
) -> dict[Window, list[VerdictRow]]:
    """Return the flagged verdicts and the facts of each partition."""
    by_start: dict[datetime, list[VerdictRow]] = {window.start: [] for window in facts}
    for row in flagged:
        by_start[row.window_start].append(row)
    return {
        window: [*by_start[window.start], *(row for rows in by_cut.values() for row in rows)]
        for window, by_cut in facts.items()
    }


def _tried(model: MonitoredModel) -> MonitoredModel:
    """Return the model with only its first track, the one of the log."""
    track = next(iter(model.tracks))
    return model.model_copy(update={"tracks": {track: model.tracks[track]}, "reference": None})


def _windows(model: MonitoredModel, log: LogSource) -> list[Window]:
    """Return the windows from the first row of a log to its last."""
    if log.span is None:
        raise UsageError(f"{log.name} holds no rows with a timestamp; give another file")
    _check_span(model, log, *log.span)
    first, last = (EPOCH + timedelta(microseconds=micros) for micros in log.span)
    around = windows_of(model.cadence, first - 2 * model.cadence.period, last + 2 * model.cadence.period)
    return [window for window in around if window.end > first and window.start <= last]


def _check_span(model: MonitoredModel, log: LogSource, first: int, last: int) -> None:
    """Raise `UsageError` if the times span too many partitions for the number of those with rows."""
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


def _alarms(
    model: MonitoredModel, window: Window, rows: Sequence[VerdictRow], spans: Sequence[Window]
) -> Iterator[Alarm]:
    """Yield one alarm per flagged target of a partition, from its highest ranked row."""
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
