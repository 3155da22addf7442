"""Alarms of one track that belong together, in time order.

An alarm joins the incident that is open, and opens one where none is: the budget is of incidents, whatever
columns they drag along. It becomes worse when an alarm comes of a target that had none in it, and is closed
after `QUIET` partitions without an alarm. All that is a function of the flags, so a backfill finds the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from lupus_assets.judging.wording import ROWS, target
from lupus_assets.reading.cut import Cut
from lupus_assets.reading.table import rows_where, table_integers
from lupus_assets.records import EVERYTHING, FACT_RULE, IncidentRow, VerdictRow, Window

QUIET = 3  # partitions without an alarm that end an incident: two bad days around a weekend are one

# Metrics that say that something moved and not how: others of the same column go before them in a sentence.
OBSCURE = ("psi", "mean_rank", "rank_spread")


@dataclass(frozen=True)
class Open:
    """The incident of one track that is open behind a partition.

    Attributes
    ----------
    incident : str or None
    members : tuple of str
        The targets that were alarmed in it, sorted.
    quiet : int
        Partitions without an alarm since the last one.
    """

    incident: str | None = None
    members: tuple[str, ...] = ()
    quiet: int = 0


@dataclass(frozen=True)
class Episodes:
    """Which incident each alarmed (window start, target) belongs to, and which of them made one worse.

    `opened` and `closed` say which incident did so where, `last` what is open at the end.
    """

    of: Mapping[tuple[datetime, str], str]
    worse: frozenset[tuple[datetime, str]]
    opened: Mapping[datetime, str]
    closed: Mapping[datetime, str]
    last: Open


def episodes(track: str, alarms: Mapping[Window, Collection[str]], before: Open = Open()) -> Episodes:
    """Return the incidents of one track.

    Parameters
    ----------
    track : str
    alarms : mapping of Window to collection of str
        The alarmed targets of every judged partition up to now; empty where all was quiet.
    before : Open, optional
        What was open before the first of these partitions.
    """
    of: dict[tuple[datetime, str], str] = {}
    worse: set[tuple[datetime, str]] = set()
    opened: dict[datetime, str] = {}
    closed: dict[datetime, str] = {}
    running, members, quiet = before.incident, set(before.members), before.quiet
    for window in sorted(alarms):
        if alarms[window]:
            quiet = 0
            if running is None:
                running = opened[window.start] = f"{track}/{window.key}"
                members = set(alarms[window])
            of |= {(window.start, name): running for name in alarms[window]}
            worse |= {(window.start, name) for name in alarms[window] if name not in members}
            members |= set(alarms[window])
        elif running is not None:
            quiet += 1
            if quiet == QUIET:
                closed[window.start] = running
                running = None
    last = Open() if running is None else Open(running, tuple(sorted(members)), quiet)
    return Episodes(of, frozenset(worse), opened, closed, last)


def resumed(
    track: str,
    past: pa.Table,
    judged: Mapping[tuple[Window, Cut], Sequence[VerdictRow]],
    before: Open = Open(),
) -> Episodes:
    """Return the incidents of one track whose earlier verdicts are stored.

    Parameters
    ----------
    track : str
    past : pyarrow.Table
        Rows of the table ``verdicts``, before those of `judged`.
    judged : mapping of (Window, Cut) to sequence of VerdictRow
    before : Open, optional
        What was open before the first row of `past`.
    """
    flagged: dict[datetime, tuple[str, set[str]]] = {}
    for row in rows_where(past, table_integers(past, "flagged").astype(bool)).to_pylist():
        key, targets = flagged.setdefault(row["window_start"], (row["partition_key"], set()))
        targets.add(row["column_name"] or ROWS)
    alarms: dict[Window, set[str]] = {}
    for moment in np.unique(table_integers(past, "window_start")).astype("datetime64[us]").tolist():
        start = moment.replace(tzinfo=UTC)
        key, targets = flagged.get(moment, ("", set()))
        alarms[Window(start=start, end=start, key=key)] = targets
    for (window, _), rows in judged.items():
        alarms[window] = {target(row) for row in rows if row.flagged}
    return episodes(track, alarms, before)


def ranked(rows: Sequence[VerdictRow]) -> list[VerdictRow]:
    """Return the flagged of `rows`, most telling first.

    Facts come first, then the columns whose alarms deviate by most spreads. Within a column all rows come
    before segments, and metrics that people read before those that only say that something moved.
    """
    flagged = [row for row in rows if row.flagged]
    most: dict[str, float] = {}
    for row in flagged:
        most[row.column_name] = max(most.get(row.column_name, 0.0), row.surprise or 0.0)
    everywhere = {row.column_name for row in flagged if row.segment == EVERYTHING}

    def order(row: VerdictRow) -> tuple[bool, float, bool, str, bool, bool, float]:
        return (
            row.rule != FACT_RULE,
            -most[row.column_name],
            row.column_name not in everywhere,
            row.column_name,
            row.metric in OBSCURE,
            row.segment != EVERYTHING,
            -(row.surprise or 0.0),
        )

    return sorted(flagged, key=order)


def marked(rows: Sequence[VerdictRow], found: Episodes) -> list[VerdictRow]:
    """Return `rows` with the incident that each flagged one belongs to."""
    return [
        replace(row, incident=found.of.get((row.window_start, target(row)))) if row.flagged else row
        for row in rows
    ]


def incident_rows(
    window: Window, as_of: datetime, track: str, rows: Sequence[VerdictRow], found: Episodes
) -> list[IncidentRow]:
    """Return the events of one judged partition: incidents that closed, and each alarmed target once."""

    def event(what: str, incident: str, row: VerdictRow | None, sentence: str) -> IncidentRow:
        return IncidentRow(
            track=track,
            partition_key=window.key,
            window_start=window.start,
            as_of=as_of,
            incident=incident,
            event=what,
            column_name="" if row is None else target(row),
            metric="" if row is None else row.metric,
            sentence=sentence,
        )

    said = f"no alarm in {QUIET} partitions"
    ended = found.closed.get(window.start)
    events = [event("closed", ended, None, said)] if ended is not None else []
    unopened = found.opened.get(window.start)
    named: set[str] = set()
    for row in ranked(rows):
        if target(row) not in named:
            named.add(target(row))
            incident = found.of[window.start, target(row)]
            what = "worse" if (window.start, target(row)) in found.worse else "joined"
            events.append(event("opened" if incident == unopened else what, incident, row, row.sentence))
            unopened = None if incident == unopened else unopened
    return events
