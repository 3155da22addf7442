"""A file of a table in which one bit flipped: it is read as it was, or an error names it and the remedy.

Pages have checksums, Parquet's footer has none: of it, nothing but that error is asked.
"""

import re

import pytest

from lupus_assets.errors import StoreError
from lupus_assets.sinks.files.layout import generation_path, path_of
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.sinks.memory import MemoryFiles
from tests.contract.test_compaction import COMPACTED, MODEL, MONTH, seen


@pytest.fixture(params=["piece", "generation"])
def stored(request, place, rows):
    """Return a store of one file, the path of the file, and what an error says is to be done."""
    store = ParquetStore(MemoryFiles())
    store.replace("metrics", place(0), rows(place(0), [1.0, None, 3.0]))
    if request.param == "piece":
        return store, path_of("metrics", place(0)), r"remove it and run its partition again"
    store.replace("metrics", place(1), rows(place(1), [4.0]))
    store.compact("metrics", **COMPACTED)
    path = generation_path("metrics", MODEL, MONTH, 1)
    return store, path, rf"restore it, or remove generations/metrics/model={MODEL}/month={MONTH} and run the"


def read(store):
    """Return the rows that are read, or the error that names the file."""
    try:
        return seen(store)
    except StoreError as error:
        return str(error)


def test_no_flipped_bit_gives_other_rows(stored):
    store, path, remedy = stored
    before, data = seen(store), store.files.held[path]
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    damaged = 0
    for at in range(len(data)):
        store.files.held[path] = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
        found = read(store)
        if isinstance(found, str):
            damaged += 1
            assert f"{path} cannot be read: " in found
            assert re.search(remedy, found)
        else:
            assert at >= footer or found.equals(before)
    assert damaged > len(data) / 2


def test_no_end_that_comes_too_early_gives_other_rows(stored):
    store, path, _ = stored
    data = store.files.held[path]
    for size in range(0, len(data), 7):
        store.files.held[path] = data[:size]
        with pytest.raises(StoreError, match="cannot be read"):
            seen(store)


def test_a_generation_that_was_damaged_is_made_again_by_the_remedy(place, rows):
    """Its month's folder is removed, with the marks, and the partitions are run again."""
    store = ParquetStore(MemoryFiles())
    for value in (1.0, 2.0):
        store.replace("metrics", place(0), rows(place(0), [value]))
        store.compact("metrics", **COMPACTED)
    held = store.files.held
    (path,) = [path for path in held if path.endswith(".parquet")]
    held[path] = held[path][:-30]
    with pytest.raises(StoreError, match="restore it, or remove"):
        seen(store)
    folder = f"generations/metrics/model={MODEL}/month={MONTH}/"
    for path in [path for path in held if path.startswith(folder)]:
        del held[path]
    store.replace("metrics", place(0), rows(place(0), [3.0]))
    store.compact("metrics", **COMPACTED)
    assert seen(store)["value"].to_pylist() == [3.0]
