"""The verdicts of one judged partition: flags, expected ranges, and sentences."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.metric import METRICS
from lupus_assets.detect.evidence import LEAST_HISTORY
from lupus_assets.detect.history import WINDOWS, Ints
from lupus_assets.judging.detected import Detected, Measured
from lupus_assets.judging.history import PERFORMANCE
from lupus_assets.judging.row import verdict_row
from lupus_assets.judging.series import Ledger
from lupus_assets.judging.wording import number, season, subject
from lupus_assets.records import ALARM, HISTORY_RULE, NOTICE, VerdictRow, Window

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATE = ("target", PERFORMANCE)  # families that are judged once the labels are in
ROWS, LABELS = "rows", "labels"  # the two chains: metrics of the rows, and metrics of the labels
CLUSTERED = 2.0  # design effect above which rows of one time explain a count
OF_ONE_TIME, OF_OTHERS = "rows of one time count as one", "other alarms explain it"
TEACHES = "the reference teaches what is ordinary"


@dataclass(frozen=True)
class Judgement:
    """One partition of one chain, for one budget; arrays of shape (series,).

    Attributes
    ----------
    model : MonitoredModel
    ledger : Ledger
        Judged series only.
    at : int
        Index of the partition.
    seen : array of int
        Number of earlier partitions with a value.
    detected : Detected or None
        None during the warm-up.
    budget : int
        Index of the budget.
    """

    model: MonitoredModel
    ledger: Ledger
    at: int
    seen: Ints
    detected: Detected | None = None
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
        """Return a row for every value; with `flagged_only`, for the flagged ones only.

        Parameters
        ----------
        window : Window
            The partition.
        track : str
        unlike : str
            Text to add where there is too little history for a verdict.
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

    def _row(self, index: int, said: "_Said", of: Detected | None, measured: Measured | None) -> VerdictRow:
        segment, family, column, metric = self.ledger.series[index]
        value, seen = float(self.ledger.values[self.at, index]), int(self.seen[index])
        judged = of is not None
        flagged = of is not None and bool(of.flagged[index])
        notice = of is not None and bool(of.out[index]) and not flagged
        first = self._key(int(of.since[index])) if of is not None and flagged else None
        clustered = self.ledger.design[self.at, index] > CLUSTERED
        low, high, effect = (math.nan,) * 3 if measured is None else measured.range_of(index)
        over = WINDOWS[0 if of is None else of.window[index]]
        return verdict_row(
            (segment, family, column, metric),
            track=said.track,
            window=said.window,
            as_of=self.ledger.as_of[self.at, index].astype(object).replace(tzinfo=UTC),
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
            sentence=_sentence(
                subject(metric, column, segment),
                value,
                (low, high) if judged else None,
                percent=METRICS[metric].percent,
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


@dataclass(frozen=True)
class _Said:
    """The values that all rows of one partition share."""

    track: str
    window: Window
    when: str
    unlike: str


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
