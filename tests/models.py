"""A small model and its prediction log, for tests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.errors import PartitionMissing
from lupus_assets.measuring.partition import metric_rows
from lupus_assets.profiling.freezing import freeze
from lupus_assets.profiling.partition import profile_partition
from lupus_assets.profiling.profiled import Profiled
from lupus_assets.reading.batch import Reading
from lupus_assets.reading.cut import Cut, cuts
from lupus_assets.reading.role import Role, kinds, roles
from lupus_assets.records import MetricRow, VerdictRow, Window
from lupus_assets.stats.reference.frozen import Reference

SALT = b"salt of the tests"
START = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
COLUMNS = {
    "timestamp": "at",
    "key": "id",
    "entity": "user",
    "version": "version",
    "prediction": {"score": "p"},
    "label": {"column": "y"},
}


def declared(columns: Mapping[str, object] | None = None, **parts: object) -> MonitoredModel:
    """Return a daily model of one track whose columns are `COLUMNS`, `columns` taking the place of some."""
    named = {key: value for key, value in (COLUMNS | dict(columns or {})).items() if value is not None}
    plain: dict[str, Any] = {
        "model": "m",
        "team": "t",
        "cadence": {"every": "day", "start": START.date()},
        "tracks": {"champion": {"parquet": "{partition}.parquet"}},
        "segments": ("country",),
        "columns": named,
    }
    return MonitoredModel.model_validate(plain | parts)


def day(number: int) -> Window:
    """Return the window of the day `number` days after `START`."""
    start = START + number * DAY
    return Window(start=start, end=start + DAY, key=f"{start:%Y-%m-%d}")


def log(number: int = 0, rows: int = 300, **columns: object) -> pa.Table:
    """Return the rows of one day; `columns` replace some, or take them out where they are None."""
    rng = np.random.default_rng(number)
    window = day(number)
    amount = np.round(rng.normal(50, 10, rows), 3)
    p = np.clip(1 / (1 + np.exp(-(amount - 50) / 10 + rng.normal(0, 0.3, rows))), 0.001, 0.999)
    plain: dict[str, Any] = {
        "id": [f"key-{number}-{row}" for row in range(rows)],
        "user": [f"user-{row % max(rows // 3, 1)}" for row in range(rows)],
        "at": [window.start + row * timedelta(minutes=1) for row in range(rows)],
        "version": ["v1"] * rows,
        "amount": amount.tolist(),
        "country": rng.choice(["de", "jp", "kr"], rows).tolist(),
        "p": p.tolist(),
        "y": (rng.random(rows) < p).tolist(),
    }
    arrays = {name: pa.array(values) for name, values in (plain | columns).items() if values is not None}
    if rows == 0:
        arrays = {name: pa.array([], type=log(0, 1).schema.field(name).type) for name in arrays}
    return pa.table(arrays)


def pieces(table: pa.Table, at: Sequence[int] = ()) -> Iterator[pa.RecordBatch]:
    """Yield `table` cut before the rows `at`, text dictionary-encoded as sources give it."""
    bounds = [0, *sorted(at), table.num_rows]
    for start, end in pairwise(bounds):
        for batch in table.slice(start, end - start).combine_chunks().to_batches():
            arrays = [each.dictionary_encode() if pa.types.is_string(each.type) else each for each in batch]
            yield pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


@dataclass
class Logs:
    """A prediction log in memory: a table for every window; implements `lupus_assets.ports.Source`."""

    tables: dict[Window, pa.Table]

    def arrived(self, window: Window) -> bool:
        """Return whether there is a table for `window`."""
        return window in self.tables

    def schema(self, window: Window) -> pa.Schema:
        """Return the schema of the rows of `window`."""
        if window not in self.tables:
            raise PartitionMissing(f"nothing for {window.key}")
        return self.tables[window].schema

    def batches(self, window: Window, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of `window` in two batches."""
        table = self.tables[window].select(columns)
        return pieces(table, [table.num_rows // 2])


def frozen(model: MonitoredModel, tables: Sequence[pa.Table] | None = None) -> Reference:
    """Return the reference of the days from 0 on, three of them by default."""
    tables = [log(number) for number in range(3)] if tables is None else tables
    by_window = {day(number): table for number, table in enumerate(tables)}
    return freeze(
        model,
        roles=roles(model, kinds(model, tables[0].schema)),
        schema=tables[0].schema,
        windows=list(by_window),
        batches=lambda window: pieces(by_window[window]),
        salt=SALT,
    )


def by_column(model: MonitoredModel, reference: Reference) -> dict[str, Role]:
    """Return the roles of `model` by column."""
    return {role.column: role for role in roles(model, reference.kinds)}


def profiled(
    model: MonitoredModel,
    reference: Reference,
    table: pa.Table,
    *,
    number: int = 5,
    at: Sequence[int] = (),
    wanted: Sequence[Cut] | None = None,
) -> dict[Cut, Profiled]:
    """Return the profile of `table` as the rows of day `number`, at every cut, read in pieces cut at `at`."""
    window = day(number)
    return profile_partition(
        pieces(table, at),
        schema=table.schema,
        reading=Reading(model, roles(model, reference.kinds), reference.grids, SALT),
        reference=reference,
        window=window,
        cuts=cuts(model, window) if wanted is None else wanted,
    )


def measured(
    model: MonitoredModel, reference: Reference, found: Mapping[Cut, Profiled], number: int = 5
) -> list[MetricRow]:
    """Return the metrics of what `profiled` found."""
    rows: list[MetricRow] = []
    for cut, each in found.items():
        rows += metric_rows(
            each.profiles,
            reference,
            model,
            track="champion",
            window=day(number),
            as_of=cut.as_of,
            roles=by_column(model, reference),
            within=False,
        )
    return rows


def only(found: Mapping[Cut, Profiled]) -> Profiled:
    """Return the profile of the one cut."""
    (each,) = found.values()
    return each


def metric(number: int, value: float | None, **other: object) -> MetricRow:
    """Return one number of one day."""
    plain = MetricRow(
        track="champion",
        version="*",
        partition_key=day(number).key,
        window_start=day(number).start,
        as_of=day(number).end,
        segment="*",
        family="input",
        column_name="amount",
        metric="clipped_mean",
        value=value,
        lower=None,
        upper=None,
        n=100,
        reference="now",
        reason="no values" if value is None else None,
    )
    return replace(plain, **other)


def verdict(number: int, value: float | None = 0.0, **other: object) -> VerdictRow:
    """Return the verdict on one day's share of nulls."""
    window = day(number)
    plain = VerdictRow(
        track="champion", version="*", partition_key=window.key, window_start=window.start, as_of=window.end,
        segment="*", family="input", column_name="amount", metric="null_rate", rule="history", value=value,
        expected=0.0, low=0.0, high=0.1, p=0.5, effect=0.0, surprise=0.0, history=number, partitions=1,
        since=None, severity=None, flagged=False, incident=None, sentence=f"said of day {number}",
    )  # fmt: skip
    return replace(plain, **other)
