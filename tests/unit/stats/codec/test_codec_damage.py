"""Bytes that are no state: a `StateError` and nothing else, and no more memory than they take themselves."""

import json
import tracemalloc
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lupus_assets.errors import StateError
from lupus_assets.stats import codec
from lupus_assets.stats.codec import content, encoding, from_bytes, marginal_of, reference_marginals, to_bytes
from lupus_assets.stats.codec.format import DEEPEST, READ
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.profile import RowCounts
from tests.strategies import SALT
from tests.unit.stats.stored_state import body, packed_of, stored
from tests.unit.stats.write_fixture import FOLDER

UNIT = Grid(0.0, 1.0)
SMALL = to_bytes(Moments.of(np.array([1.0, 2.0, 4.0])))
NUMERIC = to_bytes(NumericColumn.of(np.arange(30.0), 1, UNIT))
CATEGORICAL = to_bytes(CategoricalColumn.of(["de", "jp"], np.array([20, 3]), 1, SALT))
MEGABYTE = 1 << 20


def read(data: bytes) -> None:
    """Read `data` in each way; what is no `StateError` is a fault."""
    for reader in (from_bytes, marginal_of, reference_marginals):
        with suppress(StateError):
            reader(data)


@pytest.mark.parametrize(
    "data", [SMALL, NUMERIC, CATEGORICAL], ids=["Moments", "NumericColumn", "Categories"]
)
def test_every_flipped_bit_is_found(data: bytes) -> None:
    for at in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << at % 8
        for reader in (from_bytes, marginal_of):
            with pytest.raises(StateError, match=r"no state begins with|is of format|the state is damaged"):
                reader(bytes(flipped))


def test_every_other_byte_is_found() -> None:
    for at in range(len(SMALL)):
        for value in range(256):
            if value != SMALL[at]:
                with pytest.raises(StateError):
                    from_bytes(SMALL[:at] + bytes([value]) + SMALL[at + 1 :])


@pytest.mark.parametrize(
    "data", [SMALL, NUMERIC, CATEGORICAL], ids=["Moments", "NumericColumn", "Categories"]
)
def test_every_end_that_comes_too_early_or_too_late_is_found(data: bytes) -> None:
    for size in range(len(data)):
        for reader in (from_bytes, marginal_of):
            with pytest.raises(StateError):
                reader(data[:size])
    with pytest.raises(StateError, match="checksum"):
        from_bytes(data + b"\0")


def test_a_flipped_bit_is_said_to_be_damage() -> None:
    with pytest.raises(
        StateError, match=r"^the state is damaged \(its checksum is not that of its content\)$"
    ):
        from_bytes(NUMERIC[:-1] + bytes([NUMERIC[-1] ^ 1]))


@pytest.mark.parametrize("version", READ)
@pytest.mark.parametrize("name", ["profile", "reference"])
def test_damage_of_any_format_is_nothing_but_a_state_error(version: int, name: str) -> None:
    """Formats before 6 have zlib's checksum alone: damage of what is not unpacked may be read."""
    data = (FOLDER / f"{name}.v{version}.bin").read_bytes()
    rng = np.random.default_rng(version)
    for at in rng.choice(len(data), 60, replace=False).tolist():
        read(data[:at] + bytes([data[at] ^ int(rng.integers(1, 256))]) + data[at + 1 :])
        read(data[:at])


@given(st.binary(max_size=200), st.sampled_from(READ))
def test_random_bytes_are_refused(data: bytes, version: int) -> None:
    for each in (data, stored(data, version), stored(zlib.compress(data), version)):
        read(each)


