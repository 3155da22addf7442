"""The metrics that rules may name: what each means, and in which unit."""

RANKS = ("", "second ", "third ", "fourth ", "fifth ")  # of a category among the most frequent

METRICS: dict[str, str] = {
    # completeness
    "row_count": "rows of the window, duplicates included; a count",
    "duplicate_rate": "share of rows whose key (without one: whole row) came before in the window; 0 to 1",
    "null_rate": "share of rows in which the column is null; 0 to 1",
    "nan_rate": "share of values (not null) that are not a number (NaN); 0 to 1",
    "infinity_rate": "share of values (not null) that are plus or minus infinity; 0 to 1",
    "zero_rate": "share of finite values that are exactly zero; 0 to 1",
    "outside_rate": "share of rows timed outside the window; 0 to 1",
    "invalid_rate": "share of rows whose score is outside [0, 1] or not finite; 0 to 1",
    "labelled_rate": "share of rows whose label had come in by the as-of time; 0 to 1",
    # level and shape of a numeric column, over its finite values
    "mean": "arithmetic mean; in the column's unit",
    "sd": "standard deviation; in the column's unit",
    "skewness": "third standardised moment; no unit, 0 if symmetric",
    "kurtosis": "fourth standardised moment minus 3; no unit, 0 for a normal distribution",
    "minimum": "smallest value; in the column's unit",
    "q01": "1 % quantile; in the column's unit",
    "q05": "5 % quantile; in the column's unit",
    "q25": "25 % quantile; in the column's unit",
    "median": "50 % quantile; in the column's unit",
    "q75": "75 % quantile; in the column's unit",
    "q95": "95 % quantile; in the column's unit",
    "q99": "99 % quantile; in the column's unit",
    "maximum": "largest value; in the column's unit",
    # categories
    "distinct": "estimated number of different values; a count",
    "top_share": "share of values (not null) that are the most frequent one; 0 to 1",
    **{
        f"share_{rank}": f"share of values (not null) that are the reference's {word}most frequent; 0 to 1"
        for rank, word in enumerate(RANKS, start=1)
    },
    "unseen_rate": "share of values (not null) that the reference window does not hold; 0 to 1",
    # against the frozen reference, row by row
    "out_of_range_rate": "share of values further out than the reference's range and a margin; 0 to 1",
    "null_design_effect": "variance of the number of nulls over independent rows'; 1 unless they share times",
    "range_design_effect": "the same of values out of range; 1 unless they share times",
    "off_grid_rate": "share of finite values with more decimals than the reference's have; 0 to 1",
    "clipped_mean": "mean, values clipped at 12 spreads from the reference's median; in the column's unit",
    "mean_rank": "mean of the values' mid-ranks in the reference; 0 to 1, 0.5 without drift",
    "rank_spread": "mean distance of the mid-ranks from one half; 0 to 0.5, 0.25 without drift",
    "association": "rank correlations with other columns as a share of the reference's; 1 without change",
    "conditional_spread": "spread given the other columns over the reference's; 1 without change",
    "residual_mean": "mean of prediction minus its surrogate, fitted on the reference; scores in logits",
    "residual_spread": "mean distance of prediction and surrogate; scores in logits, up if a join shuffled",
    "explained_correlation": "correlation of prediction and surrogate; -1 to 1, falls if a join shuffled",
    # distances from the reference's distribution
    "psi": "population stability index; nats, at least 0",
    "jensen_shannon": "Jensen-Shannon distance, the root of the divergence in nats; 0 to 0.8326",
    "ks": "Kolmogorov-Smirnov distance: largest gap of the distribution functions; 0 to 1",
    "wasserstein": "first Wasserstein (earth mover's) distance; in the column's unit",
    "chi_square": "chi-square statistic over the shared bins; no unit, at least 0",
    "l_infinity": "largest difference of one bin's share; 0 to 1",
    # performance, over the labelled rows
    "auc": "area under the ROC curve; 0 to 1, 0.5 for guessing",
    "log_loss": "mean negative log-likelihood of the label; nats, at least 0",
    "brier": "mean squared difference of score and label; 0 to 1",
    "brier_excess": "Brier score less what calibrated scores would have; -1 to 1, above 0 if too sure",
    "slope_excess": "covariance of label minus score with the score; below 0 if the score lost its grip",
    "calibration_error": "mean gap of score and observed rate over score bins, by rows; 0 to 1",
    "bias": "mean of label minus score; -1 to 1, above 0 if scores are too low",
    "accuracy": "share of right decisions; 0 to 1",
    "precision": "share of positive decisions that were right; 0 to 1",
    "recall": "share of positive labels that were found; 0 to 1",
    "base_rate": "share of positive labels; 0 to 1",
    "mean_error": "mean of predicted value minus label; in the label's unit, above 0 if too high",
    "mae": "mean absolute error; in the label's unit",
    "wape": "mean absolute error over the mean absolute label; no unit, at least 0",
    "rmse": "root of the mean squared error; in the label's unit",
    "macro_f1": "mean over the classes of their F1; 0 to 1",
}

PERFORMANCE: dict[str, tuple[str, ...]] = {
    "score": (
        "auc", "log_loss", "brier", "brier_excess", "slope_excess", "calibration_error", "bias",
        "accuracy", "precision", "recall", "base_rate",
    ),
    "value": ("mae", "rmse", "wape", "mean_error"),
    "class": ("accuracy", "macro_f1"),
}  # fmt: skip
NEEDS_LABEL = frozenset({"labelled_rate"}.union(*PERFORMANCE.values()))

# By kind of prediction, what some other kind lacks; every metric that is in none of them exists for all.
OF_KIND: dict[str, tuple[str, ...]] = {
    "score": (
        *PERFORMANCE["score"],
        "invalid_rate",
        "residual_mean",
        "residual_spread",
        "explained_correlation",
    ),
    "value": (*PERFORMANCE["value"], "residual_mean", "residual_spread", "explained_correlation"),
    "class": PERFORMANCE["class"],
}
NOT_FOR_ALL = frozenset[str]().union(*OF_KIND.values())
