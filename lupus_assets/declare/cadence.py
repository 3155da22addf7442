"""How often a model is judged: the cadence, and what follows from it for one window."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import islice, pairwise
from typing import Annotated, NamedTuple, Self
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field, model_validator

from lupus_assets.declare.duration import Duration
from lupus_assets.declare.holiday import Country, holidays_of
from lupus_assets.declare.mistake import did_you_mean, mistake, refuse
from lupus_assets.declare.moment import Moment, Zone, instant
from lupus_assets.declare.part import Part
from lupus_assets.declare.validation import check_cadence

HOURS = re.compile(r"([0-9]{1,2}) hours?")
CRON_FIELDS = 5  # minute, hour, day of month, month, day of week
# What every program reads of a field: without 1#2, L, W, ? and steps from a number.
VALUE = r"(?:[0-9]{1,2}|[A-Za-z]{3})"
ITEM = rf"(?:(?:\*|{VALUE}-{VALUE})(?:/[0-9]{{1,2}})?|{VALUE})"
PLAIN = re.compile(f"{ITEM}(?:,{ITEM})*")
RANGE = re.compile(r"\b([0-9]+)-([0-9]+)\b")
HOURS_OF_A_DAY = 24
SUNDAY = 6
FIRINGS = 32  # a month of days and more than two years of months: every ordinary rhythm shows its gap
REMEDY = "write hour, '6 hours', day, week, or a cron string such as '0 6 * * 1-5'"


def parse_every(text: str) -> str:
    """Return the rhythm in its one spelling: ``hour``, ``<n> hours``, ``day``, ``week`` or a cron string.

    Raises
    ------
    PydanticCustomError
        If it is none of these.
    """
    every = " ".join(text.split())
    if every in ("hour", "day", "week"):
        return every
    if found := HOURS.fullmatch(every):
        hours = int(found[1])
        if not hours or 24 % hours:
            raise mistake(f"{hours} hours do not divide a day", "write 2, 3, 4, 6, 8 or 12 hours")
        return {1: "hour", 24: "day"}.get(hours, f"{hours} hours")
    if every in ("month", "monthly"):
        raise mistake(f"'{every}' is no cadence", "write the cron string '0 0 1 * *'")
    fields = every.split(" ")
    if len(fields) != CRON_FIELDS:
        raise mistake(f"'{every}' is no cadence", did_you_mean(every, ("hour", "day", "week"), REMEDY))
    try:
        cron = CronSim(every, datetime(2000, 1, 1))  # noqa: DTZ001 - only whether it ever fires
        next(cron)
    except (CronSimError, StopIteration) as error:
        raise mistake(f"'{every}' is no cron string ({error or 'it never fires'})", REMEDY) from None
    _check_cron(every, fields, len(CronSim(every, datetime(2000, 1, 1)).hours))  # noqa: DTZ001
    return every


def _check_cron(every: str, fields: Sequence[str], hours: int) -> None:
    """Raise where programs that read cron strings differ, or where partitions would be too many."""
    minute, _, day, _, weekday = fields
    if not all(map(PLAIN.fullmatch, fields)):
        what = f"'{every}' is no plain cron string"
        raise mistake(what, "write numbers, names such as mon, ranges, lists and steps of * or of a range")
    if not minute.isdecimal():
        raise mistake(f"'{every}' fires more than once an hour", "write one minute, or hour")
    if hours == HOURS_OF_A_DAY:
        # An hour that the clock repeats is a partition of its own, and only `hour` has a key for it.
        raise mistake(f"'{every}' fires in every hour of a day", "write hour, or fewer of the hours")
    for first, last in RANGE.findall(every):
        if first == last:
            raise mistake(f"{first}-{last} in '{every}' is no range", f"write {first}")
    if "*" not in (day, weekday) and "*" in day + weekday:
        what = f"'{every}' narrows both the day of the month and the weekday, one of them by steps of *"
        raise mistake(what, "write * for one of them")


def cron_of(every: str) -> str:
    """Return the cron string of ``<n> hours``; that of a cron string is itself."""
    hours = every.removesuffix(" hours")
    return every if hours == every else f"0 */{hours} * * *"


class CadenceGroup(NamedTuple):
    """What models have in common that share their partitions, and so their runs.

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
        ``hour``, ``<n> hours`` (n divides 24), ``day``, ``week`` (from Monday) or a cron string.
    start : date or datetime
        Start of the first partition, a midnight in `timezone` for a cadence by day or week. A day is its
        midnight.
    end : date, datetime or None
        Time at which the history ends, excluded. Default: it goes on.
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
    def by_hour(self) -> bool:
        """Whether windows are one or some hours long; a cron string never counts as that."""
        return self.every == "hour" or self.every.endswith(" hours")

    @property
    def period(self) -> timedelta:
        """Nominal length of a window, clock changes aside; for a cron string its smallest gap."""
        match self.every.split(" "):
            case ["hour" | "day" | "week" as unit]:
                return timedelta(**{f"{unit}s": 1})
            case [hours, "hours"]:
                return timedelta(hours=int(hours))
        # Naive on purpose: an hour that a clock change takes away is no shorter window.
        firings = islice(CronSim(self.every, self.start_instant.replace(tzinfo=None)), FIRINGS)
        return min(later - earlier for earlier, later in pairwise(firings))

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
        """Return the phase of each season for a window that starts at this aware instant, finest first.

        The weekday (Monday is 0, a holiday is a Sunday) for a cadence by day; the local hour and the weekday
        for one by hours; nothing for weeks and cron strings, which have no season of their own.
        """
        local = moment.astimezone(self.zone)
        weekday = SUNDAY if self.is_holiday(moment) else local.weekday()
        if self.by_hour:
            return local.hour, weekday
        return (weekday,) if self.every == "day" else ()

    def is_holiday(self, moment: datetime) -> bool:
        """Return whether an aware instant is on a public holiday in the zone."""
        return self.holidays is not None and moment.astimezone(self.zone).date() in holidays_of(self.holidays)

    @property
    def cycles(self) -> tuple[int, ...]:
        """How many partitions each of `seasons` takes to come round."""
        if self.by_hour:
            day = timedelta(days=1) // self.period
            return day, 7 * day
        return (7,) if self.every == "day" else ()
