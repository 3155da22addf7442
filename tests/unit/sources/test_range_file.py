"""A file of which only what is read is fetched."""

import io

import pytest

from lupus_assets.sinks.files import s3_range
from lupus_assets.sinks.files.s3_range import RangeFile

DATA = bytes(range(100))


@pytest.fixture
def asked(monkeypatch):
    monkeypatch.setattr(s3_range, "TAIL", 10)
    return []


def opened(asked, data=DATA):
    def ask(part, version):
        asked.append((part, version))
        first, last = part.removeprefix("bytes=").split("-")
        found = data[-int(last) :] if not first else data[int(first) : int(last) + 1]
        return found, len(data), "v1"

    return RangeFile(ask)


def test_every_read_gives_what_is_there(asked):
    file = opened(asked)
    for start, size in ((0, 5), (85, 10), (90, 10), (95, 100), (100, 1), (3, 0)):
        file.seek(start)
        assert file.read(size) == DATA[start : start + size]
        assert file.tell() == min(start + size, max(start, 100))
    file.seek(0)
    assert file.read() == DATA


def test_the_end_is_asked_for_once_and_everything_of_the_same_version(asked):
    file = opened(asked)
    assert file.seek(-4, io.SEEK_END) == 96
    assert file.read(4) == DATA[96:]
    file.seek(20)
    file.read(30)
    assert asked == [("bytes=-10", None), ("bytes=20-49", "v1")]


def test_a_small_file_is_one_question(asked):
    file = opened(asked, b"small")
    assert file.read() == b"small"
    assert len(asked) == 1
