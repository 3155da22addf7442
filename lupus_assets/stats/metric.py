"""What a metric is: its meaning, how its history is judged, and how people are told of it.

Belongs here: the description alone, as plain strings and numbers. The tables of descriptions stand where the
functions do (`lupus_assets.stats.distance`, `lupus_assets.stats.performance`);
`lupus_assets.declare.metric` holds the others and puts all together. Declarations and the command line read
them without numpy, so that neither this module nor those tables import it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

KINDS = ("score", "value", "class")  # of predictions


@dataclass(frozen=True)
class Metric:
    """One metric, whatever computes it.

    Attributes
    ----------
    meaning : str
        What the number is; behind a semicolon its unit and range.
    phrase : str
        The same before the column's name, in sentences: "share of null".
    scale : str
        Key of `lupus_assets.detect.scale.SCALES`, on which its sampling noise hardly depends on its level.
    side : {-1, 0, 1}
        1 where only a rise counts as news, -1 where only a fall does, 0 where both do.
    judged : bool
        Whether its history gets a verdict.
    percent : bool
        Whether people read it as a percentage.
    rare : bool
        Whether it is a share that should be near 0: its count is judged, and only a rise is news.
    least : float
        Value below which its history is no news; in its own unit.
    family : {"input", "prediction", "target", "performance"} or None
        Family of its rows in the table ``metrics``; None where it is that of the column.
    predictions : tuple of str
        Kinds of prediction that have it.
    completeness : bool
        Whether its verdicts speak to the check ``completeness`` rather than to that of its family.
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
        """Whether there is none without a declared label."""
        return self.family in ("target", "performance")


@dataclass(frozen=True)
class Measure:
    """A metric that one function of one state computes.

    Attributes
    ----------
    name : str
        As rules and the tables name the metric.
    function : callable
        From the state to a `lupus_assets.stats.estimate.Estimate`.
    metric : Metric
    """

    name: str
    function: Callable[[Any], Any]
    metric: Metric


@dataclass(frozen=True)
class Distance:
    """A distance between two windows, or another number that comparisons of two windows have.

    Attributes
    ----------
    name : str
        As rules, tables, JSON and CSV name it.
    function : callable
        From two arrays that describe a pair of windows, as the module of the function says, to an array.
    metric : Metric or None
        Of a column against its frozen reference; None where partitions have no such metric. A judged one is
        undefined in a window of nulls alone: its null rate says so, in plainer words.
    heading, title : str or None
        In tables of the command, and what the heading stands for; None where only JSON and CSV have it.
        Tables are of 100 characters, and with one column more than there are they break names and numbers.
    variance : callable or None
        Of the distance and the rows of either side: its sampling variance, rows taken as independent. None
        without theory.
    of_tracks : bool
        Whether comparisons of two tracks have it.
    """

    name: str
    function: Callable[[Any, Any], Any]
    metric: Metric | None
    heading: str | None = None
    title: str | None = None
    variance: Callable[[float, int, int], float] | None = None
    of_tracks: bool = True
