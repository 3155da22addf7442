"""Histories of metrics become verdicts, each with a sentence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.detect.judge import LEAST_HISTORY, History, judge
from lupus_assets.detect.scale import SCALES, share_variance
from lupus_assets.monitor.intake import comparable, is_in, table_floats, table_integers, table_levels
from lupus_assets.monitor.measure import MEASURES, NORMAL_975
from lupus_assets.monitor.rows import EVERYTHING
from lupus_assets.monitor.wording import number, season, subject
from lupus_assets.records import VerdictRow, Window

HISTORY_RULE = "history"
OTHER_REFERENCE = ", and others were measured against another reference: materialise those again"
JUDGED = frozenset(name for name, measure in MEASURES.items() if measure.judged)
SERIES = ("segment", "family", "column_name", "metric")
COLUMNS = ("version", "window_start", "as_of", *SERIES, "value", "upper", "n", "reference")

Array = npt.NDArray[np.float64]
Series = tuple[str, str, str, str]


@dataclass(frozen=True)
class Ledger:
    """The judged metrics of one track as series over partitions, in the metrics' own units.

    Attributes
    ----------
    starts : array of datetime64[us], shape (partitions,)
        Window starts, increasing, UTC.
    series : list of tuple
        (segment, family, column_name, metric) of each column of the arrays, sorted.
    values, upper, n : array of float, shape (partitions, series)
        NaN where there is no number.
    as_of : array of datetime64[us], shape (partitions, series)
        NaT where there is no row.
    """

    starts: npt.NDArray[np.datetime64]
    series: list[Series]
    values: Array
    upper: Array
    n: Array
    as_of: npt.NDArray[np.datetime64]

    @classmethod
    def of(cls, metrics: pa.Table, reference: str) -> "Ledger":
        """Return the ledger of the rows of the table ``metrics`` that were measured against `reference`.

        The rows come in the store's order: where a partition was judged at several cuts, the latest stands.
        """
        kept = comparable(metrics, reference) & is_in(metrics, "metric", JUDGED)
        series, column = _series(metrics, kept)
        starts, at = np.unique(table_integers(metrics, "window_start")[kept], return_inverse=True)

        def spread(name: str) -> Array:
            table = np.full((len(starts), len(series)), np.nan)
            table[at, column] = table_floats(metrics, name)[kept]  # of repeated places numpy keeps the last
            return table

        as_of = np.full((len(starts), len(series)), np.datetime64("NaT", "us"))
        as_of[at, column] = table_integers(metrics, "as_of")[kept].astype("datetime64[us]")
        return cls(
            starts=starts.astype("datetime64[us]"),
            series=series,
            values=spread("value"),
            upper=spread("upper"),
            n=spread("n"),
            as_of=as_of,
        )

    def window(self, at: int) -> datetime:
        """Return the start of a partition, aware UTC."""
        start: datetime = self.starts[at].astype(datetime)
        return start.replace(tzinfo=UTC)

    def history(self, model: MonitoredModel) -> History:
        """Return the ledger on its stabilised scales."""
        values, variance = np.full_like(self.values, np.nan), np.full_like(self.values, np.nan)
        metrics = np.array([metric for *_, metric in self.series])
        for name in np.unique(metrics):
            scale = MEASURES[name].scale
            mine = metrics == name
            forward, n = SCALES[scale].forward, self.n[:, mine]
            values[:, mine] = forward(self.values[:, mine], n)
            if scale == "share":  # its interval is cut off at 0 and 1
                variance[:, mine] = share_variance(n)
            else:
                variance[:, mine] = ((forward(self.upper[:, mine], n) - values[:, mine]) / NORMAL_975) ** 2
        moments = [self.window(at) for at in range(len(self.starts))]
        return History(
            values=values,
            variance=variance,
            n=self.n,
            phase=np.array(model.cadence.phases(moments), dtype=np.int64),
            side=np.array([MEASURES[metric].side for metric in metrics], dtype=np.int64),
            counted=np.array([MEASURES[metric].scale == "count" for metric in metrics], dtype=bool),
        )


def _series(table: pa.Table, kept: npt.NDArray[np.bool_]) -> tuple[list[Series], npt.NDArray[np.int64]]:
    """Return the series that the kept rows belong to, sorted, and each row's index among them."""
    columns = [table_levels(table, name) for name in SERIES]
    code = np.zeros(np.count_nonzero(kept), dtype=np.int64)
    for names, index in columns:
        code = code * len(names) + index[kept]
    codes, first, at = np.unique(code, return_index=True, return_inverse=True)
    parts = [[names[place] for place in index[kept][first].tolist()] for names, index in columns]
    found: list[Series] = list(zip(*parts, strict=True))
    order = sorted(range(len(codes)), key=found.__getitem__)
    place = np.empty(len(codes), dtype=np.int64)
    place[order] = np.arange(len(codes))
    return [found[index] for index in order], place[at]


