"""What others foretell is no news of its own: from when on, how much of it, and by whom."""

import numpy as np
import pytest

from lupus_assets.detect.gate import FIRST_FIT, LEAST_PROOF, Gate
from lupus_assets.detect.history import WINDOWS

PARTITIONS = 300


def deviations(seed: int = 0, noise: float = 0.3, other: float = 1.0) -> np.ndarray:
    """Return deviations of two series that share a front, and of one by itself: (partitions, windows, 3)."""
    rng = np.random.default_rng(seed)
    shape = (PARTITIONS, len(WINDOWS))
    front = rng.normal(size=shape)
    return np.stack([front, other * front + noise * rng.normal(size=shape), rng.normal(size=shape)], axis=2)


def gated(z: np.ndarray, targets=(0, 1, 2), foretells=(0, 1, 2)) -> np.ndarray:
    gate = Gate(np.array(targets), 0, np.array(foretells, np.int64))
    return np.array([gate.step(each) for each in z])


def test_nothing_is_taken_away_before_it_is_proven_and_then_at_once():
    z = deviations()
    found = gated(z)
    first = FIRST_FIT + LEAST_PROOF
    np.testing.assert_array_equal(found[:first], z[:first])
    assert (found[first, :, :2] != z[first, :, :2]).all()


def test_what_is_foretold_is_taken_away_and_what_is_not_stays():
    z = deviations()
    found = gated(z)
    late = slice(150, None)
    assert np.abs(found[late, :, :2]).mean() < 0.4 * np.abs(z[late, :, :2]).mean()
    np.testing.assert_array_equal(found[late, :, 2], z[late, :, 2])


def test_a_deviation_never_grows_and_never_turns():
    z = deviations(noise=0.5, other=-1.0)
    found = gated(z)
    assert (np.abs(found) <= np.abs(z)).all()
    assert (found * z >= 0).all()
    turned = (found == 0) & (z != 0)
    assert turned.any()  # what the others overdo is nothing, and no news of the other sign


def test_no_series_is_foretold_by_its_own_target():
    z = deviations()
    np.testing.assert_array_equal(gated(z, targets=(0, 0, 1))[..., :2], z[..., :2])
    assert (gated(z, targets=(0, 1, 1))[200:, :, 0] != z[200:, :, 0]).any()


def test_only_what_foretells_is_asked():
    z = deviations()
    np.testing.assert_array_equal(gated(z, foretells=()), z)
    found = gated(z, foretells=(0,))
    np.testing.assert_array_equal(found[..., 0], z[..., 0])
    assert np.abs(found[150:, :, 1]).mean() < 0.5 * np.abs(z[150:, :, 1]).mean()


def test_what_helps_by_little_is_left_alone():
    """A prediction counts that takes away 15 % of the deviations."""
    for noise, helps in ((0.5, True), (4.0, False)):
        z = deviations(noise=noise)
        found = gated(z, foretells=(0,))
        assert (found[200:, :, 1] != z[200:, :, 1]).any() == helps


def test_gaps_stay_gaps_and_teach_nothing():
    z = deviations()
    z[40:60, :, 1] = np.nan
    found = gated(z)
    assert np.isnan(found[40:60, :, 1]).all()
    assert np.isfinite(np.delete(found, slice(40, 60), axis=0)).all()


@pytest.mark.parametrize("others", [(0,), (0, 2)])
def test_the_weights_are_those_of_ridge_regression_over_the_past(others):
    """Hoerl and Kennard (1970): (X'X + 15 I)⁻¹ X'y over deviations that count for at most five."""
    z = deviations(noise=0.6) * 2
    at = FIRST_FIT + 14 * 9
    found = gated(z[: at + 1], foretells=others)[at]
    for window in range(len(WINDOWS)):
        past = np.clip(z[:at, window], -5, 5)
        x, y = past[:, list(others)], past[:, 1]
        weights = np.linalg.solve(x.T @ x + 15 * np.eye(len(others)), x.T @ y)
        rest = z[at, window, 1] - z[at, window, list(others)] @ weights
        now = z[at, window, 1]
        expected = np.sign(now) * min(abs(now), abs(rest)) if np.sign(rest) == np.sign(now) else 0.0
        assert found[window, 1] == pytest.approx(expected)


def test_more_predictors_than_partitions_foretell_what_ridge_regression_does():
    rng = np.random.default_rng(5)
    front = rng.normal(size=(PARTITIONS, len(WINDOWS), 1))
    z = np.concatenate([front + 0.5 * rng.normal(size=front.shape) for _ in range(61)], axis=2)
    z[..., 1:41] *= rng.uniform(0.2, 1, 40)
    at = FIRST_FIT + 28  # 56 partitions, 60 predictors of other targets
    found = gated(z[: at + 1], targets=tuple(range(61)), foretells=tuple(range(61)))[at]
    for window in range(len(WINDOWS)):
        past = np.clip(z[:at, window], -5, 5)
        x, y = past[:, 1:], past[:, 0]
        weights = np.linalg.solve(x.T @ x + 15 * np.eye(60), x.T @ y)
        now, rest = z[at, window, 0], z[at, window, 0] - np.clip(z[at, window, 1:], -8, 8) @ weights
        expected = np.sign(now) * min(abs(now), abs(rest)) if np.sign(rest) == np.sign(now) else 0.0
        assert found[window, 0] == pytest.approx(expected)
