"""Checks of the agreement between cadence, reference window, delays and patterns of a declaration."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from lupus_assets.declare.consistency.pattern import repeats_after
from lupus_assets.declare.consistency.plain import at, duration_at, instant_at, items, rhythm_at, zone_of
from lupus_assets.declare.duration import format_duration
from lupus_assets.declare.mistake import Mistake, listed
from lupus_assets.declare.moment import instant
from lupus_assets.declare.rhythm import DAY, NAMED, Rhythm
from lupus_assets.declare.window import starts

MICROSECOND = timedelta(microseconds=1)
CALENDAR_END = datetime(9999, 12, 1, tzinfo=UTC)
FURTHEST_AHEAD = timedelta(days=366)  # of a reference window; a later year is a mistake
LONGEST_BY_HOUR = timedelta(days=400)  # labels of a year ago, at 24 partitions a day


def check_cadence(cadence: object) -> Iterator[Mistake]:
    """Yield contradictions between the keys of a cadence; paths are relative to the cadence."""
    zone = zone_of(cadence)
    start, end = instant_at(cadence, "start", zone), instant_at(cadence, "end", zone)
    if start and end and end <= start:
        what = f"{at(cadence, 'end')} is not after the start {at(cadence, 'start')}"
        yield Mistake(("end",), what, "give a later end; it is exclusive")
    rhythm = rhythm_at(cadence)
    if rhythm and rhythm.by_day:
        for key, moment in (("start", start), ("end", end)):
            if moment and moment.timetz().replace(tzinfo=None) != time():
                what = f"{at(cadence, key)} is not midnight in {zone}, and the cadence is by {rhythm.every}"
                yield Mistake((key,), what, f"write {moment.date()}")
    if rhythm and zone and start and end and start < end:
        whole = _first_window(rhythm, zone, start)
        if whole and end < whole[1]:
            what = f"no whole partition of the cadence '{rhythm.every}' lies between start and end"
            yield Mistake(("end",), what, f"write {_first_day_from(whole[1])} or later")


@lru_cache(maxsize=256)  # called several times per declaration, with the same arguments in a cadence group
def _first_window(rhythm: Rhythm, zone: ZoneInfo, since: datetime) -> tuple[datetime, datetime] | None:
    """Return the local bounds of the first partition that starts at `since` or later; None if none ends."""
    midnight = instant(since.astimezone(zone).date(), zone)
    found = pairwise(starts(rhythm, since, CALENDAR_END, midnight))
    start, end = next(found, (None, None))
    return (start.astimezone(zone), end.astimezone(zone)) if start and end else None


def _first_day_from(moment: datetime) -> date:
    """Return the first day that begins at a local time or later."""
    return (moment + DAY - MICROSECOND).date()


def check_timing(data: object) -> Iterator[Mistake]:
    """Yield contradictions between the parts of a declaration with times, except those within the cadence."""
    yield from _check_reference(data)
    yield from _check_seasons(data)
    yield from _check_delays(data)
    yield from _check_patterns(data)


def _check_reference(data: object) -> Iterator[Mistake]:
    cadence, reference = at(data, "cadence"), at(data, "reference")
    zone = zone_of(cadence)
    start, end = instant_at(cadence, "start", zone), instant_at(cadence, "end", zone)
    first, last = instant_at(reference, "from", zone), instant_at(reference, "to", zone)
    if first and last and last < first:
        yield Mistake(
            ("reference", "to"), f"{last.date()} is before {first.date()}", "give a day from then on"
        )
        return
    if first and start and first.date() < start.date():
        what = f"{first.date()} is before the cadence's start {start.date()}"
        yield Mistake(("reference", "from"), what, f"write {start.date()} or later")
    if last and end and last + DAY > end:
        latest = (end - DAY).date()
        what = f"{last.date()} is past the cadence's end, which is exclusive"
        yield Mistake(("reference", "to"), what, f"write {latest} or earlier")
        return
    rhythm = rhythm_at(cadence)
    if not (first and last and rhythm and zone):
        return
    whole = _first_window(rhythm, zone, max(first, start or first))
    if whole and last + DAY < whole[1]:
        what = f"{first.date()} to {last.date()} hold no whole partition of the cadence '{rhythm.every}'"
        earliest = _first_day_from(whole[1]) - DAY
        within = end is None or whole[1] <= end
        remedy = (
            f"write {earliest} or later" if within else "give the cadence a later end, or an earlier from"
        )
        yield Mistake(("reference", "to"), what, remedy)


def _check_seasons(data: object) -> Iterator[Mistake]:
    rhythm = rhythm_at(at(data, "cadence"))
    if rhythm is None or rhythm.seasons:
        return
    seasonal = listed([every for every, named in NAMED.items() if named.seasons])
    for path, _ in items(data, "rules"):
        for condition in ("falls_from_season", "rises_from_season"):
            if at(data, *path, condition) is not None:
                what = f"a cadence of '{rhythm.every}' has no season"
                remedy = (
                    f"write {condition.removesuffix('season')}recent, or a cadence that has one: {seasonal}"
                )
                yield Mistake((*path, condition), what, remedy)


def _check_delays(data: object) -> Iterator[Mistake]:
    """Yield delays that span more partitions than a tick can look at."""
    rhythm = rhythm_at(at(data, "cadence"))
    if rhythm is None or rhythm.period >= DAY:
        return
    for path in (("cadence", "grace"), ("columns", "label", "arrives_within")):
        delay = duration_at(data, *path)
        if delay is not None and delay > LONGEST_BY_HOUR:
            what = f"{at(data, *path)} is thousands of partitions of a cadence of '{rhythm.every}'"
            yield Mistake(path, what, f"write at most {LONGEST_BY_HOUR.days}d, or judge the model by day")


def _check_patterns(data: object) -> Iterator[Mistake]:
    """Yield patterns with the same text for two partitions between the cadence's start and end."""
    cadence = at(data, "cadence")
    rhythm, zone = rhythm_at(cadence), zone_of(cadence)
    if rhythm is None:
        return
    start, end = instant_at(cadence, "start", zone), instant_at(cadence, "end", zone)
    life = end - start if start and end else None
    for path, _ in items(data, "tracks"):
        for source in ("parquet", "hive", "hive_query"):
            pattern = at(data, *path, source)
            apart = repeats_after(pattern, rhythm.every) if isinstance(pattern, str) else None
            if apart is not None and (life is None or apart < life):
                what = f"'{pattern}' is the same for partitions that start {format_duration(apart)} apart"
                remedy = f"write {{partition}}, or {{start:{rhythm.key}}}"
                yield Mistake((*path, source), what, remedy)


def check_future(data: object, now: datetime) -> Iterator[Mistake]:
    """Yield a reference window that begins or ends more than a year after `now`, an aware time."""
    cadence, reference = at(data, "cadence"), at(data, "reference")
    zone = zone_of(cadence)
    start = instant_at(cadence, "start", zone)
    first, last = instant_at(reference, "from", zone), instant_at(reference, "to", zone)
    declared = [(("reference", "from"), first), (("reference", "to"), last)]
    places = declared if first and last else [(("cadence", "start"), start)]
    for path, moment in places:
        if moment and moment - now > FURTHEST_AHEAD:
            what = f"{moment.date()} is over a year ahead, and nothing is judged before the reference is over"
            yield Mistake(path, what, "write days that the log covers")
            return
