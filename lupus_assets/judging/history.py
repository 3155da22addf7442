"""A ledger as input of the detector: values on stabilised scales, with the properties of each series."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np

from lupus_assets.declare import MonitoredModel
from lupus_assets.declare.metric import METRICS
from lupus_assets.declare.rule import DAYS_PER_MONTH
from lupus_assets.detect.history import Group, History, Role, Series
from lupus_assets.detect.scale import SCALES, share_variance
from lupus_assets.judging.series import Array, Ledger, Mask
from lupus_assets.judging.wording import ROWS
from lupus_assets.measuring.interval import NORMAL_975
from lupus_assets.records import EVERYTHING

PERFORMANCE = "performance"
MONTH = timedelta(days=DAYS_PER_MONTH)
# Metrics of the score given its inputs; where they exist, the score's own level and shape are not judged.
AGAINST_INPUTS = frozenset({"residual_mean", "residual_spread"})
AGAINST_OTHERS = frozenset({"association", "conditional_spread"})
UNLABELLED = "explained_correlation"  # a sign of the performance that needs no labels
FORETELLS = frozenset({"clipped_mean", "mean_rank", "rank_spread", "psi"})
SHAPE = FORETELLS | {"top_share"}
LENT = 30.0  # rows: weight of the usual variance; with so many rows, a partition's own counts for half
LEAST_COUNT = 4.0  # times the usual variance: a quarter of the usual rows
PACE = 0.1  # weight of a new partition in the moving average of the usual variance
MANY = 1e12  # rows
# Share of one value, and share of partitions, above which a column has one value a partition, as a weekday.
CALENDAR_SHARE, CALENDAR_PARTITIONS = 0.93, 0.95


def judged_series(ledger: Ledger, model: MonitoredModel, taught: datetime) -> Mask:
    """Return whether each series is judged; series that follow from others by construction are not.

    The score's own level and shape are not judged where a surrogate predicts it from its inputs. Of a column
    with one value a partition, such as a weekday, only metrics of rare events are judged.
    """
    prediction = model.columns.prediction.column
    explained = any(metric in AGAINST_INPUTS for *_, metric in ledger.series)
    calendar = _calendar(ledger, taught)
    return np.array(
        [
            not (explained and column == prediction and metric in SHAPE)
            and (column not in calendar or METRICS[metric].rare)
            for _, _, column, metric in ledger.series
        ],
        dtype=bool,
    )


def _calendar(ledger: Ledger, taught: datetime) -> set[str]:
    """Return the columns that have one value a partition, by the partitions of the warm-up."""
    warm = ledger.starts < naive(taught)
    found = set()
    for at, (segment, _, column, metric) in enumerate(ledger.series):
        if metric == "top_share" and segment == EVERYTHING:
            shares = ledger.values[warm, at]
            shares = shares[~np.isnan(shares)]
            if shares.size and np.mean(shares > CALENDAR_SHARE) > CALENDAR_PARTITIONS:
                found.add(column)
    return found


def target_of(family: str, column: str, metric: str) -> str:
    """Return the target of an alarm on a series: a column, `ROWS` or `PERFORMANCE`."""
    return PERFORMANCE if family == PERFORMANCE or metric == UNLABELLED else column or ROWS


def history(
    ledger: Ledger, model: MonitoredModel, taught: datetime, usual: Array | None = None
) -> tuple[History, Array]:
    """Return a ledger as input of the detector, and the usual sampling variances after its last partition.

    Parameters
    ----------
    ledger : Ledger
        Judged series only.
    model : MonitoredModel
        Gives seasons and the length of a month in partitions.
    taught : datetime
        End of the warm-up.
    usual : array of float, shape (series,), optional
        The second result for the partitions before these; None if these are the first.
    """
    usual = np.full(len(ledger.series), np.nan) if usual is None else usual.copy()
    values, variance = _scaled(ledger, usual)
    moments = [ledger.window(at) for at in range(len(ledger.starts))]
    seasons = np.array([model.cadence.seasons(moment) for moment in moments], dtype=np.int64)
    found = History(
        series=_described(ledger, model),
        values=values,
        variance=variance,
        n=ledger.n,
        design=ledger.design,
        phases=seasons if moments else np.zeros((0, len(model.cadence.cycles)), dtype=np.int64),
        cycles=model.cadence.cycles,
        warm=int(np.count_nonzero(ledger.starts < naive(taught))),
        per_month=MONTH / model.cadence.period,
    )
    return found, usual


def _described(ledger: Ledger, model: MonitoredModel) -> Series:
    named = [target_of(family, column, metric) for _, family, column, metric in ledger.series]
    names = list(dict.fromkeys(named))
    metrics = [metric for *_, metric in ledger.series]
    measures = [METRICS[metric] for metric in metrics]
    group = {ROWS: Group.ROWS, PERFORMANCE: Group.SCORE, model.columns.prediction.column: Group.SCORE}
    return Series(
        target=np.array([names.index(name) for name in named], dtype=np.int64),
        rare=np.array([measure.rare for measure in measures], dtype=bool),
        side=np.array([measure.side for measure in measures], dtype=np.int64),
        role=np.array([_role(metric) for metric in metrics], dtype=np.int64),
        foretells=np.array(
            [
                metric in FORETELLS and segment == EVERYTHING and family == "input"
                for segment, family, _, metric in ledger.series
            ],
            dtype=bool,
        ),
        least=np.array([_least(metric) for metric in metrics]),
        group=np.array([group.get(name, Group.COLUMNS) for name in names], dtype=np.int64),
        column=np.array([name not in (ROWS, PERFORMANCE) for name in names], dtype=bool),
    )


def _least(metric: str) -> float:
    """Return the value on its scale below which no deviation counts, for any number of rows."""
    measure = METRICS[metric]
    if not math.isfinite(measure.least):
        return measure.least
    return float(SCALES[measure.scale].forward(np.array([measure.least]), np.array([MANY]))[0])


def _role(metric: str) -> Role:
    if metric == "null_rate":
        return Role.NULL
    if metric == "row_count":
        return Role.ROWS
    return Role.DEPENDENCE if metric in AGAINST_INPUTS | AGAINST_OTHERS else Role.MARGINAL


def _scaled(ledger: Ledger, usual: Array) -> tuple[Array, Array]:
    """Return values on their scales, or counts of rare events, and the sampling variances of the values.

    `usual` holds each series' usual variance, for `_expected_noise` and `_steadied`, and is updated in place.
    """
    values, variance = np.full_like(ledger.values, np.nan), np.full_like(ledger.values, np.nan)
    metrics = np.array([metric for *_, metric in ledger.series])
    for name in np.unique(metrics):
        measure = METRICS[name]
        mine = metrics == name
        n = ledger.n[:, mine]
        if measure.rare:
            values[:, mine] = np.round(ledger.values[:, mine] * n)
            continue
        forward = SCALES[measure.scale].forward
        values[:, mine] = forward(ledger.values[:, mine], n)
        if measure.scale == "share":  # its interval is cut off at 0 and 1
            variance[:, mine] = share_variance(n)
        else:
            own = ((forward(ledger.upper[:, mine], n) - values[:, mine]) / NORMAL_975) ** 2
            if measure.scale == "count":
                variance[:, mine], usual[mine] = _expected_noise(own, usual[mine])
            else:
                variance[:, mine], usual[mine] = _steadied(own, n, usual[mine])
    return values, np.where(np.isfinite(variance), variance, 0.0)


def _expected_noise(variance: Array, usual: Array) -> tuple[Array, Array]:
    """Return the sampling variances of counts of the usual size, and the usual variance afterwards.

    A count's own variance is large where the count is small: a day without rows would not stand out.
    """
    found = np.full_like(variance, np.nan)
    for at, own in enumerate(variance):
        found[at] = np.where(np.isnan(usual), own, np.fmin(own, usual))
        learned = usual + PACE * (np.fmin(own, LEAST_COUNT * usual) - usual)
        usual = np.where(np.isnan(own), usual, np.where(np.isnan(usual), own, learned))
    return found, usual


def _steadied(variance: Array, n: Array, usual: Array) -> tuple[Array, Array]:
    """Return sampling variances shrunk towards the usual one, and the usual one afterwards.

    A variance estimated from ten rows is unreliable, and one row has none. Each partition's is averaged with
    the usual variance, weighted by `LENT` rows. `usual` is the variance of one row, over earlier partitions.
    """
    found = np.full_like(variance, np.nan)
    for at in range(len(variance)):
        own = variance[at] * n[at]
        known = np.isfinite(own)
        lent = np.where(np.isnan(usual), 0.0, LENT)
        total = np.where(known, own * n[at], 0.0) + lent * np.nan_to_num(usual)
        rows = np.where(known, n[at], 0.0) + lent
        with np.errstate(divide="ignore", invalid="ignore"):
            found[at] = total / rows / n[at]
        learned = np.where(np.isnan(usual), own, usual + PACE * (own - usual))
        usual = np.where(known, learned, usual)
    return found, usual


def naive(moment: datetime) -> np.datetime64:
    """Return an aware moment as naive UTC."""
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
