"""A month of a table and model: its pieces, and the generations that compaction has made of them.

A piece is one place in one file. A generation is one file with every place of the month, which names
the places, their rows in order, and the digest of every piece that it has taken in. The month is the
newest generation, overlaid by the pieces that it has not taken in.

Nothing is locked. A writer puts its piece and then looks for a generation; if there is one, it makes the
next, with its piece in it. A generation is made by creating its file, which of several only one can do;
the others look again. So whoever wrote before a generation was made is found by whoever made it, and
whoever wrote after finds it. What is removed has been taken in, byte by byte; a writer whose newer piece
went with it still has its bytes, and takes them in itself. Killed at any point, the month is whole: a
piece that was not taken in yet is an overlay, and the next to look makes a generation of it.

A number is used once. Before a superseded generation is removed, a mark is left that says so of it and all
before it, and marks stay. So one who was slow and makes that number again finds out, as do all others;
and whoever sees neither the next number nor a mark of it knows that his is the newest.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from lupus_assets.errors import ObjectMissing, StoreError
from lupus_assets.ports import ObjectStore
from lupus_assets.records import Entry, Place
from lupus_assets.sinks.files.layout import (
    GENERATIONS,
    SUFFIX,
    floor_path,
    generation_path,
    path_of,
    pieces_folder,
    place_of,
    stem_of,
)
from lupus_assets.sinks.files.month import ATTEMPTS, Files, highest_mark, newest
from lupus_assets.sinks.schema import SCHEMAS, conform

PLACES = b"lupus.places"  # key in the footer of a generation
NO_COLUMNS = pa.schema([])  # for what only the footer says
# What a damaged file raises; text in it that is none is a ValueError.
DAMAGE = (OSError, pa.ArrowException, ValueError, TypeError, LookupError, OverflowError, StoreError)

Rows = list[tuple[Place, pa.Table]]


def encode(table: pa.Table, notes: dict[bytes, bytes] | None = None) -> bytes:
    """Return `table` as the bytes of a Parquet file, with `notes` in its footer.

    The same rows give the same bytes, and pages have checksums. Without the Arrow schema in the footer, which
    says nothing that Parquet's own does not, and would be a fifth of a small file.
    """
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink, table.schema, compression="zstd", store_schema=False, write_page_checksum=True
    ) as writer:
        writer.write_table(table)
        if notes:
            writer.add_key_value_metadata(notes)
    data: bytes = sink.getvalue().to_pybytes()
    return data


@dataclass(frozen=True)
class Held:
    """What a generation holds of one place.

    Attributes
    ----------
    rows : pyarrow.Table
    taken : str
        Digest of the piece whose rows these are.
    """

    rows: pa.Table
    taken: str


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
        return _decoded(_opened(data, path), path, schema), _digest(data) if is_mixed else None

    held: dict[Place, Held] = {}
    with ThreadPoolExecutor() as threads:
        of_pieces = threads.map(piece, pieces)
        for of_month in threads.map(lambda files: _in_force(store, files, schema), compacted):
            held |= of_month
        found = {place: each.rows for place, each in held.items() if wanted(place)}
        for (place, _), (table, digest) in zip(pieces, of_pieces, strict=True):
            if digest is None or not _is_taken(held, place, digest):
                found[place] = table
    return sorted(found.items(), key=lambda pair: pair[0])


def places_of(store: ObjectStore, files: Files) -> set[Place]:
    """Return the places of a month; reads no rows, and a file only where there is a generation.

    Raises
    ------
    ObjectMissing, StoreError
    """
    return {*files.pieces, *_in_force(store, files, NO_COLUMNS)}


def holds(store: ObjectStore, table: str, place: Place, data: bytes) -> bool:
    """Return whether a month holds a place as the piece `data` has it.

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
    return _is_taken(_in_force(store, files, NO_COLUMNS), place, _digest(data))


