"""Two windows of a model from its stored profiles: read, compute."""

from lupus_assets.errors import UsageError
from lupus_assets.monitor.drift import COLUMNS, Drift, Span, State, check_track, drift, partitions
from lupus_assets.ports import MetricStore


def compare(store: MetricStore, model: str, reference: Span, current: Span) -> Drift:
    """Return how far one window of a model lies from another, of the same track or of two.

    Parameters
    ----------
    store : MetricStore
    model : str
        ``team.model``.
    reference, current : Span

    Raises
    ------
    UsageError
        A window has no profile, or does not say of which of several tracks.
    StateError
        The windows were profiled against different references.
    StoreError
    """
    return drift(_states(store, model, reference), _states(store, model, current))


def _states(store: MetricStore, model: str, span: Span) -> list[dict[str, State]]:
    rows = store.read(
        "profiles", model=model, track=span.track, since=span.since, until=span.until, columns=COLUMNS
    )
    found = partitions(rows, span)
    if span.track is None:
        check_track(rows["track"].to_pylist(), model)
    if not found:
        raise UsageError(f"{model} has no profile in {span}; materialise it, or give other days")
    return found
