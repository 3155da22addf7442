"""The verdict of every series at every partition: a simple rule, and the one door to a better one.

The expected value is the median of the last partitions of the same phase (weekday, hour), the spread is
robust and taken over past residuals, with the sampling noise as its floor, and the threshold is
fixed. This rule cannot keep an alarm budget. A calibrated detector replaces `judge` and nothing else.

Causal: row t of every output depends on rows before t, and on row t itself.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from lupus_assets.detect.scale import poisson_variance

Array = npt.NDArray[np.float64]

SAME_PHASE = 6  # partitions of the same phase behind one expected value: six weeks of Mondays
LEAST_SAME_PHASE = 3  # below this a median of one phase says nothing; all phases serve
ANY_PHASE = 14
SPREAD = 60  # past residuals behind one spread
LEAST_HISTORY = 14  # past residuals below which there is no verdict
CONSISTENT = 1.4826  # makes the median absolute deviation a standard deviation under normality
TAIL = 0.95  # a series that is quiet but for some days, as rain is, has its spread in the tail
NORMAL_TAIL = 1.96  # the same quantile of |z| under normality
THRESHOLD = 6.0
ROUNDING = 1e-9  # of the level: a series that never moved may differ in its last digits, and no more


@dataclass(frozen=True)
class History:
    """Series over partitions in time order, on their stabilised scales.

    Attributes
    ----------
    values : array of float, shape (partitions, series)
        NaN where a metric is undefined.
    variance : array of float, shape (partitions, series)
        Sampling variance of each value, at least 0; NaN where unknown.
    phase : array of int, shape (partitions,)
        Phase of the season that each partition falls into; all equal where there is no season.
    side : array of int, shape (series,)
        1 where only a rise counts, -1 where only a fall counts, 0 where both do.
    counted : array of bool, shape (series,)
        Whether a series is of counts: its noise is that of Poisson at the expected level, since few
        rows must not excuse themselves by the noise of few. `variance` is then not looked at.
    """

    values: Array
    variance: Array
    phase: npt.NDArray[np.int64]
    side: npt.NDArray[np.int64]
    counted: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Judgement:
    """What `judge` says; every array has the shape (partitions, series).

    Attributes
    ----------
    expected, low, high : array of float
        Expected value and the range at the alarm level, on the stabilised scale; NaN without a verdict.
    z : array of float
        Deviation in spreads, signed; NaN without a verdict.
    p : array of float
        Two-sided normal tail of z, one-sided where only one side counts.
    history : array of int
        Number of past residuals the verdict rests on.
    flagged : array of bool
    """

    expected: Array
    low: Array
    high: Array
    z: Array
    p: Array
    history: npt.NDArray[np.int64]
    flagged: npt.NDArray[np.bool_]


def _quantile(rows: Array, q: float) -> Array:
    """Return the column quantiles of `rows` without NaN; NaN where a column has none, without a warning."""
    if not len(rows):
        return np.full(rows.shape[1], np.nan)
    ordered = np.sort(rows, axis=0)  # NaN sorts last
    count = np.sum(~np.isnan(rows), axis=0)
    at = np.maximum(count - 1, 0) * q
    column = np.arange(rows.shape[1])
    low = ordered[np.floor(at).astype(int), column]
    high = ordered[np.ceil(at).astype(int), column]
    return np.asarray(low + (high - low) * (at % 1))


def _median(rows: Array) -> Array:
    return _quantile(rows, 0.5)


def _spread(deviations: Array) -> Array:
    """Return the robust spread of absolute deviations, in standard deviations of a normal."""
    return np.fmax(CONSISTENT * _median(deviations), _quantile(deviations, TAIL) / NORMAL_TAIL)


def _expected(values: Array, phase: npt.NDArray[np.int64], at: int) -> Array:
    if at == 0:
        return np.full(values.shape[1], np.nan)
    alike = np.flatnonzero(phase[:at] == phase[at])[-SAME_PHASE:]
    recent = _median(values[max(0, at - ANY_PHASE) : at])
    if len(alike) < LEAST_SAME_PHASE:
        return recent
    seasonal = values[alike]
    enough = np.sum(~np.isnan(seasonal), axis=0) >= LEAST_SAME_PHASE
    return np.where(enough, _median(seasonal), recent)


def judge(history: History, *, first: int = 0) -> Judgement:
    """Judge every series at the partitions from `first` on, each from strictly earlier ones.

    Parameters
    ----------
    history : History
    first : int
        Index of the first partition to judge; earlier rows of the result are NaN, 0 and False.

    Returns
    -------
    Judgement
        No verdict (NaN, not flagged) where the value is undefined or fewer than `LEAST_HISTORY`
        past residuals exist.
    """
    values = history.values
    shape = values.shape
    residual = np.full(shape, np.nan)
    nothing = np.full(shape, np.nan)
    expected, scale = nothing.copy(), nothing.copy()
    seen = np.zeros(shape, dtype=np.int64)
    for at in range(max(0, first - SPREAD), shape[0]):
        level = _expected(values, history.phase, at)
        residual[at] = values[at] - level
        if at < first:
            continue
        past = residual[max(0, at - SPREAD) : at]
        seen[at] = np.sum(~np.isnan(past), axis=0)
        spread = _spread(np.abs(past))
        expected[at] = level
        variance = history.variance[at].copy()
        variance[history.counted] = poisson_variance(level[history.counted])
        scale[at] = np.fmax(np.fmax(spread, np.sqrt(variance)), ROUNDING * np.fmax(1.0, np.abs(level)))
    judged = (seen >= LEAST_HISTORY) & ~np.isnan(values)
    z = np.where(judged, (values - expected) / scale, np.nan)
    counted = np.where(history.side == 0, np.abs(z), z * history.side)
    tails = np.where(history.side == 0, 2.0, 1.0)
    reach = THRESHOLD * scale
    keep = np.where(judged, 0.0, np.nan)
    return Judgement(
        expected=expected + keep,
        low=np.where(history.side > 0, -np.inf, expected - reach) + keep,
        high=np.where(history.side < 0, np.inf, expected + reach) + keep,
        z=z,
        p=np.minimum(tails * ndtr(-counted), 1.0),
        history=np.where(first <= np.arange(shape[0])[:, None], seen, 0),
        flagged=np.nan_to_num(counted, nan=0.0) > THRESHOLD,
    )
