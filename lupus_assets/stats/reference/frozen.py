"""The frozen reference of a track: all states against which later windows are measured."""

from collections.abc import Mapping
from dataclasses import dataclass

from lupus_assets.stats.grid import Grid
from lupus_assets.stats.reference.association import Association
from lupus_assets.stats.reference.categorical import CategoricalReference
from lupus_assets.stats.reference.numeric import NumericReference
from lupus_assets.stats.reference.surrogate import Surrogate
from lupus_assets.stats.state import State

ColumnReference = NumericReference | CategoricalReference

ALL_ROWS = "*"  # the name of all rows among the segments


@dataclass(frozen=True, eq=False)
class Reference(State):
    """The reference of one track.

    Parameters
    ----------
    rows : int
        Rows of the reference window.
    kinds : mapping of str to str
        The kind as which each column is profiled; frozen, to detect columns that change their kind.
    grids : mapping of str to Grid
        One per numeric column, shared by all tracks of a model.
    columns : mapping of str to mapping of str to ColumnReference
        By segment, ``*`` for all rows, then by column.
    surrogate : Surrogate or None
        None if the prediction is a class, or no row of the window has a score.
    association : Association or None
        Rank correlations of the columns; None with fewer than two ranked columns, and in an older format.
    declared : str
        Identifier of the part of the declaration that profiling reads, at the time of freezing.
    digest : str
        Identifier of the frozen bytes, stored with every number measured against this reference.
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
        """Segments of every window: those of the reference window."""
        return tuple(segment for segment in self.columns if segment != ALL_ROWS)
