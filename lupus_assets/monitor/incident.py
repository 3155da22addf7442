"""Alarms of one track that belong together, in time order.

An incident opens with an alarm after quiet, is joined by the alarms that follow, and is closed
after `QUIET` partitions without one. It is a function of the flags, so a backfill finds the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lupus_assets.monitor.wording import target
from lupus_assets.records import IncidentRow, VerdictRow, Window

QUIET = 3  # partitions without an alarm that end an incident: two bad days around a weekend are one


@dataclass(frozen=True)
class Episodes:
    """Which incident each alarmed partition belongs to, by window start; and where incidents closed."""

    of: Mapping[datetime, str]
    opened: frozenset[datetime]
    closed: Mapping[datetime, str]


def episodes(track: str, windows: Sequence[Window], alarmed: Sequence[bool]) -> Episodes:
    """Return the incidents of one track over consecutive partitions.

    Parameters
    ----------
    track : str
    windows : sequence of Window
        Every judged partition up to now, in time order.
    alarmed : sequence of bool
        Whether each had an alarm.
    """
    of: dict[datetime, str] = {}
    opened: set[datetime] = set()
    closed: dict[datetime, str] = {}
    current, quiet = "", 0
    for window, alarm in zip(windows, alarmed, strict=True):
        if alarm:
            if not current:
                current = f"{track}/{window.key}"
                opened.add(window.start)
            of[window.start], quiet = current, 0
        elif current:
            quiet += 1
            if quiet >= QUIET:
                closed[window.start] = current
                current, quiet = "", 0
    return Episodes(of, frozenset(opened), closed)


def ranked(rows: Sequence[VerdictRow]) -> list[VerdictRow]:
    """Return the flagged of `rows`, most telling first.

    Facts come first, then what deviates by most spreads; all rows before their segments.
    """
    flagged = [row for row in rows if row.flagged]
    return sorted(flagged, key=lambda row: (row.rule != "fact", -(row.surprise or 0.0), row.segment != "*"))


def marked(rows: Sequence[VerdictRow], found: Episodes) -> list[VerdictRow]:
    """Return `rows` with the incident that each flagged one belongs to."""
    return [replace(row, incident=found.of.get(row.window_start)) if row.flagged else row for row in rows]


def incident_rows(
    window: Window, as_of: datetime, track: str, rows: Sequence[VerdictRow], found: Episodes
) -> list[IncidentRow]:
    """Return the events of one judged partition: each alarmed target once, or the close of an incident."""

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

    if window.start in found.closed:
        said = f"no alarm in {QUIET} partitions"
        return [event("closed", found.closed[window.start], None, said)]
    events: list[IncidentRow] = []
    named: set[str] = set()
    for row in ranked(rows):
        if target(row) not in named:
            named.add(target(row))
            first = not events and window.start in found.opened
            events.append(event("opened" if first else "joined", found.of[window.start], row, row.sentence))
    return events
