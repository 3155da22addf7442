from itertools import product

import numpy as np
import pyarrow as pa

from lupus_assets.monitor.block import CategoricalBlock, NumericBlock, TimestampBlock
from lupus_assets.monitor.repetition import row_hashes
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


def test_zero_is_zero_and_columns_do_not_change_places():
    assert np.unique(row_hashes([numeric([0.0, -0.0])], 2)).size == 1
    assert np.unique(row_hashes([numeric([1, 2]), numeric([2, 1])], 2)).size == 2


def test_a_row_has_the_same_hash_wherever_it_stands():
    values = np.random.default_rng(1).normal(size=2 * BLOCK + 7)
    absent = np.arange(0, values.size, 5)
    at = np.random.default_rng(2).permutation(values.size)
    moved = row_hashes([numeric(values[at], np.flatnonzero(np.isin(at, absent)))], values.size)
    assert (moved == row_hashes([numeric(values, absent)], values.size)[at]).all()
