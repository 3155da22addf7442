#!/usr/bin/env bash
# Evidently leaves infinite values out of a column before it measures drift, and says so nowhere: a feature of which half the rows have
# become infinite (a division by zero upstream) has the score of an ordinary day. One extreme value in the *reference* blinds the
# default score too: it is a distance over the reference's standard deviation, and a shift of three of the other rows' goes unseen.
# evidently 0.7.23 (PyPI), ValueDrift with its default for 5,000 rows (normed Wasserstein distance, threshold 0.1).
set -euo pipefail
export DO_NOT_TRACK=1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "evidently==0.7.23" "pandas==2.2.3" "numpy==2.4.6"
cat > "$folder/probe.py" <<'PYTHON'
import warnings

warnings.filterwarnings("ignore")
import evidently
import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift

DEFINITION = DataDefinition(numerical_columns=["x"])


def drift(reference, current, **options):
    """Return the score of the column, which Evidently compares with its threshold."""
    both = (Dataset.from_pandas(pd.DataFrame({"x": each}), data_definition=DEFINITION) for each in (current, reference))
    (found,) = Report([ValueDrift(column="x", **options)]).run(*both).dict()["metrics"]
    return float(found["value"]), found["metric_name"]


rng = np.random.default_rng(0)
print("evidently", evidently.__version__)
reference, ordinary = rng.normal(size=5_000), rng.normal(size=5_000)
half_infinite = np.where(np.arange(5_000) % 2, np.inf, ordinary)
one_extreme = np.append(reference[1:], 1e9)
cases = {
    "an ordinary day": (reference, ordinary),
    "half of the rows infinite": (reference, half_infinite),
    "a shift of 3 standard deviations": (reference, ordinary + 3),
    "the same, one value of 1e9 in the reference": (one_extreme, ordinary + 3),
}
scores = {}
for name, pair in cases.items():
    scores[name], metric = drift(*pair)
    print(f"{name}: {scores[name]:.3f}, {'drift' if scores[name] >= 0.1 else 'no drift'}")
print(metric)
seen = [score >= 0.1 for score in scores.values()]
assert seen == [False, False, True, False], "the behaviour has changed"
PYTHON
"$folder/venv/bin/python" "$folder/probe.py"
