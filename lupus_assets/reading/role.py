"""The role of each column of a prediction log: the kind of its profile, and the family of its metrics."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.column import Features
from lupus_assets.reading.arrow import Kind, natural_kind

Family = Literal["input", "prediction", "target"]


@dataclass(frozen=True)
class Role:
    """One profiled column.

    Attributes
    ----------
    column : str
    kind : {"numeric", "categorical", "timestamp", "identity"}
        ``identity`` keeps nulls and distinct counts only: no value of a key or an entity is stored.
    family : {"input", "prediction", "target"}
    private : bool
        Values are never stored, not even as categories.
    """

    column: str
    kind: str
    family: Family
    private: bool


def kinds(model: MonitoredModel, schema: pa.Schema) -> dict[str, str]:
    """Return the kind of every profiled column: declared ones first, then the features.

    With ``features: auto`` every column not declared otherwise is a feature, of the kind of its Arrow type;
    nested and binary columns have no profile and are left out. A private number or time is profiled as an
    identity: its extremes, bins and moments would disclose values.
    """
    declared: dict[str, str] = dict(_declared(model))
    private = set(model.columns.private)
    features = {name: kind for name, kind in _features(model, schema) if name not in declared}
    return declared | {
        name: "identity" if name in private and kind != "categorical" else kind
        for name, kind in features.items()
    }


def roles(model: MonitoredModel, kinds: Mapping[str, str]) -> tuple[Role, ...]:
    """Return the role of every column, with `kinds` from the frozen reference."""
    columns = model.columns
    families: dict[str, Family] = {columns.prediction.column: "prediction"}
    if columns.label is not None:
        families[columns.label.column] = "target"
    private = set(columns.private)
    return tuple(
        Role(column, kind, families.get(column, "input"), column in private) for column, kind in kinds.items()
    )


def _declared(model: MonitoredModel) -> Iterator[tuple[str, Kind]]:
    columns = model.columns
    yield columns.timestamp, "timestamp"
    for identity in (columns.key, columns.entity):
        if identity is not None:
            yield identity, "identity"
    if columns.version is not None:
        yield columns.version, "categorical"
    predicted: Kind = "categorical" if columns.prediction.kind == "class" else "numeric"
    yield columns.prediction.column, predicted
    if columns.label is not None:
        yield columns.label.column, predicted


def named_columns(model: MonitoredModel) -> frozenset[str]:
    """Return the columns named in a declaration; features of ``features: auto`` are not."""
    columns = model.columns
    listed = columns.features if isinstance(columns.features, Features) else Features()
    arrivals = (columns.arrival, columns.label.arrival if columns.label else None)
    names = (*(name for name, _ in _declared(model)), *listed.numeric, *listed.categorical, *arrivals)
    return frozenset(name for name in (*names, *model.segments) if name is not None)


def _features(model: MonitoredModel, schema: pa.Schema) -> Iterator[tuple[str, Kind]]:
    columns = model.columns
    if isinstance(columns.features, Features):
        yield from ((column, "numeric") for column in columns.features.numeric)
        yield from ((column, "categorical") for column in columns.features.categorical)
        return
    arrivals = (columns.arrival, columns.label.arrival if columns.label else None)
    for field in schema:
        kind = natural_kind(field.type)
        if kind is not None and field.name not in arrivals:
            yield field.name, kind


def needed(model: MonitoredModel, roles: tuple[Role, ...]) -> tuple[str, ...]:
    """Return the names of all columns that profiling reads: profiled, arrival and segment columns."""
    columns = model.columns
    extra = (columns.arrival, columns.label.arrival if columns.label else None, *model.segments)
    names = [role.column for role in roles] + [name for name in extra if name]
    return tuple(dict.fromkeys(names))
