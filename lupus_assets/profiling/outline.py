"""Profiles of rows without a declaration: every column by its Arrow type."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import repeat
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from lupus_assets.errors import ColumnMismatch
from lupus_assets.profiling.gathering import Gathering, gathering
from lupus_assets.profiling.groups import Groups
from lupus_assets.profiling.threads import ahead, gatherers, thread_scratch
from lupus_assets.reading.arrow import Kind, instants, natural_kind, numbers, words
from lupus_assets.reading.block import Block, CategoricalBlock, NumericBlock, TimestampBlock
from lupus_assets.reading.table import at_least_one
from lupus_assets.stats.column import Column
from lupus_assets.stats.grid import Grid

UTC = ZoneInfo("UTC")
UNIT = Grid(0.0, 1.0)
GRID_SAMPLE = 8_192  # values of the first batch that define a grid
SALT = b"outline"  # constant: names are printed, and hashes are not stored


@dataclass(frozen=True)
class Outline:
    """The profile of some rows.

    Attributes
    ----------
    rows : int
    columns : dict of str to Column
        In the order of the schema.
    left_out : dict of str to str
        Column without a profile to the reason.
    grids : dict of str to Grid
        Of the numeric columns; an argument of `outline` for rows to compare with these.
    """

    rows: int
    columns: dict[str, Column]
    left_out: dict[str, str]
    grids: dict[str, Grid]


def outline(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, grids: Mapping[str, Grid] | None = None
) -> Outline:
    """Profile rows in one pass, columns in parallel.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
    schema : pyarrow.Schema
        Of the batches.
    grids : mapping of str to Grid, optional
        Grids of the rows to compare with. By default a column's first batch defines its grid.
    """
    kinds = {field.name: natural_kind(field.type) for field in schema}
    left_out = {
        name: f"{schema.field(name).type} has no profile" for name, kind in kinds.items() if kind is None
    }
    gathered: dict[str, Gathering] = {}
    placed = dict(grids or {})
    rows = 0

    def gather(name: str, kind: Kind, batch: pa.RecordBatch) -> None:
        try:
            block = _block(batch[name], name, kind, placed)
        except ColumnMismatch as problem:
            left_out[name] = str(problem)
            return
        if name not in gathered:
            gathered[name] = gathering(block, dense=True)
        gathered[name].add(block, Groups.one(block.size), thread_scratch())

    with gatherers() as pool:
        for_each = map if pool is None else pool.map
        for batch in at_least_one(ahead(batches), schema):
            rows += batch.num_rows
            usable = {name: kind for name, kind in kinds.items() if kind is not None and name not in left_out}
            list(for_each(gather, usable.keys(), usable.values(), repeat(batch)))
        names = [name for name in kinds if name in gathered.keys() - left_out]
        states = dict(zip(names, for_each(lambda name: gathered[name].whole(), names), strict=True))
    return Outline(rows, states, left_out, placed)


def _block(array: pa.Array, name: str, kind: Kind, placed: dict[str, Grid]) -> Block:
    if kind == "categorical":
        return CategoricalBlock(*words(array, name), SALT)
    if kind == "timestamp":
        # Naive times are taken as UTC: no zone is declared.
        micros, present = instants(array, name, UTC)
        return TimestampBlock(micros, np.flatnonzero(~present))
    values, absent = numbers(array, name)
    block = NumericBlock(values, absent, placed.get(name, UNIT))
    if name not in placed:
        placed[name] = Grid.of(block.values[:: max(1, block.size // GRID_SAMPLE)])
        block = NumericBlock(values, absent, placed[name])
    return block
