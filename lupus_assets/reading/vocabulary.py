"""Counts of the values of a text column over all batches, each with its own dictionary."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.reading.arrow import long_strings, positions, string_hashes
from lupus_assets.stats.category import CAP, Categories
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.state import Counts, filled

Index = npt.NDArray[np.intp]

UNMERGED_BYTES = 1 << 25  # of dictionaries and counts before they are merged
ENTRY_BYTES = 16  # of an entry's index and count
MOST_VALUES = 1 << 20  # counted exactly; beyond, the rarest half is dropped, and counts are lower bounds
MOST_BYTES = 1 << 26  # of these values, likewise


class _Entry(NamedTuple):
    """Counts of the values of one dictionary in one group."""

    dictionary: int
    group: int
    values: Index
    counts: Counts


class _Parted(NamedTuple):
    """A dictionary's values by length; of long values only the hashes are kept."""

    dictionary: pa.Array
    short: pa.Array
    kept: Index | None  # indices of the short ones; None where all are short
    long: Index
    hashes: npt.NDArray[np.uint64]  # of the long ones


class _Rows(NamedTuple):
    """Rows of one group, one per entry of a dictionary with repeated values."""

    dictionary: int
    group: int
    absent: Index


@dataclass
class Vocabulary:
    """Counts by value and group of rows.

    Arrow merges many dictionaries at a time; they may repeat values. Only the merged values are hashed with
    the salt, and only the names kept in a state become Python strings. Values of more than
    `lupus_assets.stats.siphash.LONG` bytes are texts and no names: they are hashed, and not kept.

    Parameters
    ----------
    salt : bytes
    """

    salt: bytes
    _dictionaries: list[pa.Array] = field(default_factory=list)
    _entries: list[_Entry] = field(default_factory=list)
    _rows: list[_Rows] = field(default_factory=list)  # not yet counted
    _waiting: int = 0
    # By group: counts of long and of dropped values.
    _nameless: dict[int, Categories] = field(default_factory=dict)
    _parted: _Parted | None = None

    def add(self, dictionary: pa.Array, counts: Counts, group: int) -> None:
        """Add the counts of a dictionary's values in a group."""
        parted = self._by_length(dictionary)
        if parted.kept is not None:
            self._add_nameless(group, Categories.of_hashes(parted.hashes, counts[parted.long]))
            counts = counts[parted.kept]
        if not len(parted.short):
            return
        at = self._stored(parted.short)
        held = filled(counts)
        self._entries.append(_Entry(at, group, held, counts[held]))

    def add_rows(self, values: pa.Array, absent: Index, group: int) -> None:
        """Add the rows of a group by their values, without the rows `absent`."""
        parted = self._by_length(values)
        if parted.kept is not None:
            present = np.ones(len(values), np.int64)
            present[absent] = 0
            self._add_nameless(group, Categories.of_hashes(parted.hashes, present[parted.long]))
            absent = np.flatnonzero(present[parted.kept] == 0)
        if not len(parted.short):
            return
        at = self._stored(parted.short)
        self._rows.append(_Rows(at, group, absent))

    def _by_length(self, dictionary: pa.Array) -> _Parted:
        if self._parted is None or self._parted.dictionary is not dictionary:
            is_long = long_strings(dictionary)
            long = np.flatnonzero(is_long)
            if long.size:
                kept = np.flatnonzero(~is_long)
                hashes = string_hashes(dictionary.take(positions(long)), self.salt)
                short = dictionary.take(positions(kept))
                self._parted = _Parted(dictionary, short, kept, long, hashes)
            else:
                self._parted = _Parted(dictionary, dictionary, None, long, np.empty(0, np.uint64))
        return self._parted

    def _add_nameless(self, group: int, categories: Categories) -> None:
        before = self._nameless.get(group)
        self._nameless[group] = categories if before is None else before + categories

    def _stored(self, dictionary: pa.Array) -> int:
        """Store a dictionary unless it is the last one; return its index."""
        if not self._dictionaries or self._dictionaries[-1] is not dictionary:
            if self._waiting > UNMERGED_BYTES:
                self._settle()
            self._dictionaries.append(dictionary)
            self._waiting += dictionary.nbytes + ENTRY_BYTES * len(dictionary)
        return len(self._dictionaries) - 1

    def states(self, groups: int) -> list[Categories]:
        """Return the counts of each group, for the number of groups."""
        self._settle()
        states = [Categories.empty()] * groups
        hashes = self._hashes()
        for entry in self._entries:
            states[entry.group] = self._categories(hashes, entry.values, entry.counts)
        return [
            state + self._nameless[group] if group in self._nameless else state
            for group, state in enumerate(states)
        ]

    def whole(self) -> Categories:
        """Return the counts over all groups."""
        self._settle()
        total = np.zeros(self._size, np.int64)
        for entry in self._entries:
            total[entry.values] += entry.counts
        held = filled(total)
        categories = self._categories(self._hashes(), held, total[held])
        for nameless in self._nameless.values():
            categories += nameless
        return categories

    @property
    def _size(self) -> int:
        return len(self._dictionaries[0]) if self._dictionaries else 0

    def _hashes(self) -> npt.NDArray[np.uint64]:
        if not self._dictionaries:
            return np.empty(0, np.uint64)
        return string_hashes(self._dictionaries[0], self.salt)

    def _categories(self, hashes: npt.NDArray[np.uint64], values: Index, counts: Counts) -> Categories:
        def names(at: Index) -> list[str]:
            return self._dictionaries[0].take(positions(values[at])).to_pylist() if at.size else []

        return Categories.of_hashes(hashes[values], counts, names)

    def _settle(self) -> None:
        """Merge all dictionaries, and the entries of each group; drop rare values if there are too many."""
        self._waiting = 0
        groups = {entry.group for entry in self._entries}
        if len(self._dictionaries) > 1 or self._rows or len(groups) < len(self._entries):
            self._merge()
        if self._size > CAP and (self._size > MOST_VALUES or self._dictionaries[0].nbytes > MOST_BYTES):
            self._prune()

    def _merge(self) -> None:
        # Arrow encodes all chunks with one dictionary; that of the last chunk is complete.
        parts = pa.chunked_array(self._dictionaries).dictionary_encode().chunks
        codes = [np.frombuffer(part.indices.buffers()[1], np.int32, len(part)) for part in parts]
        self._dictionaries = [parts[-1].dictionary] if len(parts[-1].dictionary) else []
        groups = {entry.group for entry in self._entries} | {rows.group for rows in self._rows}
        totals = {group: np.zeros(self._size, np.int64) for group in sorted(groups)}
        for entry in self._entries:
            at = codes[entry.dictionary].take(entry.values).astype(np.intp)
            np.add.at(totals[entry.group], at, entry.counts)
        for rows in self._rows:
            at = codes[rows.dictionary].astype(np.intp)
            np.add.at(totals[rows.group], np.delete(at, rows.absent) if rows.absent.size else at, 1)
        held = {group: filled(total) for group, total in totals.items()}
        self._entries = [_Entry(0, group, at, totals[group][at]) for group, at in held.items()]
        self._rows = []

    def _prune(self) -> None:
        """Drop the rarest half of the values, the last of equal counts; totals and distinct counts stay."""
        total = np.zeros(self._size, np.int64)
        for entry in self._entries:
            total[entry.values] += entry.counts
        kept = np.zeros(total.size, np.bool_)
        kept[np.argsort(-total, kind="stable")[: max(min(MOST_VALUES, self._size) // 2, CAP)]] = True
        hashes = self._hashes()
        places = np.cumsum(kept) - 1
        entries = []
        for entry in self._entries:
            stays = kept[entry.values]
            dropped = entry.values[~stays]
            nameless = Categories(
                np.empty(0, np.uint64),
                np.empty(0, np.int64),
                (),
                int(entry.counts[~stays].sum()),
                Distinct.of_hashes(hashes[dropped]),
            )
            self._add_nameless(entry.group, nameless)
            entries.append(entry._replace(values=places[entry.values[stays]], counts=entry.counts[stays]))
        self._entries = entries
        self._dictionaries = [self._dictionaries[0].take(positions(np.flatnonzero(kept)))]
