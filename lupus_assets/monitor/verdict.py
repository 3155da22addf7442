"""Histories of metrics become verdicts: who is named, what was to be expected, and a sentence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.detect.detector import Judged, replay
from lupus_assets.detect.evidence import FIRST as LEAST_HISTORY
from lupus_assets.detect.history import WINDOWS, Group, Heard, History, Role
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
CLUSTERED = 2.0  # design effect from which on rows of one time are what explains a count
OF_ONE_TIME, OF_OTHERS = "rows of one time count as one", "other alarms explain it"
TEACHES = "the reference teaches what is ordinary"
OTHER_REFERENCE = ", and others were measured against another reference: materialise those again"


def chains(ledger: Ledger) -> list[Ledger]:
    """Return what is judged together: what the rows say at once, and what the labels say later."""
    late = np.array([family in LATE for _, family, _, _ in ledger.series], dtype=bool)
    return [ledger.only(mine) for mine in (~late, late) if mine.any()]


def verdict_rows(
    metrics: pa.Table, *, model: MonitoredModel, track: str, reference: str, windows: Sequence[Window]
) -> list[VerdictRow]:
    """Return the verdicts of `windows` for the declared budget, each judged from strictly earlier partitions.

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
    rows = [
        row
        for judgement in judgements(ledger, model, [model.alarms.budget])
        for row in judgement.rows(windows, track=track, unlike=unlike)
    ]
    return sorted(rows, key=lambda row: row.window_start)


def judgements(
    ledger: Ledger, model: MonitoredModel, budgets: Sequence[float], taught: datetime | None = None
) -> "list[Judgement]":
    """Return what is judged together, chain by chain and budget by budget: each history is looked at once.

    Parameters
    ----------
    ledger : Ledger
    model : MonitoredModel
    budgets : sequence of float
        False incidents a month.
    taught : datetime, optional
        Where the partitions end that teach what is ordinary; by default with the declared reference window.
    """
    taught = taught or model.reference_window()[1]
    found: list[Judgement] = []
    for chain in chains(ledger):
        mine = chain.only(judged_series(chain, model, taught))
        if mine.series:
            given = history(mine, model, taught)
            # Labels come after the rows: what is known of these explains what is seen in those.
            judged = replay(given, budgets, _heard(mine, found) if found else None)
            found += [Judgement.of(mine, model, given, judged, at) for at in range(len(budgets))]
    return found


def _heard(ledger: Ledger, before: "Sequence[Judgement]") -> Heard:
    """Return what was judged before of the partitions of a ledger: one judgement for each budget."""
    series, judged = before[0].history.series, before[0].judged
    explains = series.foretells[~series.rare]
    counted, about = np.flatnonzero(series.role == Role.ROWS), np.flatnonzero(series.group == Group.ROWS)
    z = np.zeros((len(ledger.starts), len(WINDOWS), int(explains.sum())))
    rows = np.zeros((len(before), len(ledger.starts)), dtype=bool)
    places = {start: at for at, start in enumerate(before[0].ledger.starts.tolist())}
    for at, start in enumerate(ledger.starts.tolist()):
        if start in places:
            each = judged[places[start]]
            z[at] = np.nan_to_num(each.values.z[:, explains])
            for budget, named in enumerate(each.named):
                rows[budget, at] = bool(each.out[budget, counted].any() and set(about.tolist()) & set(named))
    return Heard(z, rows)


