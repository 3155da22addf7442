"""Histories of many series over the same partitions: what the detector is given."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

WINDOWS = (1, 3, 14)  # partitions that are looked at together: what is small or slow shows when it lasts


class Role(IntEnum):
    """What a series says of its target, as far as naming the cause depends on it."""

    MARGINAL = 0  # the column by itself
    NULL = 1  # the column is missing
    DEPENDENCE = 2  # the column against others: a fault in one of two shows in both
    ROWS = 3  # the number of rows


class Group(IntEnum):
    """Targets that share a third of the budget, so that one noisy kind does not deafen the others."""

    COLUMNS = 0
    SCORE = 1  # the score, and performance
    ROWS = 2


@dataclass(frozen=True)
class Series:
    """What is known of each of K series, and of the Q targets that they belong to.

    Attributes
    ----------
    target : array of int, shape (K,)
        Index of each series' target.
    rare : array of bool, shape (K,)
        Whether it counts what should be rare; otherwise it is a value with a sampling variance.
    side : array of int, shape (K,)
        1 where only a rise counts, -1 where only a fall does, 0 where both do; of rare counts, 1.
    role : array of int, shape (K,)
        A `Role`.
    foretells : array of bool, shape (K,)
        Whether its deviations may explain those of other targets: means, spreads and distances of columns.
    least : array of float, shape (K,)
        Value below which a series says nothing, on its scale; -inf where it always speaks.
    group : array of int, shape (Q,)
        A `Group`.
    column : array of bool, shape (Q,)
        Whether the target is a column, the score too; not so the rows as such, and performance.
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
    """What is known of a partition from series that were judged before these, as labels come after the rows.

    Attributes
    ----------
    z : array of float, shape (T, windows, M)
        Deviations of series that may explain these; 0 where there are none.
    rows : array of bool, shape (budgets, T)
        Partitions whose number of rows was alarmed, which explains their columns.
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
        On a scale on which the sampling noise hardly depends on the level; of rare counts, the count. NaN
        where there is none.
    variance : array of float, shape (T, K)
        Sampling variance of each value, at least 0; not looked at where `rare`.
    n : array of float, shape (T, K)
        Rows behind each value.
    design : array of float, shape (T, K)
        How many times the variance of independent rows a rare count has, as its partition shows; at least 1.
    phases : array of int, shape (T, F)
        Phase of each partition in each of F seasons, coarsest last; F may be 0.
    cycles : tuple of int
        Partitions that each season takes to come round.
    warm : int
        How many of the first partitions teach what is ordinary and are not judged: those of the reference.
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
