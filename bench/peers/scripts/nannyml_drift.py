"""NannyML: univariate drift of one day against another, with its default method and ten chunks."""

import json
import sys

import nannyml
import pandas as pd

CATEGORICAL = ["s_5", "s_50", "s_5000", "s_200000", "flag", "y"]

current, reference = (pd.read_parquet(path) for path in sys.argv[1:])
names = [name for name in current if name != "ts"]
calculator = nannyml.UnivariateDriftCalculator(column_names=names, treat_as_categorical=CATEGORICAL)
result = calculator.fit(reference).calculate(current).filter(period="analysis").to_df()

# the first chunk is the first tenth of the rows
drift = {name: {"jensen_shannon": float(result[name, "jensen_shannon", "value"].iloc[0])} for name in names}
json.dump({"version": nannyml.__version__, "rows": len(current), "drift": drift}, sys.stdout)
