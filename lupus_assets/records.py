"""Frozen rows that cross a boundary: windows, places, months, and the rows of every table.

The columns of a table are the fields of its row class, in their order; sinks derive their schemas from them.
``model`` is not a field: it is part of the `Place`. Times are aware UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

EVERYTHING = "*"  # the version, and the segment, of all rows
ALARM, NOTICE = "alarm", "notice"  # severities of a verdict: alarmed; outside its range, but explained
# Rules of a verdict that no team declared: the range from the history, and facts, which need no history.
HISTORY_RULE, FACT_RULE = "history", "fact"


@dataclass(frozen=True, order=True)
class Window:
    """One partition of a cadence: ``[start, end)`` in aware UTC, and the key Dagster gives it."""

    start: datetime
    end: datetime
    key: str


@dataclass(frozen=True, order=True)
class Place:
    """The key of one judgement's rows in a table; a file holds one place, and a write replaces one place.

    Attributes
    ----------
    model : str
        ``<team>.<model>``.
    track : str
        Track, or ``<old>~<new>`` in the table of comparisons.
    start : datetime
        Start of the window, aware UTC.
    as_of : datetime
        Data time up to which rows and labels were visible, aware UTC.
    month : str
        ``yyyy-mm`` of the window's start in the cadence's zone.
    """

    model: str
    track: str
    start: datetime
    as_of: datetime
    month: str


@dataclass(frozen=True, order=True)
class Month:
    """The current version of one model and month in a table, for views.

    Attributes
    ----------
    table : str
    model : str
        ``<team>.<model>``.
    month : str
        ``yyyy-mm``.
    location : str
        Path of the folder with its current rows, relative to the warehouse.
    version : str
        Opaque; changes with any file of the month.
    unswept : bool
        Whether it is compacted, and still has superseded files.
    """

    table: str
    model: str
    month: str
    location: str
    version: str
    unswept: bool = False


@dataclass(frozen=True, order=True)
class Entry:
    """One file of an object store: its path with ``/``, and a version that changes with its bytes."""

    path: str
    version: str


AFTER = "~"  # sorts after all other characters of partition keys


@dataclass(frozen=True)
class Pending:
    """Partitions that a run has begun to write, and has not fully reported to Dagster.

    Attributes
    ----------
    run : str
        Dagster's id of the run.
    model : str
        ``<team>.<model>``.
    track : str
        Track, or ``<old>~<new>``.
    parts : frozenset of str
        Names of the asset steps and the checks of the run.
    windows : frozenset of Window
    """

    run: str
    model: str
    track: str
    parts: frozenset[str]
    windows: frozenset[Window]


@dataclass(frozen=True)
class Search:
    """The criteria of a search of alarms; all must hold.

    Attributes
    ----------
    text : str
        Words that must all occur in the sentence, column, metric, segment or rule; empty for all alarms.
    team, model, track : str or None
        Only of these; `model` without its team.
    columns : mapping or None
        Only of these columns, by ``<team>.<model>``: those of a declared group.
    since, until : str or None
        The first and the last partition, included: keys, or days at their beginning, in the zone of their
        model's cadence.
    severity : float
        Least distance from the expected value in spreads; facts and team rules always match.
    most : int
        Largest number of alarms.
    """

    text: str = ""
    team: str | None = None
    model: str | None = None
    track: str | None = None
    columns: Mapping[str, frozenset[str]] | None = None
    since: str | None = None
    until: str | None = None
    severity: float = 0.0
    most: int = 30


@dataclass(frozen=True)
class FoundAlarm:
    """One alarm from a search: a flagged verdict with its incident."""

    model: str
    track: str
    partition_key: str
    window_start: datetime
    segment: str
    column_name: str
    metric: str
    rule: str
    surprise: float | None
    incident: str | None
    sentence: str


@dataclass(frozen=True)
class ReferenceRow:
    """The frozen reference of one track: its state, and its digest in `reference`, which metrics carry."""

    track: str
    window_start: datetime
    window_end: datetime
    as_of: datetime
    rows: int
    reference: str
    borrowed_from: str | None
    state: bytes


@dataclass(frozen=True)
class ProfileRow:
    """One serialised state of a profile: of a column, or of the rows, for one version and segment."""

    track: str
    version: str
    partition_key: str
    window_start: datetime
    as_of: datetime
    segment: str
    column_name: str
    kind: str
    reference: str
    state: bytes


@dataclass(frozen=True)
class MetricRow:
    """One metric value; where it is undefined, `value` is None and `reason` has the reason.

    `lower` and `upper` are the bounds of its 95 % sampling interval, symmetric on the metric's
    variance-stabilised scale; None for metrics without a known sampling variance.
    """

    track: str
    version: str
    partition_key: str
    window_start: datetime
    as_of: datetime
    segment: str
    family: str
    column_name: str
    metric: str
    value: float | None
    lower: float | None
    upper: float | None
    n: int
    reference: str
    reason: str | None


@dataclass(frozen=True)
class VerdictRow:
    """The judgement of one history at one partition, in the metric's own unit.

    `low` and `high` are the expected range: a value outside would have raised an alarm. `surprise` is the
    distance from the expected value in spreads, which still ranks verdicts where `p` is 0. It, `p` and
    `effect` are over the last `partitions` partitions, the most surprising window; `since` is the key of the
    first partition of an alarm. `severity` is ``alarm`` where `flagged`, and ``notice`` where the value is
    outside its range but explained: by other alarms, or by rows that share a timestamp.
    """

    track: str
    version: str
    partition_key: str
    window_start: datetime
    as_of: datetime
    segment: str
    family: str
    column_name: str
    metric: str
    rule: str
    value: float | None
    expected: float | None
    low: float | None
    high: float | None
    p: float | None
    effect: float | None
    surprise: float | None
    history: int
    partitions: int | None
    since: str | None
    severity: str | None
    flagged: bool
    incident: str | None
    sentence: str


@dataclass(frozen=True)
class ComparisonRow:
    """One metric of an old and a new track in the same partition, and their difference."""

    old: str
    new: str
    partition_key: str
    window_start: datetime
    as_of: datetime
    segment: str
    column_name: str
    metric: str
    old_value: float | None
    new_value: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    n: int
    reason: str | None


@dataclass(frozen=True)
class IncidentRow:
    """One event of an incident; the state of an incident is derived from its events."""

    track: str
    partition_key: str
    window_start: datetime
    as_of: datetime
    incident: str
    event: str
    column_name: str
    metric: str
    sentence: str


Row = ReferenceRow | ProfileRow | MetricRow | VerdictRow | ComparisonRow | IncidentRow

TABLES: dict[str, type[Row]] = {
    "frozen_references": ReferenceRow,
    "profiles": ProfileRow,
    "metrics": MetricRow,
    "verdicts": VerdictRow,
    "comparisons": ComparisonRow,
    "incidents": IncidentRow,
}
