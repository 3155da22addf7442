"""TensorFlow Data Validation: its default statistics of a data frame, in this one process."""

import json
import math
import sys

import pandas as pd
import tensorflow_data_validation as tfdv

frame = pd.read_parquet(sys.argv[1])
found = tfdv.generate_statistics_from_dataframe(frame, n_jobs=1).datasets[0]

columns = {}
for feature in found.features:
    name = feature.path.step[0]
    numeric = feature.HasField("num_stats")
    common = feature.num_stats.common_stats if numeric else feature.string_stats.common_stats
    columns[name] = {"missing": found.num_examples - common.num_non_missing}
    if numeric:
        stats = feature.num_stats
        sd = stats.std_dev * math.sqrt(
            common.num_non_missing / (common.num_non_missing - 1)
        )  # it divides by n
        columns[name] |= {"mean": stats.mean, "sd": sd, "min": stats.min, "max": stats.max}
    else:
        columns[name]["distinct"] = feature.string_stats.unique
json.dump({"version": tfdv.__version__, "rows": found.num_examples, "columns": columns}, sys.stdout)
