"""A small installation for tests: logs of a few hundred rows, a location over them, an instance.

Imported by the tests of Dagster and end to end; not a test.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lupus_assets.assets import load_location
from lupus_assets.assets.key import checked_key, step_key
from lupus_assets.assets.operation import group_slug
from lupus_assets.assets.partition import partitions_of, window_of
from lupus_assets.declare import MonitoredModel
from lupus_assets.pipeline import Pipeline
from lupus_assets.records import Window
from lupus_assets.resources.installation import Embedded


def small_model(name: str = "score", **overrides: object) -> MonitoredModel:
    """Return a daily model with a label, two features and one track, over the spring of 2013."""
    declared: dict[str, object] = {
        "model": name,
        "team": "shop",
        "owners": ["shop@example.com"],
        "cadence": {"every": "day", "start": "2013-03-01", "end": "2013-06-01", "grace": "6h"},
        "tracks": {"champion": {"parquet": f"{name}/champion/{{partition}}.parquet"}},
        "columns": {
            "timestamp": "at",
            "key": "id",
            "prediction": {"score": "p"},
            "label": {"column": "bought"},
        },
        "reference": {"from": "2013-03-01", "to": "2013-03-07"},
    }
    return MonitoredModel.model_validate(declared | overrides)


def small_rows(window: Window, count: int = 300) -> pa.Table:
    """Return rows of one window; the same window gives the same rows."""
    rng = np.random.default_rng(int(window.start.timestamp()))
    amount = rng.normal(20, 5, count)
    score = 1 / (1 + np.exp(-(amount - 20) / 5 + rng.normal(0, 0.5, count)))
    span = (window.end - window.start) / timedelta(seconds=1)
    seconds = np.sort(rng.uniform(0, span, count)).astype(int)
    return pa.table(
        {
            "at": pa.array([window.start + timedelta(seconds=int(each)) for each in seconds]),
            "id": [f"{window.start:%Y%m%d%H}-{row}" for row in range(count)],
            "amount": amount,
            "channel": rng.choice(["web", "app", "shop"], count),
            "p": score,
            "bought": rng.random(count) < score,
        }
    )


@dataclass
class Site:
    """One installation: its folder, its models, its location."""

    home: Path
    models: Sequence[MonitoredModel]
    instance: dg.DagsterInstance
    location: dg.Definitions

    @classmethod
    def of(cls, home: Path, models: Sequence[MonitoredModel], instance: dg.DagsterInstance) -> "Site":
        """Return an installation below `home` without any log yet."""
        return cls(home, models, instance, load_location(home, home / "none", resources_of(home), models))

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline that the location's assets use."""
        return Embedded(home=str(self.home), data_root=str(self.home / "data"), salt="test").pipeline()

    def windows(self, model: MonitoredModel, first: str, last: str) -> list[Window]:
        """Return the windows from the first to the last key, both included."""
        keys = partitions_of(model.cadence.group).get_partition_keys_in_range(
            dg.PartitionKeyRange(first, last)
        )
        return [window_of(partitions_of(model.cadence.group), key) for key in keys]

    def log(self, model: MonitoredModel, window: Window, track: str = "champion") -> Path:
        """Return where the log of a window is, or would be."""
        pattern = model.tracks[track].parquet or ""
        return self.home / "data" / pattern.format(partition=window.key)

    def write(
        self,
        model: MonitoredModel,
        windows: Iterable[Window],
        *,
        track: str = "champion",
        rows: Mapping[str, pa.Table] | None = None,
    ) -> None:
        """Write the log of `windows`; `rows` replaces what some keys hold."""
        for window in windows:
            path = self.log(model, window, track)
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table((rows or {}).get(window.key) or small_rows(window), path)

    def run(
        self,
        model: MonitoredModel,
        keys: str | tuple[str, str],
        assets: Sequence[dg.AssetKey] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """Execute the real job of a model's cadence group over one key or a range of them."""
        tags = dict(tags or {})
        if not isinstance(keys, str):
            tags |= {
                "dagster/asset_partition_range_start": keys[0],
                "dagster/asset_partition_range_end": keys[1],
            }
        return self.location.resolve_job_def(group_slug(model.cadence.group)).execute_in_process(
            instance=self.instance,
            partition_key=keys if isinstance(keys, str) else None,
            asset_selection=assets,
            tags=tags,
            raise_on_error=False,
        )

    def checked(self, model: MonitoredModel, check: str, track: str = "champion") -> dict[str, "Checked"]:
        """Return the latest result of a check for every partition that has one."""
        key = dg.AssetCheckKey(checked_key(model, track), check)
        storage = self.instance.event_log_storage
        current = {
            each.partition_key: each.is_current for each in storage.get_asset_check_partition_info([key])
        }
        found: dict[str, Checked] = {}
        for record in storage.get_asset_check_execution_history(key, limit=10_000):  # newest first
            event = record.event.dagster_event if record.event else None
            said = None if event is None else event.event_specific_data
            if isinstance(said, dg.AssetCheckEvaluation) and said.partition not in found:
                found[said.partition or ""] = Checked(
                    said.passed, said.description or "", current[said.partition]
                )
        return found

    def materialised(self, model: MonitoredModel, step: str, track: str = "champion") -> set[str]:
        """Return the keys of a step that were materialised, by whatever test of the module."""
        return self.instance.get_materialized_partitions(step_key(model, track, step))


@dataclass(frozen=True)
class Checked:
    """The latest result of one check at one partition, and whether Dagit counts it as current."""

    passed: bool
    sentence: str
    current: bool


def resources_of(home: Path) -> dict[str, object]:
    return {"lupus": Embedded(home=str(home), data_root=str(home / "data"), salt="test")}


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)
