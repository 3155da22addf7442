"""Hive as a view of the Parquet files: one external table each, whose partitions point at folders.

A ledger beside the files, ``views/hive/<database>/<table>.json``, holds the folder of each partition in Hive
and the time it was set: Hive lists its partitions at once, but their folders only one by one. The ledger is
written after the statements; a process killed in between repeats them, which is harmless.

A query resolves the folders of partitions when it is compiled, and lists a folder when it reaches it,
possibly not before its last rows are fetched. Hive takes a folder whose files are gone as empty: rows would
be missing without an error. Files are therefore released only when no older query can be running.

Removing a ledger is safe: every partition is then described once and corrected if necessary. Remove it after
restoring the metastore from a backup.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lupus_assets.errors import ObjectMissing, ServiceRefused
from lupus_assets.ports import ObjectStore
from lupus_assets.records import Month
from lupus_assets.sinks.batch import batches
from lupus_assets.sinks.hive.connection import Hive
from lupus_assets.sinks.hive.failure import NO_DATABASE, NO_TABLE
from lupus_assets.sinks.hive.table import (
    Partition,
    add_columns,
    add_partitions,
    check_key,
    create_database,
    create_table,
    describe,
    describe_partition,
    key_of,
    location_in,
    missing_columns,
    same_folder,
    set_location,
    show_partitions,
)
from lupus_assets.sinks.schema import schema_of

BATCH = 50  # partitions added by one statement, which takes about as long as five alone
SLICE = 500  # partitions between two writes of the ledger: what being killed repeats at most
LONGEST_QUERY = timedelta(hours=1)  # until the last of its rows is fetched
NO_PARTITION, DUPLICATE_COLUMN = 10006, 10036  # Hive's error codes
NOTHING_THERE = (NO_DATABASE, NO_TABLE, NO_PARTITION)


@dataclass(frozen=True)
class Told:
    """The folder that a partition was last pointed at, and the time of it."""

    uri: str
    at: datetime


Ledger = dict[Partition, Told]


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class HiveView:
    """Implements `lupus_assets.ports.View`; one process at a time should follow.

    Two that follow at once do no lasting harm: what one tells Hive after the other shows up as behind,
    or is noticed by `shows`.

    Parameters
    ----------
    hive : Hive
    files : ObjectStore
        Holds the tables and the ledger; Hive must reach it under `ObjectStore.uri`.
    longest_query : datetime.timedelta
        For how long a query may still read what a partition pointed at before.
    now : callable
        Returns the time, aware.
    """

    in_place = True

    def __init__(
        self,
        hive: Hive,
        files: ObjectStore,
        *,
        longest_query: timedelta = LONGEST_QUERY,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._hive = hive
        self._files = files
        self._database = hive.address.database
        self._longest_query = longest_query
        self._now = now

    def behind(self, months: Sequence[Month]) -> list[Month]:
        """Return the months that Hive lacks, has at another folder, or has without all columns."""
        behind: set[Month] = set()
        for table, wanted in _by_table(months).items():
            if self._missing_columns(table) == []:
                shown, ledger = self._shown(table), self._ledger(table)
                behind |= {
                    month
                    for key, month in wanted.items()
                    if key not in shown or _uri_in(ledger, key) != self._uri(month)
                }
            else:
                behind |= set(wanted.values())
        return [month for month in months if month in behind]

    def follow(self, months: Sequence[Month]) -> int:
        """Create the tables and point Hive at the folders of `months`; return the number of changes."""
        return sum(self._follow(table, wanted) for table, wanted in _by_table(months).items())

    def shows(self, month: Month) -> bool:
        """Return whether Hive reports the current folder of `month`.

        Where it does not although it was told so, that is forgotten: the month is behind from then on.
        """
        schema_of(month.table)
        key = check_key(month.model, month.month)
        if same_folder(self._location(month.table, key), self._uri(month)):
            return True
        ledger = self._ledger(month.table)
        if _uri_in(ledger, key) == self._uri(month):
            del ledger[key]
            self._write_ledger(month.table, ledger)
        return False

    def released(self, months: Sequence[Month]) -> Iterator[Month]:
        """Yield the months that Hive has shown for longer than any query takes."""
        for table, wanted in _by_table(months).items():
            ledger, before = self._ledger(table), self._now() - self._longest_query
            for key, month in wanted.items():
                told = ledger.get(key)
                if told and told.uri == self._uri(month) and told.at <= before and self.shows(month):
                    yield month

    def _follow(self, table: str, wanted: Mapping[Partition, Month]) -> int:
        self._ensure(table)
        shown, ledger = self._shown(table), self._ledger(table)
        targets = {key: self._uri(month) for key, month in wanted.items()}
        todo = [key for key, uri in targets.items() if key not in shown or _uri_in(ledger, key) != uri]
        changed = 0
        for some in batches(todo, SLICE):
            for batch in batches([key for key in some if key not in shown], BATCH):
                self._run(add_partitions(self._database, table, {key: targets[key] for key in batch}))
                changed += len(batch)
            for key in some:
                # Asked first, as it takes a fraction of pointing it anew, which mostly is not needed.
                if key in shown and not same_folder(self._location(table, key), targets[key]):
                    self._run(set_location(self._database, table, key, targets[key]))
                    changed += 1
            # Read again, as another process may have written; and without what Hive has lost.
            kept = {key: told for key, told in self._ledger(table).items() if key in shown}
            shown |= set(some)
            self._write_ledger(table, kept | {key: Told(targets[key], self._now()) for key in some})
        return changed

    def _ensure(self, table: str) -> None:
        missing = self._missing_columns(table)
        if missing is None:
            created = create_table(self._database, table, self._files.uri(table))
            try:
                self._run(created)
            except ServiceRefused as error:
                if error.code != NO_DATABASE:  # where there is one, we may have no right to make one
                    raise
                self._run(create_database(self._database), created)
            missing = self._missing_columns(table)
        if missing:
            try:
                self._run(add_columns(self._database, table, missing))
            except ServiceRefused as error:
                # Done by an attempt whose answer was lost, or by another process.
                if error.code != DUPLICATE_COLUMN or self._missing_columns(table):
                    raise

    def _missing_columns(self, table: str) -> list[str] | None:
        """Return the columns that the table in Hive has not; None if there is no table."""
        described = self._rows_or_none(describe(self._database, table))
        return None if described is None else missing_columns(self._database, table, described)

    def _shown(self, table: str) -> set[Partition]:
        rows = self._rows_or_none(show_partitions(self._database, table)) or []
        return {key for (name,) in rows if (key := key_of(name))}

    def _location(self, table: str, key: Partition) -> str | None:
        described = self._rows_or_none(describe_partition(self._database, table, key))
        return None if described is None else location_in(described)

    def _rows_or_none(self, statement: str) -> list[tuple[Any, ...]] | None:
        try:
            return self._hive.run(statement)[1]
        except ServiceRefused as error:
            if error.code in NOTHING_THERE:
                return None
            raise

    def _run(self, *statements: str) -> None:
        self._hive.run(*statements)

    def _uri(self, month: Month) -> str:
        return self._files.uri(month.location)

    def _ledger(self, table: str) -> Ledger:
        try:
            data = self._files.get(self._ledger_path(table))
        except ObjectMissing:
            return {}
        try:
            return {
                _key(name): Told(str(uri), datetime.fromisoformat(at))
                for name, (uri, at) in json.loads(data).items()
            }
        except (AttributeError, TypeError, ValueError):  # damaged: as good as none
            return {}

    def _write_ledger(self, table: str, ledger: Mapping[Partition, Told]) -> None:
        lines = {"/".join(key): (told.uri, told.at.isoformat()) for key, told in sorted(ledger.items())}
        self._files.put(self._ledger_path(table), json.dumps(lines, indent=0).encode())

    def _ledger_path(self, table: str) -> str:
        return f"views/hive/{self._database}/{table}.json"


def _by_table(months: Sequence[Month]) -> dict[str, dict[Partition, Month]]:
    tables: dict[str, dict[Partition, Month]] = {}
    for month in months:
        schema_of(month.table)  # refuses one that is none of ours
        tables.setdefault(month.table, {})[check_key(month.model, month.month)] = month
    return tables


def _uri_in(ledger: Ledger, key: Partition) -> str | None:
    return ledger[key].uri if key in ledger else None


def _key(name: str) -> Partition:
    model, month = name.split("/")
    return model, month
