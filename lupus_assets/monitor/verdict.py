"""Histories of metrics become verdicts, each with a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lupus_assets.declare import MonitoredModel
from lupus_assets.detect.judge import LEAST_HISTORY, History, judge
from lupus_assets.detect.scale import SCALES, share_variance
from lupus_assets.monitor.intake import table_floats, table_integers
from lupus_assets.monitor.measure import MEASURES, NORMAL_975
from lupus_assets.monitor.rows import EVERYTHING
from lupus_assets.monitor.wording import number, season, subject
from lupus_assets.records import VerdictRow, Window

HISTORY_RULE = "history"
JUDGED = tuple(name for name, measure in MEASURES.items() if measure.judged)
SERIES = ("segment", "family", "column_name", "metric")
COLUMNS = ("version", "window_start", "as_of", *SERIES, "value", "upper", "n", "reference")

Array = npt.NDArray[np.float64]


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
    series: list[tuple[str, str, str, str]]
    values: Array
    upper: Array
    n: Array
    as_of: npt.NDArray[np.datetime64]

    @classmethod
    def of(cls, metrics: pa.Table, reference: str) -> "Ledger":
        """Return the ledger of the rows of the table ``metrics`` that were measured against `reference`.

        Where a partition was judged at several cuts, the latest one stands.
        """
        kept = pc.and_(
            pc.equal(metrics["version"], EVERYTHING),
            pc.and_(
                pc.equal(metrics["reference"], reference), pc.is_in(metrics["metric"], pa.array(list(JUDGED)))
            ),
        )
        rows = metrics.filter(kept).sort_by([("window_start", "ascending"), ("as_of", "ascending")])
        names = pc.binary_join_element_wise(*(rows[name].cast(pa.string()) for name in SERIES), "\x1f")
        keys, column = np.unique(np.array(names.to_pylist(), dtype=object).astype(str), return_inverse=True)
        starts, at = np.unique(table_integers(rows, "window_start"), return_inverse=True)
        shape = (len(starts), len(keys))

        def spread(source: npt.NDArray[np.generic], missing: object) -> npt.NDArray[np.generic]:
            table = np.full(shape, missing, dtype=source.dtype)
            table[at, column] = source  # of repeated places numpy keeps the last
            return table

        return cls(
            starts=starts.astype("datetime64[us]"),
            series=[tuple(key.split("\x1f")) for key in keys.tolist()],
            values=spread(table_floats(rows, "value"), np.nan),
            upper=spread(table_floats(rows, "upper"), np.nan),
            n=spread(table_floats(rows, "n"), np.nan),
            as_of=spread(table_integers(rows, "as_of").astype("datetime64[us]"), np.datetime64("NaT")),
        )

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
        moments = [moment.astype(datetime).replace(tzinfo=UTC) for moment in self.starts]
        return History(
            values=values,
            variance=variance,
            phase=np.array(model.cadence.phases(moments), dtype=np.int64),
            side=np.array([MEASURES[metric].side for metric in metrics], dtype=np.int64),
        )


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
    judgement = judge(history)
    keys = {np.datetime64(window.start.replace(tzinfo=None), "us"): window for window in windows}
    low = _back(ledger, judgement.low)
    high = _back(ledger, judgement.high)
    expected = _back(ledger, judgement.expected)
    rows: list[VerdictRow] = []
    since = np.full(len(ledger.series), -1)
    for at, start in enumerate(ledger.starts):
        since = np.where(judgement.flagged[at], np.where(since < 0, at, since), -1)
        window = keys.get(start)
        if window is None:
            continue
        when = season(model, window.start)
        for column in np.flatnonzero(~np.isnan(ledger.values[at])):
            segment, family, name, metric = ledger.series[column]
            judged = not np.isnan(judgement.z[at, column])
            flagged = bool(judgement.flagged[at, column])
            value = float(ledger.values[at, column])
            bounds = (float(low[at, column]), float(high[at, column])) if judged else None
            seen = int(judgement.history[at, column])
            rows.append(
                VerdictRow(
                    track=track,
                    version=EVERYTHING,
                    partition_key=window.key,
                    window_start=window.start,
                    as_of=ledger.as_of[at, column].astype(datetime).replace(tzinfo=UTC),
                    segment=segment,
                    family=family,
                    column_name=name,
                    metric=metric,
                    rule=HISTORY_RULE,
                    value=value,
                    expected=float(expected[at, column]) if judged else None,
                    low=_finite(bounds[0]) if bounds else None,
                    high=_finite(bounds[1]) if bounds else None,
                    p=float(judgement.p[at, column]) if judged else None,
                    effect=value - float(expected[at, column]) if judged else None,
                    surprise=abs(float(judgement.z[at, column])) if judged else None,
                    history=seen,
                    flagged=flagged,
                    incident=None,
                    sentence=_sentence(
                        subject(metric, name, segment),
                        value,
                        bounds,
                        percent=MEASURES[metric].percent,
                        when=when,
                        since=str(_key(ledger, model, int(since[column]))) if flagged else None,
                        seen=seen,
                    ),
                )
            )
    return rows


def _key(ledger: Ledger, model: MonitoredModel, at: int) -> str:
    local = ledger.starts[at].astype(datetime).replace(tzinfo=UTC).astimezone(model.cadence.zone)
    return f"{local:%Y-%m-%d}" if model.cadence.every in ("day", "week") else f"{local:%Y-%m-%d %H:%M}"


def _back(ledger: Ledger, table: Array) -> Array:
    """Return `table` from the stabilised scales in the metrics' own units."""
    back = np.full_like(table, np.nan)
    for column, (*_, metric) in enumerate(ledger.series):
        with np.errstate(over="ignore", invalid="ignore"):
            back[:, column] = SCALES[MEASURES[metric].scale].backward(table[:, column], ledger.n[:, column])
    return back


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _sentence(
    what: str,
    value: float,
    bounds: tuple[float, float] | None,
    *,
    percent: bool,
    when: str,
    since: str | None,
    seen: int,
) -> str:
    said = f"{what} is {number(value, percent=percent)}"
    if bounds is None:
        return f"{said}; no verdict yet: {seen} of {LEAST_HISTORY} earlier partitions"
    low, high = bounds
    if np.isfinite(low) and np.isfinite(high):
        usual = f"{number(low, percent=percent)} to {number(high, percent=percent)}"
    else:
        usual = (
            f"at most {number(high, percent=percent)}"
            if np.isfinite(high)
            else f"at least {number(low, percent=percent)}"
        )
    return f"{said}, usually {usual}{when}" + (f"; since {since}" if since else "")
