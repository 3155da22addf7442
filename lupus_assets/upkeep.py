"""Maintenance of the tables and their views, without Dagster: following, compacting, sweeping."""

from datetime import datetime

from lupus_assets.errors import ServiceUnreachable, StoreError
from lupus_assets.ports import Tables, View


def follow(tables: Tables, view: View, strays: list[str] | None = None) -> int:
    """Bring a view up to date with the tables; return the number of months changed.

    Doing it again, or after being killed halfway, comes to the same. `strays` takes up the errors of
    files that are none of the store's: a view does without them.

    Raises
    ------
    ServiceUnreachable, ServiceRefused, StoreError
    """
    return view.follow(view.behind(tables.months(strays=strays)))


def settle(tables: Tables) -> None:
    """Merge the pieces that a killed process left beside a compacted month.

    Raises
    ------
    StoreError
    """
    for month in tables.months(strays=[]):  # of a stray, `follow` says it
        if month.unswept:
            tables.compact(month.table, model=month.model, month=month.month)


def sweep(tables: Tables, view: View) -> int:
    """Remove files that compaction has superseded; return their number.

    For the one view that points at files: nothing is removed of a month before the service itself has said
    that it shows the file in force, and no query that began earlier can still be reading.

    Raises
    ------
    ServiceUnreachable, ServiceRefused, StoreError
    """
    return sum(
        tables.sweep(month.table, model=month.model, month=month.month)
        for month in view.released([month for month in tables.months(strays=[]) if month.unswept])
    )


def tidy(tables: Tables, view: View) -> int:
    """Settle, bring the view that points at files up to date, and sweep; return the number of files removed.

    Raises
    ------
    ServiceUnreachable, ServiceRefused, StoreError
    """
    settle(tables)
    follow(tables, view)
    return sweep(tables, view)


def closed_before(now: datetime) -> str:
    """Return the first month, ``yyyy-mm``, that may still change without a backfill: the one before this.

    Labels come weeks later, and a month that is replaced daily is better left in pieces.

    >>> closed_before(datetime(2014, 1, 31))
    '2013-12'
    """
    year, month = (now.year, now.month - 1) if now.month > 1 else (now.year - 1, 12)
    return f"{year:04d}-{month:02d}"


def compact(tables: Tables, before: str) -> int:
    """Compact every month before `before`; return the number of months compacted.

    Raises
    ------
    StoreError
        Of some months that could not be done; the others are.
    """
    count, wrong = 0, []
    for month in tables.open_months(before):
        try:
            count += tables.compact(month.table, model=month.model, month=month.month)
        except ServiceUnreachable:  # nor does it answer for the others
            raise
        except StoreError as error:
            wrong.append(str(error))
    if wrong:
        raise StoreError(f"{count} months were made one file each, and {len(wrong)} not: {'; '.join(wrong)}")
    return count
