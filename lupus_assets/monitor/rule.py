"""The team's own thresholds, applied to the metrics of a partition."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.rule import RecentChange, Rule
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


def describe(rule: Rule) -> str:
    """Return a rule as it stands in verdicts: ``row_count below 500``."""
    for condition in ("below", "above"):
        limit = getattr(rule, condition)
        if limit is not None:
            return f"{rule.metric} {condition} {limit:g}"
    change, verb = _change(rule)
    return f"{rule.metric} {verb} from recent {change.partitions} by {change.by:g}"


def _change(rule: Rule) -> tuple[RecentChange, str]:
    if rule.falls_from_recent is not None:
        return rule.falls_from_recent, "falls"
    if rule.rises_from_recent is not None:
        return rule.rises_from_recent, "rises"
    raise AssertionError("a rule has exactly one condition")  # the declaration saw to it


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
                rows += _rows(rule, segment, family, column, points, track, windows)
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
    segment: str,
    family: str,
    column: str,
    points: list[Point],
    track: str,
    windows: Sequence[Window],
) -> Iterator[VerdictRow]:
    keys = {window.start: window.key for window in windows}
    for at, (start, as_of, value, _) in enumerate(points):
        if start not in keys or value is None:
            continue
        earlier = [past for _, _, past, _ in points[:at] if past is not None]
        crossing = _crossing(rule, value, earlier)
        what = subject(rule.metric, column, segment)
        percent = MEASURES[rule.metric].percent
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
            p=None,
            effect=None if crossing.expected is None else value - crossing.expected,
            surprise=None,
            history=len(earlier),
            partitions=None,
            since=None,
            severity=ALARM if crossing.crossed else None,
            flagged=crossing.crossed,
            incident=None,
            sentence=f"{what} is {number(value, percent=percent)}, {crossing.said}",
        )


def _crossing(rule: Rule, value: float, earlier: list[float]) -> Crossing:
    if rule.below is not None:
        return Crossing(
            None, rule.below, None, value < rule.below, f"{_side(value < rule.below, 'below')} {rule.below:g}"
        )
    if rule.above is not None:
        return Crossing(
            None, None, rule.above, value > rule.above, f"{_side(value > rule.above, 'above')} {rule.above:g}"
        )
    change, verb = _change(rule)
    if len(earlier) < change.partitions:
        said = f"no verdict yet: {len(earlier)} of {change.partitions} earlier partitions"
        return Crossing(None, None, None, crossed=False, said=said)
    level = median(earlier[-change.partitions :])
    percent = MEASURES[rule.metric].percent
    recent = f"the recent {change.partitions} partitions' median {number(level, percent=percent)}"
    if verb == "falls":
        limit = level - change.by
        return Crossing(
            level, limit, None, value < limit, f"{_side(value < limit, f'{change.by:g} below')} {recent}"
        )
    limit = level + change.by
    return Crossing(
        level, None, limit, value > limit, f"{_side(value > limit, f'{change.by:g} above')} {recent}"
    )


def _side(crossed: bool, words: str) -> str:
    return words if crossed else f"not {words}"
