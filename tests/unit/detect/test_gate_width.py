"""What many columns foretell of each other, and at which cost."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lupus_assets.detect.detector import replay
from lupus_assets.detect.gate import PAST, RIDGE, blocks, dual, primal
from lupus_assets.detect.history import WINDOWS, Group, Heard, History, Role, Series

SIZES = st.integers(1, 12)


def plain(predictors, series, target, own, others):
    """Return what ridge regression foretells, one series at a time."""
    found = np.empty((len(WINDOWS), series.shape[2]))
    for window in range(len(WINDOWS)):
        for at, of in enumerate(target.tolist()):
            use = own != of
            given = predictors[window][:, use]
            system = given.T @ given + RIDGE * np.eye(use.sum())
            weights = np.linalg.solve(system, given.T @ series[window][:, at])
            found[window, at] = others[window, use] @ weights
    return found


@settings(max_examples=60, deadline=None)
@given(SIZES, SIZES, SIZES, st.integers(0, 2**32))
def test_both_forms_of_ridge_regression_foretell_what_one_regression_per_series_does(rows, many, few, seed):
    rng = np.random.default_rng(seed)
    target, own = rng.integers(0, 4, few), rng.integers(-1, 4, many)
    predictors, series = rng.normal(size=(3, rows, many)), rng.normal(size=(3, rows, few))
    others = rng.normal(size=(3, many))
    expected = plain(predictors, series, target, own, others)
    for solve in (primal, dual):
        found = solve(predictors, series, blocks(target, own)).predict(others)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def history(columns: int, rng: np.random.Generator, days: int = 60) -> History:
    """Return a history of four metrics a column, all of which move with one front."""
    target = np.repeat(np.arange(columns), 4)
    size = target.size
    values = rng.normal(size=(days, size)) / 2 + rng.normal(size=(days, 1))
    return History(
        series=Series(
            target=target,
            rare=np.zeros(size, dtype=bool),
            side=np.zeros(size, dtype=np.int64),
            role=np.full(size, int(Role.MARGINAL)),
            foretells=np.ones(size, dtype=bool),
            least=np.full(size, -np.inf),
            group=np.full(columns, int(Group.COLUMNS)),
            column=np.ones(columns, dtype=bool),
        ),
        values=values,
        variance=np.full(values.shape, 0.01),
        n=np.full(values.shape, 100.0),
        design=np.ones(values.shape),
        phases=np.zeros((days, 0), dtype=np.int64),
        cycles=(),
        warm=28,
        per_month=30.0,
    )


def test_where_predictors_pass_the_memory_verdicts_go_on_as_they_were(monkeypatch):
    """The other of the two systems is solved then: the same but for rounding."""
    wide = history(PAST // 4 + 1, np.random.default_rng(1))
    found = replay(wide, [1.0])
    monkeypatch.setattr("lupus_assets.detect.gate.PAST", 4 * PAST)
    for by_dual, by_primal in zip(found, replay(wide, [1.0]), strict=True):
        np.testing.assert_allclose(by_dual.surprise, by_primal.surprise, rtol=1e-7, atol=1e-9)
        assert by_dual.named == by_primal.named


@pytest.mark.parametrize(("columns", "most"), [(100, 100), (500, 300)])
def test_what_the_labels_hear_of_many_columns_is_no_matter_of_its_square(columns, most):
    """A month of labels behind a model of many columns: 1.5 GB at 100, and 60 GiB asked for at 500."""
    rng = np.random.default_rng(2)
    labels = history(1, rng, days=31)
    labels = replace(labels, series=replace(labels.series, foretells=np.zeros(4, dtype=bool)), warm=28)
    heard = Heard(rng.normal(size=(31, len(WINDOWS), 4 * columns)), np.zeros((1, 31), dtype=bool))
    tracemalloc.start()
    try:
        replay(history(columns, rng, days=31), [1.0])
        replay(labels, [1.0], heard)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
    assert peak < most  # MB
