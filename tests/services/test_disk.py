"""A disk that is full: nothing half-written is read, and after making room all is as ever."""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from lupus_assets.assets import load_location
from lupus_assets.resources.installation import Serviced
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.sinks.schema import SCHEMAS
from tests.dagster.site import Site
from tests.services.site import MODEL, PIECES, RANGE, counted, do, said, tables_of, write_logs

pytestmark = pytest.mark.services

MEGABYTES = 4
PAGE = 4096  # bytes by which tmpfs gives room
FULL = r"cannot be written: \[Errno 28\] No space left on device.*make room .*, then run again what failed"


@dataclass
class Disk:
    """A small file system, and a file that takes room."""

    path: Path

    @property
    def filler(self) -> Path:
        """The file that takes room."""
        return self.path / "filler"

    def fill(self, free: int) -> None:
        """Leave `free` pages."""
        self.filler.write_bytes(bytes((os.statvfs(self.path).f_bavail - free) * PAGE))

    def make_room(self) -> None:
        """Remove the file."""
        self.filler.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Mount a file system of a few megabytes."""
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(
            f"no small disk to fill: {done.stderr.strip()}; run the tests as root, "
            "or within `unshare --user --map-root-user --mount`"
        )
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", str(path)], check=True)  # noqa: S607


def site_on(warehouse: Path, root: Path, instance: dg.DagsterInstance) -> Site:
    """Return an installation without services over a folder of tables; its logs are below `root`."""
    resource = Serviced(home=str(root), data_root=str(root / "data"), salt="test", warehouse=str(warehouse))
    return Site(root, [MODEL], instance, load_location(root, root / "none", {"lupus": resource}, [MODEL]))


def left_over(warehouse: Path) -> list[Path]:
    """Return the files that are neither tables nor read as such."""
    return list((warehouse / ".tmp").iterdir())


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def test_a_run_on_a_full_disk_says_so_and_after_making_room_the_bytes_are_the_same(tmp_path, disk, instance):
    whole = site_on(tmp_path / "whole", tmp_path, instance)
    write_logs(whole)
    assert whole.run(MODEL, RANGE).success
    expected = tables_of(Folder(tmp_path / "whole"))
    pages = sum(-(-path.stat().st_size // PAGE) for path in (tmp_path / "whole").rglob("*") if path.is_file())

    place = disk.path / "tables"
    site = site_on(place, tmp_path, instance)
    disk.fill(free=pages // 3)
    result = site.run(MODEL, RANGE)
    assert not result.success
    assert len(said(result)) == 3, "both tracks and the comparison"
    for text in said(result):
        assert re.search(rf"{place}/\w+/model=shop\.fault/.* {FULL}", text)
    before = tables_of(Folder(place))
    assert 0 < len(before) < PIECES
    assert before.items() <= expected.items()
    assert left_over(place) == []

    disk.make_room()
    assert site.run(MODEL, RANGE).success
    assert tables_of(Folder(place)) == expected


def test_compaction_on_a_full_disk_says_so_and_leaves_every_row(tmp_path, disk, instance):
    whole = site_on(tmp_path / "whole", tmp_path, instance)
    write_logs(whole)
    assert whole.run(MODEL, RANGE).success
    place = disk.path / "tables"
    shutil.copytree(tmp_path / "whole", place)
    rows = rows_in(place)
    assert do(whole, "compaction").success

    site = site_on(place, tmp_path, instance)
    disk.fill(free=1)
    result = do(site, "compaction")
    assert not result.success
    (text,) = said(result)
    assert re.search(rf"{place}/generations/\w+/.* {FULL}", text)
    assert rows_in(place) == rows
    assert left_over(place) == []

    disk.make_room()
    assert do(site, "compaction").success
    assert rows_in(place) == rows
    assert tables_of(Folder(place)) == tables_of(Folder(tmp_path / "whole"))


def rows_in(place: Path) -> dict[str, Counter[str]]:
    """Return the rows of every table."""
    tables = ParquetStore(Folder(place))
    return {table: counted(tables.read(table, model=MODEL.name)) for table in SCHEMAS}
