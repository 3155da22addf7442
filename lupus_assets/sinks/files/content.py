"""The rows of a month: its newest generation, overlaid by the pieces that it has not taken in."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from lupus_assets.errors import ObjectMissing, StoreError
from lupus_assets.ports import ObjectStore
from lupus_assets.records import Entry, Place
from lupus_assets.sinks.files.layout import (
    SUFFIX,
    pieces_folder,
    place_of,
)
from lupus_assets.sinks.files.month import ATTEMPTS, Files, newest
from lupus_assets.sinks.files.piece import DAMAGE, decoded, digest_of, opened, unreadable
from lupus_assets.sinks.schema import SCHEMAS

PLACES = b"lupus.places"  # key in the footer of a generation
NO_COLUMNS = pa.schema([])  # for what only the footer says
Rows = list[tuple[Place, pa.Table]]


@dataclass(frozen=True)
class Held:
    """The rows of one place in a generation.

    Attributes
    ----------
    rows : pyarrow.Table
    taken : str
        Digest of the piece whose rows these are.
    """

    rows: pa.Table
    taken: str


def in_force(store: ObjectStore, files: Files, schema: pa.Schema) -> dict[Place, Held]:
    """Return the places of the generation in force, in the order of its rows; empty if there is none."""
    if not files.newest:
        return {}
    path = files.generations[files.newest].path
    file = opened(store.get(path), path)
    named = (file.metadata.metadata or {}).get(PLACES)
    if named is None:
        raise unreadable(path, ValueError("it does not say which places it holds"))
    table = decoded(file, path, schema)
    folder = pieces_folder(files.table, files.model, files.month)
    held, start = {}, 0
    try:
        for stem, rows, taken in json.loads(named):
            held[place_of(f"{folder}/{stem}{SUFFIX}")] = Held(table.slice(start, rows), taken)
            start += rows
    except DAMAGE as error:
        raise unreadable(path, error) from error
    if start != file.metadata.num_rows:
        raise unreadable(path, ValueError(f"it names the places of {start} of {file.metadata.num_rows} rows"))
    return held


def is_taken(held: dict[Place, Held], place: Place, digest: str) -> bool:
    """Return whether a generation has taken in the piece of this digest."""
    return place in held and held[place].taken == digest


def rows_of(
    store: ObjectStore, months: Sequence[Files], schema: pa.Schema, wanted: Callable[[Place], bool]
) -> Rows:
    """Return the rows of every wanted place of `months`, sorted by place.

    Raises
    ------
    ObjectMissing
        A file has gone since it was listed: list again.
    StoreError
        A file is damaged.
    """
    pieces = [(place, entry) for files in months for place, entry in files.pieces.items() if wanted(place)]
    compacted = [files for files in months if files.newest]
    mixed = {(files.model, files.month) for files in compacted}

    def piece(each: tuple[Place, Entry]) -> tuple[pa.Table, str | None]:
        path = each[1].path
        data = store.get(path)
        is_mixed = (each[0].model, each[0].month) in mixed
        return decoded(opened(data, path), path, schema), digest_of(data) if is_mixed else None

    held: dict[Place, Held] = {}
    with ThreadPoolExecutor() as threads:
        of_pieces = threads.map(piece, pieces)
        for of_month in threads.map(lambda files: in_force(store, files, schema), compacted):
            held |= of_month
        found = {place: each.rows for place, each in held.items() if wanted(place)}
        for (place, _), (table, digest) in zip(pieces, of_pieces, strict=True):
            if digest is None or not is_taken(held, place, digest):
                found[place] = table
    return sorted(found.items(), key=lambda pair: pair[0])


def places_of(store: ObjectStore, files: Files) -> set[Place]:
    """Return the places of a month; reads no rows, and a file only where there is a generation.

    Raises
    ------
    ObjectMissing, StoreError
    """
    return {*files.pieces, *in_force(store, files, NO_COLUMNS)}


def holds(store: ObjectStore, table: str, place: Place, data: bytes) -> bool:
    """Return whether a month holds exactly the piece `data` at a place.

    Raises
    ------
    ObjectMissing
        A file has gone since it was listed: list again.
    StoreError
    """
    files = newest(store, table, place.model, place.month)
    entry = files.pieces.get(place)
    if entry is not None:  # it is in force, or what is has its rows
        return store.get(entry.path) == data
    return is_taken(in_force(store, files, NO_COLUMNS), place, digest_of(data))


def whole_files(store: ObjectStore, months: Sequence[Files]) -> tuple[list[str], pa.Table | None]:
    """Return the files whose rows are all current, and the rows of the months that have no such file.

    Returns
    -------
    paths : list of str
    overlaid : pyarrow.Table or None
        Rows of the months whose generation has not taken in all pieces, with their ``model`` and ``month``.

    Raises
    ------
    StoreError
    """
    paths, overlaid = [], []
    for files in months:
        of_month, rows = _whole_month(store, files)
        paths += of_month
        if rows is not None:
            overlaid.append(rows)
    return paths, pa.concat_tables(overlaid) if overlaid else None


def _whole_month(store: ObjectStore, files: Files) -> tuple[list[str], pa.Table | None]:
    """Return `whole_files` of one month; lists it again if a file has been removed meanwhile."""
    for _ in range(ATTEMPTS):
        try:
            if not files.newest:
                return [entry.path for entry in files.pieces.values()], None
            if _all_taken(store, files):
                return [files.generations[files.newest].path], None
            return [], _overlaid(store, files)
        except ObjectMissing:
            files = newest(store, files.table, files.model, files.month)
    raise StoreError(
        f"{files.table} of {files.model} in {files.month} is changed faster than it can be read; "
        "run fewer backfills of one month at once"
    )


def _overlaid(store: ObjectStore, files: Files) -> pa.Table:
    """Return the rows of a month, with its ``model`` and ``month``."""
    of_path = {"model": files.model, "month": files.month}
    rows = pa.concat_tables(
        [rows for _, rows in rows_of(store, [files], SCHEMAS[files.table], lambda _: True)]
    )
    for name, text in of_path.items():
        rows = rows.append_column(name, pa.repeat(pa.scalar(text), len(rows)))
    return rows


def _all_taken(store: ObjectStore, files: Files) -> bool:
    if not files.pieces:
        return True
    held = in_force(store, files, NO_COLUMNS)
    return all(
        is_taken(held, place, digest_of(store.get(entry.path))) for place, entry in files.pieces.items()
    )
