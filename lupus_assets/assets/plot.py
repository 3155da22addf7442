"""Numbers for plots over time: Dagit plots an asset's numeric metadata by partition."""

from collections.abc import Iterable

from lupus_assets.declare import MonitoredModel
from lupus_assets.records import EVERYTHING, MetricRow

OF_PREDICTION = ("mean", "psi", "residual_mean", "residual_spread")


def metric_numbers(model: MonitoredModel, rows: Iterable[MetricRow]) -> dict[str, float]:
    """Return the plotted numbers of one partition, by the name of the plot.

    They are the number of rows, the largest null rate and the largest PSI of an input, the metrics
    `OF_PREDICTION` of the prediction, and the realised performance where labels are in.
    """
    numbers: dict[str, float] = {}
    prediction = model.columns.prediction.column
    for row in rows:
        if row.value is None or row.segment != EVERYTHING or row.version != EVERYTHING:
            continue
        if row.metric == "row_count":
            numbers["rows"] = row.value
        elif row.family == "input" and row.metric in ("null_rate", "psi"):
            name = f"largest {row.metric}"
            numbers[name] = max(numbers.get(name, 0.0), row.value)
        elif row.column_name == prediction and row.family == "prediction" and row.metric in OF_PREDICTION:
            numbers[f"{prediction} {row.metric}"] = row.value
        elif row.family == "performance" or row.metric == "base_rate":
            numbers[row.metric] = row.value
    return numbers
