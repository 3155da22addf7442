"""Histories of models in which nothing happens, made of metric values: what a budget has to hold on.

One model has, per column, a mean and a spread, which are values, and a count of nulls, which is rare;
besides, the score against its inputs, performance, whose labels come two days late, and the rows. A day's
value is a level, plus a deviation of that day, plus what sampling its rows gives. All is drawn from a seeded
generator.
"""

from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from lupus_assets.detect.history import Group, History, Role, Series

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

REFERENCE, SERVED = 60, 122  # partitions: two months, and four that are judged
DAYS = REFERENCE + SERVED
PER_MONTH = 365.25 / 12
YEAR = 365.25
SATURDAY = 5
LABELS_LATE = 2  # partitions
LEAST_ROWS = 3  # fewer have no mean
NOISE_OF_ROWS = 0.03  # of the number of rows; more where Poisson's is more
SWING_OF_ROWS = 0.2
WEEKEND, NULLS_AT_WEEKENDS = log(0.6), 1.5
LEAST_NULLS, MOST_NULLS, WITHOUT_NULLS = 1e-5, 0.05, 1 / 3


@dataclass(frozen=True)
class Kind:
    """What is ordinary in a history.

    Attributes
    ----------
    columns : int
    persistence : float
        Correlation of a day's deviation with that of the day before.
    daily : float
        Deviation of a day, in standard deviations of the sampling noise; half of the series have none, unless
        there is persistence.
    weekly : float
        Effects of weekdays, in standard deviations of a day's value.
    swing : float
        Amplitude over a year of a column's mean, in standard deviations of its rows.
    growth : float
        Of the logarithm of the rows, in a year.
    common : float
        Correlation between columns.
    """

    columns: int = 8
    persistence: float = 0.0
    daily: float = 2.0
    weekly: float = 0.0
    swing: float = 0.0
    growth: float = 0.0
    common: float = 0.0

    @property
    def rows_target(self) -> int:
        """Index of the target that is the rows; the columns come first."""
        return self.columns + 2


KINDS = {
    "iid": Kind(),
    "ar": Kind(persistence=0.7, daily=3.0),
    "weekly": Kind(weekly=4.0),
    "growth": Kind(swing=0.2, growth=log(1.5)),
    "correlated": Kind(columns=200, common=0.5),
}


@dataclass(frozen=True)
class Change:
    """What is put into a history, by day.

    Attributes
    ----------
    rows : array of float, shape (DAYS,)
        Factor on the rows.
    first : array of float, shape (DAYS,)
        Added to the mean of the first column, in standard deviations of its rows.
    """

    rows: Array
    first: Array


NOTHING = Change(np.ones(DAYS), np.zeros(DAYS))


def history(
    kind: Kind, rows_a_day: int, rng: np.random.Generator, *, weekday: int = 0, change: Change = NOTHING
) -> History:
    """Return the history of one model, whose first day is this weekday (Monday is 0)."""
    days = weekday + np.arange(DAYS)
    n = rng.poisson(_rows(kind, rows_a_day, days, rng) * change.rows).astype(float)
    # The variance of a mean is that of a row over n, of a spread's logarithm half of it.
    unit = np.concatenate([np.ones(kind.columns), np.full(kind.columns, 0.5), [1.0, 0.2]])
    variance = unit / np.maximum(n, 1.0)[:, None]
    values = _values(kind, days, variance, unit / rows_a_day, rng)
    turn = rng.random(kind.columns)
    values[:, : kind.columns] += kind.swing * np.sin(2 * np.pi * (days[:, None] / YEAR + turn))
    values[:, 0] += change.first
    values[n < LEAST_ROWS] = np.nan
    for table in (values, variance):
        table[LABELS_LATE:, -1] = table[:-LABELS_LATE, -1].copy()
        table[:LABELS_LATE, -1] = np.nan
    nulls = _nulls(kind, days, n, rng)
    values = np.column_stack([values, np.log(n + 0.5), nulls])
    variance = np.column_stack([np.nan_to_num(variance), 1 / (n + 0.5), np.zeros_like(nulls)])
    return History(
        series=_series(kind.columns),
        values=values,
        variance=variance,
        n=np.repeat(n[:, None], values.shape[1], axis=1),
        design=np.ones_like(values),
        phases=(days % 7)[:, None],
        cycles=(7,),
        warm=REFERENCE,
        per_month=PER_MONTH,
    )


