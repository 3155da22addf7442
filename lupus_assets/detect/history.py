"""Histories of many series over the same partitions: the input of the detector."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

WINDOWS = (1, 3, 14)  # partitions: means over longer windows show small and slow changes


class Role(IntEnum):
    """The kind of a series, where the naming of causes depends on it."""

    MARGINAL = 0  # the distribution of the column
    NULL = 1  # the nulls of the column
    DEPENDENCE = 2  # the column's relation to others: a fault in one of two shows in both
    ROWS = 3  # the number of rows


class Group(IntEnum):
    """Group of targets with its own part of the budget: a noisy group does not raise others' thresholds."""

    COLUMNS = 0
    SCORE = 1  # the score, and performance
    ROWS = 2


@dataclass(frozen=True)
class Series:
    """The properties of K series, and of the Q targets that they belong to.

    Attributes
    ----------
    target : array of int, shape (K,)
        Index of each series' target.
    rare : array of bool, shape (K,)
        Whether the series counts rare events; otherwise it is a value with a sampling variance.
    side : array of int, shape (K,)
        1 if only rises count, -1 if only falls, 0 if both; 1 for rare counts.
    role : array of int, shape (K,)
        A `Role`.
    foretells : array of bool, shape (K,)
        Whether its deviations may predict those of other targets: means, spreads and distances of columns.
    least : array of float, shape (K,)
        Value on its scale below which no deviation counts; -inf for no limit.
    group : array of int, shape (Q,)
        A `Group`.
    column : array of bool, shape (Q,)
        Whether the target is a column, including the score; False for rows and performance.
    """

    target: Ints
    rare: Mask
    side: Ints
    role: Ints
    foretells: Mask
    least: Array
    group: Ints
    column: Mask


@dataclass(frozen=True)
class Heard:
    """Results of series judged earlier at the same T partitions: of the rows, when labels are judged.

    Attributes
    ----------
    z : array of float, shape (T, windows, M)
        Deviations of M series that may predict these; 0 for none.
    rows : array of bool, shape (budgets, T)
        Whether the number of rows raised an alarm, which explains alarms of columns.
    """

    z: Array
    rows: Mask


@dataclass(frozen=True)
class History:
    """K series over T partitions in time order.

    Attributes
    ----------
    series : Series
    values : array of float, shape (T, K)
        On a variance-stabilised scale (`scale`); for rare counts, the count. NaN where there is none.
    variance : array of float, shape (T, K)
        Sampling variance of each value, at least 0; unused for rare counts.
    n : array of float, shape (T, K)
        Rows behind each value.
    design : array of float, shape (T, K)
        Design effect of a rare count: its variance over that of independent rows; at least 1.
    phases : array of int, shape (T, F)
        Phase of each partition in each of F seasons, coarsest last; F may be 0.
    cycles : tuple of int
        Length of each season in partitions.
    warm : int
        Number of first partitions that are learned from without a verdict: those of the reference.
    per_month : float
        Partitions in a month.
    """

    series: Series
    values: Array
    variance: Array
    n: Array
    design: Array
    phases: Ints
    cycles: tuple[int, ...]
    warm: int
    per_month: float
