"""Codes of columns, the inputs of the surrogate: one effect per code."""

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

PARTS = 16  # quantile bins of a numeric column: enough for smooth effects, few enough for a fit on one day
Codes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class NumericEncoder(State):
    """Codes of a numeric column: reference-quantile bins, then one code for nulls and non-finite values.

    Attributes
    ----------
    cuts : ndarray of int32, shape (bins - 1,)
        First grid bin of every quantile bin but the first.
    """

    cuts: Bins

    @classmethod
    def of(cls, column: NumericColumn, parts: int = PARTS) -> Self:
        """Return the encoder with at most `parts` quantile bins of the reference, cut between grid bins."""
        return cls(quantile_cuts(column.histogram, parts))

    @property
    def width(self) -> int:
        """Number of codes."""
        return self.cuts.size + 2

    @property
    def null(self) -> int:
        """The code of nulls and non-finite values: the last."""
        return self.width - 1

    def encode(self, values: NDArray[Any], absent: NDArray[np.intp], grid: Grid) -> Codes:
        """Return the code of each row.

        Parameters
        ----------
        values : ndarray of a number, shape (rows,)
            Undefined at the positions in `absent`.
        absent : ndarray of intp
            Positions of nulls; nulls, NaN and infinities share the last code.
        grid : Grid
            The reference's grid.

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
        """Return the code of each key of a grid, shape (BINS,), that is, of the bin ``PLACES[key]``.

        Computed per batch: tables of all columns of a wide model would take most of the memory.
        """
        table = np.empty(BINS, np.uint8)
        bounds = [0, *self.cuts.tolist(), BINS]
        for code, (start, end) in enumerate(pairwise(bounds)):
            if end > CENTRE:
                table[max(start - CENTRE, 0) : end - CENTRE] = code
            if start < CENTRE:  # for negative deviations, keys increase as bins decrease
                table[BINS - min(end, CENTRE) : BINS - start] = code
        table[OUTERMOST:CENTRE], table[CENTRE + OUTERMOST :] = table[OUTERMOST], table[CENTRE + OUTERMOST]
        return table


@dataclass(frozen=True, eq=False)
class CategoricalEncoder(State):
    """Codes of a categorical column: its frequent values, then all other values, then null.

    Attributes
    ----------
    hashes : ndarray of uint64, shape (categories,)
        Hashes of the frequent values, increasing.
    """

    hashes: Hashes

    @classmethod
    def of(cls, column: CategoricalColumn) -> Self:
        """Return the encoder with a code for each of the reference's `TOP` most frequent values."""
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
        """Return the code of each value, of rows or of a dictionary.

        Parameters
        ----------
        hashes : ndarray of uint64, shape (values,)
            Hashes of the values; undefined for nulls.
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
    """The columns of the surrogate in order, with their encoders."""

    names: tuple[str, ...]
    encoders: tuple[Encoder, ...]

    @classmethod
    def of(cls, columns: Mapping[str, NumericColumn | CategoricalColumn], parts: int = PARTS) -> Self:
        """Return the design for the reference's feature columns, with `parts` bins for numeric columns."""
        encoders = tuple(
            NumericEncoder.of(column, parts)
            if isinstance(column, NumericColumn)
            else CategoricalEncoder.of(column)
            for column in columns.values()
        )
        return cls(tuple(columns), encoders)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Position of each column's first effect, and at the end the number of effects."""
        return tuple(accumulate((encoder.width for encoder in self.encoders), initial=0))

    @property
    def width(self) -> int:
        """Number of effects: the codes of all columns."""
        return self.offsets[-1]

    def only(self, places: Sequence[int]) -> Self:
        """Return the design of the columns at `places`."""
        return type(self)(tuple(self.names[at] for at in places), tuple(self.encoders[at] for at in places))

    def check(self, codes: Codes) -> None:
        """Raise ValueError unless `codes` has one column per encoder."""
        if codes.ndim != 2 or codes.shape[1] != len(self.encoders):
            raise ValueError(
                f"codes of shape {codes.shape} for {len(self.encoders)} columns; stack one per name"
            )
