"""What is taken in blocks comes to what its parts do, and to what numpy makes of all at once."""

from itertools import pairwise

import numpy as np
import pytest

from lupus_assets.stats.column import NumericColumn
from lupus_assets.stats.grid import BLOCK, Grid
from lupus_assets.stats.joint import ScoreLabel
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.reference.encoder import NumericEncoder
from lupus_assets.stats.reference.residual import Residual
from lupus_assets.stats.roc import RocCounts
from tests.unit.stats.test_joint import assert_same

SIZES = [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + BLOCK // 2]
UNIT = Grid(0.0, 1.0)


def drawn(size: int) -> np.ndarray:
    return np.random.default_rng(size).gamma(2.0, size=size)


def central(x: np.ndarray) -> list[float]:
    away = x - x.mean()
    return [x.size, x.mean(), *((away**power).sum() for power in (2, 3, 4))]


def sums(found: Moments) -> list[float]:
    return [found.n, found.mean, found.m2, found.m3, found.m4]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shift", [0.0, 1.9])
def test_moments_of_several_blocks_are_those_of_numpy(size, shift):
    x = drawn(size)
    for found in (Moments.of(x), Moments.about(x, shift)):
        assert sums(found) == pytest.approx(central(x), rel=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_a_residual_of_several_blocks_is_that_of_its_parts(size):
    score, expected = drawn(size), drawn(size + 1)[:-1]
    cut = size // 3
    parts = Residual.of(score[:cut], expected[:cut]) + Residual.of(score[cut:], expected[cut:])
    assert_same(Residual.of(score, expected), parts)
    found = Residual.of(score, expected)
    for moments, values in ((found.signed, score - expected), (found.absolute, np.abs(score - expected))):
        assert sums(moments) == pytest.approx(central(values), rel=1e-9)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("digits", [2, 15])
def test_scores_and_labels_of_several_blocks_are_those_of_their_parts(size, digits):
    rng = np.random.default_rng(size)
    score = np.round(rng.random(size), digits)
    label = rng.random(size) < score
    cuts = [0, size // 5, size // 2, size]
    parts = [ScoreLabel.of(score[a:b], label[a:b], 0.5) for a, b in pairwise(cuts)]
    whole = ScoreLabel.of(score, label, 0.5)
    assert_same(parts[0] + parts[1] + parts[2], whole)
    assert whole.roc.positives.sum() == label.sum()
    assert whole.roc.negatives.sum() == size - label.sum()
    loss = -np.log(np.clip(np.where(label, score, 1 - score), 1e-15, 1))
    for found, values in (
        (whole.log_loss, loss),
        (whole.squared_error, (label - score) ** 2),
        (whole.residual, label - score),
        (whole.score, score),
    ):
        assert sums(found) == pytest.approx(central(values), rel=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_the_order_of_scores_near_each_other_is_counted_in_every_block(size):
    """Scores of a narrow range have a counter each; those of both labels are where numpy counts them."""
    rng = np.random.default_rng(size)
    score = 0.5 + rng.integers(0, 1_000, size) * 2.0**-50
    label = rng.random(size) < 0.3
    found = RocCounts.of(score, label)
    values, place = np.unique(score, return_inverse=True)
    assert found.dropped == 0
    assert found.codes.size == values.size
    assert found.positives.tolist() == np.bincount(place, label, values.size).tolist()
    assert found.negatives.tolist() == np.bincount(place, ~label, values.size).tolist()


@pytest.mark.parametrize("size", SIZES)
def test_codes_of_several_blocks_are_those_of_each_value_alone(size):
    x = drawn(size)
    x[[0, size // 2, size - 1]] = [np.nan, np.inf, -np.inf]
    absent = np.array([1, size - 2])
    encoder = NumericEncoder.of(NumericColumn.of(drawn(5_000), 0, UNIT))
    found = encoder.encode(x, absent, UNIT)
    with np.errstate(invalid="ignore"):
        expected = np.searchsorted(encoder.cuts, UNIT.bins(np.nan_to_num(x)), side="right")
    null = encoder.width - 1
    expected[~np.isfinite(x)] = null
    expected[absent] = null
    assert found.tolist() == expected.tolist()
    assert np.unique(found).size == encoder.width
