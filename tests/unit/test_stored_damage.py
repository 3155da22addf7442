"""A stored state that is damaged: that partition's failure, with its place and the remedy."""

from collections.abc import Callable, Mapping

import pyarrow as pa
import pytest

from lupus_assets.errors import StateError
from lupus_assets.measuring.drift import parse_window
from lupus_assets.pipeline import Pipeline
from lupus_assets.sinks.memory import MemoryStore
from lupus_assets.windows import compare
from tests.models import DAY, SALT, START, Logs, day, declared, log

MODEL = declared(reference={"from": START.date(), "to": START.date()})
LOG = Logs({day(number): log(number, version=["v1", "v2"] * 150) for number in range(4)})
CHECKSUM = "the state is damaged (its checksum is not that of its content)"
NOW = START + 10 * DAY


class DamagedStore(MemoryStore):
    """A store whose file was damaged: of some rows of a table the state comes back as other bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.table = ""
        self.rows: Mapping[str, str] = {}
        self.by: Callable[[bytes], bytes] = bytes

    def read(self, table, **limits):
        """Return what is stored, and of some rows of `table` another state."""
        found = super().read(table, **limits)
        if table != self.table:
            return found
        rows = [
            row | {"state": self.by(row["state"])} if self.rows.items() <= row.items() else row
            for row in found.to_pylist()
        ]
        return pa.Table.from_pylist(rows, schema=found.schema)


@pytest.fixture
def made() -> Pipeline:
    """Three days with profiles, after the one of the reference."""
    pipeline = Pipeline(store=DamagedStore(), source=lambda *_: LOG, salt=SALT)
    reference = pipeline.freeze(MODEL, [day(0)], NOW)["champion"]
    for number in (1, 2, 3):
        pipeline.profile(MODEL, "champion", day(number), reference, NOW)
    return pipeline


def one_bit(state: bytes) -> bytes:
    return state[:-9] + bytes([state[-9] ^ 4]) + state[-8:]


def damage(pipeline: Pipeline, table: str, by: Callable[[bytes], bytes] = one_bit, **rows: str) -> None:
    store = pipeline.store
    assert isinstance(store, DamagedStore)
    store.table, store.rows, store.by = table, rows, by


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"column_name": "amount", "segment": "*"}, "column 'amount'"),
        ({"column_name": "amount", "segment": "country=de"}, "column 'amount', segment country=de"),
        ({"column_name": "amount", "version": "v1"}, "column 'amount', version v1"),
        ({"kind": "rows", "segment": "*", "version": "*"}, "its rows"),
        ({"kind": "joint", "segment": "country=jp"}, "its joint, segment country=jp"),
    ],
)
def test_a_damaged_profile_is_said_with_its_place_and_the_remedy(made, rows, said):
    reference = made.reference(MODEL, "champion")
    damage(made, "profiles", partition_key="2024-01-03", **rows)
    with pytest.raises(StateError) as error:
        made.stored_profile(MODEL, "champion", day(2), reference)
    assert str(error.value) == (
        f"the stored profile of champion 2024-01-03, {said}: {CHECKSUM};"
        " materialise the profile of this partition again"
    )


def test_a_damaged_profile_leaves_the_other_partitions_alone_and_is_mended_by_the_remedy(made):
    reference = made.reference(MODEL, "champion")
    whole = made.stored_profile(MODEL, "champion", day(2), reference)
    damage(made, "profiles", partition_key="2024-01-03")
    for number in (1, 3):
        assert made.stored_profile(MODEL, "champion", day(number), reference)
    assert made.profile(MODEL, "champion", day(2), reference, NOW) == whole
    damage(made, "")
    assert made.stored_profile(MODEL, "champion", day(2), reference) == whole


@pytest.mark.parametrize(
    "by", [lambda _: b"", lambda state: state[:40], lambda _: b"PAR1", lambda _: bytes(9)]
)
def test_a_profile_of_other_bytes_is_said_as_well(made, by):
    reference = made.reference(MODEL, "champion")
    damage(made, "profiles", by, partition_key="2024-01-03", column_name="amount")
    with pytest.raises(StateError, match=r"2024-01-03, column 'amount'.*materialise the profile of this"):
        made.stored_profile(MODEL, "champion", day(2), reference)


def test_a_profile_of_a_later_version_is_said_with_both_formats(made):
    reference = made.reference(MODEL, "champion")
    damage(made, "profiles", lambda state: state[:4] + b"\xff\0" + state[6:], partition_key="2024-01-03")
    with pytest.raises(StateError, match=r"of format 255, this version of Lupus reads 1 to \d+"):
        made.stored_profile(MODEL, "champion", day(2), reference)


def test_what_could_not_be_read_is_said_as_it_was_or_not_at_all(made):
    """The reason why a column could not be read is text and no state."""
    source = Logs({day(1): log(1, amount=["text"] * 300)})
    reference = made.reference(MODEL, "champion")
    pipeline = Pipeline(store=made.store, source=lambda *_: source, salt=SALT)
    (found,) = pipeline.profile(MODEL, "champion", day(1), reference, NOW).values()
    assert "amount" in found.problems
    damage(made, "profiles", lambda _: b"\xff\xfe", kind="problem")
    with pytest.raises(StateError, match=r"2024-01-02, column 'amount'.*materialise the profile of this"):
        made.stored_profile(MODEL, "champion", day(1), reference)


def test_a_damaged_reference_is_said_with_its_place_and_is_mended_by_the_remedy(made):
    whole = made.reference(MODEL, "champion")
    damage(made, "frozen_references")
    with pytest.raises(StateError) as error:
        made.reference(MODEL, "champion")
    assert str(error.value) == (
        f"t/m: the stored reference of champion: {CHECKSUM}; materialise m_reference, then all partitions"
    )
    made.freeze(MODEL, [day(0)], NOW)
    damage(made, "")
    assert made.reference(MODEL, "champion") == whole


def test_windows_are_not_compared_by_a_damaged_profile_or_reference(made):
    windows = parse_window("reference"), parse_window("2024-01-02..2024-01-04")
    assert compare(made.store, "t.m", *windows).columns
    damage(made, "profiles", partition_key="2024-01-03", column_name="amount", segment="*", version="*")
    with pytest.raises(StateError, match=r"champion 2024-01-03, column 'amount': the state is damaged"):
        compare(made.store, "t.m", *windows)
    damage(made, "frozen_references")
    with pytest.raises(StateError, match=r"t/m: the stored reference of champion: .*materialise m_reference"):
        compare(made.store, "t.m", *windows)
