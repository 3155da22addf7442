"""Parquet files in a bucket, found and read as in a folder."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import partial

import pyarrow as pa

from lupus_assets.errors import SourceError, StoreError
from lupus_assets.ports import Files
from lupus_assets.sources.file import File, is_data

MAGIC = re.compile(r"[*?[]")  # what makes a name a glob


class BucketRoot:
    """A bucket that names are relative to; implements `lupus_assets.sources.file.Root`.

    Parameters
    ----------
    address : str
        ``s3://bucket``, for messages.
    files : Files
    """

    def __init__(self, address: str, files: Files) -> None:
        self._address = address
        self._files = files

    def find(self, name: str) -> list[File]:
        """Return the files that a file, a directory (all ``*.parquet`` directly in it) or a glob names.

        Raises
        ------
        SourceError
            The store does not answer, or refuses us.
        """
        try:
            found = self._named(name.strip("/")) or list(self._globbed("", name.strip("/")))
        except StoreError as error:
            raise SourceError(str(error)) from error
        return [self._file(each) for each in found]

    def within(self, folder: str) -> list[File]:
        """Return the files below a folder, whatever they are called; none where there is no folder.

        Raises
        ------
        SourceError
            The store does not answer, or refuses us.
        """
        try:
            return [self._file(path) for path in sorted(self._below(f"{folder.strip('/')}/"))]
        except StoreError as error:
            raise SourceError(str(error)) from error

    def shown(self, name: str) -> str:
        """Return the address of `name`."""
        return f"{self._address}/{name.strip('/')}"

    def _named(self, path: str) -> list[str]:
        files, folders = self._files.beginning(path)
        if path in files:
            return [] if _last(path).startswith("_") else [path]
        return self._parquet(f"{path}/") if f"{path}/" in folders else []

    def _parquet(self, folder: str) -> list[str]:
        files, _ = self._files.beginning(folder)
        return [path for path in files if is_data(_last(path)) and path.endswith(".parquet")]

    def _below(self, folder: str) -> Iterator[str]:
        files, folders = self._files.beginning(folder)
        yield from (path for path in files if is_data(_last(path)))
        for each in folders:
            if is_data(_last(each.rstrip("/"))):
                yield from self._below(each)

    def _globbed(self, folder: str, pattern: str) -> Iterator[str]:
        """Yield the files that `pattern` matches below `folder`, listing level by level."""
        part, slash, rest = pattern.partition("/")
        if not MAGIC.search(pattern):
            yield from self._named(folder + pattern)
        elif not MAGIC.search(part):
            yield from self._globbed(f"{folder}{part}/", rest)
        else:
            files, folders = self._files.beginning(folder + MAGIC.split(part)[0])
            for path in sorted([*(folders if slash else [*files, *folders])]):
                name = _last(path.rstrip("/"))
                if not fnmatchcase(name, part) or (name.startswith(".") and not part.startswith(".")):
                    continue
                if slash:
                    yield from self._globbed(path, rest)
                elif path.endswith("/"):
                    yield from self._parquet(path)
                elif not name.startswith("_"):
                    yield path

    def _file(self, path: str) -> File:
        return File(self.shown(path), partial(self._open, path), remote=True)

    def _open(self, path: str) -> pa.NativeFile:
        return pa.PythonFile(self._files.open(path), mode="r")


def _last(path: str) -> str:
    return path.rpartition("/")[2]
