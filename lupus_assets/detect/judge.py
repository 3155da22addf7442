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
    n : array of float, shape (partitions, series)
        Rows behind each value.
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
    n: Array
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


def _noise(history: History, level: Array, at: int) -> Array:
    """Return the standard deviation of sampling at one partition.

    It is that of earlier rows, as many as came now: a value must not excuse itself by the noise of its own
    rows, as a fault that multiplies a column would.
    """
    own = history.variance[at]
    with np.errstate(divide="ignore", invalid="ignore"):
        past = slice(max(0, at - SPREAD), at)
        usual = _median(history.variance[past] * history.n[past]) / history.n[at]
    variance = np.where(np.isfinite(usual), usual, own)
    variance[history.counted] = poisson_variance(level[history.counted])
    return np.asarray(np.sqrt(variance))


def judge(history: History) -> Judgement:
    """Judge every series at every partition, each from strictly earlier ones.

    A run of alarms is one piece of evidence on the spread, and no larger than the alarm level: a fault that
    lasts stays outside its range until the median of its phase has followed, while a series that is often
    far out, as rain is, gets a wide range.

    Parameters
    ----------
    history : History

    Returns
    -------
    Judgement
        No verdict (NaN, not flagged) where the value is undefined or fewer than `LEAST_HISTORY`
        past residuals exist.
    """
    values = history.values
    shape = values.shape
    expected, scale, z, evidence = (np.full(shape, np.nan) for _ in range(4))
    seen = np.zeros(shape, dtype=np.int64)
    flagged = np.zeros(shape, dtype=bool)
    for at in range(shape[0]):
        expected[at] = level = _expected(values, history.phase, at)
        past = evidence[max(0, at - SPREAD) : at]
        seen[at] = np.sum(~np.isnan(past), axis=0)
        least = ROUNDING * np.fmax(1.0, np.abs(level))
        scale[at] = np.fmax(np.fmax(_spread(np.abs(past)), _noise(history, level, at)), least)
        residual = values[at] - level
        z[at] = np.where(seen[at] >= LEAST_HISTORY, residual / scale[at], np.nan)
        counted = np.where(history.side == 0, np.abs(z[at]), z[at] * history.side)
        flagged[at] = np.nan_to_num(counted, nan=0.0) > THRESHOLD
        reach = THRESHOLD * scale[at]
        evidence[at] = np.where(flagged[at], np.clip(residual, -reach, reach), residual)
        if at:
            evidence[at, flagged[at] & flagged[at - 1]] = np.nan
    counted = np.where(history.side == 0, np.abs(z), z * history.side)
    tails = np.where(history.side == 0, 2.0, 1.0)
    reach = THRESHOLD * scale
    keep = np.where(np.isnan(z), np.nan, 0.0)
    return Judgement(
        expected=expected + keep,
        low=np.where(history.side > 0, -np.inf, expected - reach) + keep,
        high=np.where(history.side < 0, np.inf, expected + reach) + keep,
        z=z,
        p=np.minimum(tails * ndtr(-counted), 1.0),
        history=seen,
        flagged=flagged,
    )
