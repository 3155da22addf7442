"""The surrogate is a ridge regression on one-hot codes, the same for any split of the rows."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from lupus_assets.errors import StateError
from lupus_assets.stats import codec
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.reference.encoder import CategoricalEncoder, Design, NumericEncoder
from lupus_assets.stats.reference.surrogate import EquationSums, NormalEquations, logit

GRID = Grid(0.0, 1.0)
CITIES = np.array([11, 5, 2**63, 7], dtype=np.uint64)
DESIGN = Design(
    ("temperature", "wind", "city"),
    (
        NumericEncoder(GRID.bins(np.linspace(-1.5, 1.5, 15))),
        NumericEncoder(GRID.bins(np.linspace(-1.5, 1.5, 15))),
        CategoricalEncoder(np.sort(CITIES)),
    ),
)


def numeric(x: np.ndarray, grid: Grid = GRID) -> NumericColumn:
    missing = np.isnan(x)
    nulls = int(missing.sum()) // 2  # half of the missing are nulls, the others NaN
    return NumericColumn.of(np.delete(x, np.flatnonzero(missing)[:nulls]), nulls, grid)


def categorical(values: list[str], nulls: int = 0) -> CategoricalColumn:
    distinct, counts = np.unique(np.array(values, dtype=object), return_counts=True)
    return CategoricalColumn.of(list(distinct), counts, nulls, salt=b"salt")


def encoded(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return codes of `n` rows and a score that depends on them almost additively."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (n, 2))
    city = rng.integers(0, 4, n)
    codes = [
        DESIGN.encoders[0].encode(x[:, 0], np.flatnonzero([]), GRID),
        DESIGN.encoders[1].encode(x[:, 1], np.flatnonzero(rng.random(n) <= 0.1), GRID),
        DESIGN.encoders[2].encode(CITIES[city], np.ones(n, dtype=bool)),
    ]
    score = np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] + 0.4 * city + rng.normal(0, 0.2, n)
    return np.column_stack(codes), score


def one_hot(codes: np.ndarray) -> np.ndarray:
    return np.column_stack(
        [np.eye(encoder.width)[column] for encoder, column in zip(DESIGN.encoders, codes.T, strict=True)]
    )


@given(st.integers(0, 200))
def test_normal_equations_add_up_over_any_split(at):
    codes, score = encoded(200, seed=1)
    whole = NormalEquations.of(DESIGN, codes, score)
    summed = NormalEquations.of(DESIGN, codes[:at], score[:at]) + NormalEquations.of(
        DESIGN, codes[at:], score[at:]
    )
    assert np.array_equal(summed.gram, whole.gram)
    assert np.allclose(summed.cross, whole.cross, rtol=0, atol=1e-12)
    assert np.allclose(summed.solve().effects, whole.solve().effects, rtol=0, atol=1e-12)
    assert summed.solve().intercept == pytest.approx(whole.solve().intercept, abs=1e-12)


def test_sums_gathered_batch_by_batch_are_those_of_the_batches_to_the_bit():
    codes, score = encoded(300, seed=6)
    sums, added = EquationSums(DESIGN), NormalEquations.empty(DESIGN)
    for start in range(0, 300, 70):
        batch = codes[start : start + 70], score[start : start + 70]
        sums.add(*batch)
        added += NormalEquations.of(DESIGN, *batch)
        assert NormalEquations(DESIGN, *sums.totals()) == added


def test_a_fit_holds_few_matrices_of_its_width_at_a_time():
    """Of the widest surrogate each has 78 MiB, and a batch's own, the sum and the total were three more."""
    columns = 60
    design = Design(tuple(map(str, range(columns))), DESIGN.encoders[:1] * columns)
    rng = np.random.default_rng(7)
    codes, score = rng.integers(0, 17, (200, columns)).astype(np.int16), rng.normal(size=200)
    tracemalloc.start()
    try:
        sums = EquationSums(design)
        for _ in range(3):
            sums.add(codes, score)
        gathered, _ = tracemalloc.get_traced_memory()
        NormalEquations(design, *sums.totals()).solve()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    matrix = 8 * design.width**2
    assert gathered < 1.1 * matrix
    assert peak < 4.5 * matrix


