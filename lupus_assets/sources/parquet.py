"""A prediction log in Parquet files on a disk or in a bucket: a file, a directory or a glob per partition."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa

from lupus_assets.errors import PartitionMissing
from lupus_assets.records import Window
from lupus_assets.sources.disk import Disk
from lupus_assets.sources.file import File, Root, batches_of, schema_of
from lupus_assets.sources.pattern import Pattern


class ParquetSource:
    """Parquet files named by partition; implements `lupus_assets.ports.Source`.

    Parameters
    ----------
    pattern : str
        Path relative to `root` with ``{partition}`` (the partition key) and ``{start}``,
        ``{end}`` (the window in local time, as in ``{start:%Y/%m/%d}``). It names a file, a
        directory (all ``*.parquet`` directly in it) or a glob.
    root : Path or Root
        Root of the data: a folder, or what finds the files elsewhere.
    zone : ZoneInfo
        Zone of the cadence.

    Raises
    ------
    SourceError
        The pattern has other fields than these.
    """

    def __init__(self, pattern: str, root: Path | Root, zone: ZoneInfo) -> None:
        self._pattern = Pattern(pattern, zone)
        self._root = Disk(root) if isinstance(root, Path) else root

    def arrived(self, window: Window) -> bool:
        """Return whether there is a file for `window`; opens none."""
        return bool(self._root.find(self._pattern.filled(window)))

    def schema(self, window: Window) -> pa.Schema:
        """Return the schema that the files of `window` have together, strings as they come in batches.

        Raises
        ------
        PartitionMissing, SourceUnreadable, ColumnMismatch
        """
        return schema_of(self._files(window))

    def batches(self, window: Window, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of `window` file by file and row group by row group, never a whole file at once.

        Every file is looked at before the first row is given: what is missing, damaged or
        does not fit raises here and not half way.

        Raises
        ------
        PartitionMissing, SourceUnreadable, ColumnMismatch
        """
        files = self._files(window)
        return batches_of(files, schema_of(files, columns))

    def _files(self, window: Window) -> list[File]:
        name = self._pattern.filled(window)
        files = self._root.find(name)
        if not files:
            raise PartitionMissing(
                f"{self._root.shown(name)}: nothing there for partition {window.key}; "
                "run it again once the log has arrived, or correct the pattern in the declaration"
            )
        return files
