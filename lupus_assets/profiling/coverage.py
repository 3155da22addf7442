"""The inputs of a model in its surrogate and its correlations: not all, if the model is wide."""

from lupus_assets.declare import MonitoredModel
from lupus_assets.reading.role import roles
from lupus_assets.records import EVERYTHING
from lupus_assets.stats.reference.frozen import Reference
from lupus_assets.stats.reference.numeric import NumericReference


def coverage(model: MonitoredModel, reference: Reference) -> str | None:
    """Return a sentence on inputs left out of the surrogate or the correlations; None if there are none."""
    known = reference.columns[EVERYTHING]
    family = {role.column: role.family for role in roles(model, reference.kinds)}
    inputs = {name for name in known if family.get(name) == "input"}
    parts = []
    if reference.surrogate is not None:
        explaining = len(inputs.intersection(reference.surrogate.design.names))
        if explaining < len(inputs):
            parts.append(f"{explaining:,} explain the score")
    if reference.association is not None:
        names = reference.association.names
        scored = model.columns.prediction.column in names
        ranked = inputs if scored else {name for name in inputs if isinstance(known[name], NumericReference)}
        if not ranked.issubset(names):
            parts.append(f"{len(inputs.intersection(names)):,} are correlated with each other")
    if not parts:
        return None
    return f"of {len(inputs):,} inputs, {' and '.join(parts)}; the others are monitored one by one"
