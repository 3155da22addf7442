"""One batch of a prediction log, read by role: what profiling and freezing both start from.

A column that cannot be read costs its own block and nothing else; what was wrong is kept in words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.column import Columns
from lupus_assets.errors import ColumnMismatch
from lupus_assets.reading.arrow import as_text, hashes, instants, microseconds, numbers, words
from lupus_assets.reading.block import (
    Block,
    CategoricalBlock,
    IdentityBlock,
    NumericBlock,
    TimestampBlock,
    all_but,
)
from lupus_assets.reading.cut import Cut
from lupus_assets.reading.role import Role, named_columns
from lupus_assets.records import Window
from lupus_assets.stats.grid import Grid

Mask = npt.NDArray[np.bool_]
NEVER = np.iinfo(np.int64).max
UNIT = Grid(0.0, 1.0)  # before a reference has given a column its grid


@dataclass(frozen=True)
class Reading:
    """How the batches of one model are read: roles, grids, salt."""

    model: MonitoredModel
    roles: Sequence[Role]
    grids: Mapping[str, Grid]
    salt: bytes = field(repr=False)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of naive times."""
        return ZoneInfo(self.model.columns.timezone or self.model.cadence.timezone)


@dataclass(frozen=True)
class Rows:
    """The blocks of one batch, by column, and what could not be read.

    Attributes
    ----------
    count : int
    blocks : dict of str to Block
    problems : dict of str to str
        Column to what is wrong with it.
    arrived, label_arrived : array of int64, or None
        Microseconds since the epoch; a null never arrived. None where no arrival is declared.
    segments : dict of str to CategoricalBlock
        The columns that segments are cut by.
    version : CategoricalBlock or None
        Which version scored each row; None where no version is declared.
    """

    count: int
    blocks: dict[str, Block]
    problems: dict[str, str]
    arrived: npt.NDArray[np.int64] | None
    label_arrived: npt.NDArray[np.int64] | None
    segments: dict[str, CategoricalBlock]
    version: CategoricalBlock | None

    def visible(self, cut: Cut) -> Mask:
        """Return which rows had arrived by the cut."""
        return _by(self.arrived, cut.as_of, self.count)

    def labelled(self, cut: Cut) -> Mask:
        """Return which rows' labels had arrived by the cut; the rows themselves too."""
        if not cut.labels:
            return np.zeros(self.count, dtype=bool)
        return self.visible(cut) & _by(self.label_arrived, cut.as_of, self.count)


def _by(arrived: npt.NDArray[np.int64] | None, as_of: datetime, count: int) -> Mask:
    return np.ones(count, dtype=bool) if arrived is None else arrived <= microseconds(as_of)


def _column(batch: pa.RecordBatch, name: str, reading: Reading) -> pa.Array:
    index = batch.schema.get_field_index(name)
    if index < 0:
        remedy = "write it to the log or take it out of the declaration"
        if name not in named_columns(reading.model):  # a feature, as the reference's rows had it
            remedy = (
                "write it to the log; or, if the model reads it no more, list in `columns.features` those "
                f"that it reads, and materialise {reading.model.model}_reference again"
            )
        raise ColumnMismatch(f"column {name!r} is missing; {remedy}")
    return batch.column(index)


def _label(array: pa.Array, role: Role, reading: Reading) -> NumericBlock:
    """Return a binary label as 0 and 1."""
    label = reading.model.columns.label
    positive = True if label is None else label.positive
    grid = reading.grids.get(role.column, UNIT)
    if positive is not True:
        values, index, absent = words(array, role.column)
        wanted = str(positive).lower() if positive is False else str(positive)
        table = np.array([name == wanted for name in values.to_pylist()] or [False])
        places = index.astype(np.intp)
        places[absent] = 0
        return NumericBlock(table[places].view(np.uint8), absent, grid)
    found, absent = numbers(array, role.column)
    if found.dtype.kind == "f":  # whose label is not a number has none
        absent = np.flatnonzero(np.isnan(found) | ~all_but(absent, found.size))
    block = NumericBlock(found, absent, grid)
    if not pa.types.is_boolean(array.type):
        odd = block.present & (found != 0) & (found != 1)
        if odd.any():
            raise ColumnMismatch(
                f"label {role.column!r} holds other numbers where 0 or 1 is needed; "
                "declare `positive: <value>` or clean the label"
            )
    return block


