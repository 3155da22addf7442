"""What a frozen reference is: everything a later window needs in order to be measured against it."""

from collections.abc import Mapping
from dataclasses import dataclass

from lupus_assets.stats.grid import Grid
from lupus_assets.stats.reference.association import Association
from lupus_assets.stats.reference.categorical import CategoricalReference
from lupus_assets.stats.reference.numeric import NumericReference
from lupus_assets.stats.reference.surrogate import Surrogate
from lupus_assets.stats.state import State

ColumnReference = NumericReference | CategoricalReference

ALL_ROWS = "*"  # among segments


@dataclass(frozen=True, eq=False)
class Reference(State):
    """The reference of one track.

    Parameters
    ----------
    rows : int
        Rows of the reference window.
    kinds : mapping of str to str
        How each column is profiled; fixed here, so that a column cannot change its kind unnoticed.
    grids : mapping of str to Grid
        One per numeric column, shared by all tracks of a model.
    columns : mapping of str to mapping of str to ColumnReference
        By segment, ``*`` for all rows, then by column.
    surrogate : Surrogate or None
        None where the prediction is a class, or no row of the window was scored.
    association : Association or None
        How the columns went together; None where fewer than two can be ranked, and in an older format.
    declared : str
        Identifies the part of the declaration that profiling reads, as it was when this was frozen.
    digest : str
        Identifies the frozen bytes; every number measured against this reference carries it.
    """

    rows: int
    kinds: Mapping[str, str]
    grids: Mapping[str, Grid]
    columns: Mapping[str, Mapping[str, ColumnReference]]
    surrogate: Surrogate | None
    declared: str
    digest: str
    association: Association | None = None

    @property
    def segments(self) -> tuple[str, ...]:
        """Segments that every window is split into: those the reference window held."""
        return tuple(segment for segment in self.columns if segment != ALL_ROWS)
