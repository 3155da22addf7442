"""A declaration without a mistake, and how tests put mistakes into it."""

from pathlib import Path

import pytest

from lupus_assets.declare import load
from lupus_assets.errors import DeclarationError

GOOD = """\
type: lupus_assets.assets.MonitoredModel
attributes:
  model: late_arrival
  team: flights
  cadence: {every: day, start: 2013-05-01, end: 2014-01-01}
  tracks:
    champion: {parquet: "{partition}.parquet"}
    challenger: {function: "flights.log:rows"}
  columns:
    timestamp: time_hour
    key: flight_id
    entity: tail_number
    prediction: {score: p_late}
    label: {column: late}
    features: {numeric: [temp, hour], categorical: [origin]}
    private: [temp]
  segments: [origin]
  groups:
    weather: [temp]
  reference: {from: 2013-05-01, to: 2013-06-30}
  rules:
    - {metric: row_count, below: 500}
  compare: [{old: champion, new: challenger}]
"""


def write(folder: Path, text: str, name: str = "defs.yaml") -> Path:
    """Write a declaration."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(folder: Path, text: str) -> list[str]:
    """Return what is wrong with a declaration, paths relative to its folder."""
    path = write(folder, text)
    with pytest.raises(DeclarationError) as caught:
        load(path)
    assert {problem.file for problem in caught.value.problems} == {str(path)}
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


def swapped(old: str, new: str) -> str:
    """Return the good declaration with one piece replaced."""
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)
