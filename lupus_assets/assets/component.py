"""The Dagster component around a declaration: ``type: lupus_assets.assets.MonitoredModel``."""

from typing import Self

import dagster as dg
from pydantic import BaseModel

from lupus_assets import declare
from lupus_assets.assets.comparison import comparison_asset
from lupus_assets.assets.reference import external_assets, reference_asset
from lupus_assets.assets.track import track_assets


def definitions_of(model: declare.MonitoredModel) -> dg.Definitions:
    """Return the assets and checks of one declared model, from YAML or made in Python."""
    return dg.Definitions(
        assets=[
            *external_assets(model),
            reference_asset(model),
            *(track_assets(model, track) for track in model.tracks),
            *(comparison_asset(model, pair) for pair in model.compare),
        ]
    )


class MonitoredModel(dg.Component):
    """Monitor a model: partitioned profile, metrics, verdicts and checks on its own cadence."""

    def __init__(self, declaration: declare.MonitoredModel) -> None:
        self.declaration = declaration

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """Return the pydantic model of the attributes, for editor schemas and scaffolding."""
        return declare.MonitoredModel

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Return the component of a validated declaration."""
        if not isinstance(attributes, declare.MonitoredModel):
            raise TypeError(f"{context.path} has no attributes; declare at least a model and its team")
        return cls(attributes)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002  # Dagster's signature
        """Return the definitions of the model."""
        return definitions_of(self.declaration)
