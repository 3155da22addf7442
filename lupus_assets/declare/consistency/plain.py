"""Access to plain data of any shape; missing values and values of another type are skipped."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic_core import PydanticCustomError

from lupus_assets.declare.duration import parse_duration
from lupus_assets.declare.mistake import Path
from lupus_assets.declare.moment import instant, parse_moment, parse_zone
from lupus_assets.declare.rhythm import Rhythm, parse_every, rhythm_of


def at(data: object, *path: str | int) -> object:
    """Return the value of `data` at `path`, or None."""
    for step in path:
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, (list, tuple)) and isinstance(step, int):
            data = data[step]
        else:
            return None
    return data


def items(data: object, *path: str | int) -> list[tuple[Path, object]]:
    """Return path and value of every item of the list or mapping at `path`."""
    value = at(data, *path)
    if isinstance(value, Mapping):
        return [((*path, name), item) for name, item in value.items()]
    return [((*path, i), item) for i, item in enumerate(value)] if isinstance(value, (list, tuple)) else []


def texts(data: object, *path: str | int) -> list[tuple[Path, str]]:
    """Return path and text of the text at `path`, or of every text in the list there."""
    value = at(data, *path)
    if isinstance(value, Mapping):
        return []
    found = [(path, value)] if isinstance(value, str) else items(data, *path)
    return [(where, item) for where, item in found if isinstance(item, str)]


def zone_of(cadence: object) -> ZoneInfo | None:
    """Return the zone of a cadence, or None if it names no zone that exists."""
    name = at(cadence, "timezone") or "UTC"
    try:
        return ZoneInfo(parse_zone(name)) if isinstance(name, str) else None
    except PydanticCustomError:
        return None


def rhythm_at(cadence: object) -> Rhythm | None:
    """Return the rhythm of a cadence, or None if it names none."""
    every = at(cadence, "every")
    try:
        return rhythm_of(parse_every(every)) if isinstance(every, str) else None
    except PydanticCustomError:
        return None


def instant_at(data: object, key: str, zone: ZoneInfo | None) -> datetime | None:
    """Return the day or time under `key` as an aware time in `zone`, or None if there is none."""
    value = at(data, key)
    try:
        return None if value is None or zone is None else instant(parse_moment(value), zone)
    except PydanticCustomError:
        return None


def duration_at(data: object, *path: str) -> timedelta | None:
    """Return the duration at `path`, or None if there is none."""
    try:
        return parse_duration(at(data, *path))
    except PydanticCustomError:
        return None
