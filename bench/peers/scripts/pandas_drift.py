"""pandas and scipy, as a notebook would: describe, KS and PSI of numbers, chi-square and PSI of the rest."""

import json
import sys

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, ks_2samp

CATEGORICAL = ["s_5", "s_50", "s_5000", "s_200000", "flag", "y"]


def psi(before: np.ndarray, now: np.ndarray) -> float:
    """Return PSI in nats, half a row added to every bin."""
    p, q = ((counts + 0.5) / (counts + 0.5).sum() for counts in (before, now))
    return float(np.sum((q - p) * np.log(q / p)))


current, reference = (pd.read_parquet(path) for path in sys.argv[1:])
columns: dict[str, dict[str, float]] = {}
drift: dict[str, dict[str, float]] = {}
for name in current:
    now, before = current[name].dropna(), reference[name].dropna()
    columns[name] = {"missing": len(current) - len(now)}
    if name in CATEGORICAL:
        columns[name]["distinct"] = now.nunique()
        both = pd.concat([before.value_counts(), now.value_counts()], axis=1).fillna(0).to_numpy()
        drift[name] = {"chi2": float(chi2_contingency(both.T)[0]), "psi": psi(both[:, 0], both[:, 1])}
    elif name != "ts":
        columns[name] |= {key: float(getattr(now, key)()) for key in ("min", "max", "mean")}
        columns[name] |= {"sd": float(now.std()), "distinct": now.nunique()}
        cuts = np.unique(before.quantile(np.arange(1, 10) / 10))
        counts = [np.bincount(np.searchsorted(cuts, side), minlength=len(cuts) + 1) for side in (before, now)]
        drift[name] = {"ks": float(ks_2samp(before, now, method="asymp").statistic), "psi": psi(*counts)}
json.dump({"version": pd.__version__, "rows": len(current), "columns": columns, "drift": drift}, sys.stdout)
