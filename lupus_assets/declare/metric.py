"""The catalogue of all metrics, by the names in rules, in the order for readers.

The entries of distances and of performance stand beside the functions that compute them, in
`lupus_assets.stats.distance` and `lupus_assets.stats.performance`; the other entries are here. Belongs here:
the definition of a metric. Does not belong here: its computation (`lupus_assets.measuring`).
"""

from functools import partial

from lupus_assets.stats.distance.table import DISTANCES
from lupus_assets.stats.metric import KINDS, Metric
from lupus_assets.stats.performance.table import PERFORMANCE

RANKS = ("", "second ", "third ", "fourth ", "fifth ")  # words for the rank of a category by frequency
STUCK = 0.5  # least share of one value for an alarm: the column may be stuck
NUMBERS = ("score", "value")  # kinds of prediction with a surrogate
FAMILIES = ("performance", "target", "prediction", "input", None)  # in the order of messages

_share = partial(Metric, scale="share", percent=True)
_rare = partial(Metric, scale="share", side=1, judged=True, percent=True, rare=True)

METRICS: dict[str, Metric] = {
    # completeness
    "row_count": Metric(
        "rows of the window, duplicates included; a count",
        "number of rows",
        "count",
        judged=True,
        family="input",
        completeness=True,
    ),
    "duplicate_rate": _rare(
        "share of rows whose key (without one: whole row) came before in the window; 0 to 1",
        "share of duplicated rows",
        family="input",
        completeness=True,
    ),
    "null_rate": _rare(
        "share of rows in which the column is null; 0 to 1", "share of null", completeness=True
    ),
    "nan_rate": _rare(
        "share of values (not null) that are not a number (NaN); 0 to 1", "share of NaN in", completeness=True
    ),
    "infinity_rate": _rare(
        "share of values (not null) that are plus or minus infinity; 0 to 1",
        "share of infinities in",
        completeness=True,
    ),
    "zero_rate": _share("share of finite values that are exactly zero; 0 to 1", "share of zeros in"),
    "outside_rate": _rare(
        "share of rows timed outside the window; 0 to 1",
        "share of rows timed outside their window in",
        family="input",
        completeness=True,
    ),
    "invalid_rate": _rare(
        "share of rows whose score is outside [0, 1] or not finite; 0 to 1",
        "share of scores outside [0, 1] in",
        family="prediction",
        predictions=("score",),
        completeness=True,
    ),
    "labelled_rate": _share(
        "share of rows whose label had come in by the as-of time; 0 to 1",
        "share of rows with a label in",
        side=-1,
        judged=True,
        family="target",
        completeness=True,
    ),
    # level and shape of a numeric column, over its finite values
    "mean": Metric("arithmetic mean; in the column's unit", "mean of", "natural"),
    "sd": Metric("standard deviation; in the column's unit", "standard deviation of", "positive"),
    "skewness": Metric("third standardised moment; no unit, 0 if symmetric", "skewness of", "natural"),
    "kurtosis": Metric(
        "fourth standardised moment minus 3; no unit, 0 for a normal distribution",
        "excess kurtosis of",
        "natural",
    ),
    "minimum": Metric("smallest value; in the column's unit", "minimum of", "natural"),
    "q01": Metric("1 % quantile; in the column's unit", "1 % quantile of", "natural"),
    "q05": Metric("5 % quantile; in the column's unit", "5 % quantile of", "natural"),
    "q25": Metric("25 % quantile; in the column's unit", "lower quartile of", "natural"),
    "median": Metric("50 % quantile; in the column's unit", "median of", "natural"),
    "q75": Metric("75 % quantile; in the column's unit", "upper quartile of", "natural"),
    "q95": Metric("95 % quantile; in the column's unit", "95 % quantile of", "natural"),
    "q99": Metric("99 % quantile; in the column's unit", "99 % quantile of", "natural"),
    "maximum": Metric("largest value; in the column's unit", "maximum of", "natural"),
    # categories
    "distinct": Metric(
        "estimated number of different values; a count", "number of distinct values of", "positive"
    ),
    "top_share": _share(
        "share of values (not null) that are the most frequent one; 0 to 1",
        "share of the most frequent value of",
        side=1,
        judged=True,
        least=STUCK,
    ),
    **{
        f"share_{rank}": _share(
            f"share of values (not null) that are the reference's {word}most frequent; 0 to 1",
            f"share of the reference's {word}most frequent value of",
            judged=True,
        )
        for rank, word in enumerate(RANKS, start=1)
    },
    "unseen_rate": _rare(
        "share of values (not null) that the reference window does not hold; 0 to 1",
        "share of values unseen in the reference in",
    ),
    # against the frozen reference, row by row
    "out_of_range_rate": _rare(
        "share of values further out than the reference's range and a margin; 0 to 1",
        "share of values beyond the reference's range in",
    ),
    "null_design_effect": Metric(
        "variance of the number of nulls over independent rows'; 1 unless they share times",
        "design effect of nulls in",
        "positive",
    ),
    "range_design_effect": Metric(
        "the same of values out of range; 1 unless they share times",
        "design effect of values out of range in",
        "positive",
    ),
    "off_grid_rate": _rare(
        "share of finite values with more decimals than the reference's have; 0 to 1",
        "share of values with more decimals than the reference's in",
    ),
    "clipped_mean": Metric(
        "mean, values clipped at 12 spreads from the reference's median; in the column's unit",
        "clipped mean of",
        "natural",
        judged=True,
    ),
    "mean_rank": Metric(
        "mean of the values' mid-ranks in the reference; 0 to 1, 0.5 without drift",
        "mean rank within the reference of",
        "fraction",
        judged=True,
    ),
    "rank_spread": Metric(
        "mean distance of the mid-ranks from one half; 0 to 0.5, 0.25 without drift",
        "spread of ranks within the reference of",
        "fraction",
        judged=True,
    ),
    "association": Metric(
        "rank correlations with other columns as a share of the reference's; 1 without change",
        "association with other columns, of the reference's, of",
        "natural",
        side=-1,
        judged=True,
        percent=True,
        family="input",
    ),
    "conditional_spread": Metric(
        "spread given the other columns over the reference's; 1 without change",
        "spread given other columns, of the reference's, of",
        "positive",
        side=1,
        judged=True,
        percent=True,
        family="input",
    ),
    "residual_mean": Metric(
        "mean of prediction minus its surrogate, fitted on the reference; scores in logits",
        "mean deviation from what the inputs explain of",
        "natural",
        judged=True,
        family="prediction",
        predictions=NUMBERS,
    ),
    "residual_spread": Metric(
        "mean distance of prediction and surrogate; scores in logits, up if a join shuffled",
        "mean absolute deviation from what the inputs explain of",
        "positive",
        side=1,
        judged=True,
        family="prediction",
        predictions=NUMBERS,
    ),
    "explained_correlation": Metric(
        "correlation of prediction and surrogate; -1 to 1, falls if a join shuffled",
        "correlation with what the inputs explain of",
        "correlation",
        side=-1,
        judged=True,
        family="prediction",
        predictions=NUMBERS,
    ),
    # distances from the reference's distribution
    **{distance.name: distance.metric for distance in DISTANCES if distance.metric is not None},
    # performance, over the labelled rows
    **{measure.name: measure.metric for measure in PERFORMANCE},
}

NEEDS_LABEL = frozenset(name for name, metric in METRICS.items() if metric.needs_label)
NOT_FOR_ALL = frozenset(name for name, metric in METRICS.items() if metric.predictions != KINDS)
# By kind of prediction, the metrics that some other kind lacks; all other metrics exist for every kind.
OF_KIND: dict[str, tuple[str, ...]] = {
    kind: tuple(
        name
        for family in FAMILIES
        for name, metric in METRICS.items()
        if name in NOT_FOR_ALL and kind in metric.predictions and metric.family == family
    )
    for kind in KINDS
}
