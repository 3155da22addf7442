"""Ranks are small whole numbers, and their sums give Spearman's correlation over any split."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from lupus_assets.errors import StateError
from lupus_assets.stats.codec import from_bytes, to_bytes
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.reference.encoder import Design
from lupus_assets.stats.reference.ranking import LAST, ROWS, Ranking, RankMoments
from tests.strategies import SALT

NAMES = ("a", "b", "c")
UNIT = Grid(0.0, 1.0)
LADDER = np.append(np.arange(-LAST, LAST + 1), np.nan).astype(np.float32)  # the rank of every code


def ranks(rows: int, seed: int = 1, missing: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=rows)
    values = np.stack([common, common + rng.normal(size=rows), rng.normal(size=rows)])
    found = np.clip(np.rint(8 * values), -LAST, LAST).astype(np.float32)
    found[rng.random(found.shape) < missing] = np.nan
    return found


def moments(given_ranks: np.ndarray, names: tuple[str, ...] = NAMES) -> RankMoments:
    codes = np.where(np.isnan(given_ranks), 2 * LAST + 1, given_ranks + LAST).astype(np.uint8)
    return RankMoments.of(names, [*codes], [LADDER] * len(codes))


@given(st.integers(0, 60), st.integers(0, 10**6), st.sampled_from([0.0, 0.2]))
def test_the_sums_add_exactly_over_any_split(at, seed, missing):
    given_ranks = ranks(60, seed, missing)
    whole = moments(given_ranks)
    left, right = (moments(given_ranks[:, part]) for part in (slice(at), slice(at, None)))
    assert left + right == right + left == whole
    assert whole + RankMoments.empty(NAMES) == whole


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_sums_are_those_of_whole_numbers_however_many_rows(missing):
    extreme = np.full((3, 2 * ROWS + 7), LAST, np.float32)  # the largest sums that there are
    extreme[1, ::2] = -LAST
    extreme[:, :5] = np.nan if missing else 1
    whole = moments(extreme)
    integers, there = np.nan_to_num(extreme).astype(np.int64), (~np.isnan(extreme)).astype(np.int64)
    assert np.array_equal(whole.products, integers @ integers.T)
    assert np.array_equal(whole.squares, integers**2 @ there.T)
    assert np.array_equal(whole.sums, integers @ there.T)
    assert np.array_equal(whole.pairs, there @ there.T)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_correlation_of_a_pair_is_pearsons_of_its_ranks_over_the_rows_that_have_both(missing):
    given_ranks = ranks(400, missing=missing)
    found = moments(given_ranks).correlation()
    for i in range(3):
        for j in range(3):
            both = ~np.isnan(given_ranks[[i, j]]).any(axis=0)
            expected = np.corrcoef(given_ranks[i, both].astype(float), given_ranks[j, both])[0, 1]
            assert found[i, j] == pytest.approx(expected, abs=1e-12)


def test_coarse_ranks_hardly_differ_from_spearmans():
    rng = np.random.default_rng(2)
    x = rng.lognormal(size=20_000)
    y = x * rng.lognormal(size=20_000)
    columns = {"x": NumericColumn.of(x, 0, UNIT), "y": NumericColumn.of(y, 0, UNIT)}
    design = Design.of(columns)
    codes = [
        encoder.encode(values, np.array([], np.intp), UNIT)
        for encoder, values in zip(design.encoders, (x, y), strict=True)
    ]
    counts = [
        np.bincount(code, minlength=encoder.width)
        for code, encoder in zip(codes, design.encoders, strict=True)
    ]
    ranking = Ranking.of(design, counts, [np.arange(each.size, dtype=float) for each in counts])
    found = RankMoments.of(("x", "y"), codes, ranking.ranks).correlation()[0, 1]
    assert found == pytest.approx(spearmanr(x, y).statistic, abs=0.01)


def test_ranks_are_mid_ranks_by_the_given_order_and_null_has_none():
    column = CategoricalColumn.of(["x", "y", "z"], np.array([10, 20, 30]), 4, SALT)
    design = Design.of({"c": column})
    (encoder,) = design.encoders
    counts = np.zeros(encoder.width, np.int64)
    counts[encoder.encode(column.categories.hashes, np.ones(3, bool))] = column.categories.counts
    counts[-1] = 4
    order = -counts.astype(float)  # the most frequent first
    (found,) = Ranking.of(design, [counts], [order]).ranks
    assert np.isnan(found[-1])
    rows = np.repeat(order[:-1], counts[:-1])
    middle = (rankdata(rows) - 0.5) / rows.size
    expected = {value: round(2 * LAST * (rank - 0.5)) for value, rank in zip(rows, middle, strict=True)}
    assert {value: found[at] for at, value in enumerate(order[:-1]) if counts[at]} == expected


def test_a_column_without_rows_is_in_no_pair():
    whole = moments(ranks(100))
    found = whole.without({"b"})
    assert found.pairs[1].sum() == found.pairs[:, 1].sum() == 0
    assert np.isnan(found.correlation()[1]).all()
    assert found.correlation()[0, 2] == whole.correlation()[0, 2]
    for name in ("pairs", "sums", "squares", "products"):
        kept = getattr(whole, name).copy()
        kept[1], kept[:, 1] = 0, 0
        np.testing.assert_array_equal(getattr(found, name), kept)


def test_other_columns_are_not_added():
    with pytest.raises(StateError, match="profile both windows with one reference"):
        RankMoments.empty(NAMES) + RankMoments.empty(("a", "b"))


def test_the_sums_survive_their_bytes():
    state = moments(ranks(300, missing=0.1))
    assert from_bytes(to_bytes(state)) == state
