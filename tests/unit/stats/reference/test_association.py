"""A column that goes with the others as ever scores 1, whatever its level; one that was shuffled 0."""

import numpy as np
import pytest

from lupus_assets.stats.codec import from_bytes, to_bytes
from lupus_assets.stats.column import NumericColumn
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.reference.association import Association
from lupus_assets.stats.reference.encoder import Design
from lupus_assets.stats.reference.ranking import LAST, Ranking, RankMoments

NAMES = ("a", "b", "c", "alone")
UNIT = Grid(0.0, 1.0)
MIXED = np.array([[1.0, 0, 0, 0], [0.8, 0.6, 0, 0], [-0.6, 0.5, 0.6, 0], [0, 0, 0, 1.0]])
RANKING = Ranking(
    Design.of({name: NumericColumn.of(np.arange(9.0), 0, UNIT) for name in NAMES}),
    tuple(np.zeros(2, np.float32) for _ in NAMES),
)
LADDER = np.append(np.arange(-LAST, LAST + 1), np.nan).astype(np.float32)  # the rank of every code


def moments(values: np.ndarray) -> RankMoments:
    codes = (np.clip(np.rint(values), -LAST, LAST) + LAST).astype(np.uint8)
    return RankMoments.of(NAMES, [*codes], [LADDER] * len(NAMES))


def unchanged(values, rng):
    del rng
    return values


def window(rows: int, seed: int, change=unchanged) -> RankMoments:
    rng = np.random.default_rng(seed)
    values = change(MIXED @ rng.normal(size=(4, rows)), rng)
    return moments(6 * values)


def shuffled(values, rng):
    values[1] = rng.permutation(values[1])
    return values


def constant(values, rng):
    del rng
    values[1] = 1.0
    return values


@pytest.fixture(scope="module")
def reference() -> Association:
    return Association.of(RANKING, [window(300, seed) for seed in range(30)])


def test_a_window_like_the_reference_scores_one_within_its_noise(reference):
    found = [reference.measure(window(300, 1_000 + seed)) for seed in range(300)]
    for name in ("a", "b", "c"):
        association = np.array([each[name][0].value for each in found])
        spread = np.array([each[name][1].value for each in found])
        assert association.mean() == pytest.approx(1, abs=0.02)
        assert spread.mean() == pytest.approx(1, abs=0.03)
        # Pairs of a column are taken for independent, so the stated noise is right but for a factor.
        stated = found[0][name][0].variance
        assert stated / 4 < association.var() < 4 * stated
        assert found[0][name][1].variance / 4 < spread.var() < 4 * found[0][name][1].variance


def test_a_column_that_goes_with_no_other_is_not_measured(reference):
    assert set(reference.measure(window(300, 1_000))) == {"a", "b", "c"}


def test_a_shuffled_column_has_lost_its_association_and_its_spread_given_the_others_is_up(reference):
    found = reference.measure(window(300, 1_000, shuffled))
    assert abs(found["b"][0].value) < 0.15
    assert found["b"][1].value > 1.5
    assert found["a"][0].value > 0.3  # it still goes with c


def test_a_reversed_column_goes_against_the_others(reference):
    def reversed_(values, rng):
        del rng
        values[1] *= -1
        return values

    assert reference.measure(window(300, 1_000, reversed_))["b"][0].value == pytest.approx(-1, abs=0.2)


def test_a_level_or_scale_of_its_own_changes_nothing(reference):
    def moved(values, rng):
        del rng
        values[1] = values[1] * 0.5 + 0.3
        return values

    found = reference.measure(window(300, 1_000, moved))
    assert found["b"][0].value == pytest.approx(1, abs=0.15)
    assert found["b"][1].value == pytest.approx(1, abs=0.15)


def test_of_a_constant_column_it_says_why_and_the_others_are_measured_without_it(reference):
    found = reference.measure(window(300, 1_000, constant))
    assert found["b"][0].value is None
    assert "does not vary" in found["b"][0].reason
    assert found["a"][0].value == pytest.approx(1, abs=0.2)
    assert found["a"][1].value == pytest.approx(1, abs=0.2)


def test_of_few_rows_there_is_no_number(reference):
    found = reference.measure(window(9, 1_000))
    assert {each.value for both in found.values() for each in both} == {None}
    assert reference.measure(RankMoments.empty(NAMES))["a"][0].reason == "fewer than 10 rows"


def test_few_partitions_give_a_reference_without_their_spread():
    few = Association.of(RANKING, [window(300, seed) for seed in range(3)])
    assert not few.spread.any()
    assert few.measure(window(300, 1_000))["b"][0].value == pytest.approx(1, abs=0.2)


