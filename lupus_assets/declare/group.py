"""Groups of columns by name, over several models."""

from collections.abc import Iterable

from lupus_assets.declare.model import MonitoredModel


def group_columns(name: str, models: Iterable[MonitoredModel]) -> dict[str, frozenset[str]]:
    """Return the columns of the group `name` by ``<team>.<model>``, for the `models` that declare it."""
    return {
        f"{model.team}.{model.model}": frozenset(model.groups[name])
        for model in models
        if name in model.groups
    }
