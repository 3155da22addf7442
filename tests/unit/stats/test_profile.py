from dataclasses import replace

import numpy as np
import pytest

from lupus_assets.errors import StateError
from lupus_assets.stats.clusters import BUCKETS, Clusters
from lupus_assets.stats.column import Column, NumericColumn, TimestampColumn
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.joint import ErrorSums
from lupus_assets.stats.profile import Profile, RowCounts
from lupus_assets.stats.reference.ranking import RankMoments
from lupus_assets.stats.reference.residual import Residual
from lupus_assets.stats.score_label import ScoreLabel

UNIT = Grid(0.0, 1.0)


def numeric(*values: float) -> NumericColumn:
    return NumericColumn.of(np.array(values), 0, UNIT)


def profile(**columns: Column) -> Profile:
    return Profile(RowCounts(rows=2, outside=0, invalid=None, duplicates=1), columns)


def test_profiles_add_column_by_column_in_the_order_of_the_left_one() -> None:
    both = profile(a=numeric(1, 2), b=numeric(5, 6)) + profile(b=numeric(7, 8), a=numeric(3, 4))
    columns = {"a": numeric(1, 2, 3, 4), "b": numeric(5, 6, 7, 8)}
    assert both == Profile(RowCounts(rows=4, outside=0, invalid=None, duplicates=2), columns)
    assert list(both.columns) == ["a", "b"]


def test_columns_that_are_missing_are_named() -> None:
    with pytest.raises(StateError, match="'b', 'c' on one side only"):
        profile(a=numeric(), b=numeric()) + profile(a=numeric(), c=numeric())


def test_a_column_that_changed_its_kind_is_named() -> None:
    with pytest.raises(StateError, match="column 'a': a NumericColumn and a TimestampColumn"):
        profile(a=numeric()) + profile(a=TimestampColumn.empty())


def test_a_column_on_another_grid_is_named() -> None:
    with pytest.raises(StateError, match="column 'a': histograms on"):
        profile(a=numeric()) + profile(a=NumericColumn.empty(Grid(1.0, 1.0)))


def test_a_part_that_one_side_lacks_is_the_other_sides() -> None:
    residual = Residual.of(np.array([0.5, -0.5]), np.zeros(2))
    labels = Profile(None, {}, joint=ErrorSums.empty())
    rows = Profile(RowCounts(rows=3, outside=1, invalid=0, duplicates=None), {}, residual=residual)
    assert labels + rows == rows + labels == Profile(rows.counts, {}, labels.joint, residual)
    assert (rows + rows).counts == RowCounts(rows=6, outside=2, invalid=0, duplicates=None)


def test_what_was_not_counted_on_one_side_is_the_other_sides() -> None:
    counted = RowCounts(rows=1, outside=0, invalid=2, duplicates=None)
    other = RowCounts(rows=1, outside=0, invalid=None, duplicates=3)
    assert counted + other == other + counted == RowCounts(rows=2, outside=0, invalid=2, duplicates=3)


def test_profiles_of_different_kinds_of_prediction_cannot_be_added() -> None:
    scores = Profile(None, {}, joint=ScoreLabel.empty(0.5))
    with pytest.raises(StateError, match="different kinds of prediction"):
        scores + Profile(None, {}, joint=ErrorSums.empty())


def test_only_the_wanted_columns_are_kept() -> None:
    assert profile(a=numeric(1), b=numeric(2)).kept({"b", "z"}) == profile(b=numeric(2))


def whole(rows: int) -> Profile:
    """Return a profile with all parts, of this many rows."""
    score, spread = np.arange(rows) / rows, np.full(BUCKETS, rows)
    codes = [np.arange(rows, dtype=np.uint8) % 3, np.arange(rows, dtype=np.uint8) % 2]
    return Profile(
        RowCounts(rows=rows, outside=1, invalid=2, duplicates=3),
        {"a": numeric(*score)},
        ScoreLabel.of(score, score > 0.5, 0.5),
        Residual.of(score, score**2),
        RankMoments.of(("a", "b"), codes, [np.arange(3, dtype=np.float32) - 1] * 2),
        Clusters(spread, {"a": spread // 2}, {"a": spread // 3}),
    )


def test_every_part_of_a_profile_is_added() -> None:
    left, right, both = whole(9), whole(6), whole(9) + whole(6)
    for part in ("counts", "joint", "residual", "ranks", "clusters"):
        assert getattr(both, part) == getattr(left, part) + getattr(right, part)
        assert getattr(left + replace(right, **{part: None}), part) == getattr(left, part)
        assert getattr(replace(left, **{part: None}) + right, part) == getattr(right, part)
        assert getattr(replace(left, **{part: None}) + replace(right, **{part: None}), part) is None
    assert both.columns == {"a": left.columns["a"] + right.columns["a"]}


def test_windows_are_added_on_the_columns_that_both_have() -> None:
    """Parts that are of no single column are added all the same."""
    left = replace(whole(9), columns={"a": numeric(1), "left": numeric(2)})
    right = replace(whole(6), columns={"right": numeric(3), "a": numeric(4)})
    assert left.shared(right) == left.kept({"a"}) + right.kept({"a"})
    assert left.shared(right).columns == {"a": numeric(1, 4)}
    assert left.shared(right).clusters == left.clusters + right.clusters
