"""Which columns of a wide model are looked at together: those that say most of the score one by one.

What columns say together takes memory and time by the square of their number. Beyond a few hundred, those
whose own relation with the score is strongest are taken, which is sure independence screening (Fan and Lv,
*Journal of the Royal Statistical Society* B 70, 2008). Each of the others is watched by itself alone.
"""

from collections.abc import Sequence

import numpy as np

from lupus_assets.stats.moments import Moments
from lupus_assets.stats.state import Counts, Floats


def strength(rows: Counts, sums: Floats, score: Moments) -> float:
    """Return the share of the score's variance that one column explains: adjusted R², at most 1.

    Parameters
    ----------
    rows : ndarray of int64, shape (codes,)
        Scored rows with each code of the column.
    sums : ndarray of float64, shape (codes,)
        Of their scores.
    score : Moments
        Of all these scores.

    Returns
    -------
    float
        About 0 of a column that says nothing, however many codes it has; −inf where there is no telling.
    """
    some = rows > 0
    codes = np.count_nonzero(some)
    if score.n <= codes or not 0 < score.m2 < np.inf:
        return -np.inf
    with np.errstate(over="ignore", invalid="ignore"):
        away = sums[some] / rows[some] - score.mean
        share = float(rows[some] @ (away * away)) / score.m2
    return 1 - (1 - share) * (score.n - 1) / (score.n - codes) if np.isfinite(share) else -np.inf


def strongest(strengths: Sequence[float], widths: Sequence[int], *, columns: int, codes: int) -> list[int]:
    """Return the places of the strongest columns, increasing; of equal strength the first come first.

    Parameters
    ----------
    strengths : sequence of float
    widths : sequence of int
        How many codes each column has.
    columns, codes : int
        The most that may be taken.
    """
    order = np.argsort(-np.asarray(strengths, np.float64), kind="stable")[:columns]
    within = np.cumsum(np.asarray(widths, np.int64)[order]) <= codes
    return sorted(order[within].tolist())
