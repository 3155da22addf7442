"""Drift between two windows of a model: reads the stored profiles and computes the distances."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa

from lupus_assets.errors import StateError, UsageError
from lupus_assets.measuring.drift import COLUMNS, Drift, Frozen, Span, State, check_track, drift, partitions
from lupus_assets.ports import MetricStore
from lupus_assets.reading.table import table_levels
from lupus_assets.stats.codec import reference_marginals


def compare(store: MetricStore, model: str, reference: Span | Frozen, current: Span | Frozen) -> Drift:
    """Return the distances between two windows of a model, of one track or of two.

    Parameters
    ----------
    store : MetricStore
    model : str
        ``team.model``.
    reference, current : Span or Frozen

    Raises
    ------
    UsageError
        A window has no profile, or names none of several tracks.
    StateError
        The windows were profiled against different references, or a stored state is damaged.
    StoreError
    """
    spans = [window for window in (reference, current) if isinstance(window, Span)]
    rows = _rows(store, model, spans)
    before, now = (
        [_frozen(store, model, window)]
        if isinstance(window, Frozen)
        else _states(rows[window], model, window)
        for window in (reference, current)
    )
    return drift(before, now)


def _rows(store: MetricStore, model: str, spans: Sequence[Span]) -> dict[Span, pa.Table]:
    """Return the candidate rows of each span; overlapping spans of one track are read once."""
    if len(spans) == 2 and spans[0].meets(spans[1]):
        since, until = min(span.since for span in spans), max(span.until for span in spans)
        return dict.fromkeys(spans, _read(store, model, spans[0].track, since, until))
    return {span: _read(store, model, span.track, span.since, span.until) for span in spans}


def _read(store: MetricStore, model: str, track: str | None, since: datetime, until: datetime) -> pa.Table:
    return store.read("profiles", model=model, track=track, since=since, until=until, columns=COLUMNS)


def _states(rows: pa.Table, model: str, window: Span) -> list[dict[str, State]]:
    check_track(table_levels(rows, "track")[0], model, window)
    found = partitions(rows, window)
    if not found:
        raise UsageError(f"{model} has no profile in {window}; materialise it, or give other days")
    return found


def _frozen(store: MetricStore, model: str, window: Frozen) -> Mapping[str, State]:
    """Return the columns of the latest frozen reference."""
    rows = store.read("frozen_references", model=model, track=window.track).to_pylist()
    check_track((row["track"] for row in rows), model, window)
    if not rows:
        raise UsageError(f"{model} has no {window}; materialise it first")
    latest = max(rows, key=lambda row: row["as_of"])
    try:
        return reference_marginals(latest["state"])
    except StateError as error:
        team, _, name = model.partition(".")
        raise StateError(
            f"{team}/{name}: the stored reference of {latest['track']}: {error};"
            f" materialise {name}_reference, then all partitions"
        ) from error
