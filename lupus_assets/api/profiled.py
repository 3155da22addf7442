"""Profiles of rows, column by column, without a declaration."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from lupus_assets.api.html import share, table
from lupus_assets.api.rows import Data, Watch, rows_of, unwatched
from lupus_assets.profiling.outline import Outline, outline
from lupus_assets.stats.column import CategoricalColumn, Column, NumericColumn, TimestampColumn
from lupus_assets.text import counted

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUANTILES = {"q05": 0.05, "median": 0.5, "q95": 0.95}
MOST_FREQUENT = 3  # values
OF_ALL = ("kind", "rows", "nulls")
OF_KIND = {
    "numeric": (
        "nans", "infinities", "zeros", "distinct", "mean", "sd", "minimum", *QUANTILES, "maximum",
    ),
    "categorical": ("distinct", "most_frequent"),
    "timestamp": ("minimum", "maximum"),
}  # fmt: skip
HEADINGS = (
    "column",
    "kind",
    "null",
    "distinct",
    "mean",
    "sd",
    "minimum",
    *QUANTILES,
    "maximum",
    "most frequent",
)


@dataclass(frozen=True)
class ColumnProfile:
    """One column; attributes that do not apply to its kind are None.

    Attributes
    ----------
    kind : str
        ``numeric``, ``categorical``, ``timestamp``, or another kind with counts of rows and nulls only.
    rows, nulls : int
    nans, infinities, zeros : int or None
        Of numeric columns.
    distinct : int or None
        Estimated number of distinct values, without nulls, NaN and infinities.
    mean, sd, q05, median, q95 : float or None
        Of the finite numbers, in the column's unit; None without any.
    minimum, maximum : float, str or None
        Of the finite numbers; of timestamps as ISO 8601 in UTC.
    most_frequent : dict of str to int, or None
        The three most frequent values of a categorical column, and the number of rows of each.
    """

    kind: str
    rows: int
    nulls: int
    nans: int | None = None
    infinities: int | None = None
    zeros: int | None = None
    distinct: int | None = None
    mean: float | None = None
    sd: float | None = None
    minimum: float | str | None = None
    q05: float | None = None
    median: float | None = None
    q95: float | None = None
    maximum: float | str | None = None
    most_frequent: Mapping[str, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes that apply to its kind, by name."""
        return {name: getattr(self, name) for name in (*OF_ALL, *OF_KIND.get(self.kind, ()))}


@dataclass(frozen=True, repr=False)
class Profile:
    """The profile of rows, from one pass over them.

    Attributes
    ----------
    rows : int
    columns : dict of str to ColumnProfile
        In the order of the schema.
    left_out : dict of str to str
        Columns without a profile, and the reason.
    outline : Outline
        The states from which the numbers are computed.
    """

    rows: int
    columns: Mapping[str, ColumnProfile]
    left_out: Mapping[str, str]
    outline: Outline = field(compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as ``lupus profile --json`` prints them."""
        columns = {name: column.to_dict() for name, column in self.columns.items()}
        return {"rows": self.rows, "columns": columns, "left_out": dict(self.left_out)}

    def __repr__(self) -> str:
        """Return the number of rows and columns."""
        return f"Profile of {counted(self.rows, 'row')}, {counted(len(self.columns), 'column')}"

    def _repr_html_(self) -> str:
        return table(repr(self), HEADINGS, (_cells(name, column) for name, column in self.columns.items()))


def profile(data: Data, *, watch: Watch = unwatched) -> Profile:
    """Profile every column of rows by its type, without a declaration; the rows are read once.

    Parameters
    ----------
    data : str, Path, pyarrow.Table, pyarrow.RecordBatchReader, or a pandas or Polars DataFrame
        A path is a Parquet file, a folder of Parquet files, a glob, or an address ``s3://bucket/path``. Any
        other object with the Arrow stream interface (``__arrow_c_stream__``) is accepted.
    watch : callable, optional
        Passes the batches on, and may report progress.

    Returns
    -------
    Profile
        `Profile.to_dict` gives its plain values. Without rows the profile has only counts.

    Raises
    ------
    UsageError
        `data` has none of these types, or no Parquet file exists at the path.
    SourceError
        A file cannot be read.

    Examples
    --------
    >>> import lupus_assets
    >>> import pyarrow as pa
    >>> p = lupus_assets.profile(pa.table({"x": [1.0, 2.0, None, 6.0]}))
    >>> p
    Profile of 4 rows, 1 column
    >>> p.columns["x"].mean, p.columns["x"].nulls
    (3.0, 1)
    """
    return profiled(data, watch=watch)


def profiled(data: Data, reference: Profile | None = None, *, watch: Watch = unwatched) -> Profile:
    """Return the profile of `data` as `profile` does, in the bins of `reference` if there is one."""
    rows = rows_of(data)
    found = outline(watch(rows), rows.schema, reference.outline.grids if reference else None)
    columns = {name: ColumnProfile(**dict(_described(column))) for name, column in found.columns.items()}
    return Profile(found.rows, columns, found.left_out, found)


def _described(column: Column) -> Iterator[tuple[str, Any]]:
    yield "kind", type(column).__name__.removesuffix("Column").lower()
    yield "rows", column.rows
    yield "nulls", column.nulls
    match column:
        case NumericColumn():
            yield from _numeric(column)
        case CategoricalColumn():
            yield from _categorical(column)
        case TimestampColumn():
            for name, micros in (("minimum", column.minimum), ("maximum", column.maximum)):
                yield name, None if micros is None else _spelt(micros)


def _numeric(column: NumericColumn) -> Iterator[tuple[str, Any]]:
    yield "nans", column.nans
    yield "infinities", column.positive_infinities + column.negative_infinities
    yield "zeros", column.zeros
    yield "distinct", round(column.distinct.estimate(column.finite))
    yield "mean", column.moments.mean if column.finite else None
    yield "sd", column.moments.sd
    yield "minimum", column.minimum
    quantiles = column.quantiles(list(QUANTILES.values())).tolist() if column.finite else [None] * 3
    yield from zip(QUANTILES, quantiles, strict=True)
    yield "maximum", column.maximum


def _categorical(column: CategoricalColumn) -> Iterator[tuple[str, Any]]:
    categories = column.categories
    yield "distinct", round(categories.distinct.estimate(column.rows - column.nulls))
    top = categories.top(MOST_FREQUENT).tolist()
    yield "most_frequent", {categories.label(at): int(categories.counts[at]) for at in top}


def _spelt(micros: int) -> str:
    """Return an instant, given in microseconds since the epoch, as ISO 8601, for any year."""
    try:
        return (EPOCH + timedelta(microseconds=micros)).isoformat()
    except OverflowError:
        return f"{np.datetime64(micros, 'us')}+00:00"


def _cells(name: str, column: ColumnProfile) -> list[object]:
    numbers = [getattr(column, each) for each in ("mean", "sd", "minimum", *QUANTILES, "maximum")]
    most = ", ".join(
        f"{value} {share(count, column.rows)}" for value, count in (column.most_frequent or {}).items()
    )
    return [name, column.kind, share(column.nulls, column.rows), column.distinct, *numbers, most]
