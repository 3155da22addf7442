"""The part of a declaration that a frozen reference depends on, as a digest."""

import hashlib
import json
from collections.abc import Iterator

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.column import Features, Label

HASH_FUNCTION = "siphash"  # of categories; a reference with another one is stale


def declared(model: MonitoredModel) -> str:
    """Return the digest of the settings that a reference depends on: 16 hex digits.

    It covers the settings that profiling reads, without those at their default: a setting introduced later
    does not change the digest of declarations without it. The order of lists does not count.
    """
    parts = {name: value for name, value in _read(model) if value not in (None, [])}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{HASH_FUNCTION} {text}".encode()).hexdigest()[:16]


def _read(model: MonitoredModel) -> Iterator[tuple[str, object]]:
    """Yield the settings that profiling reads; None or an empty list for the default."""
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
        if model.decision is not None:  # of the counts by label and decision
            yield "threshold", _unless(model.decision.threshold, 0.5)
    if columns.arrival is not None or (label is not None and label.arrival is not None):
        # The time of a cut changes its rows or labels only where they have arrival times.
        yield "grace", _unless(cadence.grace.total_seconds(), 0.0)
        yield "arrives_within", None if label is None else _unless(label.delay.total_seconds(), 0.0)


def _of_label(label: Label) -> Iterator[tuple[str, object]]:
    yield "label", label.column
    yield "label_arrival", label.arrival
    yield "positive", None if label.positive is True else label.positive  # 1 is not True here


def _unless(value: object, default: object) -> object:
    return None if value == default else value
