"""The asset keys of a model. Dagit's graph shows only the last part, so it says model and track."""

import dagster as dg

from lupus_assets.declare import MonitoredModel

STEPS = ("profile", "metrics", "verdicts")


def reference_key(model: MonitoredModel) -> dg.AssetKey:
    """Return the key of the model's frozen reference."""
    return dg.AssetKey([model.team, model.model, f"{model.model}_reference"])


def log_key(model: MonitoredModel, track: str) -> dg.AssetKey:
    """Return the key of a track's prediction log, an external asset."""
    return dg.AssetKey([model.team, model.model, f"{model.model}_{track}_log"])


def step_key(model: MonitoredModel, track: str, step: str) -> dg.AssetKey:
    """Return the key of one step of a track."""
    return dg.AssetKey([model.team, model.model, f"{model.model}_{track}_{step}"])


def comparison_key(model: MonitoredModel, old: str, new: str) -> dg.AssetKey:
    """Return the key of the comparison of two tracks."""
    return dg.AssetKey([model.team, model.model, f"{model.model}_{old}_vs_{new}"])


def upstream_key(name: str) -> dg.AssetKey:
    """Return the key of an upstream table, ``warehouse/flights`` being two parts."""
    return dg.AssetKey(name.split("/"))
