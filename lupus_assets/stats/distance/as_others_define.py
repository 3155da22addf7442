"""Distances as other packages define them, from raw rows.

A threshold on a distance of another package is valid only for that package's definition: its
bins, its treatment of empty bins, its logarithm. These functions reproduce the definitions
from raw values, to 1e-6, to convert such thresholds. They are not part of monitoring: profiles
do not keep the raw values, and the distances of `distance` behave better. Monitoring modules
do not import this module: importing ``scipy.stats`` takes longer than profiling a small file.

=================  ==========================================  ==============================================
distance           ``evidently`` (0.7.23)                      ``nannyml`` (0.13.1)
=================  ==========================================  ==============================================
`psi`              continuous, categorical                     –
`jensen_shannon`   natural log                                 base 2, which is 1.2011 times as much
`hellinger`        equal-width bins over both                  Doane's bins of the reference, and one outside
`wasserstein`      in standard deviations of the reference     in the column's unit; binned from 10,000 rows
`ks`               a p value                                   the statistic; binned from 10,000 rows
`chi_square`       goodness of fit to the reference's shares   contingency table; Yates' correction
`z_test`           p value of two shares                       –
`l_infinity`       –                                           categorical
=================  ==========================================  ==============================================

Continuous bins of Evidently: Sturges' rule on both samples pooled, except that a reference of
at most 20 distinct values is compared value by value. For integers numpy makes no bin
narrower than 1, and only for arrays of an integer type: a column that pandas would have made
float because of its nulls has to be given as float. Bins of NannyML: Doane's rule on the
reference, and one more bin for values outside of them, which is empty in the reference.

``kind`` is the type that the package assigns to the column: Evidently treats integers of at
most ten distinct values as categorical, NannyML never treats numbers so. Both packages drop
None and NaN; only Evidently drops infinite values. NannyML cannot bin them, nor can these
functions. All functions raise ``ValueError`` if a side has no values left, or if the package
has no such distance.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, ndtr, rel_entr
from scipy.stats import chi2_contingency, ks_2samp, wasserstein_distance

from lupus_assets.stats.state import Floats

Definition = Literal["evidently", "nannyml"]
Kind = Literal["continuous", "categorical"]
Values = NDArray[Any]

BY_VALUE = 20  # maximum distinct reference values that Evidently compares value by value
EXACT = 10_000  # reference rows from which on NannyML bins values for KS and Wasserstein
BINS = 10_000  # number of these equal-width bins
SMALLEST_SPREAD = 0.001  # Evidently's minimum standard deviation of the reference
FEW_ROWS, FEW_VALUES = 1_000, 5  # maxima for Evidently's tests, and for columns treated as categorical


class ChiSquare(NamedTuple):
    """A chi-square statistic, at least 0 and without unit, and its p value in [0, 1]."""

    statistic: Floats
    p: Floats


class Shares(NamedTuple):
    """Shares of two samples in the same bins; they may sum to less than 1."""

    reference: Floats
    current: Floats


def psi(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    kind: Kind = "continuous",
    definition: Definition = "evidently",
) -> float:
    """Return the population stability index in nats, at least 0.

    A share of 0 becomes 0.0001, or a millionth of that side's smallest share if that is at
    most 0.0001, and the shares are not normalised again. A bin that only one side fills therefore
    contributes several times as much once there are enough rows for a share that small.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> round(psi(rng.normal(0, 1, 5_000), rng.normal(0.3, 1.2, 800)), 4)
    0.1438
    """
    _offered(definition, "psi", "evidently")
    p, q = (_filled(shares) for shares in _evidently_shares(*_sides(reference, current, definition), kind))
    return float(np.sum((p - q) * np.log(p / q)))


def jensen_shannon(
    reference: ArrayLike, current: ArrayLike, *, kind: Kind = "continuous", definition: Definition
) -> float:
    """Return the Jensen-Shannon distance: in [0, 0.8326] for Evidently, in [0, 1] for NannyML.

    There is no smoothing; shares that do not sum to 1 are divided by their sum.
    """
    sides = _sides(reference, current, definition)
    shares = _evidently_shares(*sides, kind) if definition == "evidently" else _nannyml_shares(*sides, kind)
    p, q = (each / each.sum() for each in shares)
    middle = (p + q) / 2
    divergence = np.sum(rel_entr(p, middle) + rel_entr(q, middle)) / 2
    unit = 1.0 if definition == "evidently" else np.log(2)
    return float(np.sqrt(max(divergence, 0.0) / unit))


def hellinger(
    reference: ArrayLike, current: ArrayLike, *, kind: Kind = "continuous", definition: Definition
) -> float:
    """Return the Hellinger distance, in [0, 1].

    Evidently's bins follow Sturges' rule on the distinct values of both samples: repeated values
    give fewer bins. Few distinct values are not compared value by value here.
    """
    before, now = _sides(reference, current, definition)
    if definition == "nannyml":
        p, q = _nannyml_shares(before, now, kind)
        return float(np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2))
    if kind == "categorical":
        p, q = _shares_by_value(before, now)
    else:
        edges = np.histogram_bin_edges(np.unique(np.concatenate([before, now])), bins="sturges")
        p, q = _binned(before, edges), _binned(now, edges)
    return float(np.sqrt(1 - min(float(np.sum(np.sqrt(p * q))), 1.0)))


def wasserstein(reference: ArrayLike, current: ArrayLike, *, definition: Definition) -> float:
    """Return the first Wasserstein distance of continuous values, at least 0.

    Evidently divides it by the reference's standard deviation (of the population, at least
    0.001). NannyML gives it in the column's unit; from 10,000 reference rows on, from counts in
    10,000 equal-width bins over the reference's range, and exactly outside of that range.
    """
    before, now = _sides(reference, current, definition)
    if definition == "evidently":
        return float(wasserstein_distance(before, now) / max(float(np.std(before)), SMALLEST_SPREAD))
    if before.size < EXACT:
        return float(wasserstein_distance(before, now))
    counts, edges = np.histogram(before, bins=BINS)
    low, high = edges[0], edges[-1]
    below = np.count_nonzero(now < low)
    # NannyML counts one row too many below the lower bound, if any row is below.
    offset = (below + 1) / now.size if below else 0.0
    ahead = np.cumsum(counts / before.size) - (offset + np.cumsum(_binned(now, edges)))
    outside = np.sum(low - now[now < low]) + np.sum(now[now > high] - high)
    return float(np.sum(np.abs(ahead)) * (edges[1] - edges[0]) + outside / now.size)


def ks(reference: ArrayLike, current: ArrayLike, *, definition: Definition) -> float:
    """Return the package's Kolmogorov-Smirnov number of continuous values, in [0, 1].

    Evidently: the two-sided p value, small where the samples differ. NannyML: the statistic,
    large where they differ; from 10,000 reference rows on it is the largest difference at the
    upper bounds of 10,000 equal-width bins over the reference's range.
    """
    before, now = _sides(reference, current, definition)
    if definition == "evidently":
        return float(ks_2samp(before, now).pvalue)
    if before.size < EXACT:
        return float(ks_2samp(before, now).statistic)
    edges = np.linspace(before.min(), before.max(), BINS + 1)
    below = np.count_nonzero(now < edges[0]) / now.size
    return float(np.max(np.abs(np.cumsum(_binned(before, edges)) - below - np.cumsum(_binned(now, edges)))))


def chi_square(reference: ArrayLike, current: ArrayLike, *, definition: Definition) -> ChiSquare:
    """Return chi-square of categorical values: Evidently shows its p value, NannyML the statistic.

    Evidently tests the current counts against the reference's shares as if those were known
    exactly: this gives far more alarms than a test of two samples unless the reference is much
    longer, and p = 0 whenever a value is new. NannyML tests the contingency table of both,
    with Yates' correction for two values.
    """
    before, now = _counts_by_value(*_sides(reference, current, definition))
    if definition == "nannyml":
        result = chi2_contingency(np.stack([before, now]))
        return ChiSquare(np.asarray(result.statistic), np.asarray(result.pvalue))
    expected = before * (now.sum() / before.sum())
    if (expected == 0).any():
        return ChiSquare(np.asarray(np.inf), np.asarray(0.0))
    statistic = np.sum((now - expected) ** 2 / expected)
    return ChiSquare(np.asarray(statistic), np.asarray(chdtrc(before.size - 1, statistic)))


def z_test(reference: ArrayLike, current: ArrayLike, *, definition: Definition = "evidently") -> float:
    """Return the two-sided p value of the share of a column's smallest value, in [0, 1].

    Evidently's default for at most two values and 1,000 reference rows. The shares' difference
    is divided by its standard error under a common share; one common value gives 1.
    """
    _offered(definition, "Z test", "evidently")
    before, now = _counts_by_value(*_sides(reference, current, definition))
    if before.size == 1:
        return 1.0
    n, m = before.sum(), now.sum()
    common = (before[0] + now[0]) / (n + m)
    error = np.sqrt(common * (1 - common) * (1 / n + 1 / m))
    return float(2 * ndtr(-abs(before[0] / n - now[0] / m) / error))


def l_infinity(reference: ArrayLike, current: ArrayLike, *, definition: Definition = "nannyml") -> float:
    """Return the largest absolute difference of a categorical value's share, in [0, 1]."""
    _offered(definition, "L-infinity distance", "nannyml")
    p, q = _shares_by_value(*_sides(reference, current, definition))
    return float(np.max(np.abs(p - q)))