def whole_files(store: ObjectStore, months: Sequence[Files]) -> tuple[list[str], pa.Table | None]:
    """Return the files of which every row counts, and the rows of the months where that is of no file so.

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
    """Return what `whole_files` does of one month, listed again where a file of it has gone meanwhile."""
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
    held = _in_force(store, files, NO_COLUMNS)
    return all(
        _is_taken(held, place, _digest(store.get(entry.path))) for place, entry in files.pieces.items()
    )


def fold(
    store: ObjectStore, table: str, model: str, month: str, own: Place | None = None, data: bytes = b""
) -> bool:
    """Make the next generation of a month from the one in force and the pieces it has not taken in.

    Parameters
    ----------
    store : ObjectStore
    table, model, month : str
    own : Place or None
        The place whose piece the caller has just put; it goes in even if its file has gone again, and
        nothing happens if the month has no generation yet.
    data : bytes
        The bytes of that piece.

    Returns
    -------
    bool
        Whether there was anything to take in.

    Raises
    ------
    StoreError
    """
    for _ in range(ATTEMPTS):
        files = newest(store, table, model, month)
        if not files.newest and own is not None:
            return False  # it is a month in pieces, and stays one
        if not files.newest and not files.pieces:
            return False
        try:
            held, changed = _merged(store, files, own, data)
        except ObjectMissing:  # another fold has cleared up since the listing
            continue
        if not changed:
            return False
        number = files.newest + 1
        path = generation_path(table, model, month, number)
        made = store.create(path, _encode_generation(held, SCHEMAS[table]))
        # And not the second to make this number, after others have gone past it.
        if made and highest_mark(store, table, model, month) < number:
            return True
    raise StoreError(
        f"{table} of {model} in {month}: {ATTEMPTS} generations were made by others meanwhile; "
        "run fewer backfills of one month at once"
    )


def _merged(
    store: ObjectStore, files: Files, own: Place | None, data: bytes
) -> tuple[dict[Place, Held], bool]:
    schema = SCHEMAS[files.table]
    held = _in_force(store, files, schema)
    changed = False
    pieces = {place: (store.get(entry.path), entry.path) for place, entry in files.pieces.items()}
    if own is not None and own not in pieces:
        pieces[own] = data, path_of(files.table, own)
    for place, (piece, path) in pieces.items():
        digest = _digest(piece)
        if not _is_taken(held, place, digest):
            held[place] = Held(_decoded(_opened(piece, path), path, schema), digest)
            changed = True
    return held, changed


def sweep(store: ObjectStore, table: str, model: str, month: str) -> int:
    """Remove what the generation in force has made superfluous; return how many files.

    Only where every view shows that generation: what a view still points to would be gone.

    Raises
    ------
    StoreError
    """
    files = newest(store, table, model, month)
    if not files.newest:
        return 0
    try:
        held = _in_force(store, files, NO_COLUMNS)
    except ObjectMissing:  # superseded since it was listed
        return 0
    gone = [entry.path for entry in files.superseded]
    if gone and files.floor < files.newest - 1:
        store.put(floor_path(table, model, month, files.newest - 1), b"")
    for place, entry in files.pieces.items():
        try:
            if _is_taken(held, place, _digest(store.get(entry.path))):
                gone.append(entry.path)
        except ObjectMissing:
            continue
    store.delete(gone)
    return len(gone)


def _encode_generation(held: dict[Place, Held], schema: pa.Schema) -> bytes:
    places = sorted(held)
    named = [[stem_of(place), len(held[place].rows), held[place].taken] for place in places]
    table = pa.concat_tables([schema.empty_table(), *(held[place].rows for place in places)])
    return encode(table, {PLACES: json.dumps(named).encode()})


def _in_force(store: ObjectStore, files: Files, schema: pa.Schema) -> dict[Place, Held]:
    """Return what the generation in force holds, in the order of its rows; nothing where there is none."""
    if not files.newest:
        return {}
    path = files.generations[files.newest].path
    file = _opened(store.get(path), path)
    named = (file.metadata.metadata or {}).get(PLACES)
    if named is None:
        raise _unreadable(path, ValueError("it does not say which places it holds"))
    table = _decoded(file, path, schema)
    folder = pieces_folder(files.table, files.model, files.month)
    held, start = {}, 0
    try:
        for stem, rows, taken in json.loads(named):
            held[place_of(f"{folder}/{stem}{SUFFIX}")] = Held(table.slice(start, rows), taken)
            start += rows
    except DAMAGE as error:
        raise _unreadable(path, error) from error
    if start != file.metadata.num_rows:
        raise _unreadable(
            path, ValueError(f"it names the places of {start} of {file.metadata.num_rows} rows")
        )
    return held


def _is_taken(held: dict[Place, Held], place: Place, digest: str) -> bool:
    return place in held and held[place].taken == digest


def _opened(data: bytes, path: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
    except DAMAGE as error:
        raise _unreadable(path, error) from error


def _decoded(file: pq.ParquetFile, path: str, schema: pa.Schema) -> pa.Table:
    """Return the columns of `schema`; those newer than the file are null."""
    try:
        present = set(file.schema_arrow.names)
        found = file.read(columns=[name for name in schema.names if name in present], use_threads=False)
        return conform(found, schema)
    except DAMAGE as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: Exception) -> StoreError:
    folder, _, name = path.partition("/month=")
    remedy = (
        f"restore it, or remove {folder}/month={name.partition('/')[0]} and run the month's partitions again"
        if path.startswith(f"{GENERATIONS}/")
        else "remove it and run its partition again"
    )
    return StoreError(f"{path} cannot be read: {error}; {remedy}")


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
