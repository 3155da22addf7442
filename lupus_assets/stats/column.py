"""One column of one window: numeric, categorical or timestamp.

`rows` counts the rows of the window, `nulls` the rows without a value. Booleans are categorical with
the values ``true`` and ``false``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lupus_assets.stats.category import Categories
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.state import Counts, Floats, Hashes, State, require_same_kind

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, eq=False)
class NumericColumn(State):
    """State of a column of integers or floats.

    Parameters
    ----------
    rows, nulls, nans, positive_infinities, negative_infinities : int
        Rows of the window, and the rows without a finite number, by kind.
    zeros : int
        Rows with 0.0 or -0.0.
    minimum, maximum : float or None
        Of the finite values, in the column's unit; None without any.
    moments, histogram, distinct : Moments, Histogram, Distinct
        Of the finite values.
    off_grid : int
        Rows with a value of more decimals than `Grid.decimals`.
    """

    rows: int
    nulls: int
    nans: int
    positive_infinities: int
    negative_infinities: int
    zeros: int
    minimum: float | None
    maximum: float | None
    moments: Moments
    histogram: Histogram
    distinct: Distinct
    off_grid: int = 0

    def quantiles(self, q: ArrayLike) -> Floats:
        """Return quantiles of the finite values: `Histogram.quantile`, clipped to the extremes.

        Exact up to `lupus_assets.stats.distinct.WHOLE` distinct values, if no two of them share a bin.

        Parameters
        ----------
        q : array_like of float
            Probabilities in [0, 1].

        Raises
        ------
        ValueError
            Without finite values.
        """
        found = self.histogram.quantile(q, self.values)
        return found if self.minimum is None else np.clip(found, self.minimum, self.maximum)

    @property
    def values(self) -> Floats | None:
        """The distinct finite values, increasing; None if there are too many."""
        return self.histogram.agreeing(self.distinct.numbers())

    @classmethod
    def of(cls, values: Floats, nulls: int, grid: Grid) -> Self:
        """Return the state of the non-null values, which may include NaN and inf.

        Parameters
        ----------
        values : array of float64, shape (n,)
            In the column's unit; may be empty.
        nulls : int
            Number of null rows, which are not in `values`.
        grid : Grid
            The grid of the column's frozen reference.
        """
        is_finite = np.isfinite(values)
        whole = bool(is_finite.all())
        finite, odd = (values, values[:0]) if whole else (values[is_finite], values[~is_finite])
        return cls(
            rows=values.size + nulls,
            nulls=nulls,
            nans=int(np.count_nonzero(np.isnan(odd))),
            positive_infinities=int(np.count_nonzero(odd == np.inf)),
            negative_infinities=int(np.count_nonzero(odd == -np.inf)),
            zeros=int(np.count_nonzero(finite == 0)),
            # Adding 0.0 turns -0.0 into 0.0.
            minimum=float(np.minimum.reduce(finite)) + 0.0 if finite.size else None,
            maximum=float(np.maximum.reduce(finite)) + 0.0 if finite.size else None,
            moments=Moments.of(finite),
            histogram=Histogram.of(finite, grid),
            distinct=Distinct.of_floats(finite),
            off_grid=int(np.count_nonzero(grid.off(finite))),
        )

    @classmethod
    def empty(cls, grid: Grid) -> Self:
        """Return the column of no rows."""
        return cls.of(np.empty(0), 0, grid)

    def __add__(self, other: "Column") -> Self:
        require_same_kind(self, other)
        assert isinstance(other, NumericColumn)  # noqa: S101  # tells mypy
        return type(self)(
            self.rows + other.rows,
            self.nulls + other.nulls,
            self.nans + other.nans,
            self.positive_infinities + other.positive_infinities,
            self.negative_infinities + other.negative_infinities,
            self.zeros + other.zeros,
            _either(min, self.minimum, other.minimum),
            _either(max, self.maximum, other.maximum),
            self.moments + other.moments,
            self.histogram + other.histogram,
            self.distinct + other.distinct,
            self.off_grid + other.off_grid,
        )

    @classmethod
    def sum(cls, parts: Sequence[Self]) -> Self:
        """Return the sum of one or more states, with less work than pairwise addition."""
        histogram, distinct = Histogram.empty(parts[0].histogram.grid), Distinct.empty()
        whole = reduce(add, (replace(part, histogram=histogram, distinct=distinct) for part in parts))
        return replace(
            whole,
            histogram=Histogram.sum([part.histogram for part in parts]),
            distinct=Distinct.sum([part.distinct for part in parts]),
        )

    @property
    def finite(self) -> int:
        """Number of rows with a finite value."""
        return self.moments.n


@dataclass(frozen=True, eq=False)
class CategoricalColumn(State):
    """State of a column of strings or booleans.

    Parameters
    ----------
    rows, nulls : int
        Rows of the window, and those of them without a value.
    categories : Categories
        Counts of the non-null rows by value.
    """

    rows: int
    nulls: int
    categories: Categories

    @classmethod
    def of(cls, values: Sequence[str], counts: Counts, nulls: int, salt: bytes) -> Self:
        """Return the state of counts by value, as in `Categories.of`, and a number of nulls."""
        categories = Categories.of(values, counts, salt)
        return cls(categories.total + nulls, nulls, categories)

    @classmethod
    def empty(cls) -> Self:
        """Return the column of no rows."""
        return cls(0, 0, Categories.empty())

    def __add__(self, other: "Column") -> Self:
        require_same_kind(self, other)
        assert isinstance(other, CategoricalColumn)  # noqa: S101  # tells mypy
        return type(self)(
            self.rows + other.rows, self.nulls + other.nulls, self.categories + other.categories
        )


@dataclass(frozen=True, eq=False)
class IdentityColumn(State):
    """State of a key or entity column: the number of its values without the values themselves.

    Parameters
    ----------
    rows, nulls : int
        Rows of the window, and those of them without a value.
    distinct : Distinct
        Of the salted hashes of the non-null rows.
    """

    rows: int
    nulls: int
    distinct: Distinct

    @classmethod
    def of(cls, hashes: Hashes, nulls: int) -> Self:
        """Return the state of the salted hashes of the non-null values."""
        return cls(hashes.size + nulls, nulls, Distinct.of_hashes(hashes))

    @classmethod
    def empty(cls) -> Self:
        """Return the column of no rows."""
        return cls(0, 0, Distinct.empty())

    def __add__(self, other: "Column") -> Self:
        require_same_kind(self, other)
        assert isinstance(other, IdentityColumn)  # noqa: S101  # tells mypy
        return type(self)(self.rows + other.rows, self.nulls + other.nulls, self.distinct + other.distinct)


@dataclass(frozen=True, eq=False)
class TimestampColumn(State):
    """State of a timestamp column.

    Parameters
    ----------
    rows, nulls : int
        Rows of the window, and those of them without a value.
    minimum, maximum : int or None
        Microseconds since the epoch, UTC; None without values.
    """

    rows: int
    nulls: int
    minimum: int | None
    maximum: int | None

    @classmethod
    def of(cls, values: NDArray[np.int64], nulls: int) -> Self:
        """Return the state of the non-null values, in microseconds since the epoch, UTC."""
        if not values.size:
            return cls(nulls, nulls, None, None)
        return cls(values.size + nulls, nulls, int(values.min()), int(values.max()))

    @classmethod
    def empty(cls) -> Self:
        """Return the column of no rows."""
        return cls(0, 0, None, None)

    def __add__(self, other: "Column") -> Self:
        require_same_kind(self, other)
        assert isinstance(other, TimestampColumn)  # noqa: S101  # tells mypy
        return type(self)(
            self.rows + other.rows,
            self.nulls + other.nulls,
            _either(min, self.minimum, other.minimum),
            _either(max, self.maximum, other.maximum),
        )


Column = NumericColumn | CategoricalColumn | IdentityColumn | TimestampColumn


def _either(pick: Callable[[Number, Number], Number], a: Number | None, b: Number | None) -> Number | None:
    if a is None or b is None:
        return b if a is None else a
    return pick(a, b)
