#!/usr/bin/env bash
# Evidently's PSI at its own threshold of 0.1 calls drift in most samples of 100 rows of the very distribution of the reference: the bins
# follow a rule for the pooled rows, empty ones count as 0.0001, and nothing takes the size of the sample off. A team with a hundred
# predictions a day has an alarm almost every day. At 1,000 rows it is silent.
# evidently 0.7.23 (PyPI), ValueDrift(method="psi").
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
DRAWS = 50
share = {}
for rows in (100, 1_000, 10_000):
    scores = [drift(rng.normal(size=5_000), rng.normal(size=rows), method="psi")[0] for _ in range(DRAWS)]
    share[rows] = float(np.mean(np.array(scores) >= 0.1))
    print(f"{rows:>6} rows, no drift: median PSI {np.median(scores):.3f}, called drift in {share[rows]:.0%} of {DRAWS} draws")
assert share[100] > 0.6, "the behaviour has changed"
assert share[10_000] == 0.0
PYTHON
"$folder/venv/bin/python" "$folder/probe.py"
