"""The states of one column, built batch by batch: one per group of rows, in one pass."""

from dataclasses import dataclass, field
from functools import reduce
from operator import add

import numpy as np

from lupus_assets.profiling.groups import Groups
from lupus_assets.reading.block import (
    Block,
    CategoricalBlock,
    IdentityBlock,
    NumericBlock,
    TimestampBlock,
    all_but,
)
from lupus_assets.reading.vocabulary import Vocabulary
from lupus_assets.stats.accumulator import Coding, NumericAccumulator
from lupus_assets.stats.column import (
    CategoricalColumn,
    Column,
    IdentityColumn,
    NumericColumn,
    TimestampColumn,
)
from lupus_assets.stats.distinct import SIPHASH, Distinct, Smallest
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.reference.encoder import CategoricalEncoder, Codes, Encoder, NumericEncoder
from lupus_assets.stats.scratch import Scratch
from lupus_assets.stats.state import tally


@dataclass
class NumericGathering:
    """A numeric column; `dense` is that of `lupus_assets.stats.accumulator.NumericAccumulator`."""

    grid: Grid
    dense: bool
    groups: list[NumericAccumulator] = field(default_factory=list)
    _states: list[NumericColumn] | None = None  # cached until the next batch

    def add(
        self, block: Block, groups: Groups, scratch: Scratch, encoder: Encoder | None = None
    ) -> Codes | None:
        """Add one batch; return its codes, in the order of the groups, if `encoder` encodes numbers."""
        assert isinstance(block, NumericBlock)  # noqa: S101  # tells mypy
        self._states = None
        numbers = groups.ordered(block.numbers)
        absent = groups.places(block.absent)
        coding = codes = None
        if isinstance(encoder, NumericEncoder):
            if numbers.dtype == np.float64:
                coding = Coding.of(encoder, numbers.size)
                codes = coding.codes
            else:  # integers may have no histogram keys, and those of float32 differ
                codes = encoder.encode(numbers, absent, self.grid)
        edges = np.searchsorted(absent, groups.bounds)
        for at, rows in enumerate(groups.slices()):
            if at == len(self.groups):
                self.groups.append(NumericAccumulator(self.grid, self.dense))
            if rows.start < rows.stop:
                nulls = absent[edges[at] : edges[at + 1]] - rows.start
                self.groups[at].add(numbers[rows], nulls, scratch, coding and coding.part(rows))
        return codes

    def within(self, low: float, high: float) -> bool:
        """Return whether all values so far are within `low` and `high`."""
        return all(group.within(low, high) for group in self.groups)

    def states(self) -> list[Column]:
        """Return the state of each group."""
        return [*self._group_states()]

    def whole(self) -> Column:
        """Return the state over all groups."""
        return NumericColumn.sum(self._group_states()) if self.groups else NumericColumn.empty(self.grid)

    def _group_states(self) -> list[NumericColumn]:
        if self._states is None:
            self._states = [group.state() for group in self.groups]
        return self._states


@dataclass
class CategoricalGathering:
    """A column of text."""

    salt: bytes
    rows: list[int] = field(default_factory=list)
    vocabulary: Vocabulary = field(init=False)

    def __post_init__(self) -> None:
        self.vocabulary = Vocabulary(self.salt)

    def add(
        self,
        block: Block,
        groups: Groups,
        scratch: Scratch,  # noqa: ARG002  # common to all gatherings
        encoder: Encoder | None = None,
    ) -> Codes | None:
        """Add one batch; return its codes, in the order of the groups, if `encoder` encodes text."""
        assert isinstance(block, CategoricalBlock)  # noqa: S101  # tells mypy
        codes = block.codes(encoder) if isinstance(encoder, CategoricalEncoder) else None
        if groups.order is None and block.is_its_dictionary:
            self._count(0, block.size)
            self.vocabulary.add_rows(block.dictionary, block.absent, 0)
            return None if codes is None else codes.take(block.places)
        places = groups.ordered(block.places)
        size = len(block.dictionary)
        for at, rows in enumerate(groups.slices()):
            self._count(at, rows.stop - rows.start)
            counts = tally(places[rows], size + 1)[:size]
            self.vocabulary.add(block.dictionary, counts, at)
        return None if codes is None else codes.take(places)

    def _count(self, group: int, rows: int) -> None:
        if group == len(self.rows):
            self.rows.append(0)
        self.rows[group] += rows

    def states(self) -> list[Column]:
        """Return the state of each group."""
        return [
            CategoricalColumn(rows, rows - categories.total, categories)
            for rows, categories in zip(self.rows, self.vocabulary.states(len(self.rows)), strict=True)
        ]

    def whole(self) -> Column:
        """Return the state over all groups."""
        categories = self.vocabulary.whole()
        rows = sum(self.rows)
        return CategoricalColumn(rows, rows - categories.total, categories)


