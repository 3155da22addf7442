"""The interval that `make mutants` prints beside a score."""

import pytest
from scipy.stats import binomtest

from bench.mutation.interval import wilson


@pytest.mark.parametrize(("killed", "total"), [(0, 1), (1, 1), (9, 10), (94, 100), (361, 400)])
def test_the_interval_is_wilsons(killed, total):
    theirs = binomtest(killed, total).proportion_ci(method="wilson")
    assert wilson(killed, total) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_nothing_says_nothing():
    assert wilson(0, 0) == (0.0, 1.0)