def read_block(array: pa.Array, role: Role, reading: Reading) -> Block:
    """Return the block of one column.

    Raises
    ------
    ColumnMismatch
        The column has a type that its role cannot have.
    """
    if role.family == "target" and reading.model.columns.prediction.kind == "score":
        return _label(array, role, reading)
    if role.kind == "numeric":
        return NumericBlock(*numbers(array, role.column), reading.grids.get(role.column, UNIT))
    if role.kind == "timestamp":
        micros, present = instants(array, role.column, reading.zone)
        return TimestampBlock(micros, np.flatnonzero(~present))
    if role.kind == "identity":
        return _identity(array, role.column, reading.salt)
    return _text(array, role.column, reading)


def _text(array: pa.Array, column: str, reading: Reading) -> CategoricalBlock:
    return CategoricalBlock(*words(array, column), reading.salt)


def _identity(array: pa.Array, column: str, salt: bytes) -> IdentityBlock:
    spelt = as_text(array)
    if pa.types.is_dictionary(spelt.type):
        said = CategoricalBlock(*words(spelt, column), salt)
        return IdentityBlock(said, np.empty(0, np.uint64), said.absent)
    each, present = hashes(spelt, column, salt)
    return IdentityBlock(None, each, np.flatnonzero(~present))


def read_rows(batch: pa.RecordBatch, reading: Reading, segments: Sequence[str]) -> Rows:
    """Return one batch by role.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
    reading : Reading
    segments : sequence of str
        The segments to look for, as ``column=value``.
    """
    blocks: dict[str, Block] = {}
    problems: dict[str, str] = {}
    for role in reading.roles:
        try:
            blocks[role.column] = read_block(_column(batch, role.column, reading), role, reading)
        except ColumnMismatch as problem:
            problems[role.column] = str(problem)
    columns = reading.model.columns
    return Rows(
        count=batch.num_rows,
        blocks=blocks,
        problems=problems,
        arrived=_arrival(batch, columns.arrival, reading, problems),
        label_arrived=_arrival(batch, columns.label.arrival if columns.label else None, reading, problems),
        segments=_segments(batch, segments, reading, problems),
        version=_version(blocks, columns),
    )


def _arrival(
    batch: pa.RecordBatch, name: str | None, reading: Reading, problems: dict[str, str]
) -> npt.NDArray[np.int64] | None:
    if name is None:
        return None
    try:
        micros, present = instants(_column(batch, name, reading), name, reading.zone)
    except ColumnMismatch as problem:
        problems[name] = str(problem)
        return None
    return np.where(present, micros, NEVER)


def _segments(
    batch: pa.RecordBatch, segments: Sequence[str], reading: Reading, problems: dict[str, str]
) -> dict[str, CategoricalBlock]:
    found: dict[str, CategoricalBlock] = {}
    for column in dict.fromkeys(segment.partition("=")[0] for segment in segments):
        try:
            found[column] = _text(_column(batch, column, reading), column, reading)
        except ColumnMismatch as problem:
            problems[column] = str(problem)
    return found


def _version(blocks: Mapping[str, Block], columns: Columns) -> CategoricalBlock | None:
    block = blocks.get(columns.version or "")
    return block if isinstance(block, CategoricalBlock) else None


def usable(block: NumericBlock, reading: Reading) -> Mask:
    """Return which predictions can be scored: finite, and for a score within [0, 1]."""
    numbers = block.numbers
    with np.errstate(invalid="ignore"):
        if reading.model.columns.prediction.kind == "score":
            found = (numbers >= 0) & (numbers <= 1)  # NaN is neither
        else:
            found = np.isfinite(numbers)
    found[block.absent] = False
    return found


def outside(rows: Rows, timestamp: str, window: Window) -> Mask | None:
    """Return which rows are timed outside `window`, None if none are; a null timestamp is not outside."""
    block = rows.blocks.get(timestamp)
    if not isinstance(block, TimestampBlock) or not rows.count:
        return None
    start, end = microseconds(window.start), microseconds(window.end)
    if start <= block.micros.min() and block.micros.max() < end:
        return None
    found = (block.micros < start) | (block.micros >= end)
    found[block.absent] = False
    return found if found.any() else None
