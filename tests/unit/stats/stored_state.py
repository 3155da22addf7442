"""Bytes as the codec stores a state, of any content."""

import struct
import zlib

PREFIX = struct.Struct("<4sH")
NUMBER = struct.Struct("<I")
FORMAT = 6


def stored(packed: bytes, version: int = FORMAT) -> bytes:
    """Return what zlib packed as a state of a format, its checksum the right one."""
    prefix = PREFIX.pack(b"LUPS", version)
    return prefix + NUMBER.pack(zlib.crc32(packed, zlib.crc32(prefix))) * (version >= 6) + packed


def body(tree: bytes, content: bytes = b"") -> bytes:
    """Return what zlib packs: a tree and the content of its arrays."""
    return NUMBER.pack(len(tree)) + tree + content


def packed_of(data: bytes) -> bytes:
    """Return what zlib packed of a state of the format in force."""
    return data[PREFIX.size + NUMBER.size :]