@dataclass
class IdentityGathering:
    """A key or an entity."""

    rows: list[int] = field(default_factory=list)
    nulls: list[int] = field(default_factory=list)
    smallest: list[Smallest] = field(default_factory=list)

    def add(self, block: Block, groups: Groups, scratch: Scratch) -> None:  # noqa: ARG002  # common to all gatherings
        """Add one batch."""
        assert isinstance(block, IdentityBlock)  # noqa: S101  # tells mypy
        absent = groups.places(block.absent)
        edges = np.searchsorted(absent, groups.bounds)
        # A small dictionary is tallied per group; for a large one the hashes of all rows are added.
        words = block.values
        if words is not None and len(words.dictionary) * (groups.bounds.size - 1) > block.size:
            words = None
        per_row = groups.ordered(block.hashes if words is None else words.places)
        for at, rows in enumerate(groups.slices()):
            if at == len(self.rows):
                self.rows.append(0)
                self.nulls.append(0)
                self.smallest.append(Smallest())
            nulls = absent[edges[at] : edges[at + 1]] - rows.start
            self.rows[at] += rows.stop - rows.start
            self.nulls[at] += nulls.size
            if words is None:
                hashes = per_row[rows]
                self.smallest[at].add_hashes(hashes[all_but(nulls, hashes.size)] if nulls.size else hashes)
            else:
                size = len(words.dictionary)
                held = tally(per_row[rows], size + 1)[:size] > 0
                self.smallest[at].add_hashes(words.hashes[held])

    def states(self) -> list[Column]:
        """Return the state of each group."""
        return [
            IdentityColumn(rows, nulls, Distinct(*smallest.kept(SIPHASH)))
            for rows, nulls, smallest in zip(self.rows, self.nulls, self.smallest, strict=True)
        ]

    def whole(self) -> Column:
        """Return the state over all groups."""
        return reduce(add, self.states(), IdentityColumn.empty())


@dataclass
class TimestampGathering:
    """A column of timestamps."""

    groups: list[TimestampColumn] = field(default_factory=list)

    def add(self, block: Block, groups: Groups, scratch: Scratch) -> None:  # noqa: ARG002  # common to all gatherings
        """Add one batch."""
        assert isinstance(block, TimestampBlock)  # noqa: S101  # tells mypy
        micros = groups.ordered(block.micros)
        absent = groups.places(block.absent)
        edges = np.searchsorted(absent, groups.bounds)
        for at, rows in enumerate(groups.slices()):
            if at == len(self.groups):
                self.groups.append(TimestampColumn.empty())
            nulls = absent[edges[at] : edges[at + 1]] - rows.start
            values = micros[rows]
            if nulls.size:
                values = values[all_but(nulls, values.size)]
            self.groups[at] += TimestampColumn.of(values, int(nulls.size))

    def states(self) -> list[Column]:
        """Return the state of each group."""
        return list(self.groups)

    def whole(self) -> Column:
        """Return the state over all groups."""
        return reduce(add, self.groups, TimestampColumn.empty())


Gathering = NumericGathering | CategoricalGathering | IdentityGathering | TimestampGathering


def gathering(block: Block, *, dense: bool) -> Gathering:
    """Return an empty gathering for the column of `block`."""
    match block:
        case NumericBlock():
            return NumericGathering(block.grid, dense)
        case CategoricalBlock():
            return CategoricalGathering(block.salt)
        case IdentityBlock():
            return IdentityGathering()
        case TimestampBlock():
            return TimestampGathering()


def state(block: Block) -> Column:
    """Return the state of all rows of one block."""
    gathered = gathering(block, dense=False)
    gathered.add(block, Groups.one(block.size), Scratch())
    return gathered.whole()