def test_a_season_that_all_columns_share_is_no_association_within_a_partition():
    """Of columns that only rise and fall together from day to day, no day's correlation is news."""
    rng = np.random.default_rng(4)

    def day(level: float) -> RankMoments:
        values = rng.normal(size=(4, 200)) + level
        return moments(3 * values)

    found = Association.of(RANKING, [day(level) for level in rng.normal(0, 3, 30)])
    assert found.measure(day(0.0)) == {}


def test_an_association_survives_its_bytes(reference):
    assert from_bytes(to_bytes(reference)) == reference


def z(correlation: float) -> float:
    return float(np.arctanh(np.clip(correlation, -0.995, 0.995)))


@pytest.mark.parametrize("change", [unchanged, shuffled, constant])
@pytest.mark.parametrize("rows", [40, 300])
def test_both_numbers_and_their_variances_are_those_of_the_formulas(reference, change, rows):
    """Pair by pair, and the conditional variance from the inverse of the correlations with a ridge of .02."""
    of_window = window(rows, 7, change)
    now, found = of_window.correlation(), reference.measure(of_window)
    usual = np.where(np.eye(4, dtype=bool), 1.0, np.nan_to_num(reference.correlation))
    strong = (np.abs(usual) >= 0.08) & ~np.eye(4, dtype=bool)
    there = [at for at in range(4) if strong[at].any() and not np.isnan(now[at, at])]
    omega = np.linalg.inv(usual[np.ix_(there, there)] + 0.02 * np.eye(len(there)))
    for at, name in enumerate(NAMES):
        pairs = [other for other in range(4) if strong[at, other] and not np.isnan(now[at, other])]
        if not pairs:
            assert name not in found or found[name][0].value is None
            continue
        before = np.array([z(usual[at, other]) for other in pairs])
        after = np.array([z(now[at, other]) for other in pairs])
        steady = np.array([max(reference.spread[at, other] ** 2, 1 / (rows - 3)) for other in pairs])
        weight = before / steady
        association, spread = found[name]
        assert association.value == pytest.approx((weight * after).sum() / (weight * before).sum())
        variance = (weight**2 / (rows - 3)).sum() / (weight * before).sum() ** 2
        assert (association.variance, association.n) == (pytest.approx(variance), rows)
        j = there.index(at)
        both = [
            sum(
                omega[j, k] * table[there[k], there[m]] * omega[m, j]
                for k in range(len(there))
                for m in range(len(there))
            )
            for table in (now, usual)
        ]
        assert spread.value == pytest.approx(np.sqrt(both[0] / both[1]))
        assert (spread.variance, spread.n) == (pytest.approx(spread.value**2 / (2 * rows)), rows)


@pytest.mark.parametrize(("windows", "enough"), [(7, False), (8, True), (12, True)])
def test_the_reference_is_the_mean_of_its_partitions_and_their_spread_that_of_fishers_z(windows, enough):
    """Below eight partitions it is the correlation of all rows, and nothing is known of the spread."""
    parts = [window(60, seed) for seed in range(windows)]
    found = Association.of(RANKING, parts)
    each = np.array([part.correlation() for part in parts])
    if not enough:
        together = np.concatenate([MIXED @ np.random.default_rng(seed).normal(size=(4, 60)) for seed in
                                   range(windows)], axis=1)  # fmt: skip
        assert found.correlation == pytest.approx(moments(6 * together).correlation())
        assert not found.spread.any()
        return
    assert found.correlation == pytest.approx(each.mean(axis=0))
    away = np.vectorize(z)(each)
    assert found.spread == pytest.approx(away.std(axis=0, ddof=1))


def test_a_pair_that_some_partitions_have_not_is_averaged_over_those_that_have_it():
    """Of fewer than eight there is no correlation of the pair; others of the same columns stay."""
    parts = [window(60, seed, constant if seed < 5 else unchanged) for seed in range(12)]
    found = Association.of(RANKING, parts)
    assert np.isnan(found.correlation[0, 1])
    assert found.spread[0, 1] == 0
    assert found.correlation[0, 2] == pytest.approx(np.mean([part.correlation()[0, 2] for part in parts]))
    more = Association.of(RANKING, [*parts, window(60, 12)])
    with_it = [part.correlation()[0, 1] for part in [*parts[5:], window(60, 12)]]
    assert more.correlation[0, 1] == pytest.approx(np.mean(with_it))
    assert more.spread[0, 1] == pytest.approx(np.std(np.vectorize(z)(with_it), ddof=1))


def test_what_ten_rows_say_is_a_number_and_what_nine_say_is_none(reference):
    assert reference.measure(window(10, 3))["a"][0].value is not None
    found = reference.measure(window(9, 3))["a"][0]
    assert (found.value, found.n, found.reason) == (None, 9, "fewer than 10 rows")
    found = reference.measure(window(300, 1_000, constant))["b"]
    assert found[0] == found[1]
    assert (found[0].n, found[0].reason) == (300, "it does not vary, or no column that it went with does")
