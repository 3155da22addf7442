"""The detector's result for one partition and one budget, in the metrics' own units."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lupus_assets.declare.metric import METRICS
from lupus_assets.detect.detector import Judged
from lupus_assets.detect.history import WINDOWS, Ints, Mask, Series
from lupus_assets.detect.rare import most_expected
from lupus_assets.detect.scale import SCALES
from lupus_assets.judging.series import Array, Ledger


def flagged_of(series: Series, judged: Judged, budget: int) -> Mask:
    """Return the flagged series: those of a named target beyond its threshold, at least the strongest."""
    surprise, needed = judged.surprise.max(axis=0), judged.needed[budget]
    flagged = np.zeros(surprise.shape, dtype=bool)
    for target in judged.named[budget]:
        mine = np.flatnonzero(series.target == target)
        flagged[mine] = surprise[mine] >= min(needed[mine[0]], surprise[mine].max())
    return flagged


@dataclass(frozen=True)
class Detected:
    """The detector's result for one partition and one budget; arrays of shape (series,).

    Attributes
    ----------
    series : Series
    judged : Judged
    needed : array of float
        −log10 p at which a series alone would raise an alarm.
    flagged : array of bool
        Series with an alarm.
    out : array of bool
        Series beyond their range, explained or not.
    since : array of int
        Start in µs of the first partition of the present run of flags.
    surprise : array of float
        −log10 p over the chosen window.
    window : array of int
        The chosen window, as an index into `WINDOWS`.
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
        """Return the result of `judged` for one of its budgets."""
        passes = judged.surprise >= judged.needed[budget]
        # The shortest window that alone passes the threshold, if one does; else the most surprising one.
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

    def measured(self, ledger: Ledger, at: int) -> "Measured":
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
        return Measured(expected, low, high, effect, deviation[window, np.arange(size)])


@dataclass(frozen=True)
class Measured:
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
    """Convert values on the stabilised scales, shape (…, series), to the metrics' own units."""
    back = np.full(scaled.shape, np.nan)
    scales = np.array([METRICS[ledger.series[index][-1]].scale for index in series.tolist()])
    n = ledger.n[at, series]
    for name in np.unique(scales).tolist():
        mine = scales == name
        with np.errstate(over="ignore", invalid="ignore"):
            back[..., mine] = SCALES[name].backward(scaled[..., mine], n[mine])
    return back
