import tracemalloc
from itertools import product

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from lupus_assets.reading.block import CategoricalBlock, NumericBlock, TimestampBlock
from lupus_assets.reading.repetition import repeated, row_hashes
from lupus_assets.stats.grid import BLOCK, Grid

NONE = np.empty(0, np.intp)
UNIT = Grid(0.0, 1.0)


def numeric(values, absent=NONE):
    return NumericBlock(np.asarray(values), absent, UNIT)


def test_rows_that_differ_by_signs_in_any_two_columns_differ():
    """A sum of products modulo 2^64 would lose two highest bits that change together."""
    rows = np.array(list(product((1.5, -1.5), repeat=8)))
    assert np.unique(row_hashes([numeric(column.copy()) for column in rows.T], len(rows))).size == 256


def test_small_integers_in_several_columns_do_not_collide():
    rows = np.array(list(product(range(40), repeat=3)))
    assert np.unique(row_hashes([numeric(column.copy()) for column in rows.T], len(rows))).size == 64_000


def test_equal_rows_share_a_hash_whatever_lies_under_their_nulls():
    first = numeric([1.0, 7.0, 1.0, 9.0], np.array([1, 3]))
    words = CategoricalBlock(pa.array(["a", "b"]), np.array([0, 1, 0, 0]), np.array([1, 3]), b"salt")
    times = TimestampBlock(np.array([5, 6, 5, 6]), NONE)
    a, b, c, d = row_hashes([first, words, times], 4)
    assert a == c != b == d


def test_a_null_is_no_number():
    for kind in (np.uint8, np.int64, np.float64):
        numbers = np.arange(9).astype(kind)
        assert np.unique(row_hashes([numeric(np.append(numbers, 0), np.array([9]))], 10)).size == 10


def test_zero_is_zero_and_columns_do_not_change_places():
    assert np.unique(row_hashes([numeric([0.0, -0.0])], 2)).size == 1
    assert np.unique(row_hashes([numeric([1, 2]), numeric([2, 1])], 2)).size == 2


def test_a_row_has_the_same_hash_wherever_it_stands():
    values = np.random.default_rng(1).normal(size=2 * BLOCK + 7)
    absent = np.arange(0, values.size, 5)
    at = np.random.default_rng(2).permutation(values.size)
    moved = row_hashes([numeric(values[at], np.flatnonzero(np.isin(at, absent)))], values.size)
    assert (moved == row_hashes([numeric(values, absent)], values.size)[at]).all()


@given(st.lists(st.lists(st.sampled_from([0, 1, 2**60 - 1, 2**60, 2**61, 2**63, 2**64 - 1])), min_size=1))
def test_what_repeats_is_counted_within_pieces_and_between_them(pieces):
    every = [value for piece in pieces for value in piece]
    assert repeated([np.array(piece, np.uint64) for piece in pieces]) == len(every) - len(set(every))


def test_repeated_hashes_are_counted_without_a_copy_of_all():
    rng = np.random.default_rng(1)
    pieces = [rng.integers(0, 2**64, 100_000, np.uint64) for _ in range(20)]
    pieces[3][:50] = pieces[17][:50]
    tracemalloc.start()
    try:
        assert repeated(pieces) == 50
        assert tracemalloc.get_traced_memory()[1] < 2_000_000 * 8 / 4
    finally:
        tracemalloc.stop()
