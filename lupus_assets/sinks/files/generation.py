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

import json

import pyarrow as pa

from lupus_assets.errors import ObjectMissing, StoreError
from lupus_assets.ports import ObjectStore
from lupus_assets.records import Place
from lupus_assets.sinks.files.content import NO_COLUMNS, PLACES, Held, in_force, is_taken
from lupus_assets.sinks.files.layout import (
    floor_path,
    generation_path,
    path_of,
    stem_of,
)
from lupus_assets.sinks.files.month import ATTEMPTS, Files, highest_mark, newest
from lupus_assets.sinks.files.piece import decoded, digest_of, encode, opened
from lupus_assets.sinks.schema import SCHEMAS


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
    held = in_force(store, files, schema)
    changed = False
    pieces = {place: (store.get(entry.path), entry.path) for place, entry in files.pieces.items()}
    if own is not None and own not in pieces:
        pieces[own] = data, path_of(files.table, own)
    for place, (piece, path) in pieces.items():
        digest = digest_of(piece)
        if not is_taken(held, place, digest):
            held[place] = Held(decoded(opened(piece, path), path, schema), digest)
            changed = True
    return held, changed


def sweep(store: ObjectStore, table: str, model: str, month: str) -> int:
    """Remove the files that the generation in force supersedes; return their number.

    Only where every view shows that generation: what a view still points to would be gone.

    Raises
    ------
    StoreError
    """
    files = newest(store, table, model, month)
    if not files.newest:
        return 0
    try:
        held = in_force(store, files, NO_COLUMNS)
    except ObjectMissing:  # superseded since it was listed
        return 0
    gone = [entry.path for entry in files.superseded]
    if gone and files.floor < files.newest - 1:
        store.put(floor_path(table, model, month, files.newest - 1), b"")
    for place, entry in files.pieces.items():
        try:
            if is_taken(held, place, digest_of(store.get(entry.path))):
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
