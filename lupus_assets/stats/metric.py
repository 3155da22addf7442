"""The description of a metric: its meaning, the judgement of its history, and its texts.

Belongs here: only the description, as plain strings and numbers. The tables of descriptions are beside the
functions (`lupus_assets.stats.distance`, `lupus_assets.stats.performance`); `lupus_assets.declare.metric` has
the other descriptions and the table of all. Declarations and the command line read them without numpy, which
neither this module nor those tables import.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

KINDS = ("score", "value", "class")  # of predictions


@dataclass(frozen=True)
class Metric:
    """The description of one metric, independent of its computation.

    Attributes
    ----------
    meaning : str
        Definition of the number; after a semicolon its unit and range.
    phrase : str
        Its name before the column's name in sentences: "share of null".
    scale : str
        Key of `lupus_assets.detect.scale.SCALES`: the scale on which its sampling noise hardly depends on its
        level.
    side : {-1, 0, 1}
        1 if only a rise is reported, -1 if only a fall is, 0 if both are.
    judged : bool
        Whether its history gets a verdict.
    percent : bool
        Whether it is shown as a percentage.
    rare : bool
        Whether it is a share that should be near 0: its count is judged, and only a rise is reported.
    least : float
        Value below which its history is not reported; in its own unit.
    family : {"input", "prediction", "target", "performance"} or None
        Family of its rows in the table ``metrics``; None for the family of the column.
    predictions : tuple of str
        Kinds of prediction with this metric.
    completeness : bool
        Whether its verdicts belong to the check ``completeness`` instead of the check of its family.
    """

    meaning: str
    phrase: str
    scale: str
    side: Literal[-1, 0, 1] = 0
    judged: bool = False
    percent: bool = False
    rare: bool = False
    least: float = -math.inf
    family: Literal["input", "prediction", "target", "performance"] | None = None
    predictions: tuple[str, ...] = KINDS
    completeness: bool = False

    @property
    def needs_label(self) -> bool:
        """Whether the metric requires a declared label."""
        return self.family in ("target", "performance")


@dataclass(frozen=True)
class Measure:
    """A metric that is a function of one state.

    Attributes
    ----------
    name : str
        Name of the metric in rules and tables.
    function : callable
        From the state to a `lupus_assets.stats.estimate.Estimate`.
    metric : Metric
    """

    name: str
    function: Callable[[Any], Any]
    metric: Metric


@dataclass(frozen=True)
class Distance:
    """A distance between two windows, or another number of a comparison of two windows.

    Attributes
    ----------
    name : str
        Its name in rules, tables, JSON and CSV.
    function : callable
        From two arrays that describe a pair of windows, as in the module of the function, to an array.
    metric : Metric or None
        Metric of a column against its frozen reference; None if partitions have no such metric. If judged, it
        is undefined in a window with only nulls, which the null rate reports more plainly.
    heading, title : str or None
        Heading in tables of the command, and its meaning; None if it is in JSON and CSV only. Tables have 100
        characters; one more column would wrap names and numbers.
    variance : callable or None
        Sampling variance, from the distance and the rows of both sides, for independent rows. None if no
        formula is known.
    of_tracks : bool
        Whether comparisons of two tracks include it.
    """

    name: str
    function: Callable[[Any, Any], Any]
    metric: Metric | None
    heading: str | None = None
    title: str | None = None
    variance: Callable[[float, int, int], float] | None = None
    of_tracks: bool = True