@dataclass(frozen=True)
class Judgement:
    """What the detector says of one chain for one budget; tables of shape (partitions, series).

    Attributes
    ----------
    budget : int
        Index of the budget.
    flagged : array of bool
        Series of which someone is told.
    out : array of bool
        Series beyond their range, whatever explains that.
    surprise : array of float
        −log10 p of the window that shows it.
    shown : array of int
        That window, as an index into `WINDOWS`.
    """

    ledger: Ledger
    model: MonitoredModel
    history: History
    judged: Sequence[Judged]
    warm: int
    budget: int
    flagged: npt.NDArray[np.bool_]
    out: npt.NDArray[np.bool_]
    surprise: Array
    shown: npt.NDArray[np.int64]

    @classmethod
    def of(
        cls, ledger: Ledger, model: MonitoredModel, given: History, judged: Sequence[Judged], budget: int
    ) -> "Judgement":
        """Return what `judged` comes to for one of its budgets."""
        surprise = np.stack([each.surprise for each in judged])  # (partitions, windows, series)
        needed = np.stack([each.needed[budget] for each in judged])
        passes = surprise >= needed[:, None]
        # The shortest window that shows it by itself, where one does: what came today is no weekly mean.
        shown = np.where(passes.any(axis=1), passes.argmax(axis=1), surprise.argmax(axis=1))
        return cls(
            ledger=ledger,
            model=model,
            history=given,
            judged=judged,
            # The first partitions are looked at, and not judged: they teach what is ordinary.
            warm=max(given.warm, LEAST_HISTORY),
            budget=budget,
            flagged=_flagged(given, judged, surprise.max(axis=1), needed, budget),
            out=np.stack([each.out[budget] for each in judged]),
            surprise=np.take_along_axis(surprise, shown[:, None], axis=1)[:, 0],
            shown=shown,
        )

    def rows(
        self, windows: Sequence[Window], *, track: str, unlike: str = "", flagged_only: bool = False
    ) -> list[VerdictRow]:
        """Return a row for every number of `windows`; with `flagged_only`, for those that are told of."""
        keys = {window.start: window for window in windows}
        seen = np.cumsum(~np.isnan(self.ledger.values), axis=0) - ~np.isnan(self.ledger.values)
        since = np.full(len(self.ledger.series), -1)
        found: list[VerdictRow] = []
        for at in range(len(self.ledger.starts)):
            since = np.where(self.flagged[at], np.where(since < 0, at, since), -1)
            window = keys.get(self.ledger.window(at))
            if window is None:
                continue
            there = ~np.isnan(self.ledger.values[at])
            if flagged_only:
                there &= self.flagged[at] & (at >= self.warm)
            if there.any():
                said = _Said(track, window, season(self.model, window.start), unlike)
                measured = _measured(self, at)
                found += [
                    self._row(at, index, said, measured, int(seen[at, index]), int(since[index]))
                    for index in np.flatnonzero(there).tolist()
                ]
        return found

    def _row(
        self, at: int, index: int, said: "_Said", measured: "_Measured", seen: int, since: int
    ) -> VerdictRow:
        segment, family, column, metric = self.ledger.series[index]
        value = float(self.ledger.values[at, index])
        judged = at >= self.warm and not math.isnan(measured.expected[index])
        flagged = judged and bool(self.flagged[at, index])
        notice = judged and bool(self.out[at, index]) and not flagged
        clustered = self.ledger.design[at, index] > CLUSTERED
        low, high, effect = (float(each[index]) for each in (measured.low, measured.high, measured.effect))
        over = WINDOWS[self.shown[at, index]]
        first = self._key(since) if flagged else None
        return VerdictRow(
            track=said.track,
            version=EVERYTHING,
            partition_key=said.window.key,
            window_start=said.window.start,
            as_of=self.ledger.as_of[at, index].astype(object).replace(tzinfo=UTC),
            segment=segment,
            family=family,
            column_name=column,
            metric=metric,
            rule=HISTORY_RULE,
            value=value,
            expected=float(measured.expected[index]) if judged else None,
            low=_finite(low) if judged else None,
            high=_finite(high) if judged else None,
            p=float(10.0 ** -self.surprise[at, index]) if judged else None,
            effect=_finite(effect) if judged else None,
            surprise=_finite(float(measured.deviation[index])) if judged else None,
            history=seen,
            partitions=over if judged else None,
            since=first,
            severity=ALARM if flagged else NOTICE if notice else None,
            flagged=flagged,
            incident=None,
            sentence=_sentence(
                subject(metric, column, segment),
                value,
                (low, high) if judged else None,
                percent=MEASURES[metric].percent,
                when=said.when,
                over=(over, effect) if flagged else None,
                since=first,
                short=f"{seen} of {LEAST_HISTORY} earlier partitions{said.unlike}"
                if seen < LEAST_HISTORY
                else TEACHES,
                notice="" if not notice else OF_ONE_TIME if clustered else OF_OTHERS,
            ),
        )

    def _key(self, at: int) -> str:
        local = self.ledger.window(at).astimezone(self.model.cadence.zone)
        return (
            f"{local:%Y-%m-%d}" if self.model.cadence.every in ("day", "week") else f"{local:%Y-%m-%d %H:%M}"
        )


