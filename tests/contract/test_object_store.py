"""The contract of `lupus_assets.ports.ObjectStore`, asked of memory and a disk here, of S3 beside it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter

import pytest

from lupus_assets.errors import ObjectMissing, StoreError
from lupus_assets.records import Pending, Window
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.journal import StoreJournal


def paths(files, prefix):
    return [entry.path for entry in files.list(prefix)]


def test_what_is_put_is_what_is_got(any_files):
    for data in (b"", b"one", bytes(range(256)) * 4_000):
        any_files.put("a/b.parquet", data)
        assert any_files.get("a/b.parquet") == data


def test_a_listing_is_of_one_folder_and_all_below_it_sorted(any_files):
    for path in ("a/model=x.y/2", "a/model=x.y/1", "a/model=x.y_2/1", "a/z", "b/1", "a=b/1"):
        any_files.put(path, b"x")
    assert paths(any_files, "a") == ["a/model=x.y/1", "a/model=x.y/2", "a/model=x.y_2/1", "a/z"]
    assert paths(any_files, "a/model=x.y") == ["a/model=x.y/1", "a/model=x.y/2"]
    assert paths(any_files, "nothing/here") == []
    for folder in ("a", "a/model=x.y", "nothing/here"):
        assert sorted(any_files.paths(folder)) == paths(any_files, folder)


def test_what_runs_have_begun_is_noted_by_run_model_and_track_until_it_is_struck_out(any_files):
    journal = StoreJournal(any_files)
    day = Window(datetime(2013, 3, 1, tzinfo=UTC), datetime(2013, 3, 2, tzinfo=UTC), "2013-03-01-00:00+0100")
    noted = [
        Pending(run, model, track, frozenset({"profile", "arrival"}), frozenset({day}))
        for run in ("0a1b-2c", "run2")
        for model in ("a.b", "a.b_2")
        for track in ("champion", "champion~challenger")
    ]
    for pending in noted:
        journal.note(pending)
    key = attrgetter("model", "track", "run")
    assert sorted(journal.noted(), key=key) == sorted(noted, key=key)
    assert {each.run for each in journal.noted("a.b", "champion")} == {"0a1b-2c", "run2"}
    any_files.put("pending/model=a.b/notes.txt", b"a person's")
    for pending in noted[1:]:
        journal.note(replace(pending, windows=frozenset()))
    assert journal.noted() == noted[:1]
    journal.note(replace(noted[0], windows=frozenset()))
    assert journal.noted("a.b") == []


def test_more_files_than_one_page_are_listed(any_files):
    wanted = [f"many/{i:05d}" for i in range(1_100)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda path: any_files.put(path, b""), wanted))
    assert paths(any_files, "many") == wanted
    any_files.delete(wanted)
    assert paths(any_files, "many") == []


def test_other_bytes_are_another_version(any_files):
    versions = set()
    for data in (b"one", b"two", b"ten"):
        any_files.put("a/b", data)
        (entry,) = any_files.list("a")
        versions.add(entry.version)
    assert len(versions) == 3
    assert any_files.list("a") == any_files.list("a")


def test_a_file_is_created_once(any_files):
    assert any_files.create("a/b", b"first")
    assert not any_files.create("a/b", b"second")
    assert any_files.get("a/b") == b"first"
    any_files.delete(["a/b"])
    assert any_files.create("a/b", b"third")


def test_of_many_who_create_a_file_at_once_one_does(any_files):
    for round_ in range(5):
        path = f"a/{round_}"
        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(lambda i, path=path: any_files.create(path, b"%d" % i), range(8)))
        assert sum(made) == 1
        assert any_files.get(path) == b"%d" % made.index(True)


def test_what_is_gone_is_missing_and_may_be_deleted_again(any_files):
    any_files.put("a/b", b"x")
    any_files.delete(["a/b", "a/never"])
    any_files.delete(["a/b"])
    any_files.delete([])
    with pytest.raises(ObjectMissing, match="a/b"):
        any_files.get("a/b")


def test_a_disk_keeps_what_starts_with_a_dot_to_itself(tmp_path):
    files = Folder(tmp_path)
    files.put("a/.hidden", b"")
    files.put("a/b", b"")
    assert paths(files, "a") == ["a/b"]


def test_a_folder_has_an_address_that_hive_reads(tmp_path):
    assert Folder(tmp_path / "ä b").uri("metrics/model=a.b") == f"file://{tmp_path}/ä b/metrics/model=a.b"


def test_a_folder_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for act in (lambda files: files.put("a", b""), lambda files: files.create("a", b"")):
        with pytest.raises(StoreError, match="cannot be written"):
            act(Folder(tmp_path / "file"))
