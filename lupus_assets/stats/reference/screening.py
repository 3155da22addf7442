"""Screening of the columns of a wide model by the strength of their relation with the score.

Joint analysis of columns takes memory and time quadratic in their number. Beyond a few hundred columns, those
with the strongest individual relation with the score are selected: sure independence screening (Fan and Lv,
*Journal of the Royal Statistical Society* B 70, 2008). The other columns are monitored individually only.
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
        Rows with a score, per code of the column.
    sums : ndarray of float64, shape (codes,)
        Sums of their scores.
    score : Moments
        Moments of all these scores.

    Returns
    -------
    float
        About 0 for an unrelated column with any number of codes; −inf if undefined.
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
    """Return the positions of the strongest columns, increasing; the first of equal strength are preferred.

    Parameters
    ----------
    strengths : sequence of float
    widths : sequence of int
        Number of codes of each column.
    columns, codes : int
        Maximum number of columns, and of their codes together.
    """
    order = np.argsort(-np.asarray(strengths, np.float64), kind="stable")[:columns]
    within = np.cumsum(np.asarray(widths, np.int64)[order]) <= codes
    return sorted(order[within].tolist())
