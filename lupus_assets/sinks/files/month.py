"""The files of a month of a table and model: its pieces, its generations, and which of them is in force."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from lupus_assets.errors import StoreError
from lupus_assets.ports import ObjectStore
from lupus_assets.records import Entry, Month, Place
from lupus_assets.sinks.files.layout import (
    GENERATIONS,
    GONE,
    SUFFIX,
    generation_of,
    generation_path,
    generations_folder,
    month_may_hold,
    months_between,
    pieces_folder,
    place_of,
)

T = TypeVar("T")

FEW_MONTHS = 12
ATTEMPTS = 100  # looks at a month that others change meanwhile


@dataclass(frozen=True)
class Files:
    """The files of one month, as they were listed.

    Attributes
    ----------
    pieces : dict of Place to Entry
    generations : dict of int to Entry
        By number; the highest is in force, if it is above every mark.
    marks : set of int
    """

    table: str
    model: str
    month: str
    pieces: dict[Place, Entry]
    generations: dict[int, Entry]
    marks: set[int]

    @property
    def newest(self) -> int:
        """The number of the generation in force; 0 where there is none."""
        number = max(self.generations, default=0)
        return number if number > self.floor else 0

    @property
    def floor(self) -> int:
        """The highest number that is known not to be in force any more."""
        return max(self.marks, default=0)

    @property
    def superseded(self) -> list[Entry]:
        """The generations that are not in force any more, and still there."""
        above = self.newest or self.floor + 1
        return [entry for number, entry in self.generations.items() if number < above]

    def as_month(self) -> Month:
        """Return what a view has to show of these files."""
        if self.newest:
            location = generation_path(self.table, self.model, self.month, self.newest).rpartition("/")[0]
        else:
            location = pieces_folder(self.table, self.model, self.month)
        counted = list(self.pieces.values())
        if self.newest:
            counted.append(self.generations[self.newest])
        digest = hashlib.blake2b(digest_size=16)
        for entry in sorted(counted):
            digest.update(f"{entry.path}\0{entry.version}\0".encode())
        unswept = bool(self.newest and (self.pieces or self.superseded))
        return Month(self.table, self.model, self.month, location, digest.hexdigest(), unswept)


def listed(
    store: ObjectStore,
    table: str,
    *,
    model: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    strays: list[str] | None = None,
) -> list[Files]:
    """Return the months of `table` that may hold windows which start in ``[since, until)``, sorted.

    Parameters
    ----------
    store : ObjectStore
    table : str
    model : str, optional
    since, until : datetime, optional
    strays : list of str, optional
        Takes up the errors of what is no file of ours, which is left out then.

    Raises
    ------
    StoreError
        Something is there that is no file of ours, and nothing takes up the error.
    """
    below = f"/model={model}" if model else ""
    months = months_between(since, until) if model and since and until else []
    # A look at each of few months costs the same after years; of many, one look at all is cheaper.
    folders = [f"{below}/month={month}" for month in months] if 0 < len(months) <= FEW_MONTHS else [below]
    # Pieces first: one that goes in between has been taken in by a generation that is found then.
    pieces = [entry for folder in folders for entry in store.list(table + folder)]
    found: dict[tuple[str, str], Files] = {}
    for entry in pieces:
        if entry.path.endswith(SUFFIX) and month_may_hold(_month(entry.path, 2), since, until):
            place = _ours(place_of, entry, strays)
            if place is not None:
                _at(found, table, place.model, place.month).pieces[place] = entry
    for folder in folders:
        for key, files in generations(store, table, folder, since, until, strays).items():
            own = _at(found, table, *key)
            own.generations.update(files.generations)
            own.marks.update(files.marks)
    return [found[key] for key in sorted(found)]


def generations(
    store: ObjectStore,
    table: str,
    below: str,
    since: datetime | None,
    until: datetime | None = None,
    strays: list[str] | None = None,
) -> dict[tuple[str, str], Files]:
    """Return the generations and marks of the months that may hold windows which start in ``[since, until)``.

    Parameters
    ----------
    store : ObjectStore
    table : str
    below : str
        ``/model=<team>.<model>``, or empty for all models.
    since, until : datetime or None
    strays : list of str, optional
        As of `listed`.

    Returns
    -------
    dict of (str, str) to Files
        By model and month, without their pieces.
    """
    found: dict[tuple[str, str], Files] = {}
    for entry in _generations(store, table, below, strays):
        of, month, number, is_generation = generation_of(entry.path)
        if month_may_hold(month, since, until):
            _keep(_at(found, table, of, month), entry, number, is_generation)
    return found


def _ours(read: Callable[[str], T], entry: Entry, strays: list[str] | None) -> T | None:
    """Return what `read` makes of a path; None where it is none of ours and `strays` takes up the error."""
    try:
        return read(entry.path)
    except StoreError as error:
        if strays is None:
            raise
        if str(error) not in strays:
            strays.append(str(error))
        return None


def _generations(store: ObjectStore, table: str, below: str, strays: list[str] | None) -> list[Entry]:
    """Return what a reader may take for the generations of one moment, month by month."""
    folder = f"{GENERATIONS}/{table}{below}"

    def look() -> list[Entry]:
        return [entry for entry in store.list(folder) if _ours(generation_of, entry, strays) is not None]

    entries = look()
    if store.snapshot:
        return entries
    before, months = _by_month(entries), _by_month(look())
    # Only what changed is looked at again: of many months, one always changes beside a busy writer.
    for model, month in before.keys() | months.keys():
        found = months.get((model, month), [])
        if before.get((model, month)) != found:
            settled = _settled(store, generations_folder(table, model, month), found)
            months[model, month] = [entry for entry in settled if _ours(generation_of, entry, strays)]
    return [entry for found in months.values() for entry in found]


def _by_month(entries: list[Entry]) -> dict[tuple[str, str], list[Entry]]:
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        found.setdefault(generation_of(entry.path)[:2], []).append(entry)
    return found


def _settled(store: ObjectStore, folder: str, entries: list[Entry]) -> list[Entry]:
    """Return the files of a folder once two looks at it agree, or those of the last look."""
    for _ in range(ATTEMPTS):
        again = store.list(folder)
        if again == entries:
            break
        entries = again
    return entries


def newest(store: ObjectStore, table: str, model: str, month: str) -> Files:
    """Return one month with what was certainly its newest generation at one moment of this call.

    Raises
    ------
    StoreError
    """
    folder = generations_folder(table, model, month)
    for _ in range(ATTEMPTS):
        files = Files(table, model, month, {}, {}, set())
        for entry in store.list(pieces_folder(table, model, month)):
            if entry.path.endswith(SUFFIX):
                files.pieces[place_of(entry.path)] = entry
        for entry in store.list(folder):
            _keep(files, entry, *generation_of(entry.path)[2:])
        if store.snapshot:
            return files
        if files.floor and not files.newest:  # a mark is left only beside a later generation
            continue
        following = files.newest + 1
        if store.list(f"{folder}/{following:06d}"):
            continue
        # It was not there a moment ago: then it was never made, or its mark was left before, and is seen now.
        if highest_mark(store, table, model, month) < max(files.newest, 1):
            return files
    raise StoreError(
        f"{table} of {model} in {month} is changed faster than it can be looked at; "
        "run fewer backfills of one month at once"
    )


def highest_mark(store: ObjectStore, table: str, model: str, month: str) -> int:
    """Return the highest number that has a mark of being gone; 0 where there is none."""
    paths = [entry.path for entry in store.list(generations_folder(table, model, month))]
    return max((generation_of(path)[2] for path in paths if path.endswith(GONE)), default=0)


def _keep(files: Files, entry: Entry, number: int, is_generation: bool) -> None:
    if is_generation:
        files.generations[number] = entry
    else:
        files.marks.add(number)


def _at(found: dict[tuple[str, str], Files], table: str, model: str, month: str) -> Files:
    return found.setdefault((model, month), Files(table, model, month, {}, {}, set()))


def _month(path: str, above: int) -> str:
    return path.split("/")[-above].removeprefix("month=")
