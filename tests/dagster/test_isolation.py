"""A model of which nothing can be told takes no other with it, in a tick, a sensor or a load."""

import dagster as dg
import pytest

from lupus_assets.assets.arrival import absent_reports
from lupus_assets.assets.key import reference_key
from lupus_assets.assets.operation import open_tasks, situation
from lupus_assets.declare import Cadence, MonitoredModel
from tests.dagster.site import Site, resources_of, small_model, utc

NOW = utc(2013, 3, 10)


class Wild(MonitoredModel):
    """A model whose declaration was accepted, and that fails when it is asked when its reference is in."""

    def reference_window(self):
        """Fail once the location is loaded."""
        if Wild.loaded:
            raise OverflowError("date value out of range")
        return super().reference_window()


Wild.loaded = False


@pytest.fixture
def wild(monkeypatch) -> MonitoredModel:
    monkeypatch.setattr(Wild, "loaded", False)
    return Wild.model_validate(small_model("wild").model_dump(by_alias=True, exclude_none=True))


def test_a_tick_launches_the_others_and_says_of_which_model_it_can_tell_nothing(site_of, wild, monkeypatch):
    tame = small_model("tame")
    site = site_of([wild, tame])
    site.write(tame, site.windows(tame, "2013-03-07", "2013-03-07"))
    monkeypatch.setattr(Wild, "loaded", True)
    found = situation(resources_of(site.home)["lupus"], site.instance, [wild, tame], NOW)
    work, failures = open_tasks([wild, tame], found)
    assert [task.model.key for task in work] == ["shop/tame"]
    assert list(failures) == ["shop/wild"]


def test_a_cadence_that_fails_costs_its_own_model_only(site_of, wild, monkeypatch):
    tame = small_model("tame_too")
    site = site_of([wild, tame])

    def period(self):
        if self is wild.cadence:
            raise ZeroDivisionError("no period")
        return whole.fget(self)

    whole = Cadence.period
    monkeypatch.setattr(Cadence, "period", property(period))
    found = situation(resources_of(site.home)["lupus"], site.instance, [wild, tame], NOW)
    reports, failures = absent_reports([wild, tame], found)
    assert [subject for subject, _, _ in reports] == ["shop/tame_too/champion"]
    assert list(failures) == ["shop/wild"]


def test_the_sensor_makes_it_a_failing_check_of_that_model_until_it_works_again(site_of, wild, monkeypatch):
    tame = small_model("tame_three", cadence={"every": "day", "start": "2013-03-01"})
    site = site_of([wild, tame])
    repository = site.location.get_repository_def()
    key = dg.AssetCheckKey(reference_key(wild), "declaration")

    def said(cursor: str | None) -> tuple[str | None, str, list[bool]]:
        with dg.build_sensor_context(
            instance=site.instance, cursor=cursor, repository_def=repository,
            resources=resources_of(site.home),
        ) as context:  # fmt: skip
            data = repository.get_sensor_def("arrival").evaluate_tick(context)
        records = site.instance.event_log_storage.get_asset_check_execution_history(key, limit=9)
        found = [record.event.dagster_event.asset_check_evaluation_data for record in records]
        return data.cursor, data.skip_message or "", [each.passed for each in found]

    cursor, message, told = said(None)
    assert message.endswith("0 declarations are broken")
    assert told == []
    monkeypatch.setattr(Wild, "loaded", True)
    for _ in range(2):
        cursor, message, told = said(cursor)
        assert message == "1 due partitions have not arrived; 1 declarations are broken"
        assert told == [False]
    monkeypatch.setattr(Wild, "loaded", False)
    assert said(cursor)[2] == [True, False]


def test_a_model_made_in_python_that_cannot_be_loaded_is_a_failing_check_of_its_own(
    tmp_path, instance, wild, monkeypatch
):
    monkeypatch.setattr(Wild, "loaded", True)
    tame = small_model("tame_four")
    site = Site.of(tmp_path, [wild, tame, tame], instance)
    keys = site.location.resolve_asset_graph().get_all_asset_keys()
    assert reference_key(tame) in keys
    assert dg.AssetKey(["shop", "wild", "wild_declaration"]) in keys
    described = site.location.resolve_asset_graph().get(dg.AssetKey(["shop", "wild", "wild_declaration"]))
    assert "OverflowError: date value out of range" in (described.description or "")
    twice = site.location.resolve_asset_graph().get(
        dg.AssetKey(["shop", "tame_four", "tame_four_declaration"])
    )
    assert "shop/tame_four is declared already" in (twice.description or "")
