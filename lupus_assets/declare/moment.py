"""Days, instants and time zones in text."""

from datetime import date, datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, PlainValidator

from lupus_assets.declare.mistake import did_you_mean, mistake

# The allowed years: Dagster counts partitions from 1970 on, and a date plus any duration must stay within
# Python's calendar.
FIRST_YEAR, LAST_YEAR = 1970, 2199
NO_PLACES = frozenset({"Factory", "localtime", "posixrules"})  # zone files without a place
NO_PLACE = ("posix/", "right/")  # folders with copies of all zones, without and with leap seconds


def parse_moment(value: object) -> date | datetime:
    """Return the day or the instant of `value`; text is read as ISO 8601.

    Raises
    ------
    PydanticCustomError
        `value` is neither, or its year is before 1970 or after 2199.
    """
    moment = _read(value)
    if moment is None:
        raise mistake(f"{value!r} is no date", "write a date such as 2013-05-01")
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise mistake(
            f"{moment} is not between {FIRST_YEAR} and {LAST_YEAR}", "write a date such as 2013-05-01"
        )
    return moment


def _read(value: object) -> date | datetime | None:
    if isinstance(value, date):  # a datetime is a date
        return value
    if isinstance(value, str) and value.isascii():
        for read in (date.fromisoformat, datetime.fromisoformat):
            try:
                return read(value)
            except ValueError:
                continue
    return None


def parse_day(value: object) -> date:
    """Return the day of `value`.

    Raises
    ------
    PydanticCustomError
        `value` is no day, or has a time of day.
    """
    moment = parse_moment(value)
    if isinstance(moment, datetime):
        raise mistake(f"{moment} has a time of day", f"write the date alone: {moment.date()}")
    return moment


def parse_zone(name: str) -> str:
    """Return `name` if it is an IANA time zone.

    Raises
    ------
    PydanticCustomError
        There is no such zone.
    """
    try:
        if name in NO_PLACES or name.startswith(NO_PLACE):
            raise ZoneInfoNotFoundError
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a directory of zones
        zones = available_timezones()
        # By city as well: New_York means America/New_York. Not for GMT+2, because Etc/GMT+2 is two hours
        # behind UTC, and not for abbreviations such as PDT, because similar names are other zones.
        cities = {zone.rpartition("/")[2].lower(): zone for zone in sorted(zones) if zone[:4] != "Etc/"}
        by_city = cities.get(name.strip().replace(" ", "_").lower())
        known = [by_city] if by_city else zones if "/" in name else ()
        remedy = did_you_mean(by_city or name, known, "write a region and city, such as Europe/Berlin")
        raise mistake(f"'{name}' is no time zone", remedy) from None
    return name


def instant(moment: date | datetime, zone: ZoneInfo) -> datetime:
    """Return `moment` as an aware time in `zone`: a day is its midnight, a naive time is local."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(), tzinfo=zone)
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


Moment = Annotated[date | datetime, PlainValidator(parse_moment, json_schema_input_type=date | datetime)]
Day = Annotated[date, PlainValidator(parse_day, json_schema_input_type=date)]
Zone = Annotated[str, AfterValidator(parse_zone)]
