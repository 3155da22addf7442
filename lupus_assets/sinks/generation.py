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
from lupus_assets.sinks.layout import (
    SUFFIX,
    floor_path,
    generation_of,
    generation_path,
    generations_folder,
    path_of,
    pieces_folder,
    place_of,
    stem_of,
)
from lupus_assets.sinks.month import ATTEMPTS, Files, newest
from lupus_assets.sinks.schema import SCHEMAS, conform

PLACES = b"lupus.places"  # key in the footer of a generation

Rows = list[tuple[Place, pa.Table]]


def encode(table: pa.Table, notes: dict[bytes, bytes] | None = None) -> bytes:
    """Return `table` as the bytes of a Parquet file, with `notes` in its footer.

    The same rows give the same bytes. Without the Arrow schema in the footer, which says nothing that
    Parquet's own does not, and would be a fifth of a small file.
    """
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, compression="zstd", store_schema=False) as writer:
        writer.write_table(table)
        if notes:
            writer.add_key_value_metadata(notes)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def decode(data: bytes, schema: pa.Schema) -> pa.Table:
    """Return the columns of `schema` from the bytes of a Parquet file; columns newer than it are null."""
    return _decoded(pq.ParquetFile(pa.BufferReader(data)), schema)


def _decoded(file: pq.ParquetFile, schema: pa.Schema) -> pa.Table:
    present = set(file.schema_arrow.names)
    names = [name for name in schema.names if name in present]
    return conform(file.read(columns=names, use_threads=False), schema)


@dataclass(frozen=True)
class Held:
    """What a generation holds of one place.

    Attributes
    ----------
    rows : int
    taken : str
        Digest of the piece whose rows these are.
    """

    rows: int
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
    generations = [(files, files.generations[files.newest]) for files in months if files.newest]
    mixed = {(files.model, files.month) for files, _ in generations}

    def piece(each: tuple[Place, Entry]) -> tuple[pa.Table, str | None]:
        data = store.get(each[1].path)
        is_mixed = (each[0].model, each[0].month) in mixed
        return _read(data, each[1].path, schema)[0], _digest(data) if is_mixed else None

    def generation(each: tuple[Files, Entry]) -> tuple[dict[Place, Held], pa.Table]:
        table, file = _read(store.get(each[1].path), each[1].path, schema)
        return _held(file, each[0], each[1].path), table

    found: dict[Place, pa.Table] = {}
    taken: dict[Place, str] = {}
    with ThreadPoolExecutor() as threads:
        of_pieces = threads.map(piece, pieces)
        of_generations = threads.map(generation, generations)
        for held, table in of_generations:
            start = 0
            for place, each in held.items():
                if wanted(place):
                    found[place] = table.slice(start, each.rows)
                taken[place] = each.taken
                start += each.rows
        for (place, _), (table, digest) in zip(pieces, of_pieces, strict=True):
            if digest is None or taken.get(place) != digest:
                found[place] = table
    return sorted(found.items(), key=lambda pair: pair[0])


def places_of(store: ObjectStore, files: Files) -> set[Place]:
    """Return the places of a month; reads no rows, and a file only where there is a generation.

    Raises
    ------
    ObjectMissing, StoreError
    """
    if not files.newest:
        return set(files.pieces)
    path = files.generations[files.newest].path
    _, file = _read(store.get(path), path, pa.schema([]))
    return {*files.pieces, *_held(file, files, path)}


def whole_files(store: ObjectStore, months: Sequence[Files]) -> tuple[list[str], pa.Table | None]:
    """Return the files of which every row counts, and the rows of the months where that is of no file so.

    Returns
    -------
    paths : list of str
    overlaid : pyarrow.Table or None
        Rows of the months whose generation has not taken in all pieces, with their ``model`` and ``month``.

    Raises
    ------
    ObjectMissing, StoreError
    """
    paths, overlaid = [], []
    for files in months:
        if not files.newest:
            paths += [entry.path for entry in files.pieces.values()]
            continue
        generation = files.generations[files.newest].path
        if _all_taken(store, files, generation):
            paths.append(generation)
            continue
        for _, rows in rows_of(store, [files], SCHEMAS[files.table], lambda _: True):
            of_path = {"model": files.model, "month": files.month}
            for name, text in of_path.items():
                rows = rows.append_column(name, pa.repeat(pa.scalar(text), len(rows)))
            overlaid.append(rows)
    return paths, pa.concat_tables(overlaid) if overlaid else None


