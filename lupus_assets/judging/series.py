"""The judged metrics of one track as series over partitions, in the metrics' own units."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.declare.metric import METRICS
from lupus_assets.reading.table import comparable, is_in, table_floats, table_integers, table_levels
from lupus_assets.records import EVERYTHING

JUDGED = frozenset(name for name, measure in METRICS.items() if measure.judged)
SERIES = ("segment", "family", "column_name", "metric")
DESIGN = {"null_rate": "null_design_effect", "out_of_range_rate": "range_design_effect"}
COLUMNS = ("version", "window_start", "as_of", *SERIES, "value", "upper", "n", "reference")

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Ledger:
    """Series over partitions.

    Attributes
    ----------
    starts : array of datetime64[us], shape (partitions,)
        Window starts, increasing, UTC.
    series : list of tuple
        (segment, family, column_name, metric) of each column of the arrays, sorted.
    values, upper, n : array of float, shape (partitions, series)
        NaN where there is no value.
    design : array of float, shape (partitions, series)
        Design effect of a count, at least 1: the ratio of its variance to that of independent rows.
    as_of : array of datetime64[us], shape (partitions, series)
        NaT where there is no row.
    """

    starts: npt.NDArray[np.datetime64]
    series: list[Key]
    values: Array
    upper: Array
    n: Array
    design: Array
    as_of: npt.NDArray[np.datetime64]

    @classmethod
    def of(cls, metrics: pa.Table, reference: str) -> Self:
        """Return the ledger of the rows of the table ``metrics`` that were measured against `reference`.

        The rows are in the store's order; of several cuts of a partition, the latest is kept.
        """
        kept = comparable(metrics, reference) & is_in(metrics, "metric", JUDGED)
        series, column = _series(metrics, kept)
        starts, at = np.unique(table_integers(metrics, "window_start")[kept], return_inverse=True)

        def spread(name: str) -> Array:
            table = np.full((len(starts), len(series)), np.nan)
            table[at, column] = table_floats(metrics, name)[kept]  # of repeated places numpy keeps the last
            return table

        n = spread("n")
        as_of = np.full((len(starts), len(series)), np.datetime64("NaT", "us"))
        as_of[at, column] = table_integers(metrics, "as_of")[kept].astype("datetime64[us]")
        return cls(
            starts=starts.astype("datetime64[us]"),
            series=series,
            values=spread("value"),
            upper=spread("upper"),
            n=n,
            design=_design(metrics, reference, starts, series, n),
            as_of=as_of,
        )

    def only(self, kept: Mask) -> Self:
        """Return the `kept` series, and the partitions with a row of any of them."""
        there = ~np.isnat(self.as_of[:, kept]).all(axis=1)
        return type(self)(
            starts=self.starts[there],
            series=[key for key, keep in zip(self.series, kept.tolist(), strict=True) if keep],
            values=self.values[there][:, kept],
            upper=self.upper[there][:, kept],
            n=self.n[there][:, kept],
            design=self.design[there][:, kept],
            as_of=self.as_of[there][:, kept],
        )

    def until(self, start: np.datetime64) -> Self:
        """Return the partitions up to the one that starts at `start`, and the series with a row in them."""
        end = int(np.searchsorted(self.starts, start, side="right"))
        there = ~np.isnat(self.as_of[:end]).all(axis=0)
        return self._taken(slice(end), np.flatnonzero(there))

    def last(self) -> Self:
        """Return the last partition, with all series."""
        return self._taken(slice(-1, None), np.arange(len(self.series)))

    def of_series(self, wanted: Sequence[Key]) -> Self:
        """Return the `wanted` series in their order, and the partitions with a row of any of them."""
        places = {key: at for at, key in enumerate(self.series)}
        there = np.array([at for at, key in enumerate(wanted) if key in places], dtype=np.int64)
        kept = np.zeros(len(self.series), dtype=bool)
        kept[[places[key] for key in wanted if key in places]] = True
        found = self.only(kept)
        if len(there) == len(wanted):
            return found
        shape = (len(found.starts), len(wanted))

        def spread(table: npt.NDArray[Any], filler: object) -> npt.NDArray[Any]:
            wide = np.full(shape, filler, dtype=table.dtype)
            wide[:, there] = table
            return wide

        return type(self)(
            starts=found.starts,
            series=list(wanted),
            values=spread(found.values, np.nan),
            upper=spread(found.upper, np.nan),
            n=spread(found.n, np.nan),
            design=spread(found.design, 1.0),
            as_of=spread(found.as_of, np.datetime64("NaT", "us")),
        )

    def _taken(self, rows: slice, columns: npt.NDArray[np.int64]) -> Self:
        return type(self)(
            starts=self.starts[rows],
            series=[self.series[at] for at in columns.tolist()],
            values=self.values[rows][:, columns],
            upper=self.upper[rows][:, columns],
            n=self.n[rows][:, columns],
            design=self.design[rows][:, columns],
            as_of=self.as_of[rows][:, columns],
        )

    def window(self, at: int) -> datetime:
        """Return the start of a partition, aware UTC."""
        start: datetime = self.starts[at].astype(datetime)
        return start.replace(tzinfo=UTC)


def _design(
    metrics: pa.Table, reference: str, starts: npt.NDArray[np.int64], series: list[Key], n: Array
) -> Array:
    """Return the design effects of `Ledger`; a segment's is scaled by its share of all rows."""
    found = np.ones_like(n)
    kept = comparable(metrics, reference) & is_in(metrics, "metric", DESIGN.values())
    keys, column = _series(metrics, kept)
    effects, rows = (np.full((len(starts), len(keys)), np.nan) for _ in range(2))
    at = np.searchsorted(starts, table_integers(metrics, "window_start")[kept])
    effects[at, column], rows[at, column] = (table_floats(metrics, name)[kept] for name in ("value", "n"))
    places = {key: place for place, key in enumerate(keys)}
    for index, (_, family, name, metric) in enumerate(series):
        place = places.get((EVERYTHING, family, name, DESIGN.get(metric, "")))
        if place is not None:
            more = (effects[:, place] - 1) * np.minimum(n[:, index] / rows[:, place], 1)
            found[:, index] += np.maximum(np.nan_to_num(more), 0.0)
    return found


def _series(table: pa.Table, kept: Mask) -> tuple[list[Key], npt.NDArray[np.int64]]:
    """Return the series that the kept rows belong to, sorted, and each row's index among them."""
    columns = [table_levels(table, name) for name in SERIES]
    code = np.zeros(np.count_nonzero(kept), dtype=np.int64)
    for names, index in columns:
        code = code * len(names) + index[kept]
    codes, first, at = np.unique(code, return_index=True, return_inverse=True)
    parts = [[names[place] for place in index[kept][first].tolist()] for names, index in columns]
    found: list[Key] = list(zip(*parts, strict=True))
    order = sorted(range(len(codes)), key=found.__getitem__)
    place = np.empty(len(codes), dtype=np.int64)
    place[order] = np.arange(len(codes))
    return [found[index] for index in order], place[at]
