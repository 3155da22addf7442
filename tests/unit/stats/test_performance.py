"""Performance agrees with scikit-learn, its variances with brute force or simulation."""

import numpy as np
import pytest
from sklearn import metrics

from lupus_assets.stats.estimate import Estimate
from lupus_assets.stats.joint import Confusion, ErrorSums
from lupus_assets.stats.performance import classes as of_classes
from lupus_assets.stats.performance import decision as of_decision
from lupus_assets.stats.performance import score as of_score
from lupus_assets.stats.performance import value as of_value
from lupus_assets.stats.score_label import ScoreLabel

OF_SCORES = [
    of_score.auc,
    of_score.log_loss,
    of_score.brier,
    of_score.bias,
    of_score.brier_excess,
    of_score.slope_excess,
    of_score.calibration_error,
    of_score.base_rate,
    of_decision.accuracy,
    of_decision.precision,
    of_decision.recall,
]
OF_ERRORS = [of_value.mae, of_value.rmse, of_value.wape, of_value.mean_error]


def scored(n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = rng.beta(1, 3, n)
    return score, rng.random(n) < score**1.2


def valued(n: int = 500, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = rng.gamma(2, 3, n)
    return label * 1.1 + rng.normal(0.5, 2, n), label


@pytest.fixture(scope="module")
def state() -> ScoreLabel:
    return ScoreLabel.of(*scored(), 0.4)


def test_auc_is_scikit_learns(state):
    score, label = scored()
    assert of_score.auc(state).value == pytest.approx(metrics.roc_auc_score(label, score), abs=1e-4)


def test_auc_counts_ties_half_and_is_exact_for_repeated_scores():
    score, label = np.array([0.2, 0.2, 0.7, 0.7, 0.7, 0.9]), np.array([0, 1, 0, 1, 1, 1])
    value = of_score.auc(ScoreLabel.of(score, label, 0.5)).value
    assert value == pytest.approx(metrics.roc_auc_score(label, score), abs=1e-12)


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


NOISE = np.random.default_rng(9).normal(size=20_000)


@pytest.mark.parametrize(
    "score",
    [
        logistic(12 * NOISE),
        logistic(40 * NOISE),
        logistic(12 * NOISE).astype(np.float32).astype(np.float64),
        logistic(NOISE - 7),
        logistic(NOISE + 7),
        0.5 + 1e-4 * NOISE,
        0.3 + 1e-9 * NOISE,
        np.where(NOISE > 0, 1.0, logistic(12 * NOISE)),
    ],
    ids=["12", "40", "float32", "rare", "common", "narrow", "narrower", "ones"],
)
@pytest.mark.parametrize("calibrated", [True, False])
def test_auc_is_the_one_of_the_rows_wherever_the_scores_lie(score, calibrated):
    rng = np.random.default_rng(10)
    label = rng.random(score.size) < (score if calibrated else logistic(NOISE))
    estimate = of_score.auc(ScoreLabel.of(score, label, 0.5))
    error = abs(estimate.value - metrics.roc_auc_score(label, score))
    assert error < 0.05 * estimate.variance**0.5


def test_what_a_crowd_of_scores_may_cost_the_auc_is_in_its_variance():
    rng = np.random.default_rng(11)
    score = np.where(rng.random(20_000) < 0.7, 0.01 + 1e-6 * NOISE, logistic(20 * NOISE))
    label = rng.random(20_000) < logistic(NOISE)
    estimate = of_score.auc(ScoreLabel.of(score, label, 0.5))
    error = metrics.roc_auc_score(label, score) - estimate.value
    assert 0.01 < error < 2 * estimate.variance**0.5


def test_the_variance_of_auc_is_delongs_by_brute_force():
    score, label = scored(300)
    score = np.round(score, 2)  # repeated scores have grid bins of their own, so the histogram is exact
    x, y = score[label], score[~label]
    wins = (x[:, None] > y) + 0.5 * (x[:, None] == y)
    expected = wins.mean(axis=1).var(ddof=1) / x.size + wins.mean(axis=0).var(ddof=1) / y.size
    estimate = of_score.auc(ScoreLabel.of(score, label, 0.5))
    assert estimate.value == pytest.approx(wins.mean(), abs=1e-12)
    assert estimate.variance == pytest.approx(expected, rel=1e-10)


def test_auc_of_a_single_positive_has_no_variance():
    estimate = of_score.auc(ScoreLabel.of([0.1, 0.4, 0.8], [0, 0, 1], 0.5))
    assert estimate == Estimate(1.0, None, 3, None)


def test_log_loss_and_brier_are_scikit_learns(state):
    score, label = scored()
    assert of_score.log_loss(state).value == pytest.approx(metrics.log_loss(label, score), rel=1e-12)
    assert of_score.brier(state).value == pytest.approx(metrics.brier_score_loss(label, score), rel=1e-12)


def test_log_loss_of_a_certain_and_wrong_score_is_finite():
    estimate = of_score.log_loss(ScoreLabel.of([1.0], [0], 0.5))
    assert estimate.value == pytest.approx(-np.log(1e-15), rel=1e-2)


def test_bias_is_label_minus_score_with_the_variance_of_its_mean(state):
    score, label = scored()
    estimate = of_score.bias(state)
    assert estimate.value == pytest.approx((label - score).mean(), rel=1e-12)
    assert estimate.variance == pytest.approx((label - score).var(ddof=1) / label.size, rel=1e-12)


def test_calibration_error_is_the_mean_gap_over_ten_equal_widths(state):
    score, label = scored()
    bins = np.digitize(score, np.arange(1, 10) / 10)
    gaps = [abs((label - score)[bins == b].sum()) for b in range(10)]
    assert of_score.calibration_error(state).value == pytest.approx(sum(gaps) / label.size, rel=1e-12)


def test_excesses_are_those_of_the_rows_and_have_the_variance_of_labels_drawn_from_the_scores(state):
    p, y = scored()
    excess, slope = of_score.brier_excess(state), of_score.slope_excess(state)
    assert excess.value == pytest.approx(np.mean((y - p) ** 2 - p * (1 - p)), abs=1e-14)
    assert slope.value == pytest.approx(np.mean((y - p) * (p - p.mean())), abs=1e-14)
    rng = np.random.default_rng(1)
    drawn = [ScoreLabel.of(p, rng.random(p.size) < p, 0.4) for _ in range(2_000)]
    for metric, estimate in ((of_score.brier_excess, excess), (of_score.slope_excess, slope)):
        values = [metric(each).value for each in drawn]
        assert abs(np.mean(values)) < 4 * np.sqrt(estimate.variance / 2_000)
        assert np.var(values) == pytest.approx(estimate.variance, rel=0.1)
        assert abs(estimate.value) > 3 * np.sqrt(estimate.variance)  # these labels are drawn otherwise


def test_decisions_are_scikit_learns_at_the_threshold(state):
    score, label = scored()
    decided = score >= 0.4
    pairs = [
        (of_decision.accuracy, metrics.accuracy_score),
        (of_decision.precision, metrics.precision_score),
        (of_decision.recall, metrics.recall_score),
    ]
    for ours, theirs in pairs:
        assert ours(state).value == pytest.approx(theirs(label, decided), rel=1e-12)
    assert of_decision.precision(state).n == decided.sum()
    assert of_decision.recall(state).n == label.sum()
    assert of_score.base_rate(state).value == pytest.approx(label.mean(), rel=1e-12)


def test_a_share_of_none_in_ten_still_has_a_variance():
    estimate = of_score.base_rate(ScoreLabel.of(np.full(10, 0.1), np.zeros(10), 0.5))
    assert estimate.value == 0
    assert 0 < estimate.variance < 0.01


@pytest.mark.parametrize("metric", OF_SCORES)
def test_without_labels_every_metric_of_a_score_says_so(metric):
    assert metric(ScoreLabel.empty(0.5)) == Estimate.undefined("no labels yet")


@pytest.mark.parametrize("metric", OF_ERRORS)
def test_without_labels_every_metric_of_an_error_says_so(metric):
    assert metric(ErrorSums.empty()) == Estimate.undefined("no labels yet")


@pytest.mark.parametrize("metric", [of_decision.accuracy, of_classes.macro_f1])
def test_without_labels_every_metric_of_a_class_says_so(metric):
    assert metric(Confusion.empty()) == Estimate.undefined("no labels yet")


def test_what_one_label_leaves_undefined_has_its_reason():
    positive = ScoreLabel.of([0.2, 0.3], [1, 1], 0.5)
    negative = ScoreLabel.of([0.2, 0.3], [0, 0], 0.5)
    assert of_score.auc(positive) == Estimate.undefined("labels are all positive", 2)
    assert of_score.auc(negative) == Estimate.undefined("labels are all negative", 2)
    assert of_decision.precision(negative) == Estimate.undefined("no row is decided positive")
    assert of_decision.recall(negative) == Estimate.undefined("labels are all negative")


def test_errors_of_values_are_scikit_learns():
    prediction, label = valued()
    state = ErrorSums.of(prediction, label)
    rmse = metrics.root_mean_squared_error(label, prediction)
    assert of_value.mae(state).value == pytest.approx(metrics.mean_absolute_error(label, prediction))
    assert of_value.rmse(state).value == pytest.approx(rmse, rel=1e-12)
    assert of_value.mean_error(state).value == pytest.approx((prediction - label).mean(), rel=1e-12)


def test_wape_is_the_error_relative_to_the_label_with_the_variance_that_resampling_gives():
    prediction, label = valued()
    estimate = of_value.wape(ErrorSums.of(prediction, label))
    error = np.abs(prediction - label)
    assert estimate.value == pytest.approx(error.sum() / label.sum())
    uncorrelated = error.var(ddof=1) + estimate.value**2 * label.var(ddof=1)
    assert estimate.variance == pytest.approx(uncorrelated / label.mean() ** 2 / label.size)
    rng = np.random.default_rng(2)
    again = [
        of_value.wape(ErrorSums.of(prediction[at], label[at])).value
        for at in rng.integers(0, label.size, (4_000, label.size))
    ]
    assert np.var(again) == pytest.approx(estimate.variance, rel=0.2)  # they are correlated, by .1
    assert of_value.wape(ErrorSums.of([1.0, 2.0], [1.0, -1.0])).reason == "the labels sum to 0"


def test_the_variance_of_rmse_is_the_delta_methods():
    prediction, label = valued()
    squares = (prediction - label) ** 2
    expected = squares.var(ddof=1) / squares.size / (4 * squares.mean())
    assert of_value.rmse(ErrorSums.of(prediction, label)).variance == pytest.approx(expected, rel=1e-9)


def test_rmse_without_any_error_is_zero_and_has_no_variance():
    assert of_value.rmse(ErrorSums.of([1.0, 2.0], [1.0, 2.0])) == Estimate(0.0, None, 2, None)


def test_errors_too_large_to_square_leave_rmse_undefined_and_mae_defined():
    state = ErrorSums.of([1e200, -1e200], [0.0, 0.0])
    assert of_value.rmse(state) == Estimate.undefined("errors exceed the range of floats", 2)
    assert of_value.mae(state).value == 1e200


def test_classes_are_judged_as_scikit_learn_does():
    rng = np.random.default_rng(3)
    actual = rng.integers(0, 5, 400).astype(np.uint64)
    predicted = np.where(rng.random(400) < 0.6, actual, rng.integers(2, 7, 400)).astype(np.uint64)
    state = Confusion.of(predicted, actual)
    accuracy = metrics.accuracy_score(actual, predicted)
    macro_f1 = metrics.f1_score(actual, predicted, average="macro")
    assert of_decision.accuracy(state).value == pytest.approx(accuracy, rel=1e-12)
    assert of_classes.macro_f1(state).value == pytest.approx(macro_f1, rel=1e-12)


def test_the_variance_of_macro_f1_is_what_resampling_gives():
    rng = np.random.default_rng(4)

    def draw() -> Confusion:
        actual = rng.integers(0, 3, 500)
        predicted = np.where(rng.random(500) < 0.7, actual, rng.integers(0, 3, 500))
        return Confusion.of(predicted.astype(np.uint64), actual.astype(np.uint64))

    estimates = [of_classes.macro_f1(draw()) for _ in range(1500)]
    spread = np.var([estimate.value for estimate in estimates])
    assert np.mean([estimate.variance for estimate in estimates]) == pytest.approx(spread, rel=0.12)