def _all_taken(store: ObjectStore, files: Files, generation: str) -> bool:
    if not files.pieces:
        return True
    _, file = _read(store.get(generation), generation, pa.schema([]))
    held = _held(file, files, generation)
    return all(
        place in held and held[place].taken == _digest(store.get(entry.path))
        for place, entry in files.pieces.items()
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
            held, rows, changed = _merged(store, files, own, data)
        except ObjectMissing:  # another fold has cleared up since the listing
            continue
        if not changed:
            return False
        number = files.newest + 1
        path = generation_path(table, model, month, number)
        if store.create(path, _encode_generation(held, rows, SCHEMAS[table])):
            marks = [
                generation_of(entry.path) for entry in store.list(generations_folder(table, model, month))
            ]
            if not any(at >= number for *_, at, is_generation in marks if not is_generation):
                return True  # and not the second to make this number, after others have gone past it
    raise StoreError(
        f"{table} of {model} in {month}: {ATTEMPTS} generations were made by others meanwhile; "
        "run fewer backfills of one month at once"
    )


def _merged(
    store: ObjectStore, files: Files, own: Place | None, data: bytes
) -> tuple[dict[Place, Held], dict[Place, pa.Table], bool]:
    schema = SCHEMAS[files.table]
    held: dict[Place, Held] = {}
    rows: dict[Place, pa.Table] = {}
    if files.newest:
        path = files.generations[files.newest].path
        table, file = _read(store.get(path), path, schema)
        held = _held(file, files, path)
        start = 0
        for place, each in held.items():
            rows[place] = table.slice(start, each.rows)
            start += each.rows
    changed = False
    pieces = {place: (store.get(entry.path), entry.path) for place, entry in files.pieces.items()}
    if own is not None and own not in pieces:
        pieces[own] = data, path_of(files.table, own)
    for place, (piece, path) in pieces.items():
        digest = _digest(piece)
        if place not in held or held[place].taken != digest:
            rows[place], _ = _read(piece, path, schema)
            held[place] = Held(len(rows[place]), digest)
            changed = True
    return held, rows, changed


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
    path = files.generations[files.newest].path
    try:
        _, file = _read(store.get(path), path, pa.schema([]))
    except ObjectMissing:  # superseded since it was listed
        return 0
    held = _held(file, files, path)
    gone = [entry.path for entry in files.superseded]
    if gone and files.floor < files.newest - 1:
        store.put(floor_path(table, model, month, files.newest - 1), b"")
    for place, entry in files.pieces.items():
        try:
            if place in held and _digest(store.get(entry.path)) == held[place].taken:
                gone.append(entry.path)
        except ObjectMissing:
            continue
    store.delete(gone)
    return len(gone)


def _encode_generation(held: dict[Place, Held], rows: dict[Place, pa.Table], schema: pa.Schema) -> bytes:
    places = sorted(rows)
    named = [[stem_of(place), held[place].rows, held[place].taken] for place in places]
    table = pa.concat_tables([schema.empty_table(), *(rows[place] for place in places)])
    return encode(table, {PLACES: json.dumps(named).encode()})


def _read(data: bytes, path: str, schema: pa.Schema) -> tuple[pa.Table, pq.ParquetFile]:
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        return _decoded(file, schema), file
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{path} cannot be read: {error}; remove it and run its partition again") from error


def _held(file: pq.ParquetFile, files: Files, path: str) -> dict[Place, Held]:
    named = (file.metadata.metadata or {}).get(PLACES)
    if named is None:
        raise StoreError(f"{path} cannot be read: it does not say which places it holds; restore it")
    folder = pieces_folder(files.table, files.model, files.month)
    return {
        place_of(f"{folder}/{stem}{SUFFIX}"): Held(rows, taken) for stem, rows, taken in json.loads(named)
    }


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
