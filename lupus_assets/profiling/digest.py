"""The part of a declaration that a frozen reference depends on, as a digest."""

import hashlib
import json
from collections.abc import Iterator

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.column import Features, Label

HASHED = "siphash"  # a reference whose categories are hashed otherwise is stale


def declared(model: MonitoredModel) -> str:
    """Return what identifies the part of a declaration that a reference depends on: 16 hex digits.

    It covers what profiling reads, and of that what is not as it is by default: a setting that is new
    in a later version leaves the digest of every declaration that does not use it. The order of lists is
    left out as well.
    """
    parts = {name: value for name, value in _read(model) if value not in (None, [])}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{HASHED} {text}".encode()).hexdigest()[:16]


def _read(model: MonitoredModel) -> Iterator[tuple[str, object]]:
    """Yield what profiling reads; None or an empty list is the default."""
    columns, label, cadence = model.columns, model.columns.label, model.cadence
    for name in ("timestamp", "arrival", "key", "entity", "version"):
        yield name, getattr(columns, name)
    yield columns.prediction.kind, columns.prediction.column
    if isinstance(columns.features, Features):
        kinds = {"numeric": columns.features.numeric, "categorical": columns.features.categorical}
        yield "features", {kind: sorted(names) for kind, names in kinds.items()}
    yield "private", sorted(columns.private)
    yield "segments", sorted(model.segments)
    yield "every", cadence.every
    yield "zone", _unless(cadence.timezone, "UTC")
    yield "timezone", _unless(columns.timezone, cadence.timezone)
    if label is not None:
        yield from _of_label(label)
        if model.decision is not None:  # of scores with their labels
            yield "threshold", _unless(model.decision.threshold, 0.5)
    if columns.arrival is not None or (label is not None and label.arrival is not None):
        # When a partition is judged decides what it holds only where rows or labels say when they came.
        yield "grace", _unless(cadence.grace.total_seconds(), 0.0)
        yield "arrives_within", None if label is None else _unless(label.delay.total_seconds(), 0.0)


def _of_label(label: Label) -> Iterator[tuple[str, object]]:
    yield "label", label.column
    yield "label_arrival", label.arrival
    yield "positive", None if label.positive is True else label.positive  # 1 is another value than true


def _unless(value: object, default: object) -> object:
    return None if value == default else value
