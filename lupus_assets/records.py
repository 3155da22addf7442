"""Frozen rows that cross a boundary: windows, places, months, and the rows of every table.

A table's columns are the fields of its row class, in their order; sinks derive their
schemas from them. ``model`` is no field: it is part of the `Place`. Times are aware UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

EVERYTHING = "*"  # the version, and the segment, of all rows together
ALARM, NOTICE = "alarm", "notice"  # severities of a verdict: told of; out of its range, and explained
# Rules of a verdict that no team declared: the value's own history, and what is wrong whatever the history.
HISTORY_RULE, FACT_RULE = "history", "fact"


@dataclass(frozen=True, order=True)
class Window:
    """One partition of a cadence: ``[start, end)`` in aware UTC, and the key Dagster gives it."""

    start: datetime
    end: datetime
    key: str


@dataclass(frozen=True, order=True)
class Place:
    """Where rows live in a table: what one file holds, and what one write replaces.

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
    """What a table holds of one model and one month, as a view has to show it.

    Attributes
    ----------
    table : str
    model : str
        ``<team>.<model>``.
    month : str
        ``yyyy-mm``.
    location : str
        Path, relative to the warehouse, of the one folder that holds its rows now.
    version : str
        Another text whenever anything in it is another.
    unswept : bool
        Whether it is compacted, and has files besides the one in force.
    """

    table: str
    model: str
    month: str
    location: str
    version: str
    unswept: bool = False


@dataclass(frozen=True, order=True)
class Entry:
    """One file of an object store: its path with ``/`` between the parts, and what changes with its bytes."""

    path: str
    version: str


AFTER = "~"  # sorts behind whatever may follow in a key that begins with a day or an hour


@dataclass(frozen=True)
class Pending:
    """Partitions that a run has begun to write, and of which it has not reported all to Dagster.

    Attributes
    ----------
    run : str
        Dagster's id of the run.
    model : str
        ``<team>.<model>``.
    track : str
        Track, or ``<old>~<new>``.
    parts : frozenset of str
        Names of the assets' steps and of the checks that the run makes.
    windows : frozenset of Window
    """

    run: str
    model: str
    track: str
    parts: frozenset[str]
    windows: frozenset[Window]


@dataclass(frozen=True)
class Search:
    """What is looked for among verdicts that alarmed, and incidents.

    Attributes
    ----------
    text : str
        Words that the sentence, the column or the metric holds, all of them; empty finds everything.
    team, model, track : str or None
        Only of these; `model` without its team.
    columns : mapping or None
        Only these columns, by ``<team>.<model>``: what a declared group comes to.
    since, until : str or None
        Keys of the first and the last partition, or days that they begin with; both are included. Keys are
        in the zone of their model's cadence.
    severity : float
        Only what is at least so many spreads off its expected value; facts and team rules always are.
    most : int
        How many at most.
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
class Found:
    """One alarm, as a search returns it: a verdict that is flagged, with its incident."""

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
    """The frozen reference of one track: serialised, with the hash that every number carries."""

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
    """The serialised state of one column of one segment."""

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
    """One number; where it is undefined, `value` is None and `reason` says why.

    `lower` and `upper` are the bounds of its 95 % sampling interval, symmetric on the
    metric's own stabilised scale; None where no sampling theory is at hand.
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

    `low` and `high` are the range at the alarm level: a value beyond them would have been told of.
    `surprise` is the distance from the expected value in spreads: it still tells verdicts apart where `p` has
    become 0. Both, `p` and `effect` are of the last `partitions` partitions, those that show it best; `since`
    is the key of the first partition of an alarm. `severity` is ``alarm`` where `flagged`, and ``notice``
    where the value is out of its range and something explains it: other alarms, or times that its rows share.
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
    """One number of an old and a new track over the same partition."""

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
    """One event in the life of an incident; its state is what its events add up to."""

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
