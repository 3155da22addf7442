"""Marginals: the fields of a column's state that distances need, under the same names.

`lupus_assets.stats.codec.marginal_of` reads only these fields of a stored state.
"""

from dataclasses import dataclass

from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.state import Counts, Floats, Hashes


@dataclass(frozen=True, eq=False)
class NumericMarginal:
    """The fields of a `NumericColumn` that distances need, under the same names."""

    nulls: int
    nans: int
    positive_infinities: int
    negative_infinities: int
    histogram: Histogram
    minimum: float | None = None
    maximum: float | None = None
    distinct: Distinct | None = None  # None also if its hashes do not give the values

    @property
    def values(self) -> Floats | None:
        """The distinct finite values, as `NumericColumn.values`."""
        return self.histogram.agreeing(None if self.distinct is None else self.distinct.numbers())


@dataclass(frozen=True, eq=False)
class CategoryCounts:
    """The fields of `Categories` that distances need, under the same names."""

    hashes: Hashes
    counts: Counts
    other: int


@dataclass(frozen=True, eq=False)
class CategoricalMarginal:
    """The fields of a `CategoricalColumn` that distances need, under the same names."""

    nulls: int
    categories: CategoryCounts


Numeric = NumericColumn | NumericMarginal
Categorical = CategoricalColumn | CategoricalMarginal
