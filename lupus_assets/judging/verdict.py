"""One judged partition becomes verdicts: who is named, what was to be expected, and a sentence."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.metric import MEASURES
from lupus_assets.detect.detector import Judged
from lupus_assets.detect.evidence import LEAST_HISTORY
from lupus_assets.detect.history import WINDOWS, Ints, Mask, Series
from lupus_assets.detect.rare import most_expected
from lupus_assets.detect.scale import SCALES
from lupus_assets.judging.history import PERFORMANCE
from lupus_assets.judging.series import Array, Ledger
from lupus_assets.judging.wording import number, season, subject
from lupus_assets.records import ALARM, EVERYTHING, NOTICE, VerdictRow, Window

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HISTORY_RULE = "history"
LATE = ("target", PERFORMANCE)  # families that are judged once the labels are in
ROWS, LABELS = "rows", "labels"  # what is judged together: what the rows say at once, and what the labels say
CLUSTERED = 2.0  # design effect from which on rows of one time are what explains a count
OF_ONE_TIME, OF_OTHERS = "rows of one time count as one", "other alarms explain it"
TEACHES = "the reference teaches what is ordinary"


@dataclass(frozen=True)
class Judgement:
    """One partition of one chain, for one budget; arrays of shape (series,).

    Attributes
    ----------
    model : MonitoredModel
    ledger : Ledger
        Of the judged series.
    at : int
        Index of the partition.
    seen : array of int
        How often each series had a number before.
    detected : Detected or None
        None while what is ordinary is being learned.
    budget : int
        Index of the budget.
    """

    model: MonitoredModel
    ledger: Ledger
    at: int
    seen: Ints
    detected: "Detected | None" = None
    budget: int = 0

    @property
    def start(self) -> datetime:
        """Start of the partition, aware UTC."""
        return self.ledger.window(self.at)

    @property
    def chain(self) -> str:
        """`ROWS` or `LABELS`."""
        return LABELS if self.ledger.series[0][1] in LATE else ROWS

    def rows(
        self, window: Window, *, track: str, unlike: str = "", flagged_only: bool = False
    ) -> list[VerdictRow]:
        """Return a row for every number; with `flagged_only`, for those that are told of.

        Parameters
        ----------
        window : Window
            The partition.
        track : str
        unlike : str
            What else is to be said where there is too little history for a verdict.
        flagged_only : bool
        """
        there = ~np.isnan(self.ledger.values[self.at])
        of = self.detected
        if flagged_only:
            there &= np.False_ if of is None else of.flagged
        if not there.any():
            return []
        said = _Said(track, window, season(self.model, window.start), unlike)
        measured = None if of is None else of.measured(self.ledger, self.at)
        found = []
        for index in np.flatnonzero(there).tolist():
            judged = measured is not None and not math.isnan(measured.expected[index])
            found.append(self._row(index, said, of if judged else None, measured if judged else None))
        return found

    def _row(
        self, index: int, said: "_Said", of: "Detected | None", measured: "_Measured | None"
    ) -> VerdictRow:
        segment, family, column, metric = self.ledger.series[index]
        value, seen = float(self.ledger.values[self.at, index]), int(self.seen[index])
        judged = of is not None
        flagged = of is not None and bool(of.flagged[index])
        notice = of is not None and bool(of.out[index]) and not flagged
        first = self._key(int(of.since[index])) if of is not None and flagged else None
        clustered = self.ledger.design[self.at, index] > CLUSTERED
        low, high, effect = (math.nan,) * 3 if measured is None else measured.range_of(index)
        over = WINDOWS[0 if of is None else of.window[index]]
        return VerdictRow(
            track=said.track,
            version=EVERYTHING,
            partition_key=said.window.key,
            window_start=said.window.start,
            as_of=self.ledger.as_of[self.at, index].astype(object).replace(tzinfo=UTC),
            segment=segment,
            family=family,
            column_name=column,
            metric=metric,
            rule=HISTORY_RULE,
            value=value,
            expected=None if measured is None else float(measured.expected[index]),
            low=_finite(low) if judged else None,
            high=_finite(high) if judged else None,
            p=None if of is None else float(10.0 ** -of.surprise[index]),
            effect=_finite(effect) if judged else None,
            surprise=None if measured is None else _finite(float(measured.deviation[index])),
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

    def _key(self, micros: int) -> str:
        local = (EPOCH + timedelta(microseconds=micros)).astimezone(self.model.cadence.zone)
        return f"{local:%Y-%m-%d}" if self.model.cadence.rhythm.by_day else f"{local:%Y-%m-%d %H:%M}"


def flagged_of(series: Series, judged: Judged, budget: int) -> Mask:
    """Return the series for which a target is named: those that pass what it took, at least the strongest."""
    surprise, needed = judged.surprise.max(axis=0), judged.needed[budget]
    flagged = np.zeros(surprise.shape, dtype=bool)
    for target in judged.named[budget]:
        mine = np.flatnonzero(series.target == target)
        flagged[mine] = surprise[mine] >= min(needed[mine[0]], surprise[mine].max())
    return flagged


@dataclass(frozen=True)
class Detected:
    """What the detector says of one partition for one budget; arrays of shape (series,).

    Attributes
    ----------
    series : Series
    judged : Judged
    needed : array of float
        −log10 p at which a series by itself would raise an alarm.
    flagged : array of bool
        Series of which someone is told.
    out : array of bool
        Series beyond their range, whatever explains that.
    since : array of int
        Start of the partition in µs since which a series is flagged.
    surprise : array of float
        −log10 p of the window that shows it.
    window : array of int
        That window, as an index into `WINDOWS`.
    """

    series: Series
    judged: Judged
    needed: Array
    flagged: Mask
    out: Mask
    since: Ints
    surprise: Array
    window: Ints

    @classmethod
    def of(cls, series: Series, judged: Judged, budget: int, since: Ints) -> "Detected":
        """Return what `judged` comes to for one of its budgets."""
        passes = judged.surprise >= judged.needed[budget]
        # The shortest window that shows it by itself, where one does: what came today is no weekly mean.
        window = np.where(passes.any(axis=0), passes.argmax(axis=0), judged.surprise.argmax(axis=0))
        return cls(
            series=series,
            judged=judged,
            needed=judged.needed[budget],
            flagged=flagged_of(series, judged, budget),
            out=judged.out[budget],
            since=since,
            surprise=np.take_along_axis(judged.surprise, window[None], axis=0)[0],
            window=window,
        )

    def measured(self, ledger: Ledger, at: int) -> "_Measured":
        """Return the partition in the metrics' own units."""
        series, judged, window = self.series, self.judged, self.window
        size = len(ledger.series)
        expected, low, high, effect = (np.full(size, np.nan) for _ in range(4))
        value, count = np.flatnonzero(~series.rare), np.flatnonzero(series.rare)
        reach = judged.tail.reach(self.needed)
        deviation = np.empty((len(WINDOWS), size))
        deviation[:, value], deviation[:, count] = np.abs(judged.values.z), judged.excess.z

        places, own, side = np.arange(value.size), window[value], series.side[value]
        level, away = judged.values.expected[0], reach[value] * judged.values.scale[0]
        before, gap = judged.values.expected[own, places], judged.values.gap[own, places]
        lowest, highest = np.where(side > 0, -np.inf, level - away), np.where(side < 0, np.inf, level + away)
        back = _back(ledger, value, at, np.stack([level, lowest, highest, before + gap, before]))
        expected[value], low[value], high[value], effect[value] = back[0], back[1], back[2], back[3] - back[4]

        rate = judged.excess.rate
        expected[count] = np.where(np.isnan(judged.excess.z[0]), np.nan, rate)
        low[count], high[count] = 0.0, most_expected(reach[count], ledger.n[at, count], judged.excess)
        effect[count] = ledger.values[at, count] - rate
        return _Measured(expected, low, high, effect, deviation[window, np.arange(size)])


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

    def range_of(self, index: int) -> tuple[float, float, float]:
        """Return low, high and effect of a series."""
        return float(self.low[index]), float(self.high[index]), float(self.effect[index])


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
