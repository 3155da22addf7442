"""A ledger as the detector takes it, by numbers worked out by hand."""

import numpy as np
import pytest

from lupus_assets.detect.history import Group, Role
from lupus_assets.judging.history import history, judged_series, target_of
from lupus_assets.judging.series import Ledger
from lupus_assets.sinks.schema import to_table
from tests.models import DAY, START, day, declared, metric

MODEL = declared()
Z = 1.959964


def taken(rows, taught=START, model=MODEL):
    return history(Ledger.of(to_table("metrics", rows), "now"), model, taught)[0]


def only(array):
    """Return the one series of an array of partitions and series."""
    (series,) = np.asarray(array).T
    return series


def test_a_number_has_the_variance_of_its_interval():
    found = taken([metric(0, 5.0, upper=5.0 + Z * 0.5, n=100)])
    assert only(found.values) == pytest.approx([5.0])
    assert only(found.variance) == pytest.approx([0.25])
    assert only(found.n) == pytest.approx([100])


def test_few_rows_do_not_vouch_for_their_own_variance():
    """It is drawn to that of one row over earlier days by thirty rows' worth, which follows by a tenth."""
    sd = [(1.0, 100), (2.0, 10), (3.0, 400)]
    found = taken([metric(at, 0.0, upper=Z * each, n=n) for at, (each, n) in enumerate(sd)])
    first, second = 1.0 * 100, 4.0 * 10
    usual = first + 0.1 * (second - first)
    assert only(found.variance) == pytest.approx(
        [
            first / 100,
            (second * 10 + 30 * first) / (10 + 30) / 10,
            (9.0 * 400 * 400 + 30 * usual) / (400 + 30) / 400,
        ]
    )


def test_a_number_without_an_interval_has_no_variance_and_a_missing_one_no_value():
    found = taken([metric(0, 5.0), metric(1, None), metric(2, 6.0)])
    assert only(found.variance).tolist() == [0.0, 0.0, 0.0]
    assert np.isnan(only(found.values)).tolist() == [False, True, False]


def test_a_share_has_the_variance_of_its_rows_whatever_its_interval():
    found = taken(
        [metric(0, 0.2, metric="top_share", upper=0.9, n=50), metric(1, 1.0, metric="top_share", n=7)]
    )
    assert only(found.variance) == pytest.approx([1 / (4 * 50 + 2), 1 / (4 * 7 + 2)])
    k = np.array([0.2 * 50, 7.0])
    n = np.array([50.0, 7.0])
    assert only(found.values) == pytest.approx(np.arcsin(np.sqrt((k + 3 / 8) / (n + 3 / 4))))


def test_what_should_be_rare_is_a_count():
    found = taken([metric(0, 0.03, metric="null_rate", n=200), metric(1, 1 / 3, metric="null_rate", n=3)])
    assert only(found.values).tolist() == [6.0, 1.0]
    assert found.series.rare.tolist() == [True]
    assert found.series.role.tolist() == [Role.NULL]


def counted(at, count):
    upper = np.exp(np.log(count + 0.5) + Z / np.sqrt(count + 0.5)) - 0.5
    return metric(at, count, upper=upper, n=int(count), family="rows", column_name="", metric="row_count")


def test_a_number_of_rows_has_the_noise_of_the_usual_number_and_no_more():
    counts = [100.0, 1_000.0, 10.0, 100.0]
    found = taken([counted(at, count) for at, count in enumerate(counts)])
    own = 1 / (np.array(counts) + 0.5)
    usual = [own[0], own[0]]
    usual.append(usual[-1] + 0.1 * (own[1] - usual[-1]))
    usual.append(usual[-1] + 0.1 * (4 * usual[-1] - usual[-1]))  # of few rows no more than four times
    assert only(found.variance) == pytest.approx(np.minimum(own, usual), rel=1e-6)
    assert only(found.values) == pytest.approx(np.log(np.array(counts) + 0.5))
    assert found.series.role.tolist() == [Role.ROWS]
    assert found.series.group.tolist() == [Group.ROWS]
    assert found.series.column.tolist() == [False]


