"""Drift between any two windows of partitions, from their stored profiles alone."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from lupus_assets.errors import StateError, UsageError
from lupus_assets.profiling.record import unreadable
from lupus_assets.reading.table import is_in, table_bytes, table_integers, table_levels
from lupus_assets.records import EVERYTHING
from lupus_assets.stats.codec import marginal_of
from lupus_assets.stats.column import NumericColumn
from lupus_assets.stats.distance.categorical import CategoricalStack
from lupus_assets.stats.distance.marginal import Categorical, Numeric, NumericMarginal
from lupus_assets.stats.distance.numeric import NumericStack
from lupus_assets.stats.distance.stack import Stack, distances
from lupus_assets.stats.state import Floats

KINDS = frozenset({"NumericColumn", "CategoricalColumn"})
COLUMNS = ("track", "version", "partition_key", "window_start", "as_of", "segment", "column_name", "kind",
           "state")  # fmt: skip
DAY = r"\d{4}-\d{2}-\d{2}"
WORD = re.compile(
    rf"(?:(?P<track>[a-z0-9_]+):)?(?:(?P<frozen>reference)|(?P<first>{DAY})(?:\.\.(?P<last>{DAY}))?)"
)
SLACK = timedelta(days=1)  # a local day begins within one day of midnight UTC of its date
# A month from the ends of the calendar: stores read one more day on either side.
EARLIEST, LATEST = datetime(1, 2, 1, tzinfo=UTC), datetime(9999, 12, 1, tzinfo=UTC)

State = Numeric | Categorical


@dataclass(frozen=True)
class Span:
    """The partitions of one track from one day to another.

    Attributes
    ----------
    first, last : date
        Both included, in the cadence's zone; compared with the day in a partition's key.
    track : str or None
        None if the model has only one.
    """

    first: date
    last: date
    track: str | None = None

    @property
    def since(self) -> datetime:
        """A time before the start of every partition of the span, in any zone."""
        return _moved(self.first, -SLACK)

    @property
    def until(self) -> datetime:
        """A time after the start of every partition of the span, in any zone."""
        return _moved(self.last, 2 * SLACK)

    def meets(self, other: "Span") -> bool:
        """Return whether both are of one track, and their ranges `since` to `until` overlap."""
        return self.track == other.track and self.since <= other.until and other.since <= self.until

    def __contains__(self, key: str) -> bool:
        return self.first.isoformat() <= key[:10] <= self.last.isoformat()

    def __str__(self) -> str:
        days = f"{self.first}..{self.last}" if self.last > self.first else f"{self.first}"
        return f"{self.track}:{days}" if self.track else days


def _moved(day: date, by: timedelta) -> datetime:
    """Return a day's midnight in UTC moved by `by`, limited to the range of the calendar."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return min(max(midnight, EARLIEST - by), LATEST - by) + by


@dataclass(frozen=True)
class Frozen:
    """The frozen reference window of a track.

    Attributes
    ----------
    track : str or None
        None if the model has only one.
    """

    track: str | None = None

    def __str__(self) -> str:
        return f"{self.track}:reference" if self.track else "reference"


def parse_window(text: str) -> Span | Frozen:
    """Return the window of a text ``[track:]first[..last]`` or ``[track:]reference``.

    Raises
    ------
    UsageError

    Examples
    --------
    >>> parse_window("champion:2013-05-01..2013-05-28")
    Span(first=datetime.date(2013, 5, 1), last=datetime.date(2013, 5, 28), track='champion')
    """
    found = WORD.fullmatch(text)
    if found is None:
        raise UsageError(
            f"{text!r} is no window; write 2013-05-01..2013-05-28, reference, or either behind track:"
        )
    if found["frozen"]:
        return Frozen(found["track"])
    try:
        first = date.fromisoformat(found["first"])
        last = date.fromisoformat(found["last"] or found["first"])
    except ValueError as error:
        raise UsageError(f"{text!r} is no window: {error}") from None
    if last < first:
        raise UsageError(f"{text!r} ends before it begins; write the earlier day first")
    return Span(first, last, found["track"])


@dataclass(frozen=True)
class ColumnDrift:
    """The drift of one column from its reference window to its current window.

    Attributes
    ----------
    column, kind : str
        Kind is ``numeric`` or ``categorical``.
    rows : tuple of int
        Number of rows of the reference and the current window, nulls included; this order holds also for
        `nulls` and `median`.
    nulls : tuple of float or None
        Shares of nulls and NaN.
    median : tuple of float or None
        In the column's unit, as `NumericColumn.quantiles`; None where there is no finite value.
    distances : dict of str to float or None
        By the names of `lupus_assets.stats.distance.table.DISTANCES`; None where a window has no rows or no
        finite value, or where the distance exceeds the range of a float.
    expected_psi : float or None
        The expected PSI of windows of these sizes without drift; None where a window has no rows.
    """

    column: str
    kind: str
    rows: tuple[int, int]
    nulls: tuple[float | None, float | None]
    median: tuple[float | None, float | None]
    distances: dict[str, float | None]
    expected_psi: float | None


