"""The team's own thresholds, applied to the metrics of a partition."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

import numpy as np
import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.rule import CONDITIONS, RecentChange, Rule, SeasonChange, SteadyChange
from lupus_assets.detect.trend import trend
from lupus_assets.monitor.intake import comparable, is_in, rows_where
from lupus_assets.monitor.measure import MEASURES
from lupus_assets.monitor.rows import EVERYTHING
from lupus_assets.monitor.wording import number, subject
from lupus_assets.records import ALARM, VerdictRow, Window

Point = tuple[datetime, datetime, float | None, int]  # (window start, as of, value, rows behind it)


@dataclass(frozen=True)
class Crossing:
    """What a rule came to at one partition: the limit, and whether the value is beyond it."""

    expected: float | None
    low: float | None
    high: float | None
    crossed: bool
    said: str
    p: float | None = None


def describe(rule: Rule) -> str:
    """Return a rule as it stands in verdicts: ``row_count below 500``."""
    condition, wanted = _condition(rule)
    verb = condition.partition("_")[0]
    match wanted:
        case RecentChange():
            return f"{rule.metric} {verb} from recent {wanted.partitions} by {wanted.by:g}"
        case SeasonChange():
            return f"{rule.metric} {verb} from season of {wanted.periods} by {wanted.by:g}"
        case SteadyChange():
            return f"{rule.metric} {verb} steadily over {wanted.partitions}, p {wanted.p:g}"
    return f"{rule.metric} {condition} {wanted:g}"


def _condition(rule: Rule) -> tuple[str, float | RecentChange | SeasonChange | SteadyChange]:
    """Return the one condition of a rule, by name."""
    return next((name, getattr(rule, name)) for name in CONDITIONS if getattr(rule, name) is not None)


def rule_rows(
    metrics: pa.Table, *, model: MonitoredModel, track: str, reference: str, windows: Sequence[Window]
) -> list[VerdictRow]:
    """Return a verdict for every rule, series and window that the rule concerns.

    Parameters
    ----------
    metrics : pyarrow.Table
        Rows of the table ``metrics`` of this track, up to the last of `windows`, in the store's order.
    model : MonitoredModel
    track : str
    reference : str
        Digest of the reference; numbers measured against another are neither judged nor compared with.
    windows : sequence of Window
    """
    rows: list[VerdictRow] = []
    if not model.rules:
        return rows
    whole = rows_where(metrics, comparable(metrics, reference))
    for rule in model.rules:
        if rule.track in (None, track):
            for (segment, family, column), points in _series(whole, rule, model).items():
                rows += _rows(rule, (segment, family, column), points, track, windows, model)
    return rows


def _series(metrics: pa.Table, rule: Rule, model: MonitoredModel) -> dict[tuple[str, str, str], list[Point]]:
    mine = rows_where(metrics, is_in(metrics, "metric", {rule.metric}))
    columns = set(model.groups[rule.group]) if rule.group else None
    series: dict[tuple[str, str, str], dict[datetime, Point]] = {}
    for row in mine.select(
        ["segment", "family", "column_name", "window_start", "as_of", "value", "n"]
    ).to_pylist():
        concerned = (
            concerns(rule.segment, row["segment"])
            and (rule.column is None or row["column_name"] == rule.column)
            and (columns is None or row["column_name"] in columns)
        )
        if concerned:
            start, as_of = row["window_start"].replace(tzinfo=UTC), row["as_of"].replace(tzinfo=UTC)
            points = series.setdefault((row["segment"], row["family"], row["column_name"]), {})
            points[start] = (start, as_of, row["value"], row["n"])  # the latest cut stands
    return {key: list(points.values()) for key, points in series.items()}


def concerns(wanted: str | None, segment: str) -> bool:
    """Return whether a rule on `wanted` (nothing, a segment column, or one slice) is about `segment`."""
    if wanted is None:
        return segment == EVERYTHING
    return segment == wanted or segment.startswith(f"{wanted}=")


def _rows(
    rule: Rule,
    key: tuple[str, str, str],
    points: list[Point],
    track: str,
    windows: Sequence[Window],
    model: MonitoredModel,
) -> Iterator[VerdictRow]:
    segment, family, column = key
    keys = {window.start: window.key for window in windows}
    phases = [model.cadence.seasons(start)[:1] for start, *_ in points]  # the hour, or else the weekday
    for at, (start, as_of, value, _) in enumerate(points):
        if start not in keys or value is None:
            continue
        past = [
            (phase == phases[at], each)
            for phase, (_, _, each, _) in zip(phases[:at], points[:at], strict=True)
            if each is not None
        ]
        crossing = _crossing(rule, value, past)
        yield VerdictRow(
            track=track,
            version=EVERYTHING,
            partition_key=keys[start],
            window_start=start,
            as_of=as_of,
            segment=segment,
            family=family,
            column_name=column,
            metric=rule.metric,
            rule=describe(rule),
            value=value,
            expected=crossing.expected,
            low=crossing.low,
            high=crossing.high,
            p=crossing.p,
            effect=None if crossing.expected is None else value - crossing.expected,
            surprise=None,
            history=len(past),
            partitions=None,
            since=None,
            severity=ALARM if crossing.crossed else None,
            flagged=crossing.crossed,
            incident=None,
            sentence=f"{subject(rule.metric, column, segment)} is "
            f"{number(value, percent=MEASURES[rule.metric].percent)}, {crossing.said}",
        )


def _crossing(rule: Rule, value: float, past: list[tuple[bool, float]]) -> Crossing:
    """Return what a rule comes to, given earlier values, each with whether it is of the same phase."""
    condition, wanted = _condition(rule)
    percent = MEASURES[rule.metric].percent
    match wanted:
        case RecentChange():
            earlier = [each for _, each in past]
            what = f"the recent {wanted.partitions} partitions' median"
            return _change(condition, wanted.partitions, wanted.by, value, earlier, what, percent)
        case SeasonChange():
            alike = [each for same, each in past if same]
            what = f"the median of the last {wanted.periods} of the same weekday or hour"
            return _change(condition, wanted.periods, wanted.by, value, alike, what, percent)
        case SteadyChange():
            return _trend(condition, wanted, [*(each for _, each in past), value], percent)
    crossed = value < wanted if condition == "below" else value > wanted
    low, high = (wanted, None) if condition == "below" else (None, wanted)
    return Crossing(None, low, high, crossed, f"{_side(crossed, condition)} {wanted:g}")


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
    side = f"{by:g} {'below' if falls else 'above'}"
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
    return Crossing(None, None, None, p <= wanted.p, f"{said} over {wanted.partitions} partitions", p)


def _side(crossed: bool, words: str) -> str:
    return words if crossed else f"not {words}"
