"""The profiles of a partition split one way, such as by one segment column: one per group of rows."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from lupus_assets.profiling.encoding import Coded, Explained
from lupus_assets.profiling.gathering import CategoricalGathering, Gathering, NumericGathering, gathering
from lupus_assets.profiling.groups import Groups, Rows, picked
from lupus_assets.profiling.threads import thread_scratch
from lupus_assets.reading.block import Block, Mask
from lupus_assets.stats.joint import Joint
from lupus_assets.stats.profile import Profile, RowCounts
from lupus_assets.stats.reference.residual import Residual

Cell = tuple[str, str]  # (version, segment)

MAX_DENSE = 256  # groups times columns with 65,536 counters each: 128 MiB
LEAST_PARALLEL = 16_384  # rows of a batch whose columns are gathered in parallel


@dataclass(frozen=True)
class Batch:
    """One batch as visible to one cut.

    Attributes
    ----------
    blocks : dict of str to Block
        The columns that the cut covers.
    counted : bool
        Whether the cut covers the rows, and so counts them.
    outside : array of bool, or None
        Mask of the rows with a timestamp outside the window; None where there are none.
    invalid : array of bool, or None
        Mask of the rows with an invalid score; None for other kinds of prediction.
    explained : Explained, or None
        Scores and their prediction by the surrogate.
    joint : callable, or None
        Function of rows that returns the state of their predictions and labels.
    """

    blocks: dict[str, Block]
    counted: bool
    outside: Mask | None
    invalid: Mask | None
    explained: Explained | None
    joint: Callable[[Rows], Joint] | None

    def counts(self, rows: Rows, size: int) -> RowCounts | None:
        """Return the counts of some rows, `size` of them; None if the cut does not count rows."""
        if not self.counted:
            return None
        return RowCounts(
            rows=size,
            outside=0 if self.outside is None else int(np.count_nonzero(picked(self.outside, rows))),
            invalid=None if self.invalid is None else int(np.count_nonzero(picked(self.invalid, rows))),
            duplicates=None,
        )


@dataclass
class _Group:
    """The states of one group that belong to no column."""

    counts: RowCounts | None = None
    joint: Joint | None = None
    residual: Residual | None = None

    def add(self, batch: Batch, rows: Rows, size: int) -> None:
        self.counts = _sum(self.counts, batch.counts(rows, size))
        self.joint = _sum(self.joint, None if batch.joint is None else batch.joint(rows))


def _sum(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return right if left is None else left
    return left + right


@dataclass
class Parting:
    """The groups of one way to split rows.

    Parameters
    ----------
    cells : list of (version, segment), or None
        The cell of each group; None for a group without one, whose rows count in `whole` only.
    """

    cells: list[Cell | None]
    columns: dict[str, Gathering] = field(default_factory=dict)
    groups: list[_Group] = field(default_factory=list)

    def add(self, batch: Batch, groups: Groups, pool: Executor | None, coded: Coded | None = None) -> None:
        """Add one batch, its columns in parallel on `pool`; `coded` stores their codes."""
        dense = len(self.cells) * len(batch.blocks) <= MAX_DENSE
        for name, block in batch.blocks.items():
            if name not in self.columns:
                self.columns[name] = gathering(block, dense=dense)

        def column(name: str) -> None:
            self._add_column(name, batch.blocks[name], groups, coded)

        # One thread at a time gathers a column, batch after batch: results do not depend on threads.
        done: Iterator[None] = iter(())
        if pool is None or groups.bounds[-1] < LEAST_PARALLEL:
            for name in batch.blocks:
                column(name)
        else:
            done = pool.map(column, batch.blocks)
        for at, rows in enumerate(groups.slices()):
            if at == len(self.groups):
                self.groups.append(_Group())
            self.groups[at].add(batch, groups.rows_of(rows), rows.stop - rows.start)
        list(done)
        if batch.explained is not None:  # after the columns, which give the codes
            for group, rows in zip(self.groups, groups.slices(), strict=True):
                group.residual = _sum(group.residual, batch.explained.residual(groups, rows))

    def _add_column(self, name: str, block: Block, groups: Groups, coded: Coded | None) -> None:
        gathered = self.columns[name]
        encoder = None if coded is None else coded.encoders.get(name)
        if coded is None or not isinstance(gathered, NumericGathering | CategoricalGathering):
            gathered.add(block, groups, thread_scratch())
        elif (
            codes := gathered.add(block, groups, thread_scratch(), encoder)
        ) is not None and encoder is not None:
            coded.keep(name, encoder, codes)

    def within(self, column: str, low: float, high: float) -> bool:
        """Return whether all numbers of a column, in all groups so far, are within `low` and `high`."""
        gathered = self.columns[column]
        return isinstance(gathered, NumericGathering) and gathered.within(low, high)

    def profiles(self) -> dict[Cell, Profile]:
        """Return the profile of each cell."""
        states = {name: column.states() for name, column in self.columns.items()}
        return {
            cell: _profile(self.groups[at], {name: states[name][at] for name in states})
            for at, cell in enumerate(self.cells)
            if cell is not None
        }

    def whole(self) -> Profile:
        """Return the profile over all groups."""
        total = _Group(
            *(
                reduce(_sum, (getattr(group, part) for group in self.groups), None)
                for part in ("counts", "joint", "residual")
            )
        )
        return _profile(total, {name: column.whole() for name, column in self.columns.items()})


def _profile(group: _Group, columns: dict[str, Any]) -> Profile:
    return Profile(group.counts, columns, group.joint, group.residual)


def coded(
    names: Sequence[str | None], codes: dict[str, int], places: npt.NDArray[np.intp], rest: int
) -> npt.NDArray[np.int64]:
    """Return the code of each row by the name of its value; `rest` for names without a code and for null."""
    table = np.array([rest if name is None else codes.get(name, rest) for name in names] + [rest], np.int64)
    return table.take(places)
