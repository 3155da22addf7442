"""Views as assets: a sensor launches what is behind, an outage is said once and made up for."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from lupus_assets.assets.view import CHECK, compaction, upkeep, view_key
from lupus_assets.errors import ServiceUnreachable
from lupus_assets.records import Place
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.sinks.memory import MemoryFiles

DAY = datetime(2013, 5, 1, tzinfo=UTC)
OLD = Place("shop.churn", "champion", DAY, DAY, "2013-05")


class Shown:
    """A view that remembers the months it was shown, and can be out of reach."""

    in_place = True

    def __init__(self):
        self.known = {}
        self.away = False

    def behind(self, months):
        """Return what has another version than was shown."""
        if self.away:
            raise ServiceUnreachable("the service at host:1 does not answer; start it")
        return [month for month in months if self.known.get(month.location) != month.version]

    def follow(self, months):
        """Remember the months."""
        self.known |= {month.location: month.version for month in self.behind(months)}
        return len(months)

    def shows(self, month):
        """Return whether the month's folder was shown."""
        return month.location in self.known

    def released(self, months):
        """Yield the months whose folder was shown."""
        return filter(self.shows, months)


class Site:
    """An installation of one view."""

    view_names = ("hive",)

    def __init__(self):
        self.store = ParquetStore(MemoryFiles(), followed=True)
        self.shown = Shown()

    def tables(self):
        """Return the tables."""
        return self.store

    def view(self, name):
        """Return the one view."""
        assert name == "hive"
        return self.shown


@pytest.fixture
def place():
    return Site()


@pytest.fixture
def location(place):
    return dg.Definitions.merge(upkeep(place.view_names), dg.Definitions(resources={"lupus": place}))


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def tick(location, instance, cursor=None):
    sensor = location.resolve_sensor_def("hive_view")
    context = dg.build_sensor_context(
        instance=instance, cursor=cursor, definitions=location, resources=location.resources
    )
    return sensor.evaluate_tick(context)


def run(location, instance, *, raises=True):
    job = location.resolve_job_def("follow_hive")
    return job.execute_in_process(instance=instance, raise_on_error=raises)


def latest(instance):
    key = dg.AssetCheckKey(view_key("hive"), CHECK)
    summary = instance.event_log_storage.get_asset_check_summary_records([key])[key]
    return summary.last_check_execution_record.event.asset_check_evaluation


def test_what_is_behind_is_launched_and_then_in_step(place, location, instance):
    assert "every month" in tick(location, instance).skip_message
    place.store.replace("incidents", OLD, [])
    assert len(tick(location, instance).run_requests) == 1
    assert run(location, instance).success
    assert latest(instance).passed
    assert "every month" in tick(location, instance).skip_message


def test_an_outage_is_said_once_and_made_up_for(place, location, instance):
    place.store.replace("incidents", OLD, [])
    place.shown.away = True
    said = tick(location, instance)
    assert "does not answer; start it" in said.skip_message
    assert "made up for" in said.skip_message
    first = latest(instance)
    assert not first.passed
    assert "host:1 does not answer" in first.description
    assert tick(location, instance, said.cursor).run_requests == []
    place.shown.away = False
    assert len(tick(location, instance, said.cursor).run_requests) == 1


def test_a_file_of_nobodys_among_the_tables_is_said_once_and_stops_no_other_month(place, location, instance):
    place.store.replace("incidents", OLD, [])
    place.store.files.put("incidents/model=shop.other/month=2013-05/champion copy.parquet", b"")
    first = tick(location, instance)
    assert len(first.run_requests) == 1
    assert not latest(instance).passed
    assert run(location, instance).success
    assert "every other month as it is; incidents/model=shop.other" in latest(instance).description
    assert (
        "champion copy.parquet is no file of this store; move it out of the way"
        in latest(instance).description
    )
    assert any("shop.churn" in shown for shown in place.shown.known)
    place.store.files.delete(["incidents/model=shop.other/month=2013-05/champion copy.parquet"])
    assert run(location, instance).success
    assert latest(instance).passed


def test_a_failed_run_says_why_and_the_next_waits(place, location, instance):
    place.store.replace("incidents", OLD, [])
    place.shown.away = True
    assert not run(location, instance, raises=False).success
    assert "host:1 does not answer" in latest(instance).description
    place.shown.away = False
    assert "the last 1 runs failed" in tick(location, instance).skip_message


def test_compacted_months_are_followed_and_swept(place, location, instance):
    for day in (1, 2):
        at = Place("shop.churn", "champion", DAY.replace(day=day), DAY.replace(day=day), "2013-05")
        place.store.replace("incidents", at, [])
    assert run(location, instance).success
    assert compaction.execute_in_process(resources={"lupus": place}).success
    assert [month.unswept for month in place.store.months()] == [True]
    assert len(tick(location, instance).run_requests) == 1
    assert run(location, instance).success
    assert [month.unswept for month in place.store.months()] == [False]
    assert list(place.shown.known)[-1].startswith("generations/incidents")
    assert len(place.store.places("incidents", models=["shop.churn"])) == 2


def test_a_location_without_services_has_the_compaction_alone():
    location = upkeep(())
    assert [sensor.name for sensor in location.sensors or ()] == []
    assert [schedule.name for schedule in location.schedules or ()] == ["compaction_schedule"]
