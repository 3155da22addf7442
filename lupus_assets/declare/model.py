"""The whole declaration of one model."""

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from lupus_assets.declare.cadence import Cadence
from lupus_assets.declare.column import Column, Columns, Decision
from lupus_assets.declare.consistency.parts import check_model
from lupus_assets.declare.mistake import mistake, refuse
from lupus_assets.declare.moment import Day, instant
from lupus_assets.declare.name import Name
from lupus_assets.declare.part import Part
from lupus_assets.declare.rule import Alarms, Rule
from lupus_assets.declare.track import Track

# The owners that Dagster accepts; checked here because this error has a line of the file.
OWNER = re.compile(r"team:[A-Za-z0-9_-]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")
DAY = timedelta(days=1)


def _owner(owner: str) -> str:
    if not OWNER.fullmatch(owner):
        raise mistake(f"'{owner}' is no owner", "write an address such as ml@example.com, or team:<name>")
    return owner


def _upstream(key: str) -> str:
    if not key or any(not part.strip() for part in key.split("/")):
        raise mistake(f"'{key}' is no asset key", "write parts joined by /, such as warehouse/flights")
    return key


def made_by(upstream: str) -> str | None:
    """Return the model, ``<team>/<model>``, that makes an upstream table; None if no model does.

    >>> made_by("shop/churn/churn_champion_verdicts"), made_by("warehouse/orders")
    ('shop/churn', None)
    """
    parts = upstream.split("/")
    return "/".join(parts[:2]) if len(parts) == 3 and parts[2].startswith(f"{parts[1]}_") else None


class Reference(Part):
    """The reference window: drift is the distance from its data. Give both days, or a track, or all three.

    Attributes
    ----------
    from_ : date or None
        First day of the window. Default: the start of the cadence.
    to : date or None
        Last day of the window, included. Default: 28 days in all, by hours 14 days, at least 12 partitions.
    track : str or None
        Track whose window is the reference of every track. Default: each track has its own.
    """

    from_: Day | None = Field(
        default=None, validation_alias="from", serialization_alias="from", examples=[date(2013, 5, 1)]
    )
    to: Day | None = Field(default=None, examples=[date(2013, 6, 30)])
    track: str | None = Field(default=None, examples=["champion"])

    @model_validator(mode="after")
    def _whole(self) -> Self:
        half = (self.from_ is None) != (self.to is None)
        if half or (self.from_ is None and self.track is None):
            raise mistake("is no whole window", "write both from and to, or a track, or all three")
        return self


class Compare(Part):
    """A pair of tracks to compare, row by row, on the same partitions.

    Attributes
    ----------
    old : str
        Track in service.
    new : str
        Candidate track.
    """

    old: str = Field(examples=["champion"])
    new: str = Field(examples=["challenger"])


class MonitoredModel(Part):
    """The declaration of one model.

    Attributes
    ----------
    model : str
        Name of the model, unique in its team.
    team : str
        Name of the team; the model's key is ``<team>/<model>``.
    cadence : Cadence
        The rhythm of the partitions, and their due time.
    tracks : dict of str to Track
        The source of the prediction log of each served or candidate version, by the name of the track.
    columns : Columns
        The role of each column of the prediction log.
    description : str
        Description of the prediction and its users, shown in Dagit.
    owners : tuple of str
        E-mail addresses, or ``team:<name>``, shown in Dagit.
    upstream : tuple of str
        Asset keys of the tables that the model reads, shown as its lineage in Dagit.
    segments : tuple of str
        Features whose values are also monitored one by one, such as a country.
    groups : dict of str to tuple of str
        Named lists of columns, for rules and for ``lupus search``.
    reference : Reference or None
        The reference window. Default: the first 28 days, by hours the first 14, and at least 12 partitions.
    alarms : Alarms
        The number of false alarms that the team accepts.
    rules : tuple of Rule
        The team's own limits.
    compare : tuple of Compare
        Pairs of tracks to compare; needs a ``key`` in ``columns``.

    Raises
    ------
    pydantic.ValidationError
        If a part is wrong, or parts contradict each other.
    """

    model: Name = Field(examples=["late_arrival"])
    team: Name = Field(examples=["flights"])
    cadence: Cadence = Field(examples=[{"every": "day", "start": date(2013, 5, 1)}])
    tracks: dict[Name, Track] = Field(
        min_length=1, examples=[{"champion": {"parquet": "late_arrival/champion/{partition}.parquet"}}]
    )
    columns: Columns = Field(examples=[{"timestamp": "time_hour", "prediction": {"score": "p_late"}}])
    description: str = Field(default="", examples=["Will this flight arrive late?"])
    owners: tuple[Annotated[str, AfterValidator(_owner)], ...] = Field(
        default=(), examples=[["ml@example.com"]]
    )
    upstream: tuple[Annotated[str, AfterValidator(_upstream)], ...] = Field(
        default=(), examples=[["warehouse/flights"]]
    )
    segments: tuple[Column, ...] = Field(default=(), examples=[["origin"]])
    groups: dict[str, tuple[Column, ...]] = Field(
        default_factory=dict, examples=[{"weather": ["temp", "wind_speed"]}]
    )
    reference: Reference | None = Field(
        default=None, examples=[{"from": date(2013, 5, 1), "to": date(2013, 6, 30)}]
    )
    alarms: Alarms = Field(default_factory=Alarms, examples=[{"budget": "1 per month"}])
    rules: tuple[Rule, ...] = Field(default=(), examples=[[{"metric": "row_count", "below": 500}]])
    compare: tuple[Compare, ...] = Field(default=(), examples=[[{"old": "champion", "new": "challenger"}]])

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse(check_model(self.model_dump(by_alias=True)))
        return self

    @property
    def key(self) -> str:
        """``<team>/<model>``."""
        return f"{self.team}/{self.model}"

    @property
    def name(self) -> str:
        """``<team>.<model>``, as in a `Place`."""
        return f"{self.team}.{self.model}"

    @property
    def decision(self) -> Decision | None:
        """The threshold of the score, by default 0.5; None if the prediction is no score."""
        if self.columns.prediction.kind != "score":
            return None
        return self.columns.decision or Decision()

    def reference_window(self) -> tuple[datetime, datetime]:
        """Return start and exclusive end of the reference window, aware in the cadence's zone.

        By default, the first partitions of the cadence, with the default length of its rhythm.
        """
        zone = self.cadence.zone
        if self.reference and self.reference.from_ and self.reference.to:
            return instant(self.reference.from_, zone), instant(self.reference.to + DAY, zone)
        return self.cadence.reference_window()
