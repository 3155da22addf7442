from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lupus_assets.detect.evidence import LEAST_HISTORY
from lupus_assets.detect.history import WINDOWS
from lupus_assets.judging.series import JUDGED, Ledger
from lupus_assets.records import MetricRow
from lupus_assets.sinks.schema import to_table
from tests.judged import verdict_rows
from tests.models import DAY, day, declared, metric

MODEL = declared()


def judged(rows, *numbers, model=MODEL, reference="now"):
    windows = [day(number) for number in numbers]
    table = to_table("metrics", rows)
    return verdict_rows(table, model=model, track="champion", reference=reference, windows=windows)


def series(days: int, **other: object) -> list[MetricRow]:
    """Return an ordinary history: 50 give or take 1."""
    values = 50 + np.random.default_rng(1).normal(size=days)
    return [metric(number, float(value), **other) for number, value in enumerate(values)]


def test_an_ordinary_day_is_said_with_its_usual_range():
    (row,) = judged(series(60), 59)
    assert not row.flagged
    assert (row.rule, row.history, row.partition_key) == ("history", 59, day(59).key)
    assert row.low < row.expected < row.high
    assert row.partitions in WINDOWS
    assert abs(row.effect) < 1
    assert row.sentence.startswith("clipped mean of `amount` is ")
    assert row.sentence.endswith(" on Thursdays")


def test_an_alarm_says_since_when():
    rows = series(60)
    rows[58:] = [metric(58, 90.0), metric(59, 91.0)]
    first, second = judged(rows, 58, 59)
    assert first.flagged
    assert second.flagged
    assert first.surprise > 6
    assert first.p < 1e-6
    assert first.effect == pytest.approx(first.value - first.expected)
    assert (first.severity, first.partitions, first.since) == ("alarm", 1, "2024-02-28")
    assert first.sentence.endswith("on Wednesdays; since 2024-02-28")
    assert second.sentence.endswith("on Thursdays; since 2024-02-28")


def ranges(rows: list[MetricRow], number: int) -> tuple[float, float]:
    (row,) = judged(rows, number)
    return row.low, row.high


def test_a_fault_that_went_on_for_a_week_blinds_nobody_to_the_next():
    before = ranges(series(121), 99)
    rows = [*series(100), *(metric(number, 75.0) for number in range(100, 105)), *series(150)[105:]]
    for number in range(100, 105):
        assert judged(rows, number)[0].flagged
    low, high = ranges(rows, 125)
    assert high - low < 3 * (before[1] - before[0])
    again = [*rows[:140], metric(140, 75.0)]
    assert judged(again, 140)[0].flagged


def counts(*rows: int) -> list[MetricRow]:
    """Return forty days of about 5,000 rows, and then others."""
    usual = np.random.default_rng(2).poisson(5_000, 40).tolist()
    return [
        metric(
            number,
            float(n),
            metric="row_count",
            column_name="",
            n=n,
            upper=n * np.exp(1.96 / (n + 0.5) ** 0.5),
        )
        for number, n in enumerate([*usual, *rows])
    ]


def test_the_range_of_a_number_of_rows_is_that_of_the_days_before_whatever_the_day_brings():
    usual = ranges(counts(5_000), 40)
    for n in (0, 11):
        assert ranges(counts(n), 40) == pytest.approx(usual, rel=0.02)
        assert judged(counts(n), 40)[0].flagged
        after = judged(counts(n, 5_000, 5_000, 5_000, 5_000), 41, 42, 43, 44)
        assert not [row for row in after if row.flagged]
        assert after[-1].low == pytest.approx(usual[0], rel=0.05)


def test_a_day_of_few_rows_does_not_make_the_days_after_it_suspicious():
    rng = np.random.default_rng(5)

    def shares(few: int) -> list[MetricRow]:
        sizes = [5_000] * 40 + [few] + [5_000] * 20
        hits = [int(rng.binomial(n, 0.3)) for n in sizes]
        return [
            metric(day, hit / n, metric="share_1", n=n)
            for day, (hit, n) in enumerate(zip(hits, sizes, strict=True))
        ]

    (plain,), (after,) = judged(shares(5_000), 50), judged(shares(11), 50)
    assert after.high - after.low > 0.8 * (plain.high - plain.low)


def test_too_little_history_is_said():
    (row,) = judged(series(5), 4)
    assert (row.p, row.expected, row.low, row.high, row.surprise, row.flagged) == (None,) * 5 + (False,)
    assert row.sentence.endswith(f"; no verdict yet: 4 of {LEAST_HISTORY} earlier partitions")
    (row,) = judged(series(28), 27)  # the last of the reference window
    assert row.sentence.endswith("; no verdict yet: the reference teaches what is ordinary")


def test_a_partition_measured_against_another_reference_is_in_no_history():
    """Whatever the others say, the verdict is that of the comparable ones alone."""
    own = series(60)
    foreign = [metric(number, 1e6, reference="before") for number in range(20)]
    (mixed,) = judged(foreign + own[20:], 59)
    (alone,) = judged(own[20:], 59)
    assert mixed == alone
    assert mixed.history == 39
    assert judged([*own[:59], metric(59, 50.0, reference="before")], 59) == []


