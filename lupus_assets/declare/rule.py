"""The rules of a team: its own thresholds, and its budget of false alarms."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, PlainValidator, Strict, model_validator

from lupus_assets.declare.metric import METRICS
from lupus_assets.declare.mistake import did_you_mean, mistake
from lupus_assets.declare.name import Name
from lupus_assets.declare.part import Part
from lupus_assets.records import EVERYTHING, FACT_RULE, HISTORY_RULE

Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]

DAYS_PER_MONTH = 365.25 / 12  # Julian year
PER_MONTH = {
    "day": DAYS_PER_MONTH,
    "week": DAYS_PER_MONTH / 7,
    "month": 1.0,
    "quarter": 1 / 3,
    "year": 1 / 12,
}
BUDGET = re.compile(r"([0-9]+(?:\.[0-9]+)?) per ([a-z]+)")
BUDGET_REMEDY = "write how many false incidents you bear, such as 1 per month or 2 per quarter"
# Once in a century, and more than anyone reads: beyond these, p values and thresholds have no meaning.
LEAST_BUDGET, LARGEST_BUDGET = 1 / 1_200, 1_000
FURTHEST = 10_000  # most partitions that a rule looks back
CONDITIONS = (
    "below", "above", "falls_from_recent", "rises_from_recent", "falls_from_season", "rises_from_season",
    "falls_steadily", "rises_steadily",
)  # fmt: skip
LIKELY_BY_CHANCE = 0.01  # default p value of a trend
LEAST_TREND = 8  # partitions, as in `lupus_assets.detect.trend`


def parse_budget(value: object) -> float:
    """Return false incidents per month, greater than 0; a number alone is per month.

    Raises
    ------
    PydanticCustomError
        `value` is no budget.

    Examples
    --------
    >>> parse_budget("6 per quarter")
    2.0
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        per_month = float(min(value, LARGEST_BUDGET + 1))  # large integers overflow a float
    else:
        found = BUDGET.fullmatch(" ".join(str(value).split()))
        if found is None:
            raise mistake(f"{value!r} is no budget", BUDGET_REMEDY)
        if found[2] not in PER_MONTH:
            raise mistake(f"'{found[2]}' is no span", did_you_mean(found[2], PER_MONTH, BUDGET_REMEDY))
        per_month = float(found[1]) * PER_MONTH[found[2]]
    if not LEAST_BUDGET <= per_month <= LARGEST_BUDGET:
        what = f"{value!r} is not between {LEAST_BUDGET:g} and {LARGEST_BUDGET:,} false incidents a month"
        raise mistake(what, BUDGET_REMEDY)
    return per_month


def _metric(name: str) -> str:
    if name not in METRICS:
        otherwise = "write a metric of the catalogue, such as row_count, null_rate, psi or auc"
        raise mistake(f"'{name}' is no metric", did_you_mean(name, METRICS, otherwise))
    return name


def _rule_name(name: str) -> str:
    if name in (HISTORY_RULE, FACT_RULE):
        raise mistake(f"'{name}' names verdicts that are of no rule of yours", "write another name")
    return name


class Alarms(Part):
    """The number of false alarms that the team accepts.

    Attributes
    ----------
    budget : float
        False incidents per month and track, all segments together; as ``1 per month`` or ``2 per quarter``.
    """

    budget: Annotated[float, PlainValidator(parse_budget, json_schema_input_type=str | float)] = Field(
        default=1.0, examples=["1 per month"]
    )


class RecentChange(Part):
    """A change against the recent past: the median of the partitions before.

    Attributes
    ----------
    partitions : int
        Number of partitions before the judged one. Their median is the usual value.
    by : float
        Distance from the usual value, in the metric's unit; the rule fails beyond it.
    """

    partitions: Annotated[int, Strict()] = Field(ge=1, le=FURTHEST, examples=[14])
    by: Number = Field(gt=0, examples=[0.05])


class SeasonChange(Part):
    """A change against earlier partitions of the same season: weekday, hour (by hours) or month (by months).

    Attributes
    ----------
    periods : int
        Number of earlier partitions of that weekday, hour or month. Their median is the usual value.
    by : float
        Distance from the usual value, in the metric's unit; the rule fails beyond it.
    """

    periods: Annotated[int, Strict()] = Field(ge=1, le=FURTHEST, examples=[4])
    by: Number = Field(gt=0, examples=[0.05])


class SteadyChange(Part):
    """A steady trend over many partitions: Mann-Kendall test, corrected for autocorrelation.

    Attributes
    ----------
    partitions : int
        Number of partitions, the judged one included.
    p : float
        The rule fails if chance gives such a trend with this probability or a smaller one.
    """

    partitions: Annotated[int, Strict()] = Field(ge=LEAST_TREND, le=FURTHEST, examples=[28])
    p: Number = Field(default=LIKELY_BY_CHANCE, gt=0, lt=1, examples=[0.01])


class Rule(Part):
    """A limit set by the team: one metric, and exactly one condition for failure.

    Attributes
    ----------
    name : str or None
        Name in verdicts. Default: made from the condition, such as ``row_count below 500``.
    metric : str
        Name of a metric.
    column : str or None
        Only this column. Default: every column that has the metric.
    segment : str or None
        A declared segment (``origin``: each of its values), or one of its values (``origin=JFK``). Default:
        all rows together.
    track : str or None
        Only this track. Default: every track.
    group : str or None
        Only the columns of this declared group. Default: every column that has the metric.
    below, above : float or None
        Limit in the metric's unit.
    falls_from_recent, rises_from_recent : RecentChange or None
        Limit relative to the median of the partitions before.
    falls_from_season, rises_from_season : SeasonChange or None
        Limit relative to the same weekday, hour or month; for a cadence by day, hours or month.
    falls_steadily, rises_steadily : SteadyChange or None
        A steady trend.
    """

    name: Annotated[Name, AfterValidator(_rule_name)] | None = Field(default=None, examples=["low_traffic"])
    metric: Annotated[str, AfterValidator(_metric)] = Field(examples=["row_count"])
    column: str | None = Field(default=None, examples=["distance"])
    segment: str | None = Field(default=None, examples=["origin"])
    track: str | None = Field(default=None, examples=["champion"])
    group: str | None = Field(default=None, examples=["weather"])
    below: Number | None = Field(default=None, examples=[500])
    above: Number | None = Field(default=None, examples=[0.2])
    falls_from_recent: RecentChange | None = Field(default=None, examples=[{"partitions": 14, "by": 0.05}])
    rises_from_recent: RecentChange | None = Field(default=None, examples=[{"partitions": 14, "by": 0.05}])
    falls_from_season: SeasonChange | None = Field(default=None, examples=[{"periods": 4, "by": 0.05}])
    rises_from_season: SeasonChange | None = Field(default=None, examples=[{"periods": 4, "by": 0.05}])
    falls_steadily: SteadyChange | None = Field(default=None, examples=[{"partitions": 28}])
    rises_steadily: SteadyChange | None = Field(default=None, examples=[{"partitions": 28}])

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(getattr(self, name) is not None for name in CONDITIONS) != 1:
            raise mistake("names not exactly one condition", f"write one of {', '.join(CONDITIONS)}")
        return self

    def concerns(self, segment: str) -> bool:
        """Return whether the rule applies to a segment of the tables."""
        if self.segment is None:
            return segment == EVERYTHING
        return segment == self.segment or segment.startswith(f"{self.segment}=")