def evidently_default(reference: ArrayLike, current: ArrayLike, *, kind: Kind = "continuous") -> str:
    """Return the name of the function here that is Evidently's default.

    Up to 1,000 reference rows the default is a test, with an alarm for p values below 0.05; beyond
    that a distance, with an alarm from 0.1 on. A continuous column of at most five distinct values
    counts as categorical here. The default of NannyML is the Jensen-Shannon distance.
    """
    before, now = _sides(reference, current, "evidently")
    distinct = np.unique(np.concatenate([before, now])).size
    few = kind == "categorical" or distinct <= FEW_VALUES
    if before.size > FEW_ROWS:
        return "jensen_shannon" if few else "wasserstein"
    if not few:
        return "ks"
    return "chi_square" if distinct > 2 else "z_test"


def _offered(definition: Definition, name: str, by: Definition) -> None:
    if definition != by:
        raise ValueError(f"{definition} has no {name}; definition={by!r} has")


def _sides(reference: ArrayLike, current: ArrayLike, definition: Definition) -> tuple[Values, Values]:
    """Return both samples without the values that the package drops."""
    if definition not in ("evidently", "nannyml"):
        raise ValueError(f"definition is {definition!r}; give 'evidently' or 'nannyml'")
    sides = _present(reference, definition), _present(current, definition)
    if not all(side.size for side in sides):
        raise ValueError("a window without values has no distance; check its count first")
    return sides


