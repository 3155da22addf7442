"""A seekable file in a bucket that fetches only the ranges that are read."""

import io
from collections.abc import Callable

TAIL = 1 << 20  # bytes fetched at first: Parquet's footer is at the end, and so is all of a small file

Ask = Callable[[str, str | None], tuple[bytes, int, str]]
"""Range as in HTTP, and the version wanted or None → bytes, size of the whole file, version."""


class RangeFile(io.RawIOBase):
    """A file of one version: that of the first read.

    Parameters
    ----------
    ask : callable
        Fetches a range.

    Examples
    --------
    >>> file = RangeFile(lambda range, version: (b"tail", 4, "1"))
    >>> file.seek(1), file.read(2), file.tell()
    (1, b'ai', 3)
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._tail, self._size, self._version = ask(f"bytes=-{TAIL}", None)
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return where the next read begins, in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place; return it, in bytes from the start."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next `size` bytes, or what is left of the file."""
        end = self._size if size is None or size < 0 else min(self._at + size, self._size)
        if end <= self._at:
            return b""
        tail = self._size - len(self._tail)
        if self._at >= tail:
            data = self._tail[self._at - tail : end - tail]
        else:
            data, _, _ = self._ask(f"bytes={self._at}-{end - 1}", self._version)
        self._at += len(data)
        return data
