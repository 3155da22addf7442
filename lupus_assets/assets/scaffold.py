"""A template of a declaration, for ``dg scaffold defs lupus_assets.assets.MonitoredModel <team>/<model>``."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from string import Template

import dagster as dg
from pydantic import BaseModel

from lupus_assets.declare.rhythm import NAMED, SPELLINGS

FILE = "defs.yaml"
DECLARATION = Template(
    """\
type: $type
attributes:
  model: $model
  team: $team
  description: What does it predict, and for whom?
  owners: [$team@example.com]
  # every: $spellings or a cron string. start: the first day of the log.
  # grace: how long after its end a partition is due.
  cadence: {every: day, start: $start, timezone: UTC, grace: 6h}
  # upstream: [warehouse/table]        # tables that the model reads, for lineage
  tracks:
    # One per served or candidate version; {partition} is the day here, {start:%Y/%m/%d} works too.
    champion: {parquet: "$model/champion/{partition}.parquet"}
  columns:
    timestamp: predicted_at            # when the prediction was made
    key: row_id                        # unique per row; or leave the line out
    prediction: {score: score}         # a probability; or {class: column}, {value: column}
    # label: {column: label, arrives_within: 3d}   # what turned out to be true, and when that is known
    # features: every other column, unless listed: {numeric: [a], categorical: [b]}
  # segments: [country]                # slices that are judged one by one
  # reference, by default the first partitions ($lengths).
  # reference: {from: $start, to: $end}
  rules:
    - {metric: row_count, below: 1}    # the team's own thresholds
"""
)


class DeclarationScaffolder(dg.Scaffolder[BaseModel]):
    """Writes a small, complete declaration, of which only paths and columns have to be edited."""

    def scaffold(self, request: dg.ScaffoldRequest[BaseModel]) -> None:
        """Write ``defs.yaml`` into the folder ``…/<team>/<model>`` of the request."""
        if request.append or request.scaffold_format != "yaml":
            raise ValueError("a monitored model is one defs.yaml in a folder of its own; give a new folder")
        text = declaration(request.target_path, request.type_name, datetime.now(UTC).date())
        (request.target_path / FILE).write_text(text, encoding="utf-8")


def declaration(folder: Path, type_name: str, today: date) -> str:
    """Return a declaration; `folder` gives the name of the model, and its parent the name of the team."""
    start = today.replace(day=1)
    return DECLARATION.substitute(
        type=type_name,
        model=_name(folder.name, "model"),
        team=_name(folder.parent.name, "team"),
        start=start,
        end=start.replace(day=28),
        spellings=SPELLINGS,
        lengths=", ".join(f"{every}: {rhythm.reference_length}" for every, rhythm in NAMED.items()),
    )


def _name(folder: str, otherwise: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "_", folder.lower()).strip("_") or otherwise
