"""Hypothesis strategies: the columns that break monitors."""

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from lupus_assets.stats.grid import Grid

SALT = b"salt of the tests"

ODD = (np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-310, 1.0, -1.0, 1e300, -1e300)


def _floats(elements: st.SearchStrategy[float], max_size: int) -> st.SearchStrategy[NDArray[np.float64]]:
    return hnp.arrays(np.float64, st.integers(0, max_size), elements=elements)


def finite_arrays(max_size: int = 60, limit: float = 1e6) -> st.SearchStrategy[NDArray[np.float64]]:
    """Return finite columns: empty, constant, smooth, repeating, around a year, denormal."""
    return st.one_of(
        _floats(st.floats(-limit, limit), max_size),
        _floats(st.sampled_from([0.0, -0.0, 1.0, 2.0]), max_size),
        _floats(st.floats(2012, 2014), max_size),
        _floats(st.floats(-1e-307, 1e-307), max_size),
        st.builds(np.full, st.integers(0, max_size), st.floats(-limit, limit)),
    )


def arrays(max_size: int = 60) -> st.SearchStrategy[NDArray[np.float64]]:
    """Return any columns: also NaN, inf and numbers whose powers overflow."""
    return st.one_of(
        finite_arrays(max_size), _floats(st.sampled_from(ODD), max_size), _floats(st.floats(), max_size)
    )


def grids() -> st.SearchStrategy[Grid]:
    """Return grids as columns have them."""
    decimals = st.none() | st.integers(0, 4)
    return st.builds(Grid, st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), decimals)


def splits(
    columns: Callable[[], st.SearchStrategy[NDArray[np.float64]]] = arrays,
) -> st.SearchStrategy[list[NDArray[np.float64]]]:
    """Return a column cut into one to five parts, in any order."""
    return st.lists(columns(), min_size=1, max_size=5)


def category_counts(max_size: int = 30) -> st.SearchStrategy[dict[str, int]]:
    """Return rows by value; few values, so that parts share some."""
    values = st.one_of(st.sampled_from(["", "true", "false", "JFK", "東京", "a\x00b"]), st.text(max_size=3))
    return st.dictionaries(values, st.integers(0, 1_000), max_size=max_size)
