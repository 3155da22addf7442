"""The windows of a cadence, without Dagster; equal to Dagster's partitions, with the same keys."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from typing import TYPE_CHECKING

from lupus_assets.declare.moment import instant
from lupus_assets.declare.rhythm import DAY, HOUR, MINUTE, Rhythm
from lupus_assets.records import Window

if TYPE_CHECKING:
    from lupus_assets.declare.cadence import Cadence

OFFSET = "%z"  # suffix of the key of an hour that the clock shows the second time


def windows(cadence: "Cadence", since: datetime, until: datetime) -> list[Window]:
    """Return the windows that lie wholly within ``[since, until)``, in time order.

    Parameters
    ----------
    cadence : Cadence
        Its `start` and `end` are ignored.
    since, until : datetime
        Aware.
    """
    rhythm, zone, found = cadence.rhythm, cadence.zone, []
    origin = instant(cadence.group.start, zone)
    for start, end in pairwise(starts(rhythm, since, until, origin)):
        local = start.astimezone(zone)
        form = rhythm.key + OFFSET if rhythm.real_hours and local.fold else rhythm.key
        found.append(Window(start=start, end=end, key=f"{local:{form}}"))
    return found


def starts(rhythm: Rhythm, since: datetime, until: datetime, origin: datetime) -> Iterator[datetime]:
    """Yield every start of a window from `since` to `until`, both aware and included, in UTC.

    Parameters
    ----------
    rhythm : Rhythm
    since, until : datetime
    origin : datetime
        Midnight in the zone of the cadence, from which hours of elapsed time are counted. After a clock
        change by half an hour, these hours start at half past in local time.
    """
    zone = origin.tzinfo
    times = _hours(since, origin) if rhythm.real_hours else _firings(rhythm, zone, since)
    for moment in times:
        if moment > until:
            return
        if moment >= since:
            yield moment


def _hours(since: datetime, origin: datetime) -> Iterator[datetime]:
    """Yield hours of elapsed time; cron strings cannot express an hour that the clock repeats."""
    moment = origin.astimezone(UTC)
    moment += (since.astimezone(UTC) - moment) // HOUR * HOUR
    while True:
        yield moment
        moment += HOUR


def _firings(rhythm: Rhythm, zone: tzinfo | None, since: datetime) -> Iterator[datetime]:
    """Yield the times at which the local clock matches the cron string.

    Of a repeated local time, the second is used; for a skipped one, the time of the clock change.
    """
    before = None
    for shown in rhythm.firings(since.astimezone(zone).replace(tzinfo=None) - DAY):
        local = shown.replace(tzinfo=zone, fold=1)
        moment = local.astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) != shown:  # skipped
            moment = _change(shown.replace(tzinfo=zone, fold=0), zone)
        if before is None or moment > before:
            yield moment
        before = moment


def _change(after: datetime, zone: tzinfo | None) -> datetime:
    """Return the time of the last clock change, shortly before `after`."""
    moment = after.astimezone(UTC)
    offset = moment.astimezone(zone).utcoffset()
    while (moment - MINUTE).astimezone(zone).utcoffset() == offset:
        moment -= MINUTE
    return moment
