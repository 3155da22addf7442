"""The profiles of one cut of a partition."""

from dataclasses import dataclass

from lupus_assets.profiling.parting import Cell
from lupus_assets.records import EVERYTHING
from lupus_assets.stats.profile import Profile

LEAST_DISCLOSED = 20  # rows below which a category's name is not stored, only its salted hash
WHOLE: Cell = (EVERYTHING, EVERYTHING)


@dataclass(frozen=True)
class Profiled:
    """The profiles of one cut of one partition.

    Attributes
    ----------
    profiles : dict of (version, segment) to Profile
        ``("*", "*")`` is all rows. Versions have entries only where the partition has several.
    problems : dict of str to str
        Unreadable column to the description of its problem; the column is in no profile.
    """

    profiles: dict[Cell, Profile]
    problems: dict[str, str]


def rows_of(profile: Profile) -> int:
    """Return the number of rows of a profile, from its columns where rows are not counted."""
    if profile.counts is not None:
        return profile.counts.rows
    return max((column.rows for column in profile.columns.values()), default=0)