def test_a_version_of_its_own_is_in_no_history():
    own = series(40)
    assert judged([*own, *series(40, version="v1")], 39) == judged(own, 39)


def test_of_several_cuts_the_latest_stands():
    late = metric(39, 50.0, as_of=day(39).end + 3 * DAY)
    (row,) = judged([*series(40), late], 39)
    assert (row.value, row.as_of) == (50.0, late.as_of)


def test_a_column_that_is_missing_that_day_has_no_verdict_and_breaks_nothing():
    rows = series(40) + series(39, column_name="gone")
    (row,) = judged(rows, 39)
    assert row.column_name == "amount"
    assert judged(series(39), 39) == []
    assert judged([], 39) == []


def test_an_undefined_number_has_no_verdict():
    assert judged([*series(39), metric(39, None)], 39) == []


def test_metrics_that_are_not_judged_have_no_verdict():
    assert "sd" not in JUDGED
    assert judged(series(40, metric="sd"), 39) == []


@pytest.mark.parametrize(("name", "side", "end"), [("psi", "low", 0.0), ("auc", "high", 1.0)])
def test_where_one_side_counts_the_range_reaches_to_the_end_of_the_other(name, side, end):
    rows = series(40, metric=name, column_name="p")
    (row,) = judged([replace(each, value=each.value / 100) for each in rows], 39)
    assert getattr(row, side) == end
    assert row.low < row.value < row.high


def test_the_expected_range_is_in_the_metrics_own_unit():
    """What is rare is judged as a count and comes back as a share, with Poisson's noise."""
    rows = [metric(number, 0.2, metric="null_rate", n=400) for number in range(40)]
    (row,) = judged(rows, 39)
    assert row.expected == pytest.approx(0.2, abs=0.002)
    assert row.low == 0
    assert 0.27 < row.high < 0.4


@pytest.mark.parametrize("rows_left", [0, 1, 5, 20])
def test_a_count_that_falls_to_few_is_not_excused_by_the_noise_of_few(rows_left):
    counts = [*(120 + np.arange(39) % 5), rows_left]
    rows = [
        metric(number, float(count), metric="row_count", n=int(count)) for number, count in enumerate(counts)
    ]
    (row,) = judged(rows, 39)
    assert row.flagged
    assert 40 < row.low < 120 < row.high < 300


@pytest.mark.parametrize("rows_left", [1, 2, 4])
def test_few_rows_do_not_vouch_for_their_own_noise(rows_left):
    """One row has no spread, and two may be alike; a mean of 53 among fifties is no news all the same."""
    rows = [replace(row, lower=row.value - 2, upper=row.value + 2, n=400) for row in series(60)]
    narrow = {"lower": 52.9, "upper": 53.1} if rows_left > 1 else {"lower": None, "upper": None}
    rows[59] = replace(rows[59], value=53.0, n=rows_left, **narrow)
    (row,) = judged(rows, 59)
    assert not row.flagged
    assert row.high - row.low > 10  # four hundred rows: two either way
    assert judged([*rows[:59], replace(rows[59], value=400.0)], 59)[0].flagged


def test_segments_are_judged_each_by_itself():
    rows = series(40) + series(40, segment="country=de")
    rows[-1] = replace(rows[-1], value=500.0)
    whole, segment = judged(rows, 39)
    assert (whole.flagged, segment.flagged) == (False, True)
    assert segment.sentence.startswith("clipped mean of `amount` where country=de is 500, usually ")


def test_the_ledger_keeps_series_sorted_and_leaves_gaps_open():
    rows = [metric(0, 1.0, column_name="b"), metric(2, 3.0, column_name="b"), metric(2, 4.0, column_name="a")]
    ledger = Ledger.of(to_table("metrics", rows), "now")
    assert [name for _, _, name, _ in ledger.series] == ["a", "b"]
    np.testing.assert_array_equal(ledger.values, [[np.nan, 1.0], [4.0, 3.0]])
    assert [ledger.window(at) for at in range(2)] == [day(0).start, day(2).start]
    assert np.isnat(ledger.as_of).tolist() == [[True, False], [False, False]]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=2, max_size=40),
    st.sampled_from(["clipped_mean", "psi", "row_count", "null_rate", "auc", "residual_spread"]),
    st.data(),
)
def test_a_verdict_does_not_depend_on_later_partitions(values, name, data):
    number = data.draw(st.integers(0, len(values) - 1))
    within = {"clipped_mean": 1.0, "residual_spread": 1.0}.get(name, 0.0)
    usual = [value if value is None or within else min(abs(value) / 1e6, 1.0) for value in values]
    if name == "residual_spread":
        usual = [value if value is None else abs(value) for value in usual]
    rows = [metric(at, value, metric=name) for at, value in enumerate(usual)]
    assert judged(rows, number) == judged(rows[: number + 1], number)
