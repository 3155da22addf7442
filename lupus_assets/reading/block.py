"""One batch of one column, as the source gave it; what takes time is worked out when it is asked for."""

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
    """Numbers of any type; at the places of `absent`, which increase, they mean nothing."""

    numbers: npt.NDArray[Any]
    absent: Index
    grid: Grid

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.numbers.size)

    @cached_property
    def present(self) -> Mask:
        """Which rows hold a number."""
        return all_but(self.absent, self.size)

    @cached_property
    def values(self) -> npt.NDArray[np.float64]:
        """The numbers; NaN where there is none."""
        if self.numbers.dtype == np.float64 and not self.absent.size:
            return self.numbers
        values = self.numbers.astype(np.float64)
        values[self.absent] = np.nan
        return values

    def only(self, rows: Mask) -> Self:
        """Return the block with the rows outside `rows` absent."""
        return self if rows.all() else replace(self, absent=np.flatnonzero(~(self.present & rows)))


@dataclass(frozen=True)
class CategoricalBlock:
    """Text: values, and for each row which of them it is.

    The dictionary is an Arrow array of strings. It may hold values that no row has, and one more than once.
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
        """Which rows hold a value."""
        return all_but(self.absent, self.size)

    @cached_property
    def is_its_dictionary(self) -> bool:
        """Whether each row has an entry of its own, in their order."""
        size = self.size
        return len(self.dictionary) == size and np.array_equal(self.index, np.arange(size, dtype=np.int32))

    @cached_property
    def names(self) -> list[str | None]:
        """The values of the dictionary; None of those too long for the name of anything."""
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
        """Each row's place in the dictionary; one behind its end where the row is null."""
        places = self.index.astype(np.intp)
        places[self.absent] = len(self.dictionary)
        return places

    def codes(self, encoder: CategoricalEncoder) -> Codes:
        """Return the code of each value of the dictionary, and that of null behind them."""
        each = encoder.encode(self.hashes, np.ones(len(self.dictionary), dtype=bool))
        return np.append(each, np.uint8(encoder.null))

    def of_values(self, each: npt.NDArray[Any], null: Any) -> npt.NDArray[Any]:
        """Return what is said of each value of the dictionary, row by row, and `null` where there is none."""
        if self.is_its_dictionary:
            of_rows = each.copy()
            of_rows[self.absent] = null
            return of_rows
        table = np.append(each, np.asarray(null, each.dtype))
        return table.take(self.places)

    def row_hashes(self) -> Hashes:
        """Return the hash of each row's value, 0 where the row is null."""
        return self.of_values(self.hashes, 0)


@dataclass(frozen=True)
class IdentityBlock:
    """A key or an entity, of which nothing but salted hashes is kept."""

    values: CategoricalBlock | None
    each: Hashes
    absent: Index

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.hashes.size)

    @cached_property
    def present(self) -> Mask:
        """Which rows hold a value."""
        return all_but(self.absent, self.size)

    @cached_property
    def hashes(self) -> Hashes:
        """Salted hash of each row's value; whatever it is where the row is null."""
        return self.each if self.values is None else self.values.row_hashes()


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
        """Which rows hold a time."""
        return all_but(self.absent, self.size)


Block = NumericBlock | CategoricalBlock | IdentityBlock | TimestampBlock


def all_but(absent: Index, size: int) -> Mask:
    """Return a mask of `size` rows that is False at `absent`."""
    mask = np.ones(size, dtype=bool)
    mask[absent] = False
    return mask
