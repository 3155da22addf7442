"""Files below a folder, on a disk or a mount that several machines share."""

import os
import socket
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

from lupus_assets.errors import ObjectMissing, StoreError
from lupus_assets.records import Entry
from lupus_assets.sinks.files.layout import SUFFIX


class Folder:
    """Implements `lupus_assets.ports.ObjectStore` on a POSIX file system.

    A file is written under ``root/.tmp`` and then moved to its path, so that a reader sees the old
    bytes or the new, and a killed writer leaves nothing behind that is read. Any number of
    processes may write and read at once.

    Parameters
    ----------
    root : Path
        Created at the first write.
    private : bool
        Whether nobody but the owner may read what is written; by default the process's umask decides.
    """

    snapshot = False  # a folder is read entry by entry, beside those who change it

    def __init__(self, root: Path, *, private: bool = False) -> None:
        self.root = root.absolute()
        self._file_mode, self._folder_mode = (0o600, 0o700) if private else (0o666, 0o777)
        self._serial = count()

    def list(self, prefix: str) -> list[Entry]:
        """Return every file below the folder `prefix`, sorted by path, without names with a leading dot."""
        found, folders = [], [prefix]
        while folders:
            folder = folders.pop()
            for entry in _entries(f"{self.root}/{folder}"):
                if entry.name.startswith("."):
                    continue
                path = f"{folder}/{entry.name}"
                if entry.is_dir():
                    folders.append(path)
                    continue
                try:
                    stat = entry.stat()
                except FileNotFoundError:  # removed since it was listed
                    continue
                # A replaced file is another inode: of two writes within one tick of the clock, too.
                found.append(Entry(path, f"{stat.st_ino}-{stat.st_mtime_ns}-{stat.st_size}"))
        return sorted(found, key=lambda entry: entry.path)  # a fleet has 10,000s: entries compare slowly

    def paths(self, prefix: str) -> Sequence[str]:
        """Return the path of every file below the folder `prefix`, without names with a leading dot."""
        found: list[str] = []
        folders = [prefix]
        while folders:
            folder = folders.pop()
            for entry in _entries(f"{self.root}/{folder}"):
                if entry.name[0] == ".":
                    continue
                (folders if entry.is_dir() else found).append(f"{folder}/{entry.name}")
        return found

    def get(self, path: str) -> bytes:
        """Return the bytes of a file, all of one version."""
        try:
            # At once: a file opened a second time for its pages may be another version than its footer.
            return (self.root / path).read_bytes()
        except FileNotFoundError as error:
            raise ObjectMissing(f"{self.root / path} does not exist") from error
        except OSError as error:
            raise StoreError(f"{self.root / path} cannot be read: {error}; mend the disk or mount") from error

    def put(self, path: str, data: bytes) -> None:
        """Make `data` the bytes of a file."""
        self._write(path, data, os.replace)

    def create(self, path: str, data: bytes) -> bool:
        """Make a file unless there is one already; return whether this call made it."""
        try:
            self._write(path, data, os.link)  # unlike a move, fails where something is
        except FileExistsError:
            return False
        return True

    def delete(self, paths: Sequence[str]) -> None:
        """Remove files; their folders stay, as another process may be about to write there."""
        for path in paths:
            try:
                (self.root / path).unlink(missing_ok=True)
            except OSError as error:
                raise StoreError(f"{self.root / path} cannot be removed: {error}") from error

    def uri(self, path: str) -> str:
        """Return the ``file:`` address of a folder for Hadoop: without percent-encoding."""
        return f"file://{self.root / path}"  # `as_uri` would look for a folder named ``model%3D…``

    def _write(self, path: str, data: bytes, into_place: Callable[[Path, Path], None]) -> None:
        target = self.root / path
        try:
            temporary = self._temporary()
            try:
                with open(temporary, "xb", opener=self._opened) as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())  # else a power cut may leave the new name with none of its bytes
                self._make(target.parent)
                into_place(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
        except FileExistsError:
            raise
        except OSError as error:
            raise StoreError(
                f"{target} cannot be written: {error}; nothing of it was, "
                "make room or mend the disk, then run again what failed"
            ) from error

    def _opened(self, path: str, flags: int) -> int:
        return os.open(path, flags, self._file_mode)

    def _make(self, folder: Path) -> None:
        """Create a folder and its parents with one mode; `Path.mkdir` applies it to the last one only."""
        try:
            folder.mkdir(mode=self._folder_mode, exist_ok=True)
        except FileNotFoundError:
            self._make(folder.parent)
            folder.mkdir(mode=self._folder_mode, exist_ok=True)

    def _temporary(self) -> Path:
        folder = self.root / ".tmp"
        self._make(folder)
        host = socket.gethostname()
        for entry in _entries(str(folder)):
            # Whether a process of another host lives cannot be told from here.
            if entry.name.startswith(f"{host}~") and not _alive(int(entry.name.split("~")[1])):
                Path(entry.path).unlink(missing_ok=True)
        return folder / f"{host}~{os.getpid()}~{id(self)}-{next(self._serial)}{SUFFIX}"


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoreError(f"{folder} cannot be listed: {error}; mend the disk or its rights") from error


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # someone else's
    return True
