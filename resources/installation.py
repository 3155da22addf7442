"""The embedded installation: tables as Parquet files below one folder, no service."""

from pathlib import Path

import dagster as dg

from lupus_assets.declare import MonitoredModel
from lupus_assets.pipeline import Pipeline
from lupus_assets.ports import Source
from lupus_assets.sinks.folder import Folder
from lupus_assets.sinks.parquet import ParquetStore
from lupus_assets.sources.function import FunctionSource
from lupus_assets.sources.parquet import ParquetSource


class Embedded(dg.ConfigurableResource):  # type: ignore[type-arg]  # generic in the value it hands out: itself
    """Everything in one folder.

    Attributes
    ----------
    home : str
        Folder of the warehouse; relative to the folder the process runs in.
    data_root : str
        Folder that the declarations' paths are relative to.
    salt : str
        Key of the hashes that stand for keys, entities and rare categories. Whoever knows it can
        try out values, so a shared warehouse needs a secret one.
    """

    home: str
    data_root: str
    salt: str

    def pipeline(self) -> Pipeline:
        """Return the pipeline over this installation's store and logs."""
        return Pipeline(
            store=ParquetStore(Folder(Path(self.home) / "warehouse")),
            source=self._source,
            salt=self.salt.encode(),
        )

    def _source(self, model: MonitoredModel, track: str) -> Source:
        declared = model.tracks[track]
        if declared.function is not None:
            return FunctionSource.from_path(declared.function)
        return ParquetSource(declared.parquet or "", Path(self.data_root), model.cadence.zone)
