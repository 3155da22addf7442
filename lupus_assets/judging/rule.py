"""The team's own thresholds, applied to the metrics of a partition."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from statistics import median

import numpy as np
import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.metric import METRICS
from lupus_assets.declare.rhythm import Rhythm
from lupus_assets.declare.rule import (
    CONDITIONS,
    LIKELY_BY_CHANCE,
    RecentChange,
    Rule,
    SeasonChange,
    SteadyChange,
)
from lupus_assets.detect.trend import trend
from lupus_assets.judging.row import verdict_row
from lupus_assets.judging.wording import exact, number, number_beside, subject
from lupus_assets.reading.table import comparable, is_in, rows_where
from lupus_assets.records import ALARM, VerdictRow, Window

Point = tuple[datetime, datetime, float | None, str | None]  # (window start, as of, value, reason for none)
# The columns of the table ``metrics`` that rules read.
COLUMNS = ("segment", "family", "column_name", "window_start", "as_of", "value", "reason")


@dataclass(frozen=True)
class Crossing:
    """The result of a rule at one partition: the limit, and whether the value is beyond it."""

    expected: float | None
    low: float | None
    high: float | None
    crossed: bool
    said: str
    p: float | None = None


def describe(rule: Rule) -> str:
    """Return the name of a rule in the table ``verdicts``: its own, or one such as ``row_count below 500``.

    Different rules of one track have different texts, which contain the restrictions and every digit of the
    limits.
    """
    if rule.name is not None:
        return rule.name
    condition, wanted = _condition(rule)
    verb = condition.partition("_")[0]
    what = " ".join([rule.metric, *_limits(rule)])
    match wanted:
        case RecentChange():
            return f"{what} {verb} from recent {wanted.partitions} by {exact(wanted.by)}"
        case SeasonChange():
            return f"{what} {verb} from season of {wanted.periods} by {exact(wanted.by)}"
        case SteadyChange():
            return f"{what} {verb} steadily over {wanted.partitions}, p {exact(wanted.p)}"
    return f"{what} {condition} {exact(wanted)}"


def _limits(rule: Rule) -> list[str]:
    """Return the restrictions of a rule: "of temp", "where origin=JFK", "in group weather"."""
    given = (("of", rule.column), ("where", rule.segment), ("in group", rule.group))
    return [f"{word} {name}" for word, name in given if name is not None]


def _told_apart(rule: Rule) -> str:
    """Return the name or restrictions of a rule for a sentence: " (rule of temp)"; "" without any."""
    parts = [rule.name] if rule.name is not None else _limits(rule)
    return f" (rule {' '.join(parts)})" if parts else ""


def _condition(rule: Rule) -> tuple[str, float | RecentChange | SeasonChange | SteadyChange]:
    """Return the name and value of a rule's one condition."""
    return next((name, getattr(rule, name)) for name in CONDITIONS if getattr(rule, name) is not None)


@dataclass
class Past:
    """The earlier values of one series that a rule needs.

    Attributes
    ----------
    count : int
        Number of values so far.
    latest : list of float
        The last values, as many as the rule needs.
    alike : dict of tuple to list of float
        The last values of each phase of the season, for a `SeasonChange`.
    """

    count: int = 0
    latest: list[float] = field(default_factory=list)
    alike: dict[tuple[int, ...], list[float]] = field(default_factory=dict)

    def add(self, rule: Rule, phase: tuple[int, ...], value: float) -> None:
        """Add the value of a partition of this phase."""
        self.count += 1
        match _condition(rule)[1]:
            case RecentChange(partitions=most):
                self.latest = [*self.latest, value][-most:]
            case SteadyChange(partitions=most):
                self.latest = [*self.latest, value][1 - most :]
            case SeasonChange(periods=most):
                self.alike[phase] = [*self.alike.get(phase, []), value][-most:]


Pasts = list[dict[tuple[str, str, str], Past]]  # of every rule of a track, by segment, family and column


def rules_of(model: MonitoredModel, track: str) -> list[Rule]:
    """Return the rules that apply to a track."""
    return [rule for rule in model.rules if rule.track in (None, track)]


def rule_rows(
    metrics: pa.Table,
    *,
    model: MonitoredModel,
    track: str,
    reference: str,
    windows: Sequence[Window],
    pasts: Pasts | None = None,
) -> list[VerdictRow]:
    """Return a verdict for every rule and the series and windows that it applies to.

    Parameters
    ----------
    metrics : pyarrow.Table
        Rows of the table ``metrics`` of this track, up to the last of `windows`.
    model : MonitoredModel
    track : str
    reference : str
        Digest of the reference; metrics against another reference are left out.
    windows : sequence of Window
    pasts : list, optional
        State after the partitions before those of `metrics`, updated in place; None if these are the first.
    """
    rules = rules_of(model, track)
    if not rules:
        return []
    pasts = [{} for _ in rules] if pasts is None else pasts
    whole = rows_where(metrics, comparable(metrics, reference))
    by_start = {window.start: window for window in windows}
    return [
        row
        for rule, past in zip(rules, pasts, strict=True)
        for key, points in _series(whole, rule, model, past).items()
        for row in _rows(rule, key, points, past[key], track, by_start, model)
    ]


