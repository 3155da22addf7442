"""One column while the batches go by: a state for each group of rows, read once for all of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import add
from typing import Any

import numpy as np
import numpy.typing as npt

from lupus_assets.reading.block import (
    Block,
    CategoricalBlock,
    IdentityBlock,
    Index,
    NumericBlock,
    TimestampBlock,
    all_but,
)
from lupus_assets.reading.vocabulary import Vocabulary
from lupus_assets.stats.accumulator import NumericAccumulator, Scratch
from lupus_assets.stats.column import (
    CategoricalColumn,
    Column,
    IdentityColumn,
    NumericColumn,
    TimestampColumn,
)
from lupus_assets.stats.distinct import SIPHASH, Distinct, Smallest
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.state import tally


@dataclass(frozen=True)
class Groups:
    """Rows of one batch, parted.

    Attributes
    ----------
    order : array of intp, or None
        The rows, those of one group after those of another; None where all rows are one group.
    bounds : array of intp, shape (groups + 1,)
        Where each group begins, and the last ends.
    rows : int
        Of the batch, those of no group too.
    """

    order: Index | None
    bounds: Index
    rows: int

    @classmethod
    def one(cls, rows: int) -> "Groups":
        """All rows are one group."""
        return cls(None, np.array([0, rows]), rows)

    @classmethod
    def of(cls, code: npt.NDArray[np.int64], count: int) -> "Groups":
        """Part rows by code: those of a code below 0 are in no group."""
        code = np.where(code < 0, count, code)
        sizes = tally(code, count + 1)[:count]
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        # Numbers are sorted four times as fast as their places are: each code is sorted with its own.
        rows = code.size
        both: npt.NDArray[Any] = code.astype(np.uint32 if rows * (count + 1) <= 1 << 32 else np.uint64)
        both *= rows
        both += np.arange(rows, dtype=both.dtype)
        both.sort()
        order = both[: bounds[-1]].astype(np.intp)
        order -= np.repeat(np.arange(count) * rows, sizes)
        return cls(order, bounds, rows)

    def ordered(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return what is said of each row, in the order of the groups."""
        return values if self.order is None else values.take(self.order)

    def places(self, absent: Index) -> Index:
        """Return where some rows are in the order of the groups; increasing."""
        if self.order is None or not absent.size:
            return absent
        found = self._places.take(absent)
        return np.sort(found[found >= 0]).astype(np.intp)

    @cached_property
    def _places(self) -> npt.NDArray[np.int32]:
        """Each row's place in the order, -1 of a row in no group."""
        places = np.full(self.rows, -1, np.int32)
        places[self.order] = np.arange(self.bounds[-1], dtype=np.int32)
        return places

    def slices(self) -> Iterator[slice]:
        """Yield where each group lies in the order."""
        for start, end in zip(self.bounds[:-1].tolist(), self.bounds[1:].tolist(), strict=True):
            yield slice(start, end)


@dataclass
class NumericGathering:
    """A numeric column; `dense` as `lupus_assets.stats.accumulator.NumericAccumulator` means it."""

    grid: Grid
    dense: bool
    groups: list[NumericAccumulator] = field(default_factory=list)
    _states: list[NumericColumn] | None = None  # of all so far, once they were asked for

    def add(self, block: Block, groups: Groups, scratch: Scratch) -> None:
        """Take one batch."""
        assert isinstance(block, NumericBlock)  # noqa: S101  # tells mypy
        self._states = None
        numbers = groups.ordered(block.numbers)
        absent = groups.places(block.absent)
        edges = np.searchsorted(absent, groups.bounds)
        for at, rows in enumerate(groups.slices()):
            if at == len(self.groups):
                self.groups.append(NumericAccumulator(self.grid, self.dense))
            if rows.start < rows.stop:
                mine = absent[edges[at] : edges[at + 1]] - rows.start
                self.groups[at].add(numbers[rows], mine, scratch)

    def within(self, low: float, high: float) -> bool:
        """Return whether no value so far lies beyond `low` or `high`."""
        return all(each.within(low, high) for each in self.groups)

    def states(self) -> list[Column]:
        """Return the state of each group."""
        return [*self._each()]

    def whole(self) -> Column:
        """Return the state of all groups together."""
        return NumericColumn.sum(self._each()) if self.groups else NumericColumn.empty(self.grid)

    def _each(self) -> list[NumericColumn]:
        if self._states is None:
            self._states = [each.state() for each in self.groups]
        return self._states


