"""The profile of one window, or of one of its segments: the states from one pass over its rows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from lupus_assets.errors import StateError
from lupus_assets.stats.clusters import Clusters
from lupus_assets.stats.column import Column
from lupus_assets.stats.joint import Joint
from lupus_assets.stats.reference.ranking import RankMoments
from lupus_assets.stats.reference.residual import Residual
from lupus_assets.stats.state import State

Part = TypeVar("Part", "RowCounts", Residual, RankMoments, Clusters)


@dataclass(frozen=True, eq=False)
class RowCounts(State):
    """Counts of rows.

    Parameters
    ----------
    rows : int
    outside : int
        Rows with a timestamp outside the window.
    invalid : int or None
        Rows with a score outside [0, 1]; None if the prediction is not a score.
    duplicates : int or None
        Rows that repeat another row of the same partition; summed over partitions. None if not counted.
    """

    rows: int
    outside: int
    invalid: int | None
    duplicates: int | None

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.rows + other.rows,
            self.outside + other.outside,
            _sum(self.invalid, other.invalid),
            _sum(self.duplicates, other.duplicates),
        )


@dataclass(frozen=True, eq=False)
class Profile(State):
    """The states of one window, or of one of its segments.

    Parameters
    ----------
    counts : RowCounts or None
        None if only labels were read.
    columns : mapping of str to Column
        In the order of the declaration.
    joint : ScoreLabel, ErrorSums, Confusion or None
        Predictions with their labels; None if no labels were read.
    residual : Residual or None
        The score against the reference's surrogate; None without a surrogate.
    ranks : RankMoments or None
        Rank correlations of the columns; None for a segment, for a version, and in states of an older format.
    clusters : Clusters or None
        Rows without a value, or with one outside the reference's range, by timestamp; None if `ranks` is.
    """

    counts: RowCounts | None
    columns: Mapping[str, Column]
    joint: Joint | None = None
    residual: Residual | None = None
    ranks: RankMoments | None = None
    clusters: Clusters | None = None

    def kept(self, columns: Collection[str]) -> Self:
        """Return the profile with only the columns among `columns`."""
        return replace(self, columns={name: each for name, each in self.columns.items() if name in columns})

    def shared(self, other: Self) -> Self:
        """Add two windows on their common columns; a column that one window lacks is left out."""
        return self.kept(other.columns) + other.kept(self.columns)

    def __add__(self, other: Self) -> Self:
        """Add two windows; the columns keep the order of the left one.

        A part that is None on one side is taken from the other side.

        Raises
        ------
        StateError
            If a column is missing on one side or has another kind there.
        """
        odd = sorted(self.columns.keys() ^ other.columns.keys())
        if odd:
            names = ", ".join(map(repr, odd))
            raise StateError(
                f"profiles with different columns cannot be added: {names} on one side only;"
                " profile both windows with the same declaration"
            )
        return type(self)(
            _either(self.counts, other.counts),
            {name: _add(name, column, other.columns[name]) for name, column in self.columns.items()},
            _joint(self.joint, other.joint),
            _either(self.residual, other.residual),
            _either(self.ranks, other.ranks),
            _either(self.clusters, other.clusters),
        )


def _add(name: str, left: Column, right: Column) -> Column:
    try:
        return left + right
    except StateError as error:
        raise StateError(f"column {name!r}: {error}") from error


def _sum(left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return right if left is None else left
    return left + right


def _either(left: Part | None, right: Part | None) -> Part | None:
    if left is None or right is None:
        return right if left is None else left
    return left + right


def _joint(left: Joint | None, right: Joint | None) -> Joint | None:
    if left is None or right is None:
        return right if left is None else left
    if type(left) is not type(right):
        raise StateError("profiles of different kinds of prediction cannot be added; profile both anew")
    return left + right  # type: ignore[operator]  # of one class, as checked above