@dataclass(frozen=True)
class Drift:
    """The drift between two windows of a model, by column.

    Attributes
    ----------
    partitions : tuple of int
        Number of partitions of the reference and the current window.
    columns : tuple of ColumnDrift
        In the order of the declaration.
    left_out : tuple of str
        Columns that some partition lacks, or that are numeric in some partitions only.
    """

    partitions: tuple[int, int]
    columns: tuple[ColumnDrift, ...]
    left_out: tuple[str, ...]


def drift(reference: Sequence[Mapping[str, State]], current: Sequence[Mapping[str, State]]) -> Drift:
    """Compare two windows, each given as the column states of its partitions, at least one."""
    both = [*reference, *current]
    names = list(dict.fromkeys(name for states in both for name in states))
    stacks: dict[str, Stack] = {}
    left_out = []
    for name in names:
        states = [states[name] for states in both if name in states]
        if len(states) < len(both) or len({_is_numeric(state) for state in states}) > 1:
            left_out.append(name)
            continue
        try:
            stacks[name] = _stack(states[: len(reference)], states[len(reference) :])
        except StateError as error:
            raise StateError(f"column {name!r}: {error}") from error
    measured = zip(stacks.items(), distances(list(stacks.values()), 0), strict=True)
    columns = tuple([_column(name, stack, found) for (name, stack), found in measured])
    return Drift((len(reference), len(current)), columns, tuple(left_out))


def _is_numeric(state: State) -> bool:
    return isinstance(state, NumericColumn | NumericMarginal)


def _stack(reference: Sequence[Any], current: Sequence[Any]) -> Stack:
    kind = NumericStack if _is_numeric(reference[0]) else CategoricalStack
    return kind.of([reference, current])


def _column(name: str, windows: Stack, found: Mapping[str, Floats]) -> ColumnDrift:
    nulls = windows.apart[:, -1].tolist()
    before, after = windows.rows.tolist()
    values = {key: float(value[1]) for key, value in found.items()}
    return ColumnDrift(
        column=name,
        kind="numeric" if isinstance(windows, NumericStack) else "categorical",
        rows=(before, after),
        nulls=(_share(nulls[0], before), _share(nulls[1], after)),
        median=_medians(windows) if isinstance(windows, NumericStack) else (None, None),
        distances={key: value if np.isfinite(value) else None for key, value in values.items()},
        expected_psi=windows.expected_psi(0, after) if before and after else None,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _medians(windows: NumericStack) -> tuple[float | None, float | None]:
    first, second = (windows.quantile(at, 0.5) for at in (0, 1))
    return first, second


def partitions(rows: pa.Table, span: Span) -> list[dict[str, State]]:
    """Return the column states of each partition of `span`, in time order, over all rows of all versions.

    Of a column that was profiled at several cuts, the latest is used.

    Parameters
    ----------
    rows : pyarrow.Table
        Rows of one track in the table ``profiles``, with `COLUMNS`.

    Raises
    ------
    StateError
        A state is damaged, or of a format that this version cannot read.
    """
    columns, kinds = table_levels(rows, "column_name"), is_in(rows, "kind", KINDS)
    keys, key = table_levels(rows, "partition_key")
    everything = is_in(rows, "segment", {EVERYTHING}) & is_in(rows, "version", {EVERYTHING})
    in_span = np.array([each in span for each in keys], dtype=bool)[key]
    chosen = np.flatnonzero(everything & kinds & in_span)
    names, column = columns
    starts, as_of = (table_integers(rows, name)[chosen] for name in ("window_start", "as_of"))
    latest: dict[tuple[int, int], tuple[int, int]] = {}
    for start, name, cut, at in zip(
        *(each.tolist() for each in (starts, column[chosen], as_of, chosen)), strict=True
    ):
        seen = latest.get((start, name))
        if seen is None or seen[0] < cut:
            latest[start, name] = (cut, at)
    found: dict[int, dict[str, State]] = {start: {} for start in sorted({start for start, _ in latest})}
    states = table_bytes(rows, "state")
    for (start, name), (_, at) in latest.items():
        try:
            found[start][names[name]] = marginal_of(states[at])
        except StateError as error:
            raise unreadable(rows.slice(at, 1).to_pylist()[0], error) from error
    return list(found.values())


def check_track(tracks: Iterable[str], model: str, window: Span | Frozen) -> None:
    """Raise `UsageError` if there are several tracks and `window` names none."""
    found = sorted(set(tracks))
    if window.track is None and len(found) > 1:
        raise UsageError(f"{model} has the tracks {', '.join(found)}; write {found[0]}:{window}")
