"""The windows of a cadence, without Dagster: the same, under the same keys, as its partitions."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim

from lupus_assets.declare.cadence import Cadence, cron_of
from lupus_assets.records import Window

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
DAYS, MINUTES = "%Y-%m-%d", "%Y-%m-%d-%H:%M"
REPEATED = "%Y-%m-%d-%H:%M%z"  # the second time that the clock shows an hour
CRONS = {"day": "0 0 * * *", "week": "0 0 * * 1"}


def windows(cadence: Cadence, since: datetime, until: datetime) -> list[Window]:
    """Return the windows that lie wholly within ``[since, until)``, in time order.

    Parameters
    ----------
    cadence : Cadence
        Its `start` and `end` are not looked at.
    since, until : datetime
        Aware.
    """
    found = []
    for start, end in pairwise(_starts(cadence, since, until)):
        local = start.astimezone(cadence.zone)
        form = DAYS if cadence.every in CRONS else MINUTES
        if cadence.every == "hour" and local.fold:
            form = REPEATED
        found.append(Window(start=start, end=end, key=f"{local:{form}}"))
    return found


def _starts(cadence: Cadence, since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield every start of a window from `since` to `until`, both included, in UTC."""
    times = _hours(cadence, since) if cadence.every == "hour" else _firings(cadence, since)
    for moment in times:
        if moment > until:
            return
        if moment >= since:
            yield moment


def _hours(cadence: Cadence, since: datetime) -> Iterator[datetime]:
    """Yield the hours of real time: cron knows none that comes twice."""
    local = since.astimezone(cadence.zone).replace(minute=0, second=0, microsecond=0)
    moment = local.astimezone(UTC)
    while True:
        yield moment
        moment += HOUR


def _firings(cadence: Cadence, since: datetime) -> Iterator[datetime]:
    """Yield when the clock on the wall shows what the cron string says.

    A time that comes twice counts the second time, one that is skipped as soon as the clock has moved on.
    """
    cron = CRONS.get(cadence.every) or cron_of(cadence.every)
    naive = since.astimezone(cadence.zone).replace(tzinfo=None) - DAY
    before = None
    for shown in CronSim(cron, naive):
        local = shown.replace(tzinfo=cadence.zone, fold=1)
        moment = local.astimezone(UTC)
        if moment.astimezone(cadence.zone).replace(tzinfo=None) != shown:  # skipped
            moment = _change(shown.replace(tzinfo=cadence.zone, fold=0), cadence.zone)
        if before is None or moment > before:
            yield moment
        before = moment


def _change(after: datetime, zone: ZoneInfo) -> datetime:
    """Return when the clock was last put forward, shortly before `after`."""
    moment = after.astimezone(UTC)
    offset = moment.astimezone(zone).utcoffset()
    while (moment - MINUTE).astimezone(zone).utcoffset() == offset:
        moment -= MINUTE
    return moment
