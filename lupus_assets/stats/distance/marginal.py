"""What distances take of the states of a column, in the states' words.

Of a stored state `lupus_assets.stats.codec.marginal_of` reads these fields and passes over the rest.
"""

from dataclasses import dataclass

from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.state import Counts, Floats, Hashes


@dataclass(frozen=True, eq=False)
class NumericMarginal:
    """What distances take of a `NumericColumn`, in its words."""

    nulls: int
    nans: int
    positive_infinities: int
    negative_infinities: int
    histogram: Histogram
    minimum: float | None = None
    maximum: float | None = None
    distinct: Distinct | None = None  # and where it does not tell the values

    @property
    def values(self) -> Floats | None:
        """All finite values that occur, as `NumericColumn.values`."""
        return self.histogram.agreeing(None if self.distinct is None else self.distinct.numbers())


@dataclass(frozen=True, eq=False)
class CategoryCounts:
    """What distances take of `Categories`, in their words."""

    hashes: Hashes
    counts: Counts
    other: int


@dataclass(frozen=True, eq=False)
class CategoricalMarginal:
    """What distances take of a `CategoricalColumn`, in its words."""

    nulls: int
    categories: CategoryCounts


Numeric = NumericColumn | NumericMarginal
Categorical = CategoricalColumn | CategoricalMarginal