def test_normal_equations_are_those_of_the_one_hot_matrix():
    codes, score = encoded(300, seed=2)
    matrix = one_hot(codes)
    state = NormalEquations.of(DESIGN, codes, score)
    assert np.array_equal(state.gram, matrix.T @ matrix)
    assert np.allclose(state.cross, matrix.T @ score, rtol=0, atol=1e-12)
    assert state + NormalEquations.empty(DESIGN) == state


@pytest.mark.parametrize("ridge", [0.1, 3.0])
def test_the_surrogate_is_scikit_learns_ridge_regression(ridge):
    codes, score = encoded(1000, seed=3)
    ours = NormalEquations.of(DESIGN, codes, score).solve(ridge)
    theirs = Ridge(ridge).fit(one_hot(codes), score)
    assert np.allclose(ours.effects, theirs.coef_, rtol=0, atol=1e-9)
    assert np.allclose(ours.predict(codes), theirs.predict(one_hot(codes)), rtol=0, atol=1e-9)
    assert ours.r_squared == pytest.approx(theirs.score(one_hot(codes), score), rel=1e-9)


def test_a_fit_repeated_is_the_same_to_the_bit():
    codes, score = encoded(1000, seed=4)
    assert (
        NormalEquations.of(DESIGN, codes, score).solve() == NormalEquations.of(DESIGN, codes, score).solve()
    )


def test_an_additive_score_is_explained_on_rows_the_fit_has_not_seen():
    surrogate = NormalEquations.of(DESIGN, *encoded(20_000, seed=5)).solve()
    codes, score = encoded(5000, seed=6)
    residual = score - surrogate.predict(codes)
    assert surrogate.r_squared > 0.9
    assert 1 - residual.var() / score.var() > 0.9
    assert abs(residual.mean()) < 4 * residual.std() / np.sqrt(5000)


def test_a_shuffled_join_shows_in_the_residual_and_in_no_column():
    surrogate = NormalEquations.of(DESIGN, *encoded(20_000, seed=5)).solve()
    codes, score = encoded(500, seed=7)
    joined = np.abs(score - surrogate.predict(codes))
    shuffled = np.abs(np.random.default_rng(8).permutation(score) - surrogate.predict(codes))
    assert shuffled.mean() - joined.mean() > 8 * joined.std() / np.sqrt(500)


def test_a_code_never_seen_has_no_effect():
    codes, score = encoded(200, seed=9)
    surrogate = NormalEquations.of(DESIGN, codes, score).solve()
    null_city = DESIGN.offsets[2] + DESIGN.encoders[2].width - 1
    assert surrogate.effects[null_city] == pytest.approx(0, abs=1e-12)


def test_a_surrogate_without_columns_or_of_constant_scores_is_the_mean():
    nothing = Design((), ())
    flat = NormalEquations.of(nothing, np.empty((3, 0), dtype=np.int16), [1.0, 2.0, 6.0]).solve()
    assert flat.predict(np.empty((2, 0), dtype=np.int16)).tolist() == [3.0, 3.0]
    codes, _ = encoded(50, seed=10)
    constant = NormalEquations.of(DESIGN, codes, np.full(50, 2.0)).solve()
    assert constant.r_squared is None
    assert constant.predict(codes) == pytest.approx(np.full(50, 2.0))


def test_a_fit_that_cannot_be_is_refused():
    codes, score = encoded(20, seed=11)
    with pytest.raises(ValueError, match="no rows"):
        NormalEquations.empty(DESIGN).solve()
    with pytest.raises(ValueError, match="must be positive"):
        NormalEquations.of(DESIGN, codes, score).solve(ridge=0)
    with pytest.raises(ValueError, match="not finite"):
        NormalEquations.of(DESIGN, codes, np.full(20, np.nan))
    with pytest.raises(ValueError, match="give one each"):
        NormalEquations.of(DESIGN, codes, score[1:])
    with pytest.raises(ValueError, match="for 3 columns"):
        NormalEquations.of(DESIGN, codes[:, :2], score)


