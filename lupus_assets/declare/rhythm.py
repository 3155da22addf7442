"""The rhythms of cadences; a new rhythm needs one entry of `NAMED`, and a test.

A rhythm is plain data. `declare/window.py` computes its partitions, and `assets/partition.py` converts it to
Dagster's partitions.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import islice, pairwise

from cronsim import CronSim, CronSimError

from lupus_assets.declare.mistake import did_you_mean, mistake

# Formats of partition keys; a key must begin with the day of the partition's start, because readers parse it.
DAYS, MINUTES = "%Y-%m-%d", "%Y-%m-%d-%H:%M"
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
HOURS = re.compile(r"([0-9]{1,2}) hours?")
HOURS_OF_A_DAY, DAYS_OF_A_WEEK, MONTHS_OF_A_YEAR = 24, 7, 12
SUNDAY = 6
CRON_FIELDS = 5  # minute, hour, day of month, month, day of week
# The syntax of a field that all cron programs share: without 1#2, L, W, ? and steps from a number.
VALUE = r"(?:[0-9]{1,2}|[A-Za-z]{3})"
ITEM = rf"(?:(?:\*|{VALUE}-{VALUE})(?:/[0-9]{{1,2}})?|{VALUE})"
PLAIN = re.compile(f"{ITEM}(?:,{ITEM})*")
RANGE = re.compile(r"\b([0-9]+)-([0-9]+)\b")
ANY_TIME = datetime(2000, 1, 1)  # noqa: DTZ001 - local time
FIRINGS = 100  # three months of days, eight years of months: enough to find the smallest gap
WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAY_OR_HOUR = "weekday or hour"  # one wording for both, because stored sentences contain it


@dataclass(frozen=True)
class Season:
    """A cycle of phases; partitions of one phase are compared with each other.

    Attributes
    ----------
    cycle : int
        Length of the cycle in partitions.
    phase : callable
        Returns the phase of a partition from its local start, at least 0 and below `detect.season.PHASES`.
    phrases : tuple of str
        Phrase of each phase: "on Mondays".
    alike : str
        Noun for a phase, after "of the same".
    holiday : int or None
        Phase of a partition that starts on a public holiday; None if holidays are ignored.
    """

    cycle: int
    phase: Callable[[datetime], int]
    phrases: tuple[str, ...]
    alike: str
    holiday: int | None = None

    def phase_of(self, local: datetime, *, holiday: bool) -> int:
        """Return the phase of a partition that starts at a local time, on a public holiday or not."""
        return self.phase(local) if self.holiday is None or not holiday else self.holiday

    def phrase(self, local: datetime, *, holiday: bool) -> str:
        """Return the phrase of a phase: "on Mondays", "on holidays", "at 14 h", "in May"."""
        return "on holidays" if self.holiday is not None and holiday else self.phrases[self.phase(local)]


def hours_of_day(cycle: int) -> Season:
    """Return the season of the hours of a day."""
    phrases = tuple(f"at {hour} h" for hour in range(HOURS_OF_A_DAY))
    return Season(cycle, lambda local: local.hour, phrases, WEEKDAY_OR_HOUR)


def weekdays(cycle: int) -> Season:
    """Return the season of the weekdays, from Monday; a public holiday has the phase of Sunday."""
    phrases = tuple(f"on {name}" for name in WEEKDAYS)
    return Season(cycle, lambda local: local.weekday(), phrases, WEEKDAY_OR_HOUR, holiday=SUNDAY)


def months_of_year(cycle: int) -> Season:
    """Return the season of the months of a year."""
    phrases = tuple(f"in {name}" for name in MONTHS)
    return Season(cycle, lambda local: local.month - 1, phrases, "month of the year")


@dataclass(frozen=True)
class Rhythm:
    """The bounds, keys, seasons and names of a model's partitions.

    Attributes
    ----------
    every : str
        Spelling in declarations.
    cron : str
        Cron string of the local starts of partitions; a partition ends where the next one starts.
    period : timedelta
        Nominal length of a partition without clock changes: 31 days for months, the smallest gap for a cron
        string.
    key : str
        strftime format of a partition's key, its local start; `DAYS` where partitions start at midnight.
    seasons : tuple of Season
        Finest first.
    reference_partitions, reference_days : int
        Least number of partitions, 1 or more (12: a year of months), and least number of days of the default
        reference window.
    real_hours : bool
        Whether partitions are hours of elapsed time: an hour that the clock repeats is a separate partition.
    named : bool
        Whether `every` is a name; otherwise it is a cron string.
    """

    every: str
    cron: str
    period: timedelta
    key: str = DAYS
    seasons: tuple[Season, ...] = ()
    reference_partitions: int = 12
    reference_days: int = 0
    real_hours: bool = False
    named: bool = True

    @property
    def by_day(self) -> bool:
        """Whether partitions, and so the start and end of a cadence, are at midnight."""
        return self.key == DAYS

    @property
    def tag(self) -> str:
        """The name in tags: ``6-hours``, and ``cron`` for every cron string."""
        return self.every.replace(" ", "-") if self.named else "cron"

    @property
    def reference_length(self) -> str:
        """The least length of the default reference window, in words."""
        by_days = f"{self.reference_days} days"
        return by_days if self.reference_days else f"{self.reference_partitions} partitions"

    def firings(self, start: datetime) -> Iterator[datetime]:
        """Yield the starts of partitions from `start` on; both are naive local times."""
        return (moment for moment in CronSim(self.cron, start - MINUTE) if moment >= start)

    def reference_window(self, start: datetime) -> tuple[datetime, datetime]:
        """Return start and end of the default reference window, as naive local times.

        Parameters
        ----------
        start : datetime
            Start of the cadence in its zone, naive.
        """
        firings = self.firings(start)
        first = next(firings)
        last = next(islice(firings, self.reference_partitions - 1, None))
        begin = first if self.by_day else start
        return begin, max(begin + self.reference_days * DAY, last)


def _hours(hours: int) -> Rhythm:
    """Return the rhythm of windows of `hours` hours, a divisor of 24."""
    per_day = HOURS_OF_A_DAY // hours
    return Rhythm(
        every="hour" if hours == 1 else f"{hours} hours",
        cron="0 * * * *" if hours == 1 else f"0 */{hours} * * *",
        period=hours * HOUR,
        key=MINUTES,
        seasons=(hours_of_day(cycle=per_day), weekdays(cycle=DAYS_OF_A_WEEK * per_day)),
        reference_days=14,  # fourteen of every hour
        real_hours=hours == 1,
    )


NAMED = {
    rhythm.every: rhythm
    for rhythm in (
        _hours(1),
        Rhythm(
            every="day",
            cron="0 0 * * *",
            period=DAY,
            seasons=(weekdays(cycle=DAYS_OF_A_WEEK),),
            reference_days=28,  # four of every weekday
        ),
        Rhythm(every="week", cron="0 0 * * 1", period=7 * DAY),
        Rhythm(
            every="month",
            cron="0 0 1 * *",
            period=31 * DAY,
            seasons=(months_of_year(cycle=MONTHS_OF_A_YEAR),),
        ),
    )
}
SHORTEST, *LONGER = NAMED
SPELLINGS = ", ".join([SHORTEST, "'6 hours'", *LONGER])
REMEDY = f"write {SPELLINGS}, or a cron string such as '0 6 * * 1-5'"


@cache
def rhythm_of(every: str) -> Rhythm:
    """Return the rhythm of a spelling that `parse_every` returned."""
    if every in NAMED:
        return NAMED[every]
    if hours := HOURS.fullmatch(every):
        return _hours(int(hours[1]))
    # Naive times: an hour that a clock change skips does not shorten the period.
    firings = islice(CronSim(every, ANY_TIME), FIRINGS)
    return Rhythm(
        every=every,
        cron=every,
        period=min(later - earlier for earlier, later in pairwise(firings)),
        key=MINUTES,
        reference_days=28,
        named=False,
    )


def parse_every(text: str) -> str:
    """Return a rhythm in its one spelling: a name of `NAMED`, ``<n> hours`` or a cron string.

    Raises
    ------
    PydanticCustomError
        `text` is none of these.
    """
    every = " ".join(text.split())
    if every in NAMED:
        return every
    if found := HOURS.fullmatch(every):
        hours = int(found[1])
        if not hours or HOURS_OF_A_DAY % hours:
            raise mistake(f"{hours} hours do not divide a day", "write 2, 3, 4, 6, 8 or 12 hours")
        return {1: "hour", 24: "day"}.get(hours, f"{hours} hours")
    fields = every.split(" ")
    if len(fields) != CRON_FIELDS:
        raise mistake(f"'{every}' is no cadence", did_you_mean(every, NAMED, REMEDY))
    try:
        cron = CronSim(every, ANY_TIME)
        next(cron)
    except (CronSimError, StopIteration) as error:
        raise mistake(f"'{every}' is no cron string ({error or 'it never fires'})", REMEDY) from None
    _check_cron(every, fields, len(CronSim(every, ANY_TIME).hours))
    return every


def _check_cron(every: str, fields: Sequence[str], hours: int) -> None:
    """Raise if cron programs differ on the string, or if it gives too many partitions."""
    minute, _, day, _, weekday = fields
    if not all(map(PLAIN.fullmatch, fields)):
        what = f"'{every}' is no plain cron string"
        raise mistake(what, "write numbers, names such as mon, ranges, lists and steps of * or of a range")
    if not minute.isdecimal():
        raise mistake(f"'{every}' fires more than once an hour", "write one minute, or hour")
    if hours == HOURS_OF_A_DAY:
        # A repeated hour is a separate partition, and only the rhythm `hour` has a key for it.
        raise mistake(f"'{every}' fires in every hour of a day", "write hour, or fewer of the hours")
    for first, last in RANGE.findall(every):
        if first == last:
            raise mistake(f"{first}-{last} in '{every}' is no range", f"write {first}")
    if "*" not in (day, weekday) and "*" in day + weekday:
        what = f"'{every}' narrows both the day of the month and the weekday, one of them by steps of *"
        raise mistake(what, "write * for one of them")
