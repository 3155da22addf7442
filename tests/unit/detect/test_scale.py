import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lupus_assets.detect.scale import (
    LEAST_PROBABILITY,
    MOST_CORRELATION,
    SCALES,
    count_variance,
    share_variance,
)

WITHIN = {
    "natural": st.floats(-1e6, 1e6),
    "fraction": st.floats(0, 1),
    "count": st.integers(0, 10**9).map(float),
    "positive": st.floats(1e-9, 1e9),
    "share": st.floats(0, 1),
    "probability": st.floats(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY),
    "correlation": st.floats(-MOST_CORRELATION, MOST_CORRELATION),
    "distance": st.floats(0, 1e6),
}


def at(x: float) -> np.ndarray:
    return np.array([x])


def test_every_scale_is_inverted_here():
    assert WITHIN.keys() == SCALES.keys()


@pytest.mark.parametrize("name", SCALES)
@given(st.data(), st.integers(1, 10**6))
def test_a_scale_leads_back_to_the_value(name, data, n):
    value = data.draw(WITHIN[name])
    there = SCALES[name].forward(at(value), at(n))
    assert SCALES[name].backward(there, at(n))[0] == pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", SCALES)
@given(st.data(), st.integers(1, 10**6))
def test_a_larger_value_is_never_lower_on_its_scale(name, data, n):
    low, high = sorted((data.draw(WITHIN[name]), data.draw(WITHIN[name])))
    forward = SCALES[name].forward
    assert forward(at(low), at(n))[0] <= forward(at(high), at(n))[0]


@given(st.floats(-10, 10), st.integers(1, 10**6))
def test_a_share_that_leads_back_from_anywhere_stays_within_0_and_1(y, n):
    assert 0 <= SCALES["share"].backward(at(y), at(n))[0] <= 1


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9])
def test_the_noise_of_a_share_hardly_depends_on_its_level(share):
    n, rng = 400, np.random.default_rng(1)
    shares = rng.binomial(n, share, 20_000) / n
    variance = SCALES["share"].forward(shares, np.full(20_000, n)).var()
    assert variance == pytest.approx(share_variance(at(n))[0], rel=0.06)


def test_the_noise_of_a_count_is_that_of_poisson():
    counts = np.random.default_rng(1).poisson(200, 20_000).astype(float)
    assert SCALES["count"].forward(counts, counts).var() == pytest.approx(
        count_variance(at(200))[0], rel=0.05
    )


@pytest.mark.parametrize(
    ("name", "beyond", "end"),
    [
        ("share", 1.5, 1.04),  # the highest there is of ten rows and Anscombe's three eighths
        ("share", -0.5, -0.0375),
        ("probability", 1.5, 1 - LEAST_PROBABILITY),
        ("probability", -0.5, LEAST_PROBABILITY),
        ("correlation", 1.5, MOST_CORRELATION),
        ("correlation", -1.5, -MOST_CORRELATION),
        ("distance", -1.0, 0.0),
        ("positive", -1.0, 1e-300),
    ],
)
def test_what_lies_beyond_a_scale_is_at_its_end(name, beyond, end):
    forward = SCALES[name].forward
    assert forward(at(beyond), at(10)) == pytest.approx(forward(at(end), at(10)), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "beyond", "end"),
    [("share", 9.0, 1.0), ("share", -9.0, 0.0), ("fraction", 1.5, 1.0), ("fraction", -0.5, 0.0),
     ("count", -9.0, 0.0), ("distance", -1.0, 0.0)],
)  # fmt: skip
def test_what_leads_back_beyond_a_unit_is_at_its_end(name, beyond, end):
    assert SCALES[name].backward(at(beyond), at(10))[0] == end
