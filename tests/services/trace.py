"""What a run leaves behind, as bytes, and what of it holds something that it must not.

Belongs here: how to look into files, databases and states, and the forms that a value may take. Does not
belong here: which values may be found nowhere; the tests know.
"""

import base64
import gzip
import sqlite3
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote, quote_plus

import numpy as np

SQLITE = b"SQLite format 3\0"
STATE = b"LUPS"  # what the states of profiles begin with, and ten bytes before what zlib has packed
STATE_PREFIX = 10

Trace = tuple[str, bytes]
"""Where it is, and what is there."""


def forms(value: str) -> tuple[bytes, ...]:
    """Return a text as it is, in a URL, JSON, hexadecimal, and in base64 whatever stands before it."""
    plain = value.encode()
    found = [plain, quote(value, safe="").encode(), quote(value).encode(), quote_plus(value).encode()]
    found += [plain.hex().encode(), value.replace("/", "\\/").encode()]
    for before in range(3):
        packed = base64.b64encode(b"\0" * before + plain)
        # The first characters depend on what stands before, the last on what follows.
        inside = packed[-(-8 * before // 6) : len(packed.rstrip(b"=")) - 2]
        found += [inside, inside.replace(b"+", b"-").replace(b"/", b"_")]
    return tuple(dict.fromkeys(found))


def number_forms(value: float) -> tuple[bytes, ...]:
    """Return a number as text and as the bytes of a float64, a float32 and, if it is whole, an int64."""
    texts = [repr(value), str(value), f"{value:.4f}", f"{value:,.3f}"]
    found = [text.encode() for text in texts] + [struct.pack("<d", value), struct.pack("<f", value)]
    if value == int(value):
        found += [str(int(value)).encode(), struct.pack("<q", int(value))]
    return tuple(dict.fromkeys(found))


def unpacked(data: bytes) -> Iterator[bytes]:
    """Yield `data`, and what it holds if it is compressed, however often."""
    yield data
    inside = b""
    with suppress(zlib.error, OSError, EOFError):
        if data.startswith(b"\x1f\x8b"):
            inside = gzip.decompress(data)
        elif data.startswith((b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")):
            inside = zlib.decompress(data)
        elif data.startswith(STATE):
            inside = zlib.decompress(data[STATE_PREFIX:])
    if inside:
        yield from unpacked(inside)


def of_folder(root: Path) -> Iterator[Trace]:
    """Yield every file below a folder, and of a SQLite database every value as well."""
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        name, data = str(path.relative_to(root)), path.read_bytes()
        yield name, data  # a database too: pages hold rows that were deleted
        if data.startswith(SQLITE):
            yield from of_database(path, name)


def of_database(path: Path, name: str) -> Iterator[Trace]:
    """Yield every text and blob of a SQLite database."""
    with closing(sqlite3.connect(path)) as database:
        database.text_factory = bytes
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            text = table.decode()
            for row in database.execute(f'SELECT * FROM "{text}"'):  # noqa: S608
                yield f"{name}:{text}", b"\n".join(each for each in row if isinstance(each, bytes))
                for each in row:
                    if isinstance(each, bytes):
                        yield f"{name}:{text}", each


def found(traces: Iterable[Trace], wanted: Mapping[str, Iterable[bytes]]) -> set[tuple[str, str]]:
    """Return what of `wanted` is found, and where: by the names of both."""
    searched = [(name, form) for name, of_name in wanted.items() for form in of_name]
    return {
        (name, where)
        for where, data in traces
        for piece in unpacked(data)
        for name, form in searched
        if form in piece
    }


def numbers_of(value: object) -> Iterator[np.ndarray]:
    """Yield every number of a state or of what `json` and Arrow return, as arrays."""
    if isinstance(value, np.ndarray):
        yield value.ravel()
    elif isinstance(value, bool | str | bytes) or value is None:
        return
    elif isinstance(value, int | float | np.generic):
        yield np.array([value])
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from numbers_of(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from numbers_of(each)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from numbers_of(getattr(value, name))
