"""The cadence of a model: the rhythm, start, end and time zone of its partitions."""

from datetime import date, datetime, timedelta
from typing import Annotated, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from lupus_assets.declare.consistency.timing import check_cadence
from lupus_assets.declare.duration import Duration
from lupus_assets.declare.holiday import Country, holidays_of
from lupus_assets.declare.mistake import refuse
from lupus_assets.declare.moment import Moment, Zone, instant
from lupus_assets.declare.part import Part
from lupus_assets.declare.rhythm import Rhythm, parse_every, rhythm_of


class CadenceGroup(NamedTuple):
    """The key of models that share their partitions, and therefore their runs.

    `start` is the first day of the quarter in which the cadence starts.
    """

    every: str
    timezone: str
    start: date
    end: datetime | None


class Cadence(Part):
    """The rhythm of a model's partitions. A cron string has one fixed minute and does not fire in every hour.

    Attributes
    ----------
    every : str
        A rhythm by its name, ``<n> hours`` (n divides 24), or a cron string.
    start : date or datetime
        Start of the first partition, a midnight in `timezone` for a cadence by day, week or month. A day
        is its midnight.
    end : date, datetime or None
        Time at which the history ends, excluded. Default: no end.
    timezone : str
        IANA name of the time zone of days, weeks and hours.
    grace : timedelta
        Time from the end of a partition until it is due.
    holidays : str or None
        ISO 3166 code of a country. Its public holidays are expected to be like Sundays.
    """

    every: Annotated[str, AfterValidator(parse_every)] = Field(examples=["day"])
    start: Moment = Field(examples=[date(2013, 5, 1)])
    end: Moment | None = Field(default=None, examples=[date(2014, 1, 1)])
    timezone: Zone = Field(default="UTC", examples=["America/New_York"])
    grace: Duration = Field(default=timedelta(0), examples=["6h"])
    holidays: Country | None = Field(default=None, examples=["US"])

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse(check_cadence(self.model_dump(by_alias=True)))
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The zone of `timezone`."""
        return ZoneInfo(self.timezone)

    @property
    def start_instant(self) -> datetime:
        """`start` as an aware time in the zone."""
        return instant(self.start, self.zone)

    @property
    def end_instant(self) -> datetime | None:
        """`end` as an aware time in the zone, or None."""
        return None if self.end is None else instant(self.end, self.zone)

    @property
    def rhythm(self) -> Rhythm:
        """The rhythm that `every` names."""
        return rhythm_of(self.every)

    @property
    def period(self) -> timedelta:
        """Nominal length of a window."""
        return self.rhythm.period

    def reference_window(self) -> tuple[datetime, datetime]:
        """Return start and exclusive end of the default reference window, aware in the zone.

        It has the default length of the rhythm, and ends no later than the cadence.
        """
        clock = self.rhythm.reference_window(self.start_instant.replace(tzinfo=None))
        start, end = (moment.replace(tzinfo=self.zone) for moment in clock)
        return start, min(end, self.end_instant or end)

    @property
    def group(self) -> CadenceGroup:
        """The key under which models share one set of partitions."""
        first = self.start_instant.date()
        quarter = first.replace(month=first.month - (first.month - 1) % 3, day=1)
        return CadenceGroup(self.every, self.timezone, quarter, self.end_instant)

    def month(self, moment: datetime) -> str:
        """Return ``yyyy-mm`` of an aware instant in the zone."""
        return f"{moment.astimezone(self.zone):%Y-%m}"

    def seasons(self, moment: datetime) -> tuple[int, ...]:
        """Return the phase of each season for a window that starts at this aware instant, finest first."""
        local, holiday = moment.astimezone(self.zone), self.is_holiday(moment)
        return tuple(season.phase_of(local, holiday=holiday) for season in self.rhythm.seasons)

    def season_phrase(self, moment: datetime) -> str:
        """Return the phrase for the phase of the finest season: "on Mondays"; "" without a season."""
        local, holiday = moment.astimezone(self.zone), self.is_holiday(moment)
        return next((season.phrase(local, holiday=holiday) for season in self.rhythm.seasons), "")

    def is_holiday(self, moment: datetime) -> bool:
        """Return whether an aware instant is on a public holiday in the zone."""
        return self.holidays is not None and moment.astimezone(self.zone).date() in holidays_of(self.holidays)

    @property
    def cycles(self) -> tuple[int, ...]:
        """The length of each of `seasons` in partitions."""
        return tuple(season.cycle for season in self.rhythm.seasons)
