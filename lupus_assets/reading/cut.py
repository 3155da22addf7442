"""Cuts of a partition: the data times up to which rows and labels are visible to a judgement."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lupus_assets.declare import MonitoredModel
from lupus_assets.records import Place, Window


@dataclass(frozen=True, order=True)
class Cut:
    """One judgement of a partition.

    Attributes
    ----------
    as_of : datetime
        Aware UTC; rows and labels that arrive later are invisible.
    rows : bool
        Whether the cut covers the rows: inputs and predictions.
    labels : bool
        Whether the cut covers the labels: target and performance.
    """

    as_of: datetime
    rows: bool
    labels: bool


def cuts(model: MonitoredModel, window: Window) -> tuple[Cut, ...]:
    """Return the cuts of `window`: one at its due time, and a later one at the due time of its labels.

    There is one cut if no label is declared, or if the labels are due no later than the rows.
    """
    due = window.end + model.cadence.grace
    label = model.columns.label
    if label is None:
        return (Cut(due, rows=True, labels=False),)
    labelled = window.end + label.delay
    if labelled <= due:
        return (Cut(due, rows=True, labels=True),)
    return Cut(due, rows=True, labels=False), Cut(labelled, rows=False, labels=True)


def open_cuts(model: MonitoredModel, window: Window, now: datetime) -> tuple[Cut, ...]:
    """Return the cuts of `window` that can be judged at `now`.

    A log without arrival times is complete, so its rows are judged from the end of the window on; labels,
    and rows with arrival times, wait for their cut.
    """
    complete = model.columns.arrival is None
    return tuple(
        cut
        for cut in cuts(model, window)
        if now >= cut.as_of or (complete and not cut.labels and now >= window.end)
    )


def labels_behind(model: MonitoredModel) -> timedelta:
    """Return how long after a partition's rows its labels are judged, in whole partitions."""
    label, period = model.columns.label, model.cadence.period
    return timedelta(0) if label is None else -(-label.delay // period) * period


def place(model: MonitoredModel, track: str, window: Window, as_of: datetime) -> Place:
    """Return the place of one judgement's rows in every table."""
    month = model.cadence.month(window.start)
    return Place(model=model.name, track=track, start=window.start, as_of=as_of, month=month)