def _present(values: ArrayLike, definition: Definition) -> Values:
    array = np.asarray(values)
    if array.dtype.kind == "f":
        return np.asarray(array[np.isfinite(array) if definition == "evidently" else ~np.isnan(array)])
    if array.dtype.kind == "O":
        return np.asarray([each for each in array if each is not None and each == each])
    return array


def _evidently_shares(reference: Values, current: Values, kind: Kind) -> Shares:
    if kind == "categorical" or np.unique(reference).size <= BY_VALUE:
        return _shares_by_value(reference, current)
    edges = np.histogram_bin_edges(np.concatenate([reference, current]), bins="sturges")
    return Shares(_binned(reference, edges), _binned(current, edges))


def _nannyml_shares(reference: Values, current: Values, kind: Kind) -> Shares:
    if kind == "categorical":
        known = np.isin(current, reference)
        before, now = _counts_by_value(reference, current[known])
        p, q = before / reference.size, now / current.size
        outside = float(1 - np.count_nonzero(known) / current.size)
    else:
        edges = np.histogram_bin_edges(reference.astype(np.float64), bins="doane")
        p, q = _binned(reference, edges), _binned(current, edges)
        outside = max(1 - float(q.sum()), 0.0)
    return Shares(np.append(p, 0.0), np.append(q, outside))


def _binned(values: Values, edges: Floats) -> Floats:
    return np.histogram(values, bins=edges)[0] / values.size


def _shares_by_value(reference: Values, current: Values) -> Shares:
    before, now = _counts_by_value(reference, current)
    return Shares(before / before.sum(), now / now.sum())


def _counts_by_value(reference: Values, current: Values) -> tuple[Floats, Floats]:
    """Return the counts of both samples per value of their union, in the order of the values."""
    values, places = np.unique(np.concatenate([reference, current]), return_inverse=True)
    before, now = np.split(places, [reference.size])
    return (
        np.bincount(before, minlength=values.size).astype(np.float64),
        np.bincount(now, minlength=values.size).astype(np.float64),
    )


def _filled(shares: Floats) -> Floats:
    """Return the shares with 0 replaced by Evidently's value."""
    least = float(shares[shares > 0].min())
    return np.where(shares == 0, least / 1e6 if least <= 0.0001 else 0.0001, shares)
