"""NannyML's drift of every pair of columns in a folder, by every method that suits its kind.

A pair is two files of one column, ``<name>~<kind>~reference.parquet`` and ``<name>~<kind>~current.parquet``.
``--export`` first writes pairs of NannyML's own data set into the folder: its reference, and a chunk of 5,000
rows before and after the drift that was put into it.
"""

import json
import sys
from pathlib import Path

import nannyml
import pandas as pd

METHODS = {
    "continuous": {
        "jensen_shannon": "jensen_shannon",
        "hellinger": "hellinger",
        "wasserstein": "wasserstein",
        "ks": "kolmogorov_smirnov",
    },
    "categorical": {
        "jensen_shannon": "jensen_shannon",
        "hellinger": "hellinger",
        "chi_square": "chi2",
        "l_infinity": "l_infinity",
    },
}
CAR_LOAN = {
    "car_value": "continuous",
    "debt_to_income_ratio": "continuous",
    "driver_tenure": "continuous",
    "loan_length": "continuous",
    "salary_range": "categorical",
    "size_of_downpayment": "categorical",
}
CHUNK = 5_000


def export(folder: Path) -> None:
    """Write pairs of the car loan data."""
    reference, analysis, _ = nannyml.load_synthetic_car_loan_dataset()
    for column, kind in CAR_LOAN.items():
        for chunk in (0, 5):
            rows = analysis.iloc[chunk * CHUNK : (chunk + 1) * CHUNK]
            for side, frame in (("reference", reference), ("current", rows)):
                values = frame[[column]].set_axis(["value"], axis=1).reset_index(drop=True)
                values.to_parquet(folder / f"car_loan.{column}.{chunk}~{kind}~{side}.parquet")


folder = Path(sys.argv[1])
if "--export" in sys.argv:
    export(folder)
found: dict[str, dict[str, float]] = {}
for path in sorted(folder.glob("*~reference.parquet")):
    name, kind, _ = path.name.split("~")
    reference, current = (
        pd.read_parquet(path),
        pd.read_parquet(path.with_name(f"{name}~{kind}~current.parquet")),
    )
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=["value"],
        treat_as_categorical=["value"] if kind == "categorical" else None,
        treat_as_numerical=["value"] if kind == "continuous" else None,
        continuous_methods=list(METHODS["continuous"].values()),
        categorical_methods=list(METHODS["categorical"].values()),
        chunk_number=1,
    )
    result = calculator.fit(reference).calculate(current).filter(period="analysis").to_df()
    found[name] = {
        ours: float(result["value", each, "value"].iloc[0]) for ours, each in METHODS[kind].items()
    }
json.dump(found, sys.stdout)
