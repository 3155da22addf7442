"""A store in a dictionary: the contract in its shortest form, and the store of tests and notebooks."""

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from lupus_assets.records import Place, Row
from lupus_assets.sinks.layout import check_model, check_place, in_utc
from lupus_assets.sinks.schema import SCHEMAS, schema_of, to_table


class MemoryStore:
    """The reference implementation of `lupus_assets.ports.MetricStore`; it is gone with the process."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[Place, pa.Table]] = {table: {} for table in SCHEMAS}

    def replace(self, table: str, place: Place, rows: Sequence[Row]) -> None:
        """Make `rows` exactly what `table` holds at `place`; no rows are a place too."""
        written = to_table(table, rows)
        self._tables[table][check_place(place)] = written

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
        """Return the rows of `model` whose window starts in ``[since, until)``, sorted by place."""
        schema = schema_of(table, columns)
        check_model(model)
        since = since and in_utc(since, "since")
        until = until and in_utc(until, "until")
        found = [
            (place, rows)
            for place, rows in list(self._tables[table].items())
            if place.model == model
            and (track is None or place.track == track)
            and (since is None or place.start >= since)
            and (until is None or place.start < until)
        ]
        pieces = [rows.select(schema.names) for _, rows in sorted(found, key=lambda pair: pair[0])]
        return pa.concat_tables([to_table(table, []).select(schema.names), *pieces])

    def places(self, table: str, *, models: Sequence[str]) -> set[Place]:
        """Return every place that `table` holds of `models`."""
        schema_of(table)
        wanted = {check_model(model) for model in models}
        return {place for place in list(self._tables[table]) if place.model in wanted}
