"""One batch of a prediction log, read by role: what profiling and freezing both start from.

A column that cannot be read costs its own block and nothing else; what was wrong is kept in words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.column import Columns
from lupus_assets.errors import ColumnMismatch
from lupus_assets.monitor.block import Block, CategoricalBlock, IdentityBlock, NumericBlock, TimestampBlock
from lupus_assets.monitor.cut import Cut
from lupus_assets.monitor.intake import floats, hashes, instants, levels, microseconds
from lupus_assets.monitor.role import Role
from lupus_assets.records import Window
from lupus_assets.stats.category import hash_values
from lupus_assets.stats.grid import Grid

Mask = npt.NDArray[np.bool_]
EVERYTHING = "*"  # the version, and the segment, of all rows together
NEVER = np.iinfo(np.int64).max
UNIT = Grid(0.0, 1.0)  # before a reference has given a column its grid


@dataclass(frozen=True)
class Reading:
    """How the batches of one model are read: roles, grids, salt."""

    model: MonitoredModel
    roles: Sequence[Role]
    grids: Mapping[str, Grid]
    salt: bytes

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
    segments : dict of str to array of bool
        Which rows are in each segment, by ``column=value``.
    versions : dict of str to array of bool
        Which rows each version scored; empty where no version is declared.
    """

    count: int
    blocks: dict[str, Block]
    problems: dict[str, str]
    arrived: npt.NDArray[np.int64] | None
    label_arrived: npt.NDArray[np.int64] | None
    segments: dict[str, Mask]
    versions: dict[str, Mask]

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


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    index = batch.schema.get_field_index(name)
    if index < 0:
        raise ColumnMismatch(
            f"column {name!r} is missing; write it to the log or take it out of the declaration"
        )
    return batch.column(index)


def _label(array: pa.Array, role: Role, reading: Reading) -> NumericBlock:
    """Return a binary label as 0 and 1."""
    label = reading.model.columns.label
    positive = True if label is None else label.positive
    grid = reading.grids.get(role.column, UNIT)
    if positive is not True:
        names, index, present = levels(array, role.column)
        wanted = str(positive).lower() if positive is False else str(positive)
        table = np.array([float(name == wanted) for name in names] or [0.0])
        return NumericBlock(np.where(present, table[index], np.nan), present, grid)
    values, present = floats(array, role.column)
    present &= ~np.isnan(values)  # whose label is not a number has none
    odd = present & (values != 0) & (values != 1)
    if odd.any():
        raise ColumnMismatch(
            f"label {role.column!r} holds {values[odd][0]:g} where 0 or 1 is needed; "
            "declare `positive: <value>` or clean the label"
        )
    return NumericBlock(values, present, grid)


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
        values, present = floats(array, role.column)
        return NumericBlock(values, present, reading.grids.get(role.column, UNIT))
    if role.kind == "timestamp":
        return TimestampBlock(*instants(array, role.column, reading.zone))
    if role.kind == "identity":
        return IdentityBlock(*hashes(array, role.column, reading.salt))
    names, index, present = levels(array, role.column)
    return CategoricalBlock(names, hash_values(names, reading.salt), index, present)


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
            blocks[role.column] = read_block(_column(batch, role.column), role, reading)
        except ColumnMismatch as problem:
            problems[role.column] = str(problem)
    columns = reading.model.columns
    return Rows(
        count=batch.num_rows,
        blocks=blocks,
        problems=problems,
        arrived=_arrival(batch, columns.arrival, reading, problems),
        label_arrived=_arrival(batch, columns.label.arrival if columns.label else None, reading, problems),
        segments=_segments(batch, segments, problems),
        versions=_versions(blocks, columns),
    )


def _arrival(
    batch: pa.RecordBatch, name: str | None, reading: Reading, problems: dict[str, str]
) -> npt.NDArray[np.int64] | None:
    if name is None:
        return None
    try:
        micros, present = instants(_column(batch, name), name, reading.zone)
    except ColumnMismatch as problem:
        problems[name] = str(problem)
        return None
    return np.where(present, micros, NEVER)


def _segments(batch: pa.RecordBatch, segments: Sequence[str], problems: dict[str, str]) -> dict[str, Mask]:
    members: dict[str, Mask] = {}
    for column, group in groupby(segments, key=lambda segment: segment.partition("=")[0]):
        try:
            names, index, present = levels(_column(batch, column), column)
        except ColumnMismatch as problem:
            problems[column] = str(problem)
            continue
        at = {f"{column}={name}": place for place, name in enumerate(names)}
        members |= {segment: present & (index == at.get(segment, -1)) for segment in group}
    return members


def _versions(blocks: Mapping[str, Block], columns: Columns) -> dict[str, Mask]:
    block = blocks.get(columns.version or "")
    if not isinstance(block, CategoricalBlock):
        return {}
    masks = {name: block.present & (block.index == at) for at, name in enumerate(block.names)}
    return {name: mask for name, mask in masks.items() if mask.any()}


def usable(block: NumericBlock, reading: Reading) -> Mask:
    """Return which predictions can be scored: finite, and for a score within [0, 1]."""
    found = block.present & np.isfinite(block.values)
    if reading.model.columns.prediction.kind == "score":
        with np.errstate(invalid="ignore"):
            found &= (block.values >= 0) & (block.values <= 1)
    return found


def outside(rows: Rows, timestamp: str, window: Window) -> Mask:
    """Return which rows are timed outside `window`; a null timestamp is not outside."""
    block = rows.blocks.get(timestamp)
    if not isinstance(block, TimestampBlock):
        return np.zeros(rows.count, dtype=bool)
    before = block.micros < microseconds(window.start)
    after = block.micros >= microseconds(window.end)
    return block.present & (before | after)
