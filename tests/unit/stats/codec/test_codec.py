import struct
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from lupus_assets.errors import StateError
from lupus_assets.stats import codec
from lupus_assets.stats.codec import from_bytes, marginal_of, to_bytes
from lupus_assets.stats.column import CategoricalColumn, IdentityColumn, NumericColumn, TimestampColumn
from lupus_assets.stats.distance.marginal import CategoricalMarginal, NumericMarginal
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.profile import Profile, RowCounts
from lupus_assets.stats.reference.residual import Residual
from lupus_assets.stats.state import State
from tests.strategies import SALT, arrays, category_counts, grids
from tests.unit.stats.stored_state import packed_of, stored

NORMAL = np.random.default_rng(1).normal(size=1_000_000)
UNIT = Grid(0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Anything(State):
    """A state that is listed only while a test needs it."""

    content: object


@pytest.fixture
def anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(codec.STATES, "Anything", Anything)


@given(arrays(), grids(), category_counts(), st.integers(-(2**60), 2**60))
def test_a_profile_comes_back_as_it_was(
    values: NDArray[np.float64], grid: Grid, counts: dict[str, int], time: int
) -> None:
    categorical = CategoricalColumn.of(list(counts), np.array(list(counts.values()), np.int64), 3, SALT)
    state = Profile(
        counts=RowCounts(rows=9, outside=1, invalid=None, duplicates=0),
        columns={
            "b": NumericColumn.of(values, 1, grid),
            "a": CategoricalColumn(categorical.rows, 3, categorical.categories.disclosed()),
            "時": TimestampColumn.of(np.array([time]), 0),
            "none": TimestampColumn.empty(),
            "id": IdentityColumn.of(np.array([time], np.int64).view(np.uint64), 1),
        },
        residual=Residual.of(values[np.isfinite(values)], np.zeros(np.isfinite(values).sum())),
    )
    data = to_bytes(state)
    back = from_bytes(data)
    assert back == state
    assert list(back.columns) == list(state.columns)
    assert to_bytes(back) == data


@pytest.mark.usefixtures("anything")
@pytest.mark.parametrize(
    "content",
    [
        None,
        True,
        2**70,
        float("inf"),
        float("nan"),
        5e-324,
        0.1 + 0.2,
        "\ud800",
        b"\x00\xff",
        (),
        ("Moments", ("tuple", 1)),
        {"bytes": (b"", None), "dict": {}},
        Moments(1, 2.0, 0.0, 0.0, 0.0),
        (b"one", np.arange(3), b"two", np.arange(3.0)),
        np.array(3.5),
        np.array([True, False]),
        np.array([], np.uint64),
        np.array([0, 2**64 - 1], np.uint64),
        np.array([-(2**63), 2**63 - 1]),
        np.arange(12, dtype=np.int16).reshape(3, 4)[:, ::2],
        np.array([np.nan, -0.0, np.inf], np.float32),
        np.arange(3, dtype=">f8").astype(np.float64),
    ],
    ids=repr,
)
def test_everything_a_state_may_hold_comes_back(content: object) -> None:
    assert from_bytes(to_bytes(Anything(content))) == Anything(content)


@pytest.mark.usefixtures("anything")
def test_the_sign_of_zero_and_the_type_survive() -> None:
    floats, array, flag = from_bytes(to_bytes(Anything((-0.0, np.array([-0.0]), True)))).content
    assert str(floats) == "-0.0"
    assert np.signbit(array).all()
    assert flag is True


dtypes = st.one_of(hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes(sizes=(32, 64)))
plain = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))