def _series(
    metrics: pa.Table, rule: Rule, model: MonitoredModel, past: dict[tuple[str, str, str], Past]
) -> dict[tuple[str, str, str], list[Point]]:
    """Return the values that a rule applies to by series, in the order of their first appearance."""
    mine = rows_where(metrics, is_in(metrics, "metric", {rule.metric}))
    columns = set(model.groups[rule.group]) if rule.group else None
    series: dict[tuple[str, str, str], dict[datetime, Point]] = {key: {} for key in past}
    for row in mine.select(COLUMNS).to_pylist():
        concerned = (
            rule.concerns(row["segment"])
            and (rule.column is None or row["column_name"] == rule.column)
            and (columns is None or row["column_name"] in columns)
        )
        if concerned:
            start, as_of = row["window_start"].replace(tzinfo=UTC), row["as_of"].replace(tzinfo=UTC)
            points = series.setdefault((row["segment"], row["family"], row["column_name"]), {})
            points[start] = (start, as_of, row["value"], row["reason"])  # of several cuts, the latest is kept
    for key in series:
        past.setdefault(key, Past())
    return {key: list(points.values()) for key, points in series.items()}


def _rows(
    rule: Rule,
    key: tuple[str, str, str],
    points: list[Point],
    past: Past,
    track: str,
    windows: Mapping[datetime, Window],
    model: MonitoredModel,
) -> Iterator[VerdictRow]:
    segment, family, column = key
    about, percent = subject(rule.metric, column, segment), METRICS[rule.metric].percent
    text, apart = describe(rule), _told_apart(rule)
    for start, as_of, value, reason in points:
        judged = partial(
            verdict_row,
            (segment, family, column, rule.metric),
            track=track,
            as_of=as_of,
            rule=text,
            value=value,
            history=past.count,
        )
        if value is None:
            if start in windows:
                said = f"{about} has no value: {reason}{apart}"
                yield judged(window=windows[start], sentence=said)
            continue
        phase = model.cadence.seasons(start)[:1]  # of the finest season
        crossing = _crossing(rule, value, past, phase, model.cadence.rhythm)
        past.add(rule, phase, value)
        if start not in windows:
            continue
        limit = crossing.high if crossing.low is None else crossing.low
        shown = number_beside(value, limit, percent=percent)
        yield judged(
            window=windows[start],
            sentence=f"{about} is {shown}, {crossing.said}{apart}",
            severity=ALARM if crossing.crossed else None,
            expected=crossing.expected,
            low=crossing.low,
            high=crossing.high,
            p=crossing.p,
            effect=None if crossing.expected is None else value - crossing.expected,
        )


def _crossing(rule: Rule, value: float, past: Past, phase: tuple[int, ...], rhythm: Rhythm) -> Crossing:
    """Return the result of a rule at a partition of this phase, given earlier values."""
    condition, wanted = _condition(rule)
    percent = METRICS[rule.metric].percent
    match wanted:
        case RecentChange():
            what = f"the recent {wanted.partitions} partitions' median"
            return _change(condition, wanted.partitions, wanted.by, value, past.latest, what, percent)
        case SeasonChange():
            alike = past.alike.get(phase, [])
            what = f"the median of the last {wanted.periods} of the same {rhythm.seasons[0].alike}"
            return _change(condition, wanted.periods, wanted.by, value, alike, what, percent)
        case SteadyChange():
            return _trend(condition, wanted, [*past.latest, value], percent)
    crossed = value < wanted if condition == "below" else value > wanted
    low, high = (wanted, None) if condition == "below" else (None, wanted)
    return Crossing(None, low, high, crossed, f"{_side(crossed, condition)} {exact(wanted)}")


def _change(
    condition: str, count: int, by: float, value: float, earlier: list[float], what: str, percent: bool
) -> Crossing:
    if len(earlier) < count:
        said = f"no verdict yet: {len(earlier)} of {count} earlier partitions"
        return Crossing(None, None, None, crossed=False, said=said)
    level = median(earlier[-count:])
    falls = condition.startswith("falls")
    limit = level - by if falls else level + by
    crossed = value < limit if falls else value > limit
    side = f"more than {exact(by)} {'below' if falls else 'above'}"
    said = f"{_side(crossed, side)} {what} {number(level, percent=percent)}"
    return Crossing(level, limit if falls else None, None if falls else limit, crossed, said)


def _trend(condition: str, wanted: SteadyChange, values: list[float], percent: bool) -> Crossing:
    if len(values) < wanted.partitions:
        said = f"no verdict yet: {len(values) - 1} of {wanted.partitions - 1} earlier partitions"
        return Crossing(None, None, None, crossed=False, said=said)
    found = trend(np.array(values[-wanted.partitions :]))
    falls = condition.startswith("falls")
    p = found.falls if falls else found.rises
    moved = number(abs(found.slope) * (wanted.partitions - 1), percent=percent)
    way = "down" if found.slope < 0 else "up"
    said = f"{_side(p <= wanted.p, 'falling' if falls else 'rising')} steadily: {way} {moved}"
    said += f" over {wanted.partitions} partitions"
    if wanted.p != LIKELY_BY_CHANCE:
        said += f" at p {exact(wanted.p)}"
    return Crossing(None, None, None, p <= wanted.p, said, p)


def _side(crossed: bool, words: str) -> str:
    return words if crossed else f"not {words}"
