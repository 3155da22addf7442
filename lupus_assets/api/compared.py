"""Distances between two sets of rows, column by column."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lupus_assets.api.html import table
from lupus_assets.api.profiled import Profile, profiled
from lupus_assets.api.rows import Data, Watch, unwatched
from lupus_assets.measuring.drift import ColumnDrift, Drift, State, drift
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.distance.table import TABULATED
from lupus_assets.text import counted


@dataclass(frozen=True, repr=False)
class Comparison:
    """Two windows of rows, column by column.

    Attributes
    ----------
    columns : dict of str to ColumnDrift
        In descending order of PSI less its expectation without drift.
    left_out : tuple of str
        Columns that are missing on one side, or differ in type.
    drift : Drift
        The same comparison in the order of the columns, with the number of partitions.
    windows : tuple of Profile, or None
        The reference and the current rows; None where stored profiles were compared.
    """

    columns: Mapping[str, ColumnDrift]
    left_out: tuple[str, ...]
    drift: Drift
    windows: tuple[Profile, Profile] | None = None

    @classmethod
    def of(cls, drift: Drift, windows: tuple[Profile, Profile] | None = None) -> "Comparison":
        """Return a comparison whose columns are sorted, the largest drift first."""
        ordered = sorted(drift.columns, key=_moved, reverse=True)
        return cls({column.column: column for column in ordered}, drift.left_out, drift, windows)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as ``lupus compare --json`` prints them."""
        return asdict(self.drift)

    def __repr__(self) -> str:
        """Return the number of columns, and the column with the largest drift."""
        most = next(iter(self.columns), None)
        said = f", the most moved {most!r}" if most is not None else ""
        return f"Comparison of {counted(len(self.columns), 'column')}{said}"

    def _repr_html_(self) -> str:
        names = ("column", "null", "median", "psi", "psi if same", *TABULATED)
        return table(repr(self), names, (_cells(column) for column in self.columns.values()))


def compare(reference: Data, current: Data, *, watch: Watch = unwatched) -> Comparison:
    """Return the distances of `current` from `reference` per column, the largest drift first.

    Parameters
    ----------
    reference, current : str, Path, pyarrow.Table, pyarrow.RecordBatchReader, or a pandas or Polars DataFrame
        As in `profile`; each is read once.
    watch : callable, optional
        Passes the batches on, and may report progress.

    Raises
    ------
    UsageError
        An argument has none of these types, or no Parquet file exists at the path.
    SourceError
        A file cannot be read.

    Examples
    --------
    >>> import lupus_assets
    >>> import pyarrow as pa
    >>> october = pa.table({"x": [float(at % 10) for at in range(500)], "y": [1.0] * 500})
    >>> november = pa.table({"x": [float(at % 10) + 5 for at in range(500)], "y": [1.0] * 500})
    >>> c = lupus_assets.compare(october, november)
    >>> c
    Comparison of 2 columns, the most moved 'x'
    >>> c.columns["x"].median, c.columns["x"].distances["ks"]
    ((4.5, 9.5), 0.5)
    """
    before = profiled(reference, watch=watch)
    after = profiled(current, before, watch=watch)
    return Comparison.of(drift([_states(before)], [_states(after)]), (before, after))


def _states(window: Profile) -> dict[str, State]:
    """Return the columns that have a distribution."""
    return {
        name: column
        for name, column in window.outline.columns.items()
        if isinstance(column, NumericColumn | CategoricalColumn)
    }


def _moved(column: ColumnDrift) -> float:
    psi = column.distances["psi"]
    return -1.0 if psi is None or column.expected_psi is None else psi - column.expected_psi


def _cells(column: ColumnDrift) -> list[object]:
    nulls = " → ".join("" if each is None else f"{each:.2%}" for each in column.nulls)
    medians = " → ".join(f"{each:.4g}" for each in column.median if each is not None)
    distances = [column.distances.get(each.name) for each in TABULATED.values()]
    return [column.column, nulls, medians, column.distances["psi"], column.expected_psi, *distances]