def _flagged(
    given: History, judged: Sequence[Judged], surprise: Array, needed: Array, budget: int
) -> npt.NDArray[np.bool_]:
    """Return the series for which a target is named: those that pass what it took, at least the strongest."""
    flagged = np.zeros(surprise.shape, dtype=bool)
    for at, each in enumerate(judged):
        for target in each.named[budget]:
            mine = np.flatnonzero(given.series.target == target)
            flagged[at, mine] = surprise[at, mine] >= min(needed[at, mine[0]], surprise[at, mine].max())
    return flagged


@dataclass(frozen=True)
class _Said:
    """What the rows of one partition share."""

    track: str
    window: Window
    when: str
    unlike: str


@dataclass(frozen=True)
class _Measured:
    """One partition in the metrics' own units, and deviations in scales; arrays of shape (series,)."""

    expected: Array
    low: Array
    high: Array
    effect: Array
    deviation: Array


def _measured(judgement: Judgement, at: int) -> _Measured:
    ledger, series, each = judgement.ledger, judgement.history.series, judgement.judged[at]
    size = len(ledger.series)
    expected, low, high, effect = (np.full(size, np.nan) for _ in range(4))
    value, count = np.flatnonzero(~series.rare), np.flatnonzero(series.rare)
    shown, reach = judgement.shown[at], each.tail.reach(each.needed[judgement.budget])
    deviation = np.empty((len(WINDOWS), size))
    deviation[:, value], deviation[:, count] = np.abs(each.values.z), each.excess.z

    places, own, side = np.arange(value.size), shown[value], series.side[value]
    level, away = each.values.expected[0], reach[value] * each.values.scale[0]
    before, gap = each.values.expected[own, places], each.values.gap[own, places]
    lowest, highest = np.where(side > 0, -np.inf, level - away), np.where(side < 0, np.inf, level + away)
    back = _back(ledger, value, at, np.stack([level, lowest, highest, before + gap, before]))
    expected[value], low[value], high[value], effect[value] = back[0], back[1], back[2], back[3] - back[4]

    rate = each.excess.rate
    expected[count] = np.where(np.isnan(each.excess.z[0]), np.nan, rate)
    low[count], high[count] = 0.0, most_expected(reach[count], ledger.n[at, count], each.excess)
    effect[count] = ledger.values[at, count] - rate
    return _Measured(expected, low, high, effect, deviation[shown, np.arange(size)])


def _back(ledger: Ledger, series: npt.NDArray[np.intp], at: int, scaled: Array) -> Array:
    """Return what lies on the stabilised scales, shape (…, series), in the metrics' own units."""
    back = np.full(scaled.shape, np.nan)
    scales = np.array([MEASURES[ledger.series[index][-1]].scale for index in series.tolist()])
    n = ledger.n[at, series]
    for name in np.unique(scales).tolist():
        mine = scales == name
        with np.errstate(over="ignore", invalid="ignore"):
            back[..., mine] = SCALES[name].backward(scaled[..., mine], n[mine])
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
    notice: str,
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
        said += f"; {notice}"
    return f"{said}; since {since}" if since else said
