"""Histories of metrics become verdicts: who is named, what was to be expected, and a sentence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.detect.detector import Judged, replay
from lupus_assets.detect.evidence import FIRST as LEAST_HISTORY
from lupus_assets.detect.history import WINDOWS, History
from lupus_assets.detect.rare import most_expected
from lupus_assets.detect.scale import SCALES
from lupus_assets.monitor.history import PERFORMANCE, history, judged_series
from lupus_assets.monitor.intake import comparable, is_in
from lupus_assets.monitor.ledger import Array, Ledger
from lupus_assets.monitor.measure import MEASURES
from lupus_assets.monitor.rows import EVERYTHING
from lupus_assets.monitor.wording import number, season, subject
from lupus_assets.records import ALARM, NOTICE, VerdictRow, Window

HISTORY_RULE = "history"
LATE = ("target", PERFORMANCE)  # families that are judged once the labels are in
OTHER_REFERENCE = ", and others were measured against another reference: materialise those again"

Floats = npt.NDArray[np.float64]


def chains(ledger: Ledger) -> list[Ledger]:
    """Return what is judged together: what the rows say at once, and what the labels say later."""
    late = np.array([family in LATE for _, family, _, _ in ledger.series], dtype=bool)
    return [ledger.only(mine) for mine in (~late, late) if mine.any()]


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
    foreign = is_in(metrics, "version", {EVERYTHING}) & ~comparable(metrics, reference)
    unlike = OTHER_REFERENCE if foreign.any() else ""
    rows: list[VerdictRow] = []
    for chain in chains(ledger):
        mine = chain.only(judged_series(chain, model))
        if mine.series:
            rows += _Chain.of(mine, model, track, unlike).rows(windows)
    return sorted(rows, key=lambda row: row.window_start)


@dataclass(frozen=True)
class _Chain:
    """One chain of judgements, and what the detector says of it; tables of shape (partitions, series)."""

    ledger: Ledger
    model: MonitoredModel
    track: str
    unlike: str
    judged: list[Judged]
    history: History
    flagged: npt.NDArray[np.bool_]
    expected: Array
    low: Array
    high: Array
    surprise: Array  # −log10 p of the window that saw most
    deviation: Array  # in scales, of that window
    window: npt.NDArray[np.int64]
    effect: Array

    @classmethod
    def of(cls, ledger: Ledger, model: MonitoredModel, track: str, unlike: str) -> "_Chain":
        given = history(ledger, model)
        judged = replay(given, [model.alarms.budget])
        surprise = np.stack([each.surprise for each in judged])  # (partitions, windows, series)
        needed = _needed(given, judged)
        passes = surprise >= needed[:, None]
        # The shortest window that shows it by itself, where one does: what came today is no weekly mean.
        strongest = np.where(passes.any(axis=1), passes.argmax(axis=1), surprise.argmax(axis=1))
        z, expected, low, high, effect = _measured(ledger, given, judged, strongest)
        return cls(
            ledger=ledger,
            model=model,
            track=track,
            unlike=unlike,
            judged=judged,
            history=given,
            flagged=_flagged(given, judged, surprise.max(axis=1), needed),
            expected=expected,
            low=low,
            high=high,
            surprise=surprise.max(axis=1),
            deviation=z,
            window=np.array(WINDOWS)[strongest],
            effect=effect,
        )

    def rows(self, windows: Sequence[Window]) -> list[VerdictRow]:
        """Return a row for every number of `windows`."""
        keys = {window.start: window for window in windows}
        seen = np.cumsum(~np.isnan(self.ledger.values), axis=0)
        since = np.full(len(self.ledger.series), -1)
        found: list[VerdictRow] = []
        for at in range(len(self.ledger.starts)):
            since = np.where(self.flagged[at], np.where(since < 0, at, since), -1)
            window = keys.get(self.ledger.window(at))
            if window is not None:
                # The first partitions are looked at, and not judged: they teach what is ordinary.
                first = max(self.history.warm, LEAST_HISTORY)
                found += self._partition(at, window, seen[at - 1] if at else seen[at] * 0, since, at >= first)
        return found

    def _partition(
        self, at: int, window: Window, seen: Floats, since: npt.NDArray[np.int64], judge: bool
    ) -> list[VerdictRow]:
        when = season(self.model, window.start)
        rows = []
        for index, key in enumerate(self.ledger.series):
            value = float(self.ledger.values[at, index])
            if math.isnan(value):
                continue
            segment, family, column, metric = key
            judged = judge and not math.isnan(self.expected[at, index])
            flagged = judged and bool(self.flagged[at, index])
            out = judged and bool(self.judged[at].out[index])
            low, high = float(self.low[at, index]), float(self.high[at, index])
            first = self._key(int(since[index])) if flagged else None
            over = int(self.window[at, index])
            rows.append(
                VerdictRow(
                    track=self.track,
                    version=EVERYTHING,
                    partition_key=window.key,
                    window_start=window.start,
                    as_of=self.ledger.as_of[at, index].astype(object).replace(tzinfo=UTC),
                    segment=segment,
                    family=family,
                    column_name=column,
                    metric=metric,
                    rule=HISTORY_RULE,
                    value=value,
                    expected=float(self.expected[at, index]) if judged else None,
                    low=_finite(low) if judged else None,
                    high=_finite(high) if judged else None,
                    p=float(10.0 ** -self.surprise[at, index]) if judged else None,
                    effect=_finite(float(self.effect[at, index])) if judged else None,
                    surprise=_finite(float(self.deviation[at, index])) if judged else None,
                    history=int(seen[index]),
                    partitions=over if judged else None,
                    since=first,
                    severity=ALARM if flagged else NOTICE if out else None,
                    flagged=flagged,
                    incident=None,
                    sentence=_sentence(
                        subject(metric, column, segment),
                        value,
                        (low, high) if judged else None,
                        percent=MEASURES[metric].percent,
                        when=when,
                        over=(over, float(self.effect[at, index])) if flagged else None,
                        since=first,
                        short=f"{int(seen[index])} of {LEAST_HISTORY} earlier partitions{self.unlike}",
                        notice=out and not flagged,
                    ),
                )
            )
        return rows

    def _key(self, at: int) -> str:
        local = self.ledger.window(at).astimezone(self.model.cadence.zone)
        return (
            f"{local:%Y-%m-%d}" if self.model.cadence.every in ("day", "week") else f"{local:%Y-%m-%d %H:%M}"
        )


def _needed(given: History, judged: Sequence[Judged]) -> Array:
    """Return the −log10 p at which each series by itself would raise an alarm; shape (partitions, series)."""
    series = np.bincount(given.series.target, minlength=given.series.group.size)
    threshold = np.stack([each.threshold[0] for each in judged])
    return np.asarray((threshold + np.log10(series * len(WINDOWS)))[:, given.series.target])


def _flagged(
    given: History, judged: Sequence[Judged], surprise: Array, needed: Array
) -> npt.NDArray[np.bool_]:
    """Return the series for which a target is named: those that pass what it took, at least the strongest."""
    flagged = np.zeros(surprise.shape, dtype=bool)
    for at, each in enumerate(judged):
        for target in each.named[0]:
            mine = np.flatnonzero(given.series.target == target)
            flagged[at, mine] = surprise[at, mine] >= min(needed[at, mine[0]], surprise[at, mine].max())
    return flagged


def _measured(
    ledger: Ledger, given: History, judged: Sequence[Judged], strongest: npt.NDArray[np.int64]
) -> tuple[Array, Array, Array, Array, Array]:
    """Return deviation, expected value, range at the alarm level and effect, in the metrics' own units."""
    shape = ledger.values.shape
    z, expected, low, high, effect = (np.full(shape, np.nan) for _ in range(5))
    rare = given.series.rare
    value, count = np.flatnonzero(~rare), np.flatnonzero(rare)
    series = np.arange(shape[1])
    for at, each in enumerate(judged):
        window = strongest[at]
        deviations = np.full((len(WINDOWS), shape[1]), np.nan)
        deviations[:, value], deviations[:, count] = each.values.z, each.excess.z
        z[at] = np.abs(deviations[window, series])
        reach = each.reach[value] * each.values.scale[0]
        level = each.values.expected[0]
        own = window[value]
        places = np.arange(value.size)
        before, gap = each.values.expected[own, places], each.values.gap[own, places]
        side = given.series.side[value]
        for table, scaled in (
            (expected, level),
            (low, np.where(side > 0, -np.inf, level - reach)),
            (high, np.where(side < 0, np.inf, level + reach)),
            (effect, before + gap),
        ):
            table[at, value] = _back(ledger, value, at, scaled)
        effect[at, value] -= _back(ledger, value, at, before)
        n = ledger.n[at, count]
        expected[at, count] = np.where(np.isnan(each.excess.z[0]), np.nan, each.excess.rate)
        low[at, count] = 0.0
        high[at, count] = most_expected(each.reach[count], n, each.excess)
        effect[at, count] = ledger.values[at, count] - each.excess.rate
    unknown = np.isnan(expected)
    for table in (low, high, effect, z):
        table[unknown] = np.nan
    return z, expected, low, high, effect


