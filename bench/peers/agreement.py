"""Whether a contender's numbers are those of the same rows: nobody is compared on other work.

Standard library only, like all that runs beside the measured processes.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Numbers = Mapping[str, Mapping[str, float]]  # of a column, of a statistic

# Counts and extremes have to be equal.
RELATIVE = {
    "mean": 1e-9,  # of the standard deviation and the mean together
    "sd": 1e-9,
    "distinct": 0.15,  # five standard errors of the coarsest sketch
}
ABSOLUTE = {
    "wasserstein": 1e-6,
    "jensen_shannon": 1e-6,
    "ks": 0.005,  # the largest bin mass of a smooth column, which is what Lupus may miss
}


class Agreement(NamedTuple):
    """How many numbers were compared, and those that differ, as text."""

    compared: int
    differences: tuple[str, ...]


def agreement(found: Mapping[str, Any], exact: Mapping[str, Any], drift: Numbers | None = None) -> Agreement:
    """Compare what a contender printed with the truth; statistics that only one has are not compared.

    Parameters
    ----------
    found : mapping
        ``rows``, and ``columns`` or ``drift`` or both, by column and statistic.
    exact : mapping
        ``rows`` and ``columns`` of ``scripts/exact.py``.
    drift : mapping, optional
        Drift by the contender's own definition.
    """
    pairs = [("rows", found["rows"], exact["rows"], 0.0), *_pairs(found.get("columns", {}), exact["columns"])]
    if drift is not None:
        pairs += _pairs(found.get("drift", {}), drift)
    wrong = [
        f"{name}: {value}, not {truth}"
        for name, value, truth, allowed in pairs
        if not abs(value - truth) <= allowed
    ]
    return Agreement(len(pairs), tuple(wrong))


def _pairs(found: Numbers, exact: Numbers) -> Iterator[tuple[str, float, float, float]]:
    """Yield each number that both have: its name, both values and the difference that is allowed."""
    for column, numbers in found.items():
        known = exact.get(column, {})
        for statistic in sorted(numbers.keys() & known.keys()):
            truth = known[statistic]
            scale = abs(truth) + (known.get("sd", 0.0) if statistic == "mean" else 0.0)
            allowed = RELATIVE.get(statistic, 0.0) * scale + ABSOLUTE.get(statistic, 0.0)
            yield f"{column} {statistic}", numbers[statistic], truth, allowed