def verdict_rows(
    metrics: pa.Table, *, model: MonitoredModel, track: str, reference: str, windows: Sequence[Window]
) -> list[VerdictRow]:
    """Return the verdicts of `windows`, each judged from strictly earlier partitions.

    Parameters
    ----------
    metrics : pyarrow.Table
        Rows of the table ``metrics`` of this track, up to the last of `windows`.
    model : MonitoredModel
    track : str
    reference : str
        Digest of the reference; histories measured against another are not comparable.
    windows : sequence of Window
        In time order.
    """
    ledger = Ledger.of(metrics, reference)
    history = ledger.history(model)
    foreign = is_in(metrics, "version", {EVERYTHING}) & ~comparable(metrics, reference)
    unlike = OTHER_REFERENCE if foreign.any() else ""
    judgement = judge(history)
    keys = {window.start: window for window in windows}
    subjects = [subject(metric, name, segment) for segment, _, name, metric in ledger.series]
    percents = [MEASURES[metric].percent for *_, metric in ledger.series]
    low, high = _back(ledger, judgement.low), _back(ledger, judgement.high)
    expected = _back(ledger, judgement.expected)
    rows: list[VerdictRow] = []
    since = np.full(len(ledger.series), -1)
    for at in range(len(ledger.starts)):
        since = np.where(judgement.flagged[at], np.where(since < 0, at, since), -1)
        window = keys.get(ledger.window(at))
        if window is None:
            continue
        when = season(model, window.start)
        as_of = {moment: moment.replace(tzinfo=UTC) for moment in set(ledger.as_of[at].tolist()) if moment}
        said = zip(
            ledger.series,
            subjects,
            percents,
            ledger.as_of[at].tolist(),
            *(each[at].tolist() for each in (ledger.values, low, expected, high)),
            *(each[at].tolist() for each in (judgement.z, judgement.p, judgement.history, judgement.flagged)),
            since.tolist(),
            strict=True,
        )
        for series, what, percent, moment, value, least, level, most, z, p, seen, flagged, first in said:
            if math.isnan(value):
                continue
            judged = not math.isnan(z)
            segment, family, name, metric = series
            rows.append(
                VerdictRow(
                    track=track,
                    version=EVERYTHING,
                    partition_key=window.key,
                    window_start=window.start,
                    as_of=as_of[moment],
                    segment=segment,
                    family=family,
                    column_name=name,
                    metric=metric,
                    rule=HISTORY_RULE,
                    value=value,
                    expected=level if judged else None,
                    low=_finite(least),
                    high=_finite(most),
                    p=p if judged else None,
                    effect=value - level if judged else None,
                    surprise=abs(z) if judged else None,
                    history=seen,
                    flagged=flagged,
                    incident=None,
                    sentence=_sentence(
                        what,
                        value,
                        (least, most) if judged else None,
                        percent=percent,
                        when=when,
                        since=_key(ledger, model, first) if flagged else None,
                        short=f"{seen} of {LEAST_HISTORY} earlier partitions{unlike}",
                    ),
                )
            )
    return rows


def _key(ledger: Ledger, model: MonitoredModel, at: int) -> str:
    local = ledger.window(at).astimezone(model.cadence.zone)
    return f"{local:%Y-%m-%d}" if model.cadence.every in ("day", "week") else f"{local:%Y-%m-%d %H:%M}"


def _back(ledger: Ledger, table: Array) -> Array:
    """Return `table` from the stabilised scales in the metrics' own units."""
    back = np.full_like(table, np.nan)
    scales = np.array([MEASURES[metric].scale for *_, metric in ledger.series])
    for name in np.unique(scales).tolist():
        mine = scales == name
        with np.errstate(over="ignore", invalid="ignore"):
            back[:, mine] = SCALES[name].backward(table[:, mine], ledger.n[:, mine])
    return back


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _sentence(
    what: str,
    value: float,
    bounds: tuple[float, float] | None,
    *,
    percent: bool,
    when: str,
    since: str | None,
    short: str,
) -> str:
    said = f"{what} is {number(value, percent=percent)}"
    if bounds is None:
        return f"{said}; no verdict yet: {short}"
    low, high = bounds
    if math.isfinite(low) and math.isfinite(high):
        usual = f"{number(low, percent=percent)} to {number(high, percent=percent)}"
    else:
        usual = (
            f"at most {number(high, percent=percent)}"
            if math.isfinite(high)
            else f"at least {number(low, percent=percent)}"
        )
    return f"{said}, usually {usual}{when}" + (f"; since {since}" if since else "")
