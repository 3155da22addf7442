"""One batch of one column, in the form of the source; costly properties are computed on first use."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.reading.arrow import long_strings, string_hashes
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.reference.encoder import CategoricalEncoder, Codes

Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class NumericBlock:
    """Numbers of any type, undefined at the row numbers `absent`, which increase."""

    numbers: npt.NDArray[Any]
    absent: Index
    grid: Grid

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.numbers.size)

    @cached_property
    def present(self) -> Mask:
        """Mask of the rows with a number."""
        return all_but(self.absent, self.size)

    @cached_property
    def values(self) -> npt.NDArray[np.float64]:
        """The numbers as float64; NaN at null rows."""
        if self.numbers.dtype == np.float64 and not self.absent.size:
            return self.numbers
        values = self.numbers.astype(np.float64)
        values[self.absent] = np.nan
        return values

    def only(self, rows: Mask) -> Self:
        """Return the block with the rows outside the mask `rows` set to null."""
        return self if rows.all() else replace(self, absent=np.flatnonzero(~(self.present & rows)))


@dataclass(frozen=True)
class CategoricalBlock:
    """Text, dictionary-encoded.

    The dictionary is an Arrow array of strings; it may hold unused and repeated values.
    """

    dictionary: pa.Array
    index: npt.NDArray[Any]
    absent: Index
    salt: bytes

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.index.size)

    @cached_property
    def present(self) -> Mask:
        """Mask of the rows with a value."""
        return all_but(self.absent, self.size)

    @cached_property
    def is_its_dictionary(self) -> bool:
        """Whether the dictionary has one entry per row, in the order of the rows."""
        size = self.size
        return len(self.dictionary) == size and np.array_equal(self.index, np.arange(size, dtype=np.int32))

    @cached_property
    def names(self) -> list[str | None]:
        """The values of the dictionary; None for those longer than a name (`long_strings`)."""
        long = long_strings(self.dictionary)
        if not long.any():
            return [str(name) for name in self.dictionary.to_pylist()]
        return [
            None if skip else str(name) for name, skip in zip(self.dictionary, long.tolist(), strict=True)
        ]

    @cached_property
    def hashes(self) -> Hashes:
        """The salted hash of each value of the dictionary."""
        return string_hashes(self.dictionary, self.salt)

    @cached_property
    def places(self) -> Index:
        """The dictionary index of each row's value; ``len(dictionary)`` for a null."""
        places = self.index.astype(np.intp)
        places[self.absent] = len(self.dictionary)
        return places

    def codes(self, encoder: CategoricalEncoder) -> Codes:
        """Return the code of each value of the dictionary, and last the code of null."""
        codes = encoder.encode(self.hashes, np.ones(len(self.dictionary), dtype=bool))
        return np.append(codes, np.uint8(encoder.null))

    def by_row(self, of_values: npt.NDArray[Any], null: Any) -> npt.NDArray[Any]:
        """Return the entry of `of_values` for each row's value; `null` at null rows.

        Parameters
        ----------
        of_values : array, shape (len(dictionary),)
        null : scalar
        """
        if self.is_its_dictionary:
            of_rows = of_values.copy()
            of_rows[self.absent] = null
            return of_rows
        table = np.append(of_values, np.asarray(null, of_values.dtype))
        return table.take(self.places)

    def row_hashes(self) -> Hashes:
        """Return the hash of each row's value; 0 at null rows."""
        return self.by_row(self.hashes, 0)


@dataclass(frozen=True)
class IdentityBlock:
    """A key or an entity, known by salted hashes only.

    Attributes
    ----------
    values : CategoricalBlock or None
        The values, where the source has a dictionary.
    of_rows : array of uint64
        The hash of each row, where it has none.
    absent : array of intp
        Row numbers of the nulls.
    """

    values: CategoricalBlock | None
    of_rows: Hashes
    absent: Index

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.hashes.size)

    @cached_property
    def present(self) -> Mask:
        """Mask of the rows with a value."""
        return all_but(self.absent, self.size)

    @cached_property
    def hashes(self) -> Hashes:
        """Salted hash of each row's value; undefined at null rows."""
        return self.of_rows if self.values is None else self.values.row_hashes()


@dataclass(frozen=True)
class TimestampBlock:
    """Microseconds since the epoch in UTC."""

    micros: npt.NDArray[np.int64]
    absent: Index

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.micros.size)

    @cached_property
    def present(self) -> Mask:
        """Mask of the rows with a time."""
        return all_but(self.absent, self.size)


Block = NumericBlock | CategoricalBlock | IdentityBlock | TimestampBlock


def all_but(absent: Index, size: int) -> Mask:
    """Return a mask of `size` rows that is False at `absent`."""
    mask = np.ones(size, dtype=bool)
    mask[absent] = False
    return mask