def _back(ledger: Ledger, series: npt.NDArray[np.intp], at: int, scaled: Array) -> Array:
    """Return what lies on the stabilised scales in the metrics' own units."""
    back = np.full(series.size, np.nan)
    scales = np.array([MEASURES[ledger.series[index][-1]].scale for index in series.tolist()])
    n = ledger.n[at, series]
    for name in np.unique(scales).tolist():
        mine = scales == name
        with np.errstate(over="ignore", invalid="ignore"):
            back[mine] = SCALES[name].backward(scaled[mine], n[mine])
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
    over: tuple[int, float] | None,
    since: str | None,
    short: str,
    notice: bool,
) -> str:
    said = f"{what} is {number(value, percent=percent)}"
    if bounds is None:
        return f"{said}; no verdict yet: {short}"
    low, high = bounds
    if math.isfinite(low) and math.isfinite(high):
        usual = f"{number(low, percent=percent)} to {number(high, percent=percent)}"
    elif math.isfinite(high):
        usual = f"at most {number(high, percent=percent)}"
    else:
        usual = f"at least {number(low, percent=percent)}"
    said = f"{said}, usually {usual}{when}"
    if over is not None and over[0] > 1 and math.isfinite(over[1]):
        side = "above" if over[1] > 0 else "below"
        off = number(abs(over[1]), percent=percent)
        said += f"; over {over[0]} partitions {off} {side} what was expected"
    if notice:
        said += "; other alarms explain it"
    return f"{said}; since {since}" if since else said
