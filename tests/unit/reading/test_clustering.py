"""An hour that is missing as a whole is one event, and rows that miss a value one by one are many."""

from datetime import timedelta

import numpy as np
import pytest

from lupus_assets.judging.series import Ledger
from lupus_assets.profiling.profiled import WHOLE
from lupus_assets.profiling.record import profile_rows, profiles_from
from lupus_assets.sinks.schema import to_table
from tests.judged import verdict_rows
from tests.models import day, declared, frozen, log, measured, metric, only, profiled

MODEL = declared()
REFERENCE = frozen(MODEL)
HOURLY = [day(5).start + timedelta(hours=row // 15) for row in range(300)]  # 20 hours of 15 rows
AMOUNT = log(5)["amount"].to_pylist()
SOME_HOUR = [None if 60 <= row < 75 else value for row, value in enumerate(AMOUNT)]


def effects(**columns: object) -> dict[tuple[str, str], float]:
    found = measured(MODEL, REFERENCE, profiled(MODEL, REFERENCE, log(5, at=HOURLY, **columns), at=[70]))
    return {
        (row.column_name, row.metric): row.value
        for row in found
        if row.metric.endswith("design_effect") and row.segment == "*"
    }


def test_rows_of_an_hour_go_together_and_rows_of_every_hour_do_not():
    assert effects(amount=SOME_HOUR) == {("amount", "null_design_effect"): pytest.approx(15, rel=0.1)}
    spread = [None if row % 20 == 0 else value for row, value in enumerate(AMOUNT)]
    assert effects(amount=spread)["amount", "null_design_effect"] < 2


def test_a_partition_without_nulls_or_strange_values_has_no_effect():
    assert effects() == {}


def test_values_beyond_the_range_go_together_as_nulls_do():
    assert effects(amount=[1e6 if value is None else value for value in SOME_HOUR]) == {
        ("amount", "range_design_effect"): pytest.approx(15, rel=0.1)
    }


def test_infinities_are_beyond_any_range_and_nan_is_not():
    with_nan = [
        np.nan if row == 7 else np.inf if value is None else value for row, value in enumerate(SOME_HOUR)
    ]
    assert effects(amount=with_nan) == {("amount", "range_design_effect"): pytest.approx(15, rel=0.1)}
    assert effects(amount=[np.nan if value is None else value for value in SOME_HOUR]) == {}


def test_rows_without_a_timestamp_or_not_yet_arrived_are_left_out():
    times = [None if row < 60 else time for row, time in enumerate(HOURLY)]
    found = only(profiled(MODEL, REFERENCE, log(5, at=times, amount=SOME_HOUR))).profiles[WHOLE].clusters
    assert (found.rows.sum(), found.absent["amount"].sum()) == (240, 15)
    assert list(found.absent) == ["amount"]


def test_clusters_are_stored_and_come_back():
    found = only(profiled(MODEL, REFERENCE, log(5, at=HOURLY, amount=SOME_HOUR)))
    rows = profile_rows(found, "champion", day(5), day(5).end, "now")
    again = profiles_from(to_table("profiles", rows))
    assert again.profiles[WHOLE].clusters == found.profiles[WHOLE].clusters
    assert found.profiles[WHOLE].clusters.absent["amount"].sum() == 15


def nulls(*last: tuple[float, float]):
    """Return forty days of half a per cent of nulls in 1,000 rows, and then days of (share, effect)."""
    rng = np.random.default_rng(3)
    days = [*((rng.poisson(5.0) / 1_000, 1.0) for _ in range(40)), *last]
    for number, (share, effect) in enumerate(days):
        yield metric(number, share, metric="null_rate", n=1_000)
        yield metric(number, effect, metric="null_design_effect", n=1_000)


def test_a_gap_of_an_hour_is_a_notice_that_says_why_and_a_gap_of_many_rows_an_alarm():
    windows = [day(40)]
    hour, scattered = (
        verdict_rows(
            to_table("metrics", list(nulls((0.045, effect)))),
            model=MODEL,
            track="champion",
            reference="now",
            windows=windows,
        )[0]
        for effect in (45.0, 1.0)
    )
    assert (hour.flagged, hour.severity) == (False, "notice")
    assert hour.sentence.endswith("rows of one time count as one")
    assert (scattered.flagged, scattered.severity) == (True, "alarm")
    assert hour.high == scattered.high  # the range is that of the history


def test_a_segment_has_the_part_of_an_effect_that_its_rows_are():
    rows = [
        metric(0, 0.1, metric="null_rate", n=400),
        metric(0, 0.1, metric="null_rate", n=100, segment="country=de"),
        metric(0, 9.0, metric="null_design_effect", n=400),
    ]
    ledger = Ledger.of(to_table("metrics", rows), "now")
    assert dict(zip([key[0] for key in ledger.series], ledger.design[0].tolist(), strict=True)) == {
        "*": 9.0,
        "country=de": 3.0,
    }
