"""Construction of rows of the table ``verdicts``."""

from datetime import datetime

from lupus_assets.judging.series import Key
from lupus_assets.records import ALARM, EVERYTHING, VerdictRow, Window


def verdict_row(
    series: Key,
    *,
    track: str,
    window: Window,
    as_of: datetime,
    rule: str,
    value: float | None,
    sentence: str,
    severity: str | None = None,
    expected: float | None = None,
    low: float | None = None,
    high: float | None = None,
    p: float | None = None,
    effect: float | None = None,
    surprise: float | None = None,
    history: int = 0,
    partitions: int | None = None,
    since: str | None = None,
) -> VerdictRow:
    """Return the verdict on one value, without an incident yet; arguments left out are unknown.

    Parameters
    ----------
    series : tuple
        Segment, family, column and metric.
    track : str
    window : Window
        The partition.
    as_of : datetime
        Data time of the value, aware UTC.
    severity : {"alarm", "notice"} or None
        An alarm sets `flagged`.

    The other parameters are as in `VerdictRow`.
    """
    segment, family, column, metric = series
    return VerdictRow(
        track=track,
        version=EVERYTHING,
        partition_key=window.key,
        window_start=window.start,
        as_of=as_of,
        segment=segment,
        family=family,
        column_name=column,
        metric=metric,
        rule=rule,
        value=value,
        expected=expected,
        low=low,
        high=high,
        p=p,
        effect=effect,
        surprise=surprise,
        history=history,
        partitions=partitions,
        since=since,
        severity=severity,
        flagged=severity == ALARM,
        incident=None,
        sentence=sentence,
    )
