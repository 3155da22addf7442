"""Scores are told apart as finely as the bins allow, and the bins depend on the rows alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lupus_assets.stats.roc import HALFWAY, MOST, RocCounts, codes_of


@given(st.lists(st.floats(0, 1), min_size=2, max_size=50))
def test_codes_rise_with_the_score_and_differ_where_its_distances_from_0_and_1_do(scores):
    score = np.array(scores)
    order, codes = np.argsort(score), codes_of(score)
    assert np.all(np.diff(codes[order]) >= 0)
    assert np.all((codes >= 0) & (codes <= 2 * HALFWAY))
    assert np.array_equal(np.diff(codes[order]) > 0, np.diff(score[order]) > 0)


def drawn(seed: int, rows: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return 1 / (1 + np.exp(-rng.normal(0, spread, rows))), rng.random(rows) < 0.3


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 99), st.sampled_from([10, MOST, MOST + 1, 9_000, 40_000]), st.data())
def test_counts_of_parts_add_up_to_the_very_counts_of_the_whole(seed, rows, data):
    score, label = drawn(seed, rows, data.draw(st.sampled_from([1e-6, 1.0, 30.0])))
    cuts = sorted(data.draw(st.lists(st.integers(0, rows), max_size=3)))
    pieces = zip(np.split(score, cuts), np.split(label, cuts), strict=True)
    found = RocCounts.empty()
    for piece in pieces:
        found += RocCounts.of(*piece)
    whole = RocCounts.of(score, label)
    assert found == whole
    assert whole.codes.size <= MOST
    assert whole.codes.size > MOST // 2 - 200 or whole.dropped == 0
    assert whole.positives.sum() == label.sum()
    assert whole.negatives.sum() == (~label).sum()


def test_few_scores_keep_a_bin_each_however_many_rows():
    rng = np.random.default_rng(0)
    score = rng.choice([0.0, 5e-324, 1e-9, 0.5, 1 - 1e-16, 1.0], 50_000)
    found = RocCounts.of(score, rng.random(50_000) < score)
    assert found.dropped == 0
    assert (found.positives + found.negatives).tolist() == np.unique(score, return_counts=True)[1].tolist()
    assert found.tied == 0


@pytest.mark.parametrize("rows", [100, 20_000])
def test_at_most_so_many_pairs_lose_their_order(rows):
    score, label = drawn(1, rows, 1.0)
    found = RocCounts.of(score, label)
    assert found.tied == 0 if rows <= MOST else 0 < found.tied < 2e-3
