"""Incidents of one track: groups of its alarms, in time order.

An alarm joins the open incident, or opens one; the budget counts incidents, not their columns. An incident
becomes worse with the first alarm of a further target, and is closed after `QUIET` partitions without an
alarm. Incidents are a function of the flags, so a backfill gives the same.
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

# Metrics that show a change and not its direction: other metrics of the same column are ranked before them.
OBSCURE = ("psi", "mean_rank", "rank_spread")


@dataclass(frozen=True)
class Open:
    """The open incident of one track after a partition.

    Attributes
    ----------
    incident : str or None
    members : tuple of str
        The targets with an alarm in it, sorted.
    quiet : int
        Number of partitions since the last alarm.
    """

    incident: str | None = None
    members: tuple[str, ...] = ()
    quiet: int = 0


@dataclass(frozen=True)
class Episodes:
    """The incident of each alarm, given as (window start, target), and the alarms that made one worse.

    `opened` and `closed` give incidents by window start; `last` is the open incident at the end.
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
        Targets with an alarm, of every judged partition up to now; empty for none.
    before : Open, optional
        The open incident before the first of these partitions.
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
        The open incident before the first row of `past`.
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
    """Return the flagged of `rows`, most important first.

    Facts come first, then columns by their largest deviation in spreads, those with an alarm on all rows
    before others where equal. Within a column, metrics in `OBSCURE` come after others, and segments after
    all rows.
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
    """Return `rows`, the flagged ones with their incident."""
    return [
        replace(row, incident=found.of.get((row.window_start, target(row)))) if row.flagged else row
        for row in rows
    ]


def incident_rows(
    window: Window, as_of: datetime, track: str, rows: Sequence[VerdictRow], found: Episodes
) -> list[IncidentRow]:
    """Return the events of one judged partition: a closed incident, and one event for each alarmed target."""

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