@dataclass
class CategoricalGathering:
    """A column of text."""

    salt: bytes
    rows: list[int] = field(default_factory=list)
    vocabulary: Vocabulary = field(init=False)

    def __post_init__(self) -> None:
        self.vocabulary = Vocabulary(self.salt)

    def add(self, block: Block, groups: Groups, scratch: Scratch) -> None:  # noqa: ARG002  # as all gatherings
        """Take one batch."""
        assert isinstance(block, CategoricalBlock)  # noqa: S101  # tells mypy
        if groups.order is None and block.is_its_dictionary:
            self._count(0, block.size)
            self.vocabulary.add_rows(block.dictionary, block.absent, 0)
            return
        places = groups.ordered(block.places)
        size = len(block.dictionary)
        for at, rows in enumerate(groups.slices()):
            self._count(at, rows.stop - rows.start)
            counts = tally(places[rows], size + 1)[:size]
            self.vocabulary.add(block.dictionary, counts, at)

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
        """Return the state of all groups together."""
        categories = self.vocabulary.whole()
        rows = sum(self.rows)
        return CategoricalColumn(rows, rows - categories.total, categories)


@dataclass
class IdentityGathering:
    """A key or an entity."""

    rows: list[int] = field(default_factory=list)
    nulls: list[int] = field(default_factory=list)
    smallest: list[Smallest] = field(default_factory=list)

    def add(self, block: Block, groups: Groups, scratch: Scratch) -> None:  # noqa: ARG002  # as all gatherings
        """Take one batch."""
        assert isinstance(block, IdentityBlock)  # noqa: S101  # tells mypy
        absent = groups.places(block.absent)
        edges = np.searchsorted(absent, groups.bounds)
        # Few values of many rows are hashed and counted once; where each row has its own, rows are.
        words = None if block.values is None or block.values.is_its_dictionary else block.values
        per_row = groups.ordered(block.hashes if words is None else words.places)
        for at, rows in enumerate(groups.slices()):
            if at == len(self.rows):
                self.rows.append(0)
                self.nulls.append(0)
                self.smallest.append(Smallest())
            mine = absent[edges[at] : edges[at + 1]] - rows.start
            self.rows[at] += rows.stop - rows.start
            self.nulls[at] += mine.size
            if words is None:
                hashes = per_row[rows]
                self.smallest[at].add_hashes(hashes[all_but(mine, hashes.size)] if mine.size else hashes)
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
        """Return the state of all groups together."""
        return reduce(add, self.states(), IdentityColumn.empty())


@dataclass
class TimestampGathering:
    """Points in time."""

    groups: list[TimestampColumn] = field(default_factory=list)

    def add(self, block: Block, groups: Groups, scratch: Scratch) -> None:  # noqa: ARG002  # as all gatherings
        """Take one batch."""
        assert isinstance(block, TimestampBlock)  # noqa: S101  # tells mypy
        micros = groups.ordered(block.micros)
        absent = groups.places(block.absent)
        edges = np.searchsorted(absent, groups.bounds)
        for at, rows in enumerate(groups.slices()):
            if at == len(self.groups):
                self.groups.append(TimestampColumn.empty())
            mine = absent[edges[at] : edges[at + 1]] - rows.start
            values = micros[rows]
            if mine.size:
                values = values[all_but(mine, values.size)]
            self.groups[at] += TimestampColumn.of(values, int(mine.size))

    def states(self) -> list[Column]:
        """Return the state of each group."""
        return list(self.groups)

    def whole(self) -> Column:
        """Return the state of all groups together."""
        return reduce(add, self.groups, TimestampColumn.empty())


Gathering = NumericGathering | CategoricalGathering | IdentityGathering | TimestampGathering


def gathering(block: Block, *, dense: bool) -> Gathering:
    """Return what gathers the blocks of a column like this one."""
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
    found = gathering(block, dense=False)
    found.add(block, Groups.one(block.size), Scratch())
    return found.whole()