@pytest.mark.parametrize(("taught", "warm"), [(0, 0), (1, 1), (2, 2), (9, 3)])
def test_partitions_that_start_before_the_end_of_the_reference_teach(taught, warm):
    assert taken([metric(at, 1.0) for at in range(3)], START + taught * DAY).warm == warm


def test_a_month_has_so_many_partitions_and_a_day_its_weekday():
    found = taken([metric(at, 1.0) for at in range(8)])
    assert found.per_month == pytest.approx(365.25 / 12, rel=2e-3)
    assert found.cycles == (7,)
    weekdays = found.phases[:, 0].tolist()
    assert weekdays[0] == weekdays[7]
    assert len(set(weekdays)) == 7


@pytest.mark.parametrize(
    ("family", "column", "name", "target"),
    [
        ("input", "amount", "psi", "amount"),
        ("rows", "", "row_count", "rows"),
        ("performance", "p", "auc", "performance"),
        ("prediction", "p", "explained_correlation", "performance"),
        ("prediction", "p", "clipped_mean", "p"),
    ],
)
def test_an_alarm_names_a_column_the_rows_or_the_performance(family, column, name, target):
    assert target_of(family, column, name) == target


def judged(rows, taught=10):
    ledger = Ledger.of(to_table("metrics", rows), "now")
    kept = judged_series(ledger, MODEL, START + taught * DAY)
    return {(column, name) for (*_, column, name), keep in zip(ledger.series, kept, strict=True) if keep}


def test_the_scores_own_level_is_not_judged_where_its_inputs_explain_it():
    level = [
        metric(0, 0.5, family="prediction", column_name="p", metric=name) for name in ("clipped_mean", "psi")
    ]
    residual = metric(0, 0.0, family="prediction", column_name="p", metric="residual_mean")
    assert judged(level) == {("p", "clipped_mean"), ("p", "psi")}
    assert judged([*level, residual, metric(0, 5.0)]) == {("p", "residual_mean"), ("amount", "clipped_mean")}


@pytest.mark.parametrize(
    ("shares", "calendar"),
    [
        ([1.0] * 10, True),
        ([0.94] * 10, True),
        ([0.93] * 10, False),  # above .93
        ([1.0] * 9 + [0.5], False),  # on more than 95 % of the days
        ([0.5] * 10, False),
    ],
)
def test_of_a_column_with_one_value_a_partition_only_what_is_rare_is_news(shares, calendar):
    rows = [metric(at, share, metric="top_share") for at, share in enumerate(shares)]
    rows += [metric(day_, 0.0, metric=name) for day_ in range(10) for name in ("null_rate", "psi")]
    kept = judged(sorted(rows, key=lambda row: row.window_start))
    assert kept == {("amount", "null_rate")} | (
        set() if calendar else {("amount", "top_share"), ("amount", "psi")}
    )


def test_only_the_partitions_that_teach_and_all_rows_make_a_calendar():
    """The eleventh day, and a segment, of one value say nothing of the column."""
    shares = [metric(at, 0.5, metric="top_share") for at in range(10)]
    later = [metric(at, 1.0, metric="top_share") for at in range(10, 400)]
    assert ("amount", "top_share") in judged(shares + later)
    segment = [metric(at, 1.0, metric="top_share", segment="country=de") for at in range(10)]
    both = sorted([*shares, *segment], key=lambda row: row.window_start)
    assert ("amount", "top_share") in judged(both)


def test_of_several_cuts_of_a_partition_the_latest_in_the_order_of_the_store_stands():
    early, late = metric(0, 1.0), metric(0, 2.0, as_of=day(0).end + DAY)
    ledger = Ledger.of(to_table("metrics", [early, late, metric(1, 3.0)]), "now")
    assert only(ledger.values).tolist() == [2.0, 3.0]
    assert only(ledger.as_of)[0] == np.datetime64((day(0).end + DAY).replace(tzinfo=None))


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("null_rate", Role.NULL),
        ("row_count", Role.ROWS),
        ("residual_mean", Role.DEPENDENCE),
        ("residual_spread", Role.DEPENDENCE),
        ("association", Role.DEPENDENCE),
        ("conditional_spread", Role.DEPENDENCE),
        ("clipped_mean", Role.MARGINAL),
        ("explained_correlation", Role.MARGINAL),
    ],
)
def test_a_series_tells_of_nulls_of_rows_of_how_columns_go_together_or_of_the_column_alone(name, role):
    assert taken([metric(0, 0.5, metric=name)]).series.role.tolist() == [role]