@given(st.one_of(plain, plain.map(lambda a: np.sort(a, axis=None))))
def test_any_array_comes_back_bit_by_bit(array: NDArray[np.generic]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(codec.STATES, "Anything", Anything)
        back = from_bytes(to_bytes(Anything(array))).content
    assert back.dtype == array.dtype.newbyteorder("=")
    assert back.shape == array.shape
    assert back.tobytes() == array.astype(back.dtype).tobytes()


def test_a_typical_histogram_is_small() -> None:
    histogram = Histogram.of(NORMAL, Grid.of(NORMAL))
    assert histogram.bins.size > 3_000
    assert len(to_bytes(histogram)) < 8_000


def test_a_numeric_column_of_a_million_rows_is_small() -> None:
    assert len(to_bytes(NumericColumn.of(NORMAL, 0, Grid.of(NORMAL)))) < 12_000


def test_every_state_is_listed_under_its_own_name() -> None:
    assert all(name == state.__name__ for name, state in codec.STATES.items())
    assert len(codec.STATES) == len(codec.PROFILED) + len(codec.REFERENCED)


def test_a_class_that_is_not_listed_is_refused() -> None:
    with pytest.raises(StateError, match=r"list its class in codec\.format\.STATES"):
        to_bytes(Anything(1))


@pytest.mark.usefixtures("anything")
@pytest.mark.parametrize(
    "content", [[1], {1: 2}, object(), np.array(["a"]), 1j], ids=lambda each: type(each).__name__
)
def test_what_the_format_does_not_know_is_refused(content: object) -> None:
    with pytest.raises(StateError, match="has no place in a state"):
        to_bytes(Anything(content))


def test_bytes_of_something_else_are_refused() -> None:
    for data in (b"", b"PAR1", b"PAR1" + b"\x00" * 20, b"LUPS"):
        with pytest.raises(StateError, match="no state begins with"):
            from_bytes(data)


def test_a_later_format_is_refused_with_both_versions() -> None:
    data = to_bytes(UNIT)
    with pytest.raises(StateError, match="format 7, this version of Lupus reads 1"):
        from_bytes(data[:4] + struct.pack("<H", 7) + data[6:])


@given(arrays(), grids(), category_counts())
def test_a_marginal_is_what_the_whole_column_says(
    values: NDArray[np.float64], grid: Grid, counts: dict[str, int]
) -> None:
    numeric = NumericColumn.of(values, 2, grid)
    found = marginal_of(to_bytes(numeric))
    assert isinstance(found, NumericMarginal)
    assert found.histogram == numeric.histogram
    for name in ("nulls", "nans", "positive_infinities", "negative_infinities"):
        assert getattr(found, name) == getattr(numeric, name)
    categorical = CategoricalColumn.of(list(counts), np.array(list(counts.values()), np.int64), 3, SALT)
    held = marginal_of(memoryview(to_bytes(categorical)))
    assert isinstance(held, CategoricalMarginal)
    assert (held.nulls, held.categories.other) == (3, categorical.categories.other)
    for name in ("hashes", "counts"):
        mine, whole = (getattr(each.categories, name) for each in (held, categorical))
        assert mine.dtype == whole.dtype
        assert mine.tolist() == whole.tolist()


def test_of_a_marginal_only_what_lies_before_its_end_is_unpacked() -> None:
    """As if zlib's own part ended early, or were no zlib there: nobody asked for that."""
    column = NumericColumn.of(NORMAL, 0, UNIT)
    packed = packed_of(to_bytes(column))
    for data in (stored(packed[:-4_096]), stored(packed[:-4_096] + b"\x00" * 4_096)):
        assert marginal_of(data).histogram == column.histogram  # type: ignore[union-attr]
        with pytest.raises(StateError):
            from_bytes(data)
    for size in (0, 2, 100, 2_000):
        with pytest.raises(StateError):
            marginal_of(stored(packed[:size]))


def test_what_lies_between_is_passed_over() -> None:
    """As if a field with arrays, text and bytes were declared before the histogram."""
    column = NumericColumn.of(NORMAL[:100], 0, UNIT)
    odd = (np.arange(300), b"bytes", ("text", None, {"in": np.ones(3)}), ("only", "text"))
    data = to_bytes(replace(column, moments=odd))
    assert marginal_of(data).histogram == column.histogram  # type: ignore[union-attr]


def test_an_identity_has_no_marginal() -> None:
    with pytest.raises(StateError):
        marginal_of(to_bytes(IdentityColumn.empty()))


@pytest.mark.usefixtures("anything")
@pytest.mark.parametrize(
    "content",
    [
        ("a", None, "\ud800", "", "時"),
        (None,),
        np.array([-(2**63), 0, 2**63 - 1]),
        np.array([2**64 - 2, 2**64 - 1], np.uint64),
        np.array([-5, -5, 7], np.int16),
        np.empty(0, np.uint32),
    ],
)
def test_names_and_sorted_integers_come_back(content: object) -> None:
    assert from_bytes(to_bytes(Anything(content))) == Anything(content)
