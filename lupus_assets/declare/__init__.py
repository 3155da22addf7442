"""Declarations of models by teams, and the checks of a declaration.

`load` reads a file; the same objects can be built in Python. Does not belong here: Dagster and data.
`reading` and `profiling` apply a declaration to rows, `assets` converts it to Dagster objects.

>>> model = MonitoredModel(
...     model="late_arrival",
...     team="flights",
...     cadence=Cadence(every="day", start="2013-05-01", timezone="America/New_York", grace="6h"),
...     tracks={"champion": Track(parquet="late_arrival/{partition}.parquet")},
...     columns=Columns(timestamp="time_hour", prediction=Prediction(score="p_late")),
... )
>>> model.key
'flights/late_arrival'
"""

from lupus_assets.declare.cadence import Cadence, CadenceGroup
from lupus_assets.declare.column import Columns, Decision, Features, Label, Prediction
from lupus_assets.declare.duration import Duration, format_duration, parse_duration
from lupus_assets.declare.load import find, load, load_all
from lupus_assets.declare.metric import METRICS
from lupus_assets.declare.model import Compare, MonitoredModel, Reference
from lupus_assets.declare.rule import Alarms, RecentChange, Rule
from lupus_assets.declare.track import Track

__all__ = [
    "METRICS",
    "Alarms",
    "Cadence",
    "CadenceGroup",
    "Columns",
    "Compare",
    "Decision",
    "Duration",
    "Features",
    "Label",
    "MonitoredModel",
    "Prediction",
    "RecentChange",
    "Reference",
    "Rule",
    "Track",
    "find",
    "format_duration",
    "load",
    "load_all",
    "parse_duration",
]
