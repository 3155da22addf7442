"""A model that is judged every month, from its declaration to what is said of it."""

from pathlib import Path

import dagster as dg
import pytest

from lupus_assets.assets.operation import RANGE_END, RANGE_START, group_slug
from lupus_assets.cli import main
from lupus_assets.declare import load
from lupus_assets.measuring.drift import parse_window
from lupus_assets.windows import compare
from tests.dagster.site import Site, resources_of, small_rows, utc

DECLARATION = """\
type: lupus_assets.assets.MonitoredModel
attributes:
  model: churn
  team: shop
  owners: [shop@example.com]
  cadence: {every: month, start: 2010-01-15, end: 2013-02-01, timezone: America/New_York, grace: 2d}
  tracks:
    champion: {parquet: "churn/champion/{partition}.parquet"}
  columns:
    timestamp: at
    key: id
    prediction: {score: p}
    label: {column: bought, arrives_within: 10d}
  rules:
    - {metric: row_count, falls_from_season: {periods: 2, by: 100}}
"""
FIRST, LAST = "2010-02-01", "2013-01-01"
FEW = "2012-08-01"  # a month with a third of its rows


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return an installation whose 36 months are judged in one range."""
    home = tmp_path_factory.mktemp("month")
    path = home / "defs.yaml"
    path.write_text(DECLARATION)
    model = load(path)
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance:
        site = Site.of(home, [model], instance)
        months = site.windows(model, FIRST, LAST)
        site.write(model, months, rows={FEW: small_rows(months[30], 100)})
        assert months[30].key == FEW
        assert site.run(model, (FIRST, LAST)).success
        yield site


def rows(site, table, **where):
    (model,) = site.models
    found = site.pipeline.store.read(table, model=model.name).to_pylist()
    return [row for row in found if all(row[name] == value for name, value in where.items())]


def test_the_declaration_has_no_mistake(site: Site, capsys):
    assert main(["check", str(site.home / "defs.yaml")]) == 0
    assert capsys.readouterr().err == "1 declaration, no mistakes\n"


def test_the_reference_is_the_first_twelve_whole_months(site: Site):
    (model,) = site.models
    assert [f"{moment:%Y-%m-%d}" for moment in model.reference_window()] == ["2010-02-01", "2011-02-01"]
    (frozen,) = rows(site, "frozen_references")
    assert frozen["rows"] == 12 * 300


def test_every_month_has_metrics_and_verdicts_under_the_key_of_its_first_day(site: Site):
    keys = [f"{year}-{month:02}-01" for year in range(2010, 2014) for month in range(1, 13)]
    expected = set(keys[1:37])
    for table in ("metrics", "verdicts"):
        assert {row["partition_key"] for row in rows(site, table)} == expected
    (model,) = site.models
    assert site.materialised(model, "verdicts") == expected
    counts = rows(site, "metrics", metric="row_count", segment="*")
    assert {row["partition_key"]: row["value"] for row in counts} == dict.fromkeys(expected, 300.0) | {
        FEW: 100.0
    }


def test_a_month_of_few_rows_is_named_and_said_to_be_usual_in_that_month(site: Site):
    (verdict,) = rows(site, "verdicts", partition_key=FEW, metric="row_count", rule="history", flagged=True)
    assert verdict["sentence"].startswith("number of rows is 100, usually ")
    assert " in August" in verdict["sentence"]
    assert verdict["since"] == FEW
    (model,) = site.models
    checked = site.checked(model, "completeness")[FEW]
    assert (checked.passed, checked.current) == (False, True)
    assert "usually" in checked.sentence
    assert " in August" in checked.sentence


def test_a_rule_on_the_season_compares_with_the_same_month_of_earlier_years(site: Site):
    rule = "row_count falls from season of 2 by 100"
    (verdict,) = rows(site, "verdicts", partition_key=FEW, rule=rule)
    assert verdict["flagged"]
    assert verdict["sentence"].endswith("the median of the last 2 of the same month of the year 300")
    (before,) = rows(site, "verdicts", partition_key="2011-08-01", rule=rule)
    assert before["sentence"].endswith("no verdict yet: 1 of 2 earlier partitions")


def test_months_are_compared_by_the_days_they_begin_on(site: Site):
    reference, current = parse_window("2010-02-01..2011-01-01"), parse_window("2012-01-01..2012-12-01")
    found = compare(site.pipeline.store, "shop.churn", reference, current)
    assert found.partitions == (12, 12)


def test_the_schedule_launches_a_month_that_comes_weeks_late(tmp_path: Path):
    path = tmp_path / "defs.yaml"
    path.write_text(DECLARATION.replace(", end: 2013-02-01", "").replace("2010-01-15", "2012-01-01"))
    model = load(path)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        site = Site.of(tmp_path, [model], instance)
        (january,) = site.windows(model, "2013-01-01", "2013-01-01")
        site.write(model, [january])
        repository = site.location.get_repository_def()
        with dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=utc(2013, 3, 20),
            repository_def=repository,
            resources=resources_of(tmp_path),
        ) as context:
            schedule = repository.get_schedule_def(f"{group_slug(model.cadence.group)}_schedule")
            (request,) = schedule.evaluate_tick(context).run_requests or ()
    assert group_slug(model.cadence.group) == "month_america_new_york_2012q1"
    assert request.partition_key == january.key == "2013-01-01"
    assert RANGE_START not in request.tags
    assert RANGE_END not in request.tags
