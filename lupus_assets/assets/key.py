"""The asset keys of a model; the last part, the only one in Dagit's graph, names model and track."""

from collections.abc import Iterator

import dagster as dg

from lupus_assets.declare import MonitoredModel

STEPS = ("profile", "metrics", "verdicts")


def step_prefix(model: MonitoredModel) -> str:
    """Return the prefix of the names of the model's steps in a run."""
    return f"{model.team}__{model.model}"


def reference_key(model: MonitoredModel) -> dg.AssetKey:
    """Return the key of the model's frozen reference."""
    return dg.AssetKey([model.team, model.model, f"{model.model}_reference"])


def log_key(model: MonitoredModel, track: str) -> dg.AssetKey:
    """Return the key of a track's prediction log, an external asset."""
    return dg.AssetKey([model.team, model.model, f"{model.model}_{track}_log"])


def step_key(model: MonitoredModel, track: str, step: str) -> dg.AssetKey:
    """Return the key of one step of a track."""
    return dg.AssetKey([model.team, model.model, f"{model.model}_{track}_{step}"])


def checked_key(model: MonitoredModel, track: str) -> dg.AssetKey:
    """Return the key of the asset that a track's checks belong to: its verdicts."""
    return step_key(model, track, "verdicts")


def comparison_key(model: MonitoredModel, old: str, new: str) -> dg.AssetKey:
    """Return the key of the comparison of two tracks."""
    return dg.AssetKey([model.team, model.model, f"{model.model}_{old}_vs_{new}"])


def upstream_key(name: str) -> dg.AssetKey:
    """Return the key of an upstream table; ``warehouse/flights`` has two parts."""
    return dg.AssetKey(name.split("/"))


def made_keys(model: MonitoredModel) -> Iterator[dg.AssetKey]:
    """Yield the keys of all partitioned assets of a model."""
    for track in model.tracks:
        yield from (step_key(model, track, step) for step in STEPS)
    yield from (comparison_key(model, pair.old, pair.new) for pair in model.compare)


def given_keys(model: MonitoredModel) -> Iterator[dg.AssetKey]:
    """Yield the keys of a model's inputs: its reference and its logs."""
    yield reference_key(model)
    yield from (log_key(model, track) for track in model.tracks)
