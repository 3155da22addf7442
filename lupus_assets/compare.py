"""Two windows of a model from its stored profiles: read, compute."""

from lupus_assets.errors import UsageError
from lupus_assets.monitor.drift import COLUMNS, Drift, Frozen, Span, State, check_track, drift, partitions
from lupus_assets.monitor.rows import EVERYTHING
from lupus_assets.ports import MetricStore
from lupus_assets.stats.codec import from_bytes


def compare(store: MetricStore, model: str, reference: Span | Frozen, current: Span | Frozen) -> Drift:
    """Return how far one window of a model lies from another, of the same track or of two.

    Parameters
    ----------
    store : MetricStore
    model : str
        ``team.model``.
    reference, current : Span or Frozen

    Raises
    ------
    UsageError
        A window has no profile, or does not say of which of several tracks.
    StateError
        The windows were profiled against different references.
    StoreError
    """
    return drift(_states(store, model, reference), _states(store, model, current))


def _states(store: MetricStore, model: str, window: Span | Frozen) -> list[dict[str, State]]:
    if isinstance(window, Frozen):
        return [_frozen(store, model, window)]
    rows = store.read(
        "profiles", model=model, track=window.track, since=window.since, until=window.until, columns=COLUMNS
    )
    check_track(rows["track"].to_pylist(), model, window)
    found = partitions(rows, window)
    if not found:
        raise UsageError(f"{model} has no profile in {window}; materialise it, or give other days")
    return found


def _frozen(store: MetricStore, model: str, window: Frozen) -> dict[str, State]:
    """Return the columns of the reference that was frozen last."""
    rows = store.read("frozen_references", model=model, track=window.track).to_pylist()
    check_track((row["track"] for row in rows), model, window)
    if not rows:
        raise UsageError(f"{model} has no {window}; materialise it first")
    columns = from_bytes(max(rows, key=lambda row: row["as_of"])["state"]).columns[EVERYTHING]
    return {name: reference.column for name, reference in columns.items()}
