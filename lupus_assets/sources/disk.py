"""Parquet files in folders of a disk or a mount."""

import glob
from functools import partial
from pathlib import Path

import pyarrow as pa

from lupus_assets.sources.file import File, is_data


class Disk:
    """A folder that names are relative to; implements `lupus_assets.sources.file.Root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, name: str) -> list[File]:
        """Return the files that a file, a directory (all ``*.parquet`` directly in it) or a glob names."""
        found = [name]
        if not (self._root / name).exists():
            found = sorted(glob.glob(name, root_dir=self._root))  # noqa: PTH207 - Path.glob takes no absolute pattern
        return [file for each in found for file in files_at(self._root / each)]

    def within(self, folder: str) -> list[File]:
        """Return the files below a folder, whatever they are called; none where there is no folder."""
        path = self._root / folder
        paths = sorted(each for each in path.rglob("*") if each.is_file())
        return [_file(each) for each in paths if all(map(is_data, each.relative_to(path).parts))]

    def shown(self, name: str) -> str:
        """Return the path of `name`."""
        return str(self._root / name)


def files_at(path: Path) -> list[File]:
    """Return the Parquet files that a path names: itself, or those directly in it."""
    if path.is_dir():
        return [_file(each) for each in sorted(path.glob("[!._]*.parquet"))]
    return [] if path.name.startswith("_") else [_file(path)]


def _file(path: Path) -> File:
    return File(str(path), partial(pa.OSFile, str(path)))
