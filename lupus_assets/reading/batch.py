"""One batch of a prediction log, read by role: the input of profiling and freezing.

An unreadable column has no block, and an entry in `Rows.problems`; the other columns are read all the same.
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
from lupus_assets.reading.arrow import as_text, hashes, instants, numbers, words
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
from lupus_assets.reading.table import microseconds
from lupus_assets.records import Window
from lupus_assets.stats.grid import Grid

Mask = npt.NDArray[np.bool_]
NEVER = np.iinfo(np.int64).max
UNIT = Grid(0.0, 1.0)  # the grid of a column without a reference


@dataclass(frozen=True)
class Reading:
    """Parameters to read the batches of one model: roles, grids, salt."""

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
    """The blocks of one batch by column, and the columns that could not be read.

    Attributes
    ----------
    count : int
    blocks : dict of str to Block
    problems : dict of str to str
        Column to the description of its problem.
    arrived, label_arrived : array of int64, or None
        Microseconds since the epoch, `NEVER` for null. None where no arrival is declared.
    segments : dict of str to CategoricalBlock
        The columns that define segments.
    version : CategoricalBlock or None
        The model version of each row; None where no version is declared.
    """

    count: int
    blocks: dict[str, Block]
    problems: dict[str, str]
    arrived: npt.NDArray[np.int64] | None
    label_arrived: npt.NDArray[np.int64] | None
    segments: dict[str, CategoricalBlock]
    version: CategoricalBlock | None

    def visible(self, cut: Cut) -> Mask:
        """Return a mask of the rows that had arrived by the cut."""
        return _by(self.arrived, cut.as_of, self.count)

    def labelled(self, cut: Cut) -> Mask:
        """Return a mask of the rows that had arrived by the cut together with their labels."""
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
                "write it to the log; or, if the model no longer reads it, list the columns that it reads in "
                f"`columns.features`, and materialise {reading.model.model}_reference again"
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
        positive_text = str(positive).lower() if positive is False else str(positive)
        table = np.array([name == positive_text for name in values.to_pylist()] or [False])
        places = index.astype(np.intp)
        places[absent] = 0
        return NumericBlock(table[places].view(np.uint8), absent, grid)
    labels, absent = numbers(array, role.column)
    if labels.dtype.kind == "f":  # NaN is no label
        absent = np.flatnonzero(np.isnan(labels) | ~all_but(absent, labels.size))
    block = NumericBlock(labels, absent, grid)
    if not pa.types.is_boolean(array.type):
        invalid = block.present & (labels != 0) & (labels != 1)
        if invalid.any():
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
        The column's type does not fit its role, or a binary label has values other than 0 and 1.
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
    text = as_text(array)
    if pa.types.is_dictionary(text.type):
        values = CategoricalBlock(*words(text, column), salt)
        return IdentityBlock(values, np.empty(0, np.uint64), values.absent)
    of_rows, present = hashes(text, column, salt)
    return IdentityBlock(None, of_rows, np.flatnonzero(~present))


def read_rows(batch: pa.RecordBatch, reading: Reading, segments: Sequence[str]) -> Rows:
    """Return the columns of one batch, read by role.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
    reading : Reading
    segments : sequence of str
        Segments as ``column=value``; their columns are read.
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
    blocks: dict[str, CategoricalBlock] = {}
    for column in dict.fromkeys(segment.partition("=")[0] for segment in segments):
        try:
            blocks[column] = _text(_column(batch, column, reading), column, reading)
        except ColumnMismatch as problem:
            problems[column] = str(problem)
    return blocks


def _version(blocks: Mapping[str, Block], columns: Columns) -> CategoricalBlock | None:
    block = blocks.get(columns.version or "")
    return block if isinstance(block, CategoricalBlock) else None


def usable(block: NumericBlock, reading: Reading) -> Mask:
    """Return a mask of the valid predictions: finite, and for scores within [0, 1]."""
    numbers = block.numbers
    with np.errstate(invalid="ignore"):
        if reading.model.columns.prediction.kind == "score":
            valid = (numbers >= 0) & (numbers <= 1)  # False for NaN
        else:
            valid = np.isfinite(numbers)
    valid[block.absent] = False
    return valid


def outside(rows: Rows, timestamp: str, window: Window) -> Mask | None:
    """Return a mask of the rows with a timestamp outside `window`; None if there are none."""
    block = rows.blocks.get(timestamp)
    if not isinstance(block, TimestampBlock) or not rows.count:
        return None
    start, end = microseconds(window.start), microseconds(window.end)
    if start <= block.micros.min() and block.micros.max() < end:
        return None
    mask = (block.micros < start) | (block.micros >= end)
    mask[block.absent] = False
    return mask if mask.any() else None