plain = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=3)
words = st.sampled_from(["tuple", "texts", "dict", "bytes", "array", "<f8", "|u1", "<i4", "O", *codec.STATES])
names = st.sampled_from(["columns", "column", "histogram", "hashes", "counts", "centre", "n", "*"])
trees = st.recursive(
    plain | words,
    lambda inner: st.lists(words | inner, max_size=5) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@given(trees, st.binary(max_size=64), st.sampled_from(READ))
def test_no_tree_ends_in_anything_but_a_state_error(tree: object, content: bytes, version: int) -> None:
    read(stored(zlib.compress(body(json.dumps(tree).encode(), content)), version))


fitting = st.tuples(st.sampled_from(sorted(content.DTYPES)), st.lists(st.integers(-2, 4), max_size=3))


@given(
    fitting,
    st.sampled_from([False, True, 0, 1, 2**64, -1.5, "a", None]),
    st.integers(-1, 9),
    st.binary(max_size=64),
)
def test_no_array_ends_in_anything_but_a_state_error(
    array: tuple[str, list[int]], first: object, width: int, data: bytes
) -> None:
    tree = ["Histogram", {"grid": None, "bins": ["array", *array, first, width], "counts": None}]
    read(stored(zlib.compress(body(json.dumps(tree).encode(), data))))


@pytest.mark.parametrize(
    "tree",
    [
        b'["Unknown",{}]',
        b'["Grid",{}]',
        b'["Grid",{"centre":',
        b'["bytes",99]',
        b'["array","<f8",[2]]',
        b'["array","|O",[0],false,8]',
        b'["array","<f8",[0],false,4]',
        b'["array","<i4",[0],false,8]',
        b'["Distinct",{"hashes":"text"}]',
        b"5",
        b'["tuple"]',
        b'["dict",{}]',
        b"[" * 100_000,
        b'["tuple",' * 5_000 + b"0" + b"]" * 5_000,
        b'["RowCounts",{"rows":1,"outside":0,"invalid":0,"duplicates":["tuple",["bytes",-1]]}]',
    ],
    ids=lambda tree: tree[:40].decode(),
)
def test_a_body_that_makes_no_sense_is_refused(tree: bytes) -> None:
    for reader in (from_bytes, marginal_of, reference_marginals):
        with pytest.raises(StateError, match="damaged"):
            reader(stored(zlib.compress(body(tree))))


def test_content_that_no_array_takes_is_refused() -> None:
    assert from_bytes(stored(zlib.compress(zlib.decompress(packed_of(SMALL))))) == from_bytes(SMALL)
    with pytest.raises(StateError, match="goes on behind its end"):
        from_bytes(stored(zlib.compress(zlib.decompress(packed_of(SMALL)) + b"\0")))
    with pytest.raises(StateError, match="goes on behind its end"):
        from_bytes(stored(packed_of(SMALL) + b"\0"))


def counted(rows: object) -> bytes:
    tree = ["RowCounts", {"rows": rows, "outside": 0, "invalid": None, "duplicates": None}]
    return json.dumps(tree).encode()


@pytest.mark.parametrize(
    "tree",
    [
        counted(["bytes", 2**40]),
        counted(["bytes", 2**70]),
        counted(["texts", 2**62]),
        counted(["array", "<f8", [2**40], False, 8]),
        counted(["array", "<f8", [2**35, 2**35], False, 8]),
        counted(["array", "|u1", [2**62], False, 0]),
        counted(["array", "<U1000000000", [1], False, 1]),
        b'["NumericColumn",{"moments":["bytes",%d],"histogram":["bytes",3]}]' % 2**40,
        b'["NumericColumn",{"moments":["bytes",%d],"histogram":["bytes",3]}]' % 2**70,
    ],
    ids=lambda tree: tree[:60].decode(),
)
def test_no_claimed_size_takes_memory(tree: bytes) -> None:
    data = stored(zlib.compress(body(tree, b"\0" * 100)))
    tracemalloc.start()
    try:
        read(data)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < MEGABYTE
    with pytest.raises(StateError, match="damaged"):
        from_bytes(data)


def test_a_tree_longer_than_its_content_is_refused() -> None:
    for size in (b"\x03\0\0\0", b"\xff\xff\xff\x3f", b"\xff\xff\xff\xff"):
        with pytest.raises(StateError, match=r"ends too early|at most 1,073,741,824 are possible"):
            from_bytes(stored(zlib.compress(size + b"[]")))


def test_a_state_of_more_bytes_than_are_possible_is_neither_read_nor_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    column = NumericColumn.of(np.arange(3_000.0), 0, UNIT)
    data = to_bytes(column)
    size = len(zlib.decompress(packed_of(data)))
    monkeypatch.setattr(content, "MOST", size)
    monkeypatch.setattr(encoding, "MOST", size)
    assert from_bytes(to_bytes(column)) == column
    monkeypatch.setattr(content, "MOST", size - 1)
    monkeypatch.setattr(encoding, "MOST", size - 1)
    with pytest.raises(StateError, match=r"takes more than [\d,]+ bytes"):
        from_bytes(data)
    with pytest.raises(StateError, match=r"a NumericColumn takes [\d,]+ bytes, at most .* fewer columns"):
        to_bytes(column)


def test_what_unpacks_to_very_much_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 MB of zeros in 64 kB: of them no more than the bound is unpacked."""
    monkeypatch.setattr(content, "MOST", MEGABYTE)
    tree = json.dumps(["RowCounts", {"rows": ["bytes", 64 * MEGABYTE]}]).encode()
    data = stored(zlib.compress(body(tree, bytes(64 * MEGABYTE)), 9))
    assert len(data) < 100_000
    tracemalloc.start()
    try:
        read(data)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 * MEGABYTE


def nested(levels: int) -> RowCounts:
    value: object = (0,)
    for _ in range(levels - 2):
        value = (value,)
    return RowCounts(value, 0, None, None)  # type: ignore[arg-type]


def test_a_nested_state_is_read_as_far_as_it_is_written() -> None:
    assert from_bytes(to_bytes(nested(DEEPEST))) == nested(DEEPEST)
    for levels in (DEEPEST + 1, 10_000):
        with pytest.raises(StateError, match="nested in more than 32 levels"):
            to_bytes(nested(levels))
