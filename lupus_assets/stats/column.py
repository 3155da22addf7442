"""One column of one window: numeric, categorical or timestamp.

Rows are those of the window; nulls are rows without a value. Booleans are categorical with
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
    """Integers and floats.

    Parameters
    ----------
    rows, nulls, nans, positive_infinities, negative_infinities : int
        Rows of the window, and those of them that hold no number.
    zeros : int
        Rows that hold 0.0 or -0.0.
    minimum, maximum : float or None
        Over finite values, in the column's unit; None if there are none.
    moments, histogram, distinct : Moments, Histogram, Distinct
        Over finite values.
    off_grid : int
        Rows whose value has more decimals than the grid; see `Grid.decimals`.
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
        """Return quantiles of the finite values: `Histogram.quantile`, and never beyond their extremes.

        Exact while there are at most `lupus_assets.stats.distinct.WHOLE` different ones, none in one bin.

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
        """All finite values that occur, increasing; None where they are too many."""
        return self.histogram.agreeing(self.distinct.numbers())

    @classmethod
    def of(cls, values: Floats, nulls: int, grid: Grid) -> Self:
        """Profile the values that are not null; they may hold NaN and inf.

        Parameters
        ----------
        values : array of float64, shape (n,)
            In the column's unit; may be empty.
        nulls : int
            Number of rows that are not in `values`.
        grid : Grid
            Of the column's frozen reference.
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
            # Adding 0.0 makes -0.0 and 0.0 one, whichever came first.
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
        """Add several, one at least: what two by two come to, for less work."""
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
    """Strings and booleans.

    Parameters
    ----------
    rows, nulls : int
        Rows of the window, and those of them without a value.
    categories : Categories
        Counts of the others by value.
    """

    rows: int
    nulls: int
    categories: Categories

    @classmethod
    def of(cls, values: Sequence[str], counts: Counts, nulls: int, salt: bytes) -> Self:
        """Take counts by value, as `Categories.of` does, and the number of nulls."""
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
    """A key or an entity: how many there are, and nothing of what they are.

    Parameters
    ----------
    rows, nulls : int
        Rows of the window, and those of them without a value.
    distinct : Distinct
        Over salted hashes of the others.
    """

    rows: int
    nulls: int
    distinct: Distinct

    @classmethod
    def of(cls, hashes: Hashes, nulls: int) -> Self:
        """Take the salted hashes of the values that are there."""
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
    """Points in time.

    Parameters
    ----------
    rows, nulls : int
        Rows of the window, and those of them without a value.
    minimum, maximum : int or None
        Microseconds since the epoch, UTC; None if there are none.
    """

    rows: int
    nulls: int
    minimum: int | None
    maximum: int | None

    @classmethod
    def of(cls, values: NDArray[np.int64], nulls: int) -> Self:
        """Profile the values that are not null, in microseconds since the epoch, UTC."""
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