def test_means_ranks_and_distances_of_inputs_over_all_rows_foretell_those_of_others():
    """Not those of segments or of the score, nor shares of what should be rare."""
    names = ["clipped_mean", "mean_rank", "rank_spread", "psi", "null_rate", "association", "top_share"]
    rows = [metric(0, 0.5, metric=name) for name in names]
    rows += [metric(0, 0.5, metric="psi", segment="country=de")]
    rows += [metric(0, 0.5, metric="psi", family="prediction", column_name="p")]
    ledger = Ledger.of(to_table("metrics", rows), "now")
    foretells = history(ledger, MODEL, START)[0].series.foretells
    assert {key for key, kept in zip(ledger.series, foretells, strict=True) if kept} == {
        ("*", "input", "amount", name) for name in ("clipped_mean", "mean_rank", "rank_spread", "psi")
    }


def test_each_target_has_its_group_and_each_series_its_target_and_direction():
    rows = [
        metric(0, 0.5, metric="psi"),
        metric(0, 0.5, metric="psi", column_name="country"),
        metric(0, 0.5, metric="psi", family="prediction", column_name="p"),
        metric(0, 0.5, metric="auc", family="performance", column_name="p"),
        metric(0, 9.0, metric="row_count", column_name="", upper=12.0),
        metric(0, 0.5, metric="null_rate"),
        metric(0, 0.5, metric="labelled_rate", family="target", column_name="y"),
    ]
    ledger = Ledger.of(to_table("metrics", rows), "now")
    of = history(ledger, MODEL, START)[0].series
    series = [(column, name) for _, _, column, name in ledger.series]
    targets = dict(zip(series, of.target.tolist(), strict=True))
    assert targets["amount", "psi"] == targets["amount", "null_rate"]
    assert len(set(targets.values())) == len(of.group) == len(of.column) == 6
    assert {key: (of.group[at], of.column[at]) for key, at in targets.items()} == {
        ("amount", "psi"): (Group.COLUMNS, True),
        ("amount", "null_rate"): (Group.COLUMNS, True),
        ("country", "psi"): (Group.COLUMNS, True),
        ("y", "labelled_rate"): (Group.COLUMNS, True),
        ("p", "psi"): (Group.SCORE, True),
        ("p", "auc"): (Group.SCORE, False),
        ("", "row_count"): (Group.ROWS, False),
    }
    sides = {name: side for (_, name), side in zip(series, of.side.tolist(), strict=True)}
    assert sides == {"psi": 1, "auc": -1, "row_count": 0, "null_rate": 1, "labelled_rate": -1}


def test_a_share_of_one_value_speaks_from_a_half_on_and_other_series_always_do():
    found = taken([metric(0, 0.5, metric="top_share", n=10**12)])
    assert found.series.least == pytest.approx(found.values[0])
    assert taken([metric(0, 0.5)]).series.least.tolist() == [-np.inf]


@pytest.mark.parametrize(("every", "seasons"), [("day", 1), ("hour", 2), ("week", 0)])
def test_a_history_without_partitions_has_all_its_seasons(every, seasons):
    model = declared(cadence={"every": every, "start": START.date()})
    assert taken([], model=model).phases.shape == (0, seasons)
    assert taken([metric(0, 1.0)], model=model).phases.shape == (1, seasons)


@pytest.mark.parametrize("name", ["clipped_mean", "psi", "auc"])
def test_a_partition_of_no_rows_has_no_noise_and_nobody_is_warned(name):
    rows = [metric(0, 0.5, metric=name, upper=0.6, n=10), metric(1, None, metric=name, n=0)]
    found = taken([*rows, metric(2, 0.5, metric=name, upper=0.6, n=10)])
    assert only(found.variance)[1] == 0
    assert only(found.variance)[2] == pytest.approx(only(found.variance)[0])