def test_states_of_different_designs_do_not_add():
    other = Design(("wind",), (NumericEncoder(GRID.bins(np.zeros(1))),))
    with pytest.raises(StateError, match="encode"):
        NormalEquations.empty(DESIGN) + NormalEquations.empty(other)


def test_numeric_codes_are_reference_quantiles_and_null_comes_last():
    x = np.random.default_rng(12).normal(0, 1, 8000)
    encoder = NumericEncoder.of(numeric(x))
    codes = encoder.encode(x, np.array([], np.intp), GRID)
    assert encoder.width == 17
    assert np.all(np.abs(np.bincount(codes) - 500) < 40)
    assert encoder.encode(np.array([7.0]), np.array([0]), GRID).tolist() == [16]


ODD = [0.0, -0.0, 1e-300, -1e-300, 1e300, -1e300, np.inf, -np.inf, np.nan, -np.nan, 5.0]


@pytest.mark.parametrize("grid", [GRID, Grid(5.0, 1e-200), Grid(-1e308, 1e-308)])
def test_any_number_has_the_code_of_its_bin_and_what_is_no_number_that_of_null(grid):
    rng = np.random.default_rng(3)
    with np.errstate(over="ignore"):
        sample = grid.centre + grid.scale * rng.normal(0, 1, 2_000)
    encoder = NumericEncoder.of(numeric(sample, grid=grid))
    x = np.concatenate([ODD, sample, rng.normal(0, 1, 40_000), ODD])
    absent = np.array([2, 100, x.size - 1])
    known = np.isfinite(x)
    known[absent] = False
    bins = grid.bins(np.where(known, x, 0.0))
    expected = np.where(known, np.searchsorted(encoder.cuts, bins, side="right"), encoder.width - 1)
    assert np.array_equal(encoder.encode(x, absent, grid), expected)


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.int64, np.float32, np.bool_])
def test_numbers_of_any_type_have_the_codes_of_the_floats_that_they_are(dtype):
    x = np.random.default_rng(4).integers(0, 50, 500).astype(dtype)
    encoder = NumericEncoder.of(numeric(x.astype(float)))
    none = np.array([], np.intp)
    assert np.array_equal(encoder.encode(x, none, GRID), encoder.encode(x.astype(float), none, GRID))


def test_categorical_codes_tell_rest_and_null_apart():
    encoder = CategoricalEncoder(np.array([5, 9], dtype=np.uint64))
    values = np.array([9, 5, 6, 2**64 - 1, 9], dtype=np.uint64)
    codes = encoder.encode(values, np.array([True, True, True, True, False]))
    assert codes.tolist() == [1, 0, 2, 2, 3]


def test_a_design_is_read_off_the_reference_columns():
    design = Design.of({"x": numeric(np.arange(100.0)), "city": categorical(["a", "a", "b"])})
    assert design.names == ("x", "city")
    assert design.offsets == (0, 17, 21)
    assert design.width == 21


def test_logit_is_clipped_at_certainty():
    assert logit([0.5]).tolist() == [0.0]
    assert logit([0.0, 1.0]) == pytest.approx([-9.21024, 9.21024], abs=1e-5)
    assert np.isnan(logit([np.nan])[0])


def test_a_surrogate_survives_its_bytes_and_predicts_the_same():
    codes, score = encoded(500, seed=13)
    equations = NormalEquations.of(DESIGN, codes, score)
    assert codec.from_bytes(codec.to_bytes(equations)) == equations
    surrogate = equations.solve()
    read = codec.from_bytes(codec.to_bytes(surrogate))
    assert read == surrogate
    assert np.array_equal(read.predict(codes), surrogate.predict(codes))
