"""What the demonstration caught: known incidents against the first alarm in each, and what else rang."""

from collections.abc import Sequence
from datetime import UTC, date
from textwrap import wrap
from typing import Any

import pyarrow as pa

from definitions.flights.late_arrival.incident import KNOWN, Incident
from lupus_assets.declare import MonitoredModel
from lupus_assets.ports import MetricStore

Event = dict[str, Any]  # a row of the table ``incidents``, and its local day

TRACK = "champion"
WIDTH = 110
LINE = "{:<52}{:<17}{:<13}{}"
AFTERMATH_PARTITIONS = 7  # alarms this soon after an incident that was caught are its echo in the histories


def report(model: MonitoredModel, store: MetricStore) -> str:
    """Return the table of known incidents, and those that opened outside them."""
    events = _events(store.read("incidents", model=model.name, track=TRACK), model)
    lines = [
        f"\nWhat the {TRACK} was caught at. Scripted incidents are marked *, the others really happened.\n"
    ]
    lines += [LINE.format("incident", "when", "first alarm", "column named")]
    lines += ["-" * WIDTH]
    caught = []
    for incident in KNOWN:
        mine = [event for event in events if incident.covers(event["day"])]
        lines += _row(incident, mine)
        caught += [incident] if mine else []
    outside = {
        event["incident"]: event
        for event in reversed(events)  # of an incident its first event stands
        if event["event"] == "opened" and not any(_near(incident, event["day"]) for incident in caught)
    }
    opened = sorted(outside.values(), key=lambda event: event["day"])
    lines += ["", _by_month([event["day"] for event in opened], model)]
    for event in opened:
        said = wrap(event["sentence"], WIDTH - 10)
        lines += [f"    {event['day']:%d %b}  {said[0]}", *(f"{'':12}{line}" for line in said[1:])]
    return "\n".join(lines)


def _events(table: pa.Table, model: MonitoredModel) -> list[Event]:
    """Return what alarms there were in the order they were found, with their local day."""
    rows = [row for row in table.to_pylist() if row["event"] != "closed"]
    for row in rows:
        row["day"] = row["window_start"].replace(tzinfo=UTC).astimezone(model.cadence.zone).date()
    return rows


def _row(incident: Incident, events: Sequence[Event]) -> list[str]:
    name = f"{incident.name}{' *' if incident.scripted else ''}"
    when = f"{incident.first:%d %b}" + (
        "" if incident.first == incident.last else f" - {incident.last:%d %b}"
    )
    if not events:
        return [LINE.format(name, when, "not caught", "").rstrip()]
    first = min(event["day"] for event in events)
    named = list(dict.fromkeys(event["column_name"] for event in events if event["day"] == first))
    more = f" (and {len(named) - 1} more)" if len(named) > 1 else ""
    sentence = next(event["sentence"] for event in events if event["day"] == first)
    said = wrap(sentence, WIDTH - 4, initial_indent="    ", subsequent_indent="    ")
    return [LINE.format(name, when, str(first), f"{named[0]}{more}"), *said]


def _near(incident: Incident, day: date) -> bool:
    return 0 <= (day - incident.first).days <= (incident.last - incident.first).days + AFTERMATH_PARTITIONS


def _by_month(days: Sequence[date], model: MonitoredModel) -> str:
    start, end = model.cadence.start_instant.date(), model.cadence.end_instant
    last = 12 if end is None or end.year > start.year else end.month - 1
    months = [
        f"{date(start.year, month, 1):%b} {sum(day.month == month for day in days)}"
        for month in range(start.month, last + 1)
    ]
    return f"Incidents opened outside them, by month: {', '.join(months)}."
