"""Joint states add up over any split of the rows, and count what they say they count."""

import dataclasses
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lupus_assets.errors import StateError
from lupus_assets.stats import codec
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.joint import Confusion, ErrorSums
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.reference.residual import Residual
from lupus_assets.stats.score_label import ScoreLabel

FIELDS_OF_FLOATS = ("mean", "m2", "m3", "m4")

splits = st.integers(0, 40)
scores = arrays(np.float64, 40, elements=st.floats(0, 1))
labels = arrays(np.bool_, 40)
values = arrays(np.float64, 40, elements=st.floats(-1e6, 1e6))
hashes = arrays(np.uint64, 40, elements=st.integers(2**64 - 4, 2**64 - 1))


def assert_same(a, b):
    """Compare states: counts exactly, floats to rounding relative to the largest of their kind."""
    assert type(a) is type(b)
    for field in dataclasses.fields(a):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if isinstance(x, Moments):
            assert_moments(x, y)
        elif isinstance(x, Histogram | Grid) or not dataclasses.is_dataclass(x):
            close = isinstance(x, np.ndarray) and x.dtype == np.float64
            assert np.allclose(x, y, rtol=1e-12) if close else np.all(x == y)
        else:
            assert_same(x, y)


def assert_moments(a: Moments, b: Moments):
    assert a.n == b.n
    if a.n:
        scale = np.sqrt(a.m2 / a.n) + abs(a.mean) + 1e-300
        for power, name in enumerate(FIELDS_OF_FLOATS, start=1):
            x, y = getattr(a, name), getattr(b, name)
            rounding = 1e-9 * a.n**2 * scale**power + sys.float_info.min  # denormals lose digits
            assert x == pytest.approx(y, rel=1e-9, abs=rounding)


@given(scores, labels, splits)
def test_score_and_label_add_up_over_any_split(score, label, at):
    whole = ScoreLabel.of(score, label, 0.5)
    parts = [ScoreLabel.of(score[rows], label[rows], 0.5) for rows in (slice(at), slice(at, None))]
    assert_same(parts[0] + parts[1], whole)
    assert whole + ScoreLabel.empty(0.5) == whole


@given(values, values, splits)
def test_error_sums_add_up_over_any_split(prediction, label, at):
    whole = ErrorSums.of(prediction, label)
    parts = [ErrorSums.of(prediction[rows], label[rows]) for rows in (slice(at), slice(at, None))]
    assert_same(parts[0] + parts[1], whole)
    assert whole + ErrorSums.empty() == whole


@given(hashes, hashes, splits)
def test_confusions_add_up_over_any_split(predicted, actual, at):
    whole = Confusion.of(predicted, actual)
    parts = [Confusion.of(predicted[rows], actual[rows]) for rows in (slice(at), slice(at, None))]
    assert parts[0] + parts[1] == whole
    assert parts[1] + parts[0] == whole
    assert whole + Confusion.empty() == whole


@given(scores, labels, st.floats(0, 1))
def test_every_row_is_decided_and_calibrated_once(score, label, threshold):
    state = ScoreLabel.of(score, label, threshold)
    decided = score >= threshold
    assert state.decisions.true_positives == np.sum(decided & label)
    assert state.decisions.false_positives == np.sum(decided & ~label)
    assert state.decisions.false_negatives == np.sum(~decided & label)
    assert state.decisions.true_negatives == np.sum(~decided & ~label)
    assert state.correct == np.sum(decided == label)
    assert state.calibration.rows.sum() == state.n == 40
    assert state.calibration.labels.sum() == state.positives == label.sum()
    assert state.calibration.scores.sum() == pytest.approx(score.sum())


def test_a_score_at_the_threshold_is_decided_positive_and_a_score_of_one_has_a_bin():
    state = ScoreLabel.of([0.5, 1.0], [0, 1], 0.5)
    assert state.decisions.false_positives == 1
    assert state.calibration.rows.tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 1]


def test_decisions_at_different_thresholds_do_not_add():
    with pytest.raises(StateError, match="threshold"):
        ScoreLabel.empty(0.5) + ScoreLabel.empty(0.4)


@pytest.mark.parametrize(
    ("score", "label", "message"),
    [
        ([0.2, np.nan], [0, 1], "outside"),
        ([0.2, 1.1], [0, 1], "outside"),
        ([0.2, 0.3], [0, np.nan], "neither 0 nor 1"),
        ([0.2, 0.3], [0, 2], "neither 0 nor 1"),
        ([0.2, 0.3], [1], "one label per score"),
    ],
)
def test_rows_that_should_have_been_left_out_are_refused(score, label, message):
    with pytest.raises(ValueError, match=message):
        ScoreLabel.of(score, label, 0.5)


def test_errors_that_are_not_finite_or_not_aligned_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        ErrorSums.of([1.0, np.nan], [1.0, 2.0])
    with pytest.raises(ValueError, match="one each"):
        ErrorSums.of([1.0], [1.0, 2.0])


def test_an_error_is_positive_when_the_prediction_is_too_high():
    assert ErrorSums.of([3.0], [1.0]).error.mean == 2.0


def test_a_confusion_lists_the_pairs_that_occurred_in_order():
    state = Confusion.of(np.array([9, 2, 9, 2], dtype=np.uint64), np.array([2, 9, 2, 2], dtype=np.uint64))
    assert state.predicted.tolist() == [2, 2, 9]
    assert state.actual.tolist() == [2, 9, 2]
    assert state.counts.tolist() == [1, 1, 2]
    assert (state.n, state.correct) == (4, 1)
    with pytest.raises(ValueError, match="one each"):
        Confusion.of(state.predicted, state.actual[:1])


@pytest.mark.parametrize(
    "state",
    [
        ScoreLabel.of([0.1, 0.9, 0.9], [0, 1, 0], 0.5),
        ScoreLabel.empty(0.5),
        ErrorSums.of([1.0, 2.0], [1.5, 0.0]),
        Confusion.of(np.array([9, 2], dtype=np.uint64), np.array([2, 2], dtype=np.uint64)),
        Confusion.empty(),
        Residual.of([0.25, -1.0], [0.0, 0.5]),
    ],
)
def test_joint_states_survive_their_bytes(state):
    assert codec.from_bytes(codec.to_bytes(state)) == state
