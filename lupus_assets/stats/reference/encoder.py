"""Columns as the codes that the surrogate has an effect for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.distance.binning import TOP, quantile_cuts
from lupus_assets.stats.grid import BINS, BLOCK, CENTRE, OUTERMOST, Grid
from lupus_assets.stats.state import Bins, Hashes, State

PARTS = 16  # quantile bins of a numeric column: enough for a smooth effect, few enough to fit on a day
Codes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class NumericEncoder(State):
    """Codes of a numeric column: reference-quantile bins, then one code for what is not finite.

    Attributes
    ----------
    cuts : ndarray of int32, shape (bins - 1,)
        First grid bin of every quantile bin but the first.
    """

    cuts: Bins

    @classmethod
    def of(cls, column: NumericColumn, parts: int = PARTS) -> Self:
        """Cut the reference's column into at most `parts` bins, at bounds of its grid's bins."""
        return cls(quantile_cuts(column.histogram, parts))

    @property
    def width(self) -> int:
        """Number of codes."""
        return self.cuts.size + 2

    @property
    def null(self) -> int:
        """The code of what is not finite: the last."""
        return self.width - 1

    def encode(self, values: NDArray[Any], absent: NDArray[np.intp], grid: Grid) -> Codes:
        """Return the code of each row.

        Parameters
        ----------
        values : ndarray of a number, shape (rows,)
            Whatever they are at the places of `absent`.
        absent : ndarray of intp
            Where nulls are; they, NaN and infinities share the last code.
        grid : Grid
            The reference's.

        Returns
        -------
        ndarray of uint8, shape (rows,)
            In [0, width).
        """
        table, null = self.by_key(), self.null
        codes = np.empty(values.size, np.uint8)
        room, single = np.empty(min(BLOCK, values.size)), np.empty(min(BLOCK, values.size), np.float32)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            for start in range(0, values.size, BLOCK):
                x = values[start : start + BLOCK]
                code = codes[start : start + BLOCK]
                deviation = np.subtract(x, grid.centre, out=room[: x.size])
                np.take(table, grid.keys(deviation, single[: x.size]), out=code, mode="wrap")
                if not np.isfinite(np.add.reduce(deviation)):
                    code[~np.isfinite(x)] = null
        codes[absent] = null
        return codes

    def by_key(self) -> Codes:
        """Return the code of each key of a grid, shape (BINS,): of the bin ``PLACES[key]``.

        Made for each batch: kept for all columns of a wide model it would be most of its memory.
        """
        table = np.empty(BINS, np.uint8)
        bounds = [0, *self.cuts.tolist(), BINS]
        for code, (start, end) in enumerate(pairwise(bounds)):
            if end > CENTRE:
                table[max(start - CENTRE, 0) : end - CENTRE] = code
            if start < CENTRE:  # of negative deviations the keys rise as the bins fall
                table[BINS - min(end, CENTRE) : BINS - start] = code
        table[OUTERMOST:CENTRE], table[CENTRE + OUTERMOST :] = table[OUTERMOST], table[CENTRE + OUTERMOST]
        return table


@dataclass(frozen=True, eq=False)
class CategoricalEncoder(State):
    """Codes of a categorical column: its frequent values, then all the rest, then null.

    Attributes
    ----------
    hashes : ndarray of uint64, shape (categories,)
        Hashes with a code of their own, increasing.
    """

    hashes: Hashes

    @classmethod
    def of(cls, column: CategoricalColumn) -> Self:
        """Give the reference's `TOP` most frequent values a code each."""
        categories = column.categories
        return cls(np.sort(categories.hashes[categories.top(TOP)]))

    @property
    def width(self) -> int:
        """Number of codes."""
        return self.hashes.size + 2

    @property
    def null(self) -> int:
        """The code of null: the last."""
        return self.width - 1

    def encode(self, hashes: Hashes, valid: NDArray[np.bool_]) -> Codes:
        """Return the code of each value; of dictionary values just as well as of rows.

        Parameters
        ----------
        hashes : ndarray of uint64, shape (values,)
            Hashes of the values; whatever they are where a value is null.
        valid : ndarray of bool, shape (values,)
            False for nulls.

        Returns
        -------
        ndarray of uint8, shape (values,)
            In [0, width).
        """
        rest, null = self.width - 2, self.null
        at = np.searchsorted(self.hashes, hashes)
        known = at < self.hashes.size
        known[known] = self.hashes[at[known]] == hashes[known]
        return np.where(valid, np.where(known, at, rest), null).astype(np.uint8)


Encoder = NumericEncoder | CategoricalEncoder


@dataclass(frozen=True, eq=False)
class Design(State):
    """Which columns the surrogate sees, in which order, and how each is encoded."""

    names: tuple[str, ...]
    encoders: tuple[Encoder, ...]

    @classmethod
    def of(cls, columns: Mapping[str, NumericColumn | CategoricalColumn], parts: int = PARTS) -> Self:
        """Return the design for the reference's feature columns, in their order; numbers cut into `parts`."""
        encoders = tuple(
            NumericEncoder.of(column, parts)
            if isinstance(column, NumericColumn)
            else CategoricalEncoder.of(column)
            for column in columns.values()
        )
        return cls(tuple(columns), encoders)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """First position of each column's effects, and their number at the end."""
        return tuple(accumulate((encoder.width for encoder in self.encoders), initial=0))

    @property
    def width(self) -> int:
        """Number of effects: codes of all columns together."""
        return self.offsets[-1]

    def only(self, places: Sequence[int]) -> Self:
        """Return the design of some of the columns."""
        return type(self)(tuple(self.names[at] for at in places), tuple(self.encoders[at] for at in places))

    def check(self, codes: Codes) -> None:
        """Raise ValueError unless `codes` has one column per encoder."""
        if codes.ndim != 2 or codes.shape[1] != len(self.encoders):
            raise ValueError(
                f"codes of shape {codes.shape} for {len(self.encoders)} columns; stack one per name"
            )