def _series(columns: int) -> Series:
    each = np.arange(columns)
    target = np.concatenate([each, each, [columns, columns + 1, columns + 2], each])
    values = 2 * columns + 3
    rare = np.arange(target.size) >= values
    role = np.where(rare, Role.NULL, Role.MARGINAL)
    role[values - 3], role[values - 1] = Role.DEPENDENCE, Role.ROWS
    return Series(
        target=target,
        rare=rare,
        side=rare.astype(np.int64),
        role=role,
        foretells=np.arange(target.size) < 2 * columns,
        least=np.full(target.size, -np.inf),
        group=np.array([Group.COLUMNS] * columns + [Group.SCORE, Group.SCORE, Group.ROWS], dtype=np.int64),
        column=np.arange(columns + 3) <= columns,  # the score is one, performance and the rows are not
    )


def _rows(kind: Kind, rows_a_day: int, days: Ints, rng: np.random.Generator) -> Array:
    """Return the expected rows of each day."""
    beside_poisson = max(0.0, NOISE_OF_ROWS**2 - 1 / rows_a_day) ** 0.5
    log_rows = beside_poisson * _persistent(rng.normal(size=(days.size, 1)), kind.persistence)[:, 0]
    log_rows = log_rows + kind.growth * days / YEAR
    if kind.growth:
        log_rows += SWING_OF_ROWS * np.sin(2 * np.pi * (days / YEAR + rng.random()))
    if kind.weekly:
        log_rows += np.where(days % 7 >= SATURDAY, WEEKEND, 0.0)
    return np.asarray(rows_a_day * np.exp(log_rows))


def _values(kind: Kind, days: Ints, variance: Array, usual: Array, rng: np.random.Generator) -> Array:
    """Return values about 0, shape (T, K), given their sampling variances and a usual one, shape (K,)."""
    series = usual.size
    daily = kind.daily * np.sqrt(usual)
    if not kind.persistence:
        daily = daily * rng.integers(0, 2, series)
    noise = np.sqrt(variance) * _correlated(kind, variance.shape, rng)
    deviation = daily * _persistent(_correlated(kind, variance.shape, rng), kind.persistence)
    effects = kind.weekly * np.sqrt(usual + daily**2) * rng.normal(size=(7, series))
    return np.asarray(noise + deviation + effects[days % 7])


def _correlated(kind: Kind, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    shared, own = rng.normal(size=(shape[0], 1)), rng.normal(size=shape)
    return np.asarray(kind.common**0.5 * shared + (1 - kind.common) ** 0.5 * own)


def _persistent(innovation: Array, persistence: float) -> Array:
    """Return a stationary autoregression of variance 1 along the first axis."""
    scaled = innovation * (1 - persistence**2) ** 0.5
    scaled[0] = innovation[0]
    return np.asarray(lfilter([1.0], [1.0, -persistence], scaled, axis=0))


def _nulls(kind: Kind, days: Ints, n: Array, rng: np.random.Generator) -> Array:
    """Return counts of nulls, shape (T, columns); a third of the columns never has any."""
    rate = np.exp(rng.uniform(log(LEAST_NULLS), log(MOST_NULLS), kind.columns))
    rate[rng.random(kind.columns) < WITHOUT_NULLS] = 0.0
    factor = np.where((days % 7 >= SATURDAY) & (kind.weekly > 0), NULLS_AT_WEEKENDS, 1.0)
    return rng.binomial(n[:, None].astype(np.int64), rate * factor[:, None]).astype(float)
