"""The Dagster component around a declaration: ``type: lupus_assets.assets.MonitoredModel``."""

import warnings
from pathlib import Path
from typing import Self

import dagster as dg
from pydantic import BaseModel

from lupus_assets import declare
from lupus_assets.assets.comparison import comparison_asset
from lupus_assets.assets.reference import external_assets, reference_asset
from lupus_assets.assets.scaffold import DeclarationScaffolder
from lupus_assets.assets.track import track_assets


def definitions_of(model: declare.MonitoredModel, source: Path | None = None) -> dg.Definitions:
    """Return the assets and checks of one declared model, from YAML or made in Python.

    With `source`, the file that declares it, every asset links to it.
    """
    assets: list[dg.AssetsDefinition | dg.AssetSpec] = [
        *external_assets(model),
        reference_asset(model),
        *(track_assets(model, track) for track in model.tracks),
        *(comparison_asset(model, pair) for pair in model.compare),
    ]
    if source is None:
        return dg.Definitions(assets=assets)
    metadata = {"dagster/code_references": _link(source)}
    return dg.Definitions(
        assets=dg.map_asset_specs(lambda spec: spec.merge_attributes(metadata=metadata), assets)
    )


def _link(source: Path) -> dg.CodeReferencesMetadataValue:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=dg.BetaWarning, message=".*CodeReference")
        return dg.CodeReferencesMetadataValue(
            code_references=[
                dg.LocalFileCodeReference(file_path=str(source), line_number=1, label=source.name)
            ]
        )


@dg.scaffold_with(DeclarationScaffolder)
class MonitoredModel(dg.Component):
    """Monitor a model: partitioned profile, metrics, verdicts and checks on its own cadence.

    A declaration needs a team and a model, a cadence, the source of each track's prediction log, and the
    roles of its columns. ``lupus check`` lists every mistake in it by line.
    """

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
