"""Ranks of columns, and sums over pairs of columns for rank correlations.

The rank of a value is the rank of its code in the frozen reference, an integer from −15 to 15. With integers
this small every sum of products is exact, for any order and split of the rows, also in float32 products.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats.reference.encoder import Codes, Design
from lupus_assets.stats.state import Counts, Floats, State

LAST = 15  # ranks are from −15 to 15
ROWS = 16_384  # per block: it stays in the cache, and 15² × rows < 2²⁴ is exact in float32
ALIGNED = 4  # with a multiple of this number of rows, BLAS is a fifth faster

Ranks = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Ranking(State):
    """Ranks of the columns of a frozen reference, by code.

    Attributes
    ----------
    design : Design
        The columns, and the codes of their values.
    ranks : tuple of ndarray of float32, each of shape (codes,)
        The rank of every code of a column: integers in [−15, 15]; NaN for the last code, null.
    """

    design: Design
    ranks: tuple[Ranks, ...]

    @classmethod
    def of(cls, design: Design, counts: Sequence[Counts], order: Sequence[Floats]) -> Self:
        """Return the ranking of the codes of each column.

        Parameters
        ----------
        design : Design
        counts : sequence of ndarray of int64, each of shape (codes,)
            Rows of the reference with each code.
        order : sequence of ndarray of float64, each of shape (codes,)
            Sort keys of the codes; equal keys keep the order of the codes.
        """
        return cls(design, tuple(_mid_ranks(*each) for each in zip(counts, order, strict=True)))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return self.design.names


def _mid_ranks(counts: Counts, order: Floats) -> Ranks:
    by_order = np.argsort(order[:-1], kind="stable")
    rows = counts[by_order]
    middle = np.cumsum(rows) - rows / 2
    ranks = np.full(counts.size, np.nan, np.float32)
    ranks[by_order] = np.rint(2 * LAST * (middle / max(int(rows.sum()), 1) - 0.5))
    return ranks


@dataclass(frozen=True, eq=False)
class RankMoments(State):
    """Sums of the ranks of K columns over pairs of them; additive and exact.

    Attributes
    ----------
    names : tuple of str
        The columns.
    pairs : ndarray of int64, shape (K, K)
        Rows with a value in both columns.
    sums, squares : ndarray of int64, shape (K, K)
        Over these rows, sums of the first column's rank and of its square.
    products : ndarray of int64, shape (K, K)
        Over these rows, sums of the product of both ranks.
    """

    names: tuple[str, ...]
    pairs: Counts
    sums: Counts
    squares: Counts
    products: Counts

    @classmethod
    def of(cls, names: tuple[str, ...], codes: Sequence[Codes], ranks: Sequence[Ranks]) -> Self:
        """Return the sums over rows.

        Parameters
        ----------
        names : tuple of str
        codes : sequence of ndarray of uint8, each of shape (rows,)
            Codes of each column.
        ranks : sequence of ndarray of float32, each of shape (codes,)
            Ranks of each column by code: integers in [−15, 15]. A row with the last code has no value.
        """
        total = cls.empty(names)
        if not codes:
            return total
        lacking = {at: each == ranks[at].size - 1 for at, each in enumerate(codes)}
        lacking = {at: rows for at, rows in lacking.items() if rows.any()}
        incomplete = np.logical_or.reduce(list(lacking.values())) if lacking else None
        tables = [np.append(each[:-1], np.float32(0)) for each in ranks]
        rows = codes[0].size
        # Below the ranks: a row of ones, whose products are the sums, and rows of zeros as padding.
        height = -(-(len(names) + 1) // ALIGNED) * ALIGNED
        room = np.zeros((height, min(ROWS, rows)), np.float32)
        room[len(names)] = 1
        for start in range(0, rows, ROWS):
            part = slice(start, min(start + ROWS, rows))
            block = room[:, : part.stop - start]
            for of_rows, of_column, table in zip(block, codes, tables, strict=False):
                # All codes are in the table: mode="wrap" makes numpy skip the bounds check.
                np.take(table, of_column[part], out=of_rows, mode="wrap")
            some = None if incomplete is None else np.flatnonzero(incomplete[part])
            total += cls._of_block(names, block, {at: each[part] for at, each in lacking.items()}, some)
        return total

    @classmethod
    def empty(cls, names: tuple[str, ...]) -> Self:
        """Return the sums over no rows."""
        return cls(names, *(np.zeros((len(names), len(names)), np.int64) for _ in range(4)))

    @classmethod
    def _of_block(
        cls,
        names: tuple[str, ...],
        block: Ranks,
        lacking: Mapping[int, NDArray[np.bool_]],
        incomplete: NDArray[np.intp] | None,
    ) -> Self:
        """Return the sums of a block: ranks, 0 without a value, and a row of ones; `lacking` per column."""
        columns = len(names)
        products = block @ block.T
        sums = np.repeat(products[:columns, columns, None], columns, axis=1)
        products = products[:columns, :columns]
        pairs = np.full(products.shape, block.shape[1], np.float32)
        squares = np.repeat(np.diag(products)[:, None], columns, axis=1)
        if incomplete is not None and incomplete.size:
            # Most rows are complete: the contributions of the others beside each gap are subtracted.
            gaps = np.array(list(lacking))
            beside = block[:columns].take(incomplete, axis=1)
            missing = np.array([each.take(incomplete) for each in lacking.values()], np.float32)
            of_gap = missing.sum(axis=1)
            pairs[gaps] -= of_gap[:, None]
            pairs[:, gaps] -= of_gap
            pairs[np.ix_(gaps, gaps)] += missing @ missing.T
            sums[:, gaps] -= beside @ missing.T
            squares[:, gaps] -= np.square(beside, out=beside) @ missing.T
        return cls(names, *(each.astype(np.int64) for each in (pairs, sums, squares, products)))

    def __add__(self, other: Self) -> Self:
        if self.names != other.names:
            raise StateError("the states rank different columns; profile both windows with one reference")
        return type(self)(
            self.names,
            self.pairs + other.pairs,
            self.sums + other.sums,
            self.squares + other.squares,
            self.products + other.products,
        )

    def without(self, names: Collection[str]) -> Self:
        """Return the sums without rows for the columns `names`."""
        kept = np.array([name not in names for name in self.names], np.int64)
        both = np.outer(kept, kept)
        return replace(
            self,
            pairs=self.pairs * both,
            sums=self.sums * both,
            squares=self.squares * both,
            products=self.products * both,
        )

    def correlation(self) -> Floats:
        """Return Spearman's rank correlation of each pair, shape (K, K), in [−1, 1].

        Over the rows with both values; NaN with fewer than two rows, or if either column does not vary.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            n = np.where(self.pairs >= 2, self.pairs, np.nan)
            mean = self.sums / n
            variance = self.squares / n - mean * mean
            spread = np.sqrt(np.where(variance > 0, variance, np.nan))
            found = (self.products / n - mean * mean.T) / (spread * spread.T)
        return np.asarray(np.clip(found, -1.0, 1.0))
