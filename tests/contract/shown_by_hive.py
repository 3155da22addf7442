"""The contract of a store of tables, kept by Parquet files and asked of what Hive shows of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Self

import pyarrow as pa

from lupus_assets.errors import ServiceRefused
from lupus_assets.ports import ObjectStore, Replacement
from lupus_assets.records import Place, Row
from lupus_assets.sinks.files.layout import check_model, in_utc, place_of
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.sinks.hive.address import HiveAddress
from lupus_assets.sinks.hive.connection import Hive
from lupus_assets.sinks.hive.failure import NO_DATABASE, NO_TABLE
from lupus_assets.sinks.hive.view import HiveView
from lupus_assets.sinks.schema import schema_of
from lupus_assets.upkeep import follow
from tests.services.hive import HiveServer

DATABASES = count()


def address_of(server: HiveServer, **changed: object) -> HiveAddress:
    """Return the address of a server, with a database of its own."""
    given = HiveAddress(
        server.host,
        server.port,
        f"lupus_{next(DATABASES)}",
        server.auth,
        server.user,
        server.password,
        timeout_seconds=120,
    )
    return replace(given, **changed)


class ShownByHive:
    """Writes files and has Hive follow at once; reads what Hive shows, in the order of the files' places."""

    def __init__(self, tables: ParquetStore, hive: Hive) -> None:
        self.tables = tables
        self.hive = hive
        self.view = HiveView(hive, tables.files, longest_query=timedelta(0))

    @classmethod
    def of(cls, server: HiveServer, files: ObjectStore) -> Self:
        """Return a store over `files`, in a database of its own."""
        return cls(ParquetStore(files, followed=True), Hive(address_of(server)))

    def replace(self, table: str, place: Place, rows: Sequence[Row]) -> None:
        """Write the file of a place, and have Hive follow."""
        self.tables.replace(table, place, rows)
        follow(self.tables, self.view)

    def replacement(self, table: str, place: Place, rows: Sequence[Row]) -> Replacement:
        """Return the rows as the file of a place; Hive follows only what `replace` writes."""
        return self.tables.replacement(table, place, rows)

    @property
    def files(self) -> ObjectStore:
        """Files beside the tables."""
        return self.tables.files

    def read(
        self,
        table: str,
        *,
        model: str,
        track: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return what Hive shows of a model."""
        schema = schema_of(table, columns)
        check_model(model)
        since = since and in_utc(since, "since")
        until = until and in_utc(until, "until")
        names = ", ".join(f"`{name}`" for name in schema.names)
        question = f"SELECT {names}, INPUT__FILE__NAME FROM `{table}` WHERE model = '{model}'"  # noqa: S608
        try:
            columns_of_hive, found = self.hive.sql(question)
        except ServiceRefused as error:
            if error.code not in (NO_DATABASE, NO_TABLE):  # not a file of that table yet
                raise
            columns_of_hive, found = [*schema.names, "input__file__name"], []
        assert columns_of_hive == [*schema.names, "input__file__name"]
        kept = [
            (place, row)
            for place, row in ((place_of(path), row) for *row, path in found)
            if (track is None or place.track == track)
            and (since is None or place.start >= since)
            and (until is None or place.start < until)
        ]
        kept.sort(key=lambda pair: pair[0])  # stable: within a file, as Hive reads it
        values = [[row[i] for _, row in kept] for i in range(len(schema))]
        arrays = [pa.array(each, field.type) for each, field in zip(values, schema, strict=True)]
        return pa.Table.from_arrays(arrays, schema=schema)

    def places(self, table: str, *, models: Sequence[str], since: datetime | None = None) -> set[Place]:
        """Return the places of the files."""
        return self.tables.places(table, models=models, since=since)

    def common_places(
        self, tables: Sequence[str], *, models: Sequence[str], since: datetime | None = None
    ) -> set[Place]:
        """Return the places of the files."""
        return self.tables.common_places(tables, models=models, since=since)
