"""The contract of the one private import: results of a range run are current, partition by partition."""

import re
from pathlib import Path

import dagster as dg
import pytest

from lupus_assets.assets.key import STEPS
from lupus_assets.declare import MonitoredModel
from lupus_assets.judging.check import CHECKS
from tests.dagster.site import Site, small_model

PROJECT = Path(__file__).parents[2]
GAP, ABSENT = "2013-03-20", "2013-03-25"


@pytest.fixture(scope="module")
def model() -> MonitoredModel:
    return small_model("ranged")


@pytest.fixture(scope="module")
def ranged(
    tmp_path_factory: pytest.TempPathFactory, instance: dg.DagsterInstance, model: MonitoredModel
) -> Site:
    """Return forty days as Dagster's backfill runs them: one run for each contiguous range."""
    site = Site.of(tmp_path_factory.mktemp("ranged"), [model], instance)
    days = site.windows(model, "2013-03-01", "2013-04-10")
    site.write(model, [day for day in days if day.key not in (GAP, ABSENT)])
    assert site.run(model, ("2013-03-01", "2013-03-19")).success
    assert site.run(model, ("2013-03-21", "2013-04-10")).success
    return site


def test_every_materialised_partition_of_two_range_runs_has_a_current_result_of_every_check(ranged, model):
    days = {day.key for day in ranged.windows(model, "2013-03-01", "2013-04-10")} - {GAP, ABSENT}
    for step in STEPS:
        assert ranged.materialised(model, step) == days
    for check in set(CHECKS) - {"rules"}:
        found = ranged.checked(model, check)
        assert {key for key, each in found.items() if each.current} >= days, check
        assert not [key for key, each in found.items() if not each.current], check


def test_an_absent_partition_fails_arrival_and_materialises_nothing(ranged, model):
    arrival = ranged.checked(model, "arrival")
    assert not arrival[ABSENT].passed
    assert arrival[ABSENT].current
    assert f"nothing there for partition {ABSENT}" in arrival[ABSENT].sentence
    assert [key for key, each in arrival.items() if not each.passed] == [ABSENT]
    assert ABSENT not in ranged.checked(model, "completeness")


def test_a_partition_that_is_materialised_again_keeps_its_results_current(ranged, model):
    assert ranged.run(model, "2013-04-01").success
    for check in set(CHECKS) - {"rules"}:
        assert all(each.current for each in ranged.checked(model, check).values()), check


def test_a_partition_whose_file_is_damaged_later_fails_with_a_current_result(ranged, model):
    day = ranged.windows(model, "2013-04-05", "2013-04-05")[0]
    before = ranged.log(model, day).read_bytes()
    try:
        ranged.log(model, day).write_bytes(before[: len(before) // 2])
        assert ranged.run(model, day.key).success
        found = ranged.checked(model, "completeness")[day.key]
        assert (found.passed, found.current) == (False, True)
        assert "is no readable Parquet file" in found.sentence
        arrival = ranged.checked(model, "arrival")[day.key]
        assert (arrival.passed, arrival.current) == (True, True)
    finally:
        ranged.log(model, day).write_bytes(before)
        ranged.run(model, day.key)


def test_the_project_has_one_private_import_of_dagster():
    private = re.compile(r"^\s*(from|import) dagster\w*(\.\w+)*\._", re.MULTILINE)
    found = [
        path.relative_to(PROJECT).as_posix()
        for folder in ("lupus_assets", "definitions")
        for path in (PROJECT / folder).rglob("*.py")
        for _ in private.finditer(path.read_text())
    ]
    assert found == ["lupus_assets/assets/outcome.py"]
