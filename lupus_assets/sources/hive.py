"""A prediction log in a partitioned Hive table: Hive names the Parquet files, and Arrow reads them.

Reading rows through Hive is twenty times slower; `hive_query` does so for other formats.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Protocol
from zoneinfo import ZoneInfo

import pyarrow as pa

from lupus_assets.errors import PartitionMissing, SourceError, SourceUnreadable, StoreError
from lupus_assets.ports import Database
from lupus_assets.records import Window
from lupus_assets.sources.column import select
from lupus_assets.sources.file import File, batches_of, schema_of
from lupus_assets.sources.hive_table import NULL, PARQUET, Table, location, values_of
from lupus_assets.sources.hive_type import arrow_type, literal, quoted
from lupus_assets.sources.pattern import Pattern

INSTEAD = "declare it by hive_query"
NOT_THERE = 10001, 10072  # Hive's codes of a table and of a database that do not exist


class Folders(Protocol):
    """The folders of partitions, by their address in Hive."""

    def within(self, folder: str) -> list[File]:
        """Return the files below a folder, as a UNION of Hive's leaves them; none where there is no folder.

        Raises
        ------
        SourceError
        """
        ...


class HiveSource:
    """Partitions of a Hive table; implements `lupus_assets.ports.Source`.

    Partition columns that the pattern names say where and not what, and are no columns of the log; the
    others are. A partition that Hive knows has arrived, even if it has no file.

    Parameters
    ----------
    pattern : str
        ``database.table/column=value/…``, as Hive names partitions, with ``{partition}`` (the
        partition key) and ``{start}``, ``{end}`` (the window in local time) in the values. What
        it leaves open, as the hour of a day, is all of the window.
    database : Database
        HiveServer2.
    folders : callable
        Gives, for the location of a partition, where it is and its path there.
    zone : ZoneInfo
        Zone of the cadence.

    Raises
    ------
    SourceError
        The pattern has other fields than these.
    """

    def __init__(
        self,
        pattern: str,
        database: Database,
        folders: Callable[[str], tuple[Folders, str]],
        zone: ZoneInfo,
    ) -> None:
        self._name, _, values = pattern.partition("/")
        self._values = {
            column: Pattern(value, zone)
            for column, _, value in (each.partition("=") for each in _split(values))
        }
        self._database = database
        self._folders = folders

    def arrived(self, window: Window) -> bool:
        """Return whether Hive knows a partition of `window`; lists no file.

        Raises
        ------
        SourceError
            Hive does not answer or refuses us, or the table is not there or not partitioned like this.
        """
        return bool(self._partitions(window))

    def schema(self, window: Window) -> pa.Schema:
        """Return the schema that the files of `window` have together, strings as they come in batches.

        Raises
        ------
        PartitionMissing, SourceUnreadable, ColumnMismatch, SourceError
        """
        files = self._files(window)
        return schema_of(files) if files else self._empty

    def batches(self, window: Window, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of `window` by partition, file and row group.

        Raises
        ------
        PartitionMissing, SourceUnreadable, ColumnMismatch, SourceError
        """
        files = self._files(window)
        if not files:
            select(self._empty, columns, self._place)
        return batches_of(files, schema_of(files, columns))

    @property
    def _place(self) -> str:
        return f"{self._name} of {self._database.place}"

    @property
    def _table_name(self) -> str:
        return ".".join(map(quoted, self._name.split(".")))

    @property
    def _empty(self) -> pa.Schema:
        """The columns of a partition without files."""
        open_keys = {
            name: arrow_type(kind) for name, kind in self._table.keys.items() if name not in self._values
        }
        return pa.schema([*self._table.columns.items(), *open_keys.items()])

    @cached_property
    def _table(self) -> Table:
        with self._asking():
            _, described = self._database.run(f"DESCRIBE FORMATTED {self._table_name}")
        table = Table.of(described)
        if "VIEW" in table.kind:
            raise SourceError(f"{self._place} is a view, which has no files; {INSTEAD}")
        if table.transactional:
            raise SourceError(f"{self._place} is transactional, and Hive alone can read its files; {INSTEAD}")
        unknown = [name for name in self._values if name not in table.keys]
        if unknown:
            keys = ", ".join(table.keys) or "nothing"
            raise SourceError(
                f"{self._place} is partitioned by {keys} and not by {unknown[0]}; "
                + ("correct hive in the declaration" if table.keys else INSTEAD)
            )
        return table

    def _partitions(self, window: Window) -> list[dict[str, str]]:
        """Return the values of the partitions of `window`, sorted by their names."""
        table = self._table
        values = {name: table.spelled(name, each.filled(window)) for name, each in self._values.items()}
        with self._asking():
            _, rows = self._database.run(f"SHOW PARTITIONS {self._table_name} PARTITION ({_spec(values)})")
        return [values_of(name) for name in sorted(name for (name, *_) in rows)]

    def _files(self, window: Window) -> list[File]:
        partitions = self._partitions(window)
        if not partitions:
            wanted = ", ".join(f"{name}={each.filled(window)}" for name, each in self._values.items())
            raise PartitionMissing(
                f"{self._place} has no partition {wanted}; "
                "run it again once the log has arrived, or correct hive in the declaration"
            )
        return [file for values in partitions for file in self._files_of(values)]

    def _files_of(self, values: dict[str, str]) -> list[File]:
        with self._asking():
            _, described = self._database.run(
                f"DESCRIBE FORMATTED {self._table_name} PARTITION ({_spec(values)})"
            )
        address, reader = location(described)
        if not reader.endswith(PARQUET):
            kind = reader.rpartition(".")[2].removesuffix("InputFormat") or "an unknown format"
            raise SourceUnreadable(f"{self._place} has {kind} and not Parquet in {address}; {INSTEAD}")
        root, path = self._folders(address)
        constant = {
            name: _scalar(value, arrow_type(self._table.keys[name]), self._place)
            for name, value in values.items()
            if name not in self._values
        }
        # A file may hold the declared keys as well; they are constants all the same.
        return [replace(file, values=constant) for file in root.within(path)]

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except StoreError as error:
            if getattr(error, "code", None) in NOT_THERE:
                raise SourceError(
                    f"{self._database.place} has no table {self._name}; correct hive in the declaration, "
                    "or make the table"
                ) from error
            raise SourceError(str(error)) from error


def _split(values: str) -> list[str]:
    """Return the parts of a partition's name; a ``/`` in a format belongs to the value.

    >>> _split("dt={start:%Y/%m/%d}/country=de")
    ['dt={start:%Y/%m/%d}', 'country=de']
    """
    parts: list[str] = []
    for each in values.split("/"):
        if parts and parts[-1].count("{") > parts[-1].count("}"):
            parts[-1] += f"/{each}"
        else:
            parts.append(each)
    return parts


def _spec(values: dict[str, str]) -> str:
    return ", ".join(f"{quoted(name)}={literal(value)}" for name, value in values.items())


def _scalar(value: str, kind: pa.DataType, where: str) -> pa.Scalar:
    if pa.types.is_dictionary(kind):
        text = pa.array([None if value == NULL else value], pa.string())
        return text.dictionary_encode()[0]
    try:
        return pa.array([None if value == NULL else value], pa.string()).cast(kind)[0]
    except pa.ArrowException:
        raise SourceUnreadable(f"{where} has a partition whose value no {kind} can be; {INSTEAD}") from None
