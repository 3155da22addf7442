"""Done means written and told: what is missing of a partition, in a table or in Dagster, is made up for."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import dagster as dg
import pytest

from lupus_assets.assets.key import STEPS, checked_key, step_key
from lupus_assets.assets.launched import UNFINISHED
from lupus_assets.assets.operation import open_tasks, situation
from lupus_assets.assets.work import STRETCH, Task, next_stretch, spans
from lupus_assets.judging.check import CHECKS
from lupus_assets.reading.cut import cuts, place
from lupus_assets.records import Pending, Window
from lupus_assets.sinks.files.journal import StoreJournal
from tests.dagster.site import Site, resources_of, small_model, utc

PAIR: dict[str, object] = {
    "tracks": {
        "champion": {"parquet": "champion/{partition}.parquet"},
        "challenger": {"parquet": "challenger/{partition}.parquet"},
    },
    "compare": [{"old": "champion", "new": "challenger"}],
    "reference": {"from": "2013-03-01", "to": "2013-03-02"},
}
PARTS = frozenset({*STEPS, *CHECKS} - {"rules"})
NOW = utc(2013, 3, 5, 6)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, instance: dg.DagsterInstance) -> Site:
    """Return a location of one model with everything done, for all tests of the module."""
    model = small_model("told", **PAIR)
    site = Site.of(tmp_path_factory.mktemp("told"), [model], instance)
    for track in model.tracks:
        site.write(model, site.windows(model, "2013-03-01", "2013-03-04"), track=track)
    assert site.run(model, ("2013-03-01", "2013-03-04"), [*site.location.resolve_job_def(
        "day_utc_2013q1_until_20130601").asset_layer.selected_asset_keys]).success  # fmt: skip
    assert open_windows(site) == []
    return site


def journal_of(site: Site) -> StoreJournal:
    return resources_of(site.home)["lupus"].journal()  # type: ignore[attr-defined,no-any-return]


def opened(site: Site) -> list[Task]:
    found = situation(resources_of(site.home)["lupus"], site.instance, site.models, NOW)  # type: ignore[arg-type]
    work, failures = open_tasks(site.models, found)
    assert not failures
    return work


def open_windows(site: Site) -> list[tuple[str, str]]:
    return [(task.track, task.window.key) for task in opened(site)]


@pytest.fixture
def noted(judged) -> Iterator[Callable[..., Pending]]:
    """Return a function that notes windows as a run's; all is struck out afterwards."""
    (model,) = judged.models

    def note(run: str, track: str, keys: tuple[str, str], parts: frozenset[str] = PARTS) -> Pending:
        windows = frozenset(judged.windows(model, *keys))
        pending = Pending(run, model.name, track, parts, windows)
        journal_of(judged).note(pending)
        return pending

    yield note
    for left in journal_of(judged).noted():
        journal_of(judged).note(Pending(left.run, left.model, left.track, left.parts, frozenset()))


@pytest.mark.parametrize("table", ["profiles", "metrics", "incidents", "verdicts"])
def test_a_partition_that_lacks_one_of_its_tables_is_open(judged, table):
    (model,) = judged.models
    (day,) = judged.windows(model, "2013-03-03", "2013-03-03")
    at = place(model, "champion", day, cuts(model, day)[0].as_of)
    (path,) = (judged.home / "warehouse" / table).rglob(f"champion~{day.start:%Y%m%d}T*.parquet")
    data = path.read_bytes()
    path.unlink()
    assert open_windows(judged) == [("champion", "2013-03-03")]
    path.write_bytes(data)
    assert at in judged.pipeline.store.places(table, models=[model.name])
    assert open_windows(judged) == []


def test_a_comparison_that_is_missing_is_open_by_itself(judged):
    (path,) = (judged.home / "warehouse" / "comparisons").rglob("champion~challenger~20130303T*.parquet")
    data = path.read_bytes()
    path.unlink()
    assert open_windows(judged) == [("champion~challenger", "2013-03-03")]
    path.write_bytes(data)


def test_what_a_dead_run_did_not_report_is_open_though_all_its_tables_are_there(judged, noted):
    noted("nobody-knows", "champion", ("2013-03-02", "2013-03-03"))
    assert open_windows(judged) == [("champion", "2013-03-02"), ("champion", "2013-03-03")]


def test_what_a_run_has_begun_that_goes_on_is_left_to_it(judged, noted):
    job = judged.location.resolve_job_def("day_utc_2013q1_until_20130601")
    run = judged.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    noted(run.run_id, "champion", ("2013-03-03", "2013-03-03"))
    assert open_windows(judged) == []
    judged.instance.report_run_failed(run)
    assert open_windows(judged) == [("champion", "2013-03-03")]


def test_an_interrupted_backfill_is_made_up_for_however_old_its_partitions_are(judged, noted):
    (model,) = judged.models
    noted("dead", "champion", ("2013-03-01", "2013-03-02"))
    found = situation(resources_of(judged.home)["lupus"], judged.instance, [model], utc(2013, 5, 30))
    work, _ = open_tasks([model], found)
    assert [task.window.key for task in work] == ["2013-03-01", "2013-03-02"]


def test_a_whole_run_strikes_out_what_a_dead_one_left_and_a_run_of_one_step_does_not(judged, noted):
    (model,) = judged.models
    noted("dead", "champion", ("2013-03-03", "2013-03-04"))
    assert judged.run(model, "2013-03-03", [step_key(model, "champion", "verdicts")]).success
    assert len(open_windows(judged)) == 2
    assert judged.run(model, "2013-03-03").success
    assert open_windows(judged) == [("champion", "2013-03-04")]
    (left,) = journal_of(judged).noted()
    assert [window.key for window in left.windows] == ["2013-03-04"]


def test_what_cannot_be_read_now_stays_open_where_a_dead_run_had_begun_it(judged, noted):
    (model,) = judged.models
    (day,) = judged.windows(model, "2013-03-04", "2013-03-04")
    noted("dead", "champion", ("2013-03-04", "2013-03-04"))
    path = judged.log(model, day)
    data = path.read_bytes()
    path.write_bytes(b"no parquet")
    assert judged.run(model, "2013-03-04").success
    path.write_bytes(data)
    assert open_windows(judged) == [("champion", "2013-03-04")]


def test_a_log_that_has_gone_since_leaves_what_its_profile_gives(judged, noted):
    (model,) = judged.models
    (day,) = judged.windows(model, "2013-03-04", "2013-03-04")
    noted("dead", "champion", ("2013-03-04", "2013-03-04"))
    path = judged.log(model, day)
    data = path.read_bytes()
    path.unlink()
    (task,) = opened(judged)
    assert task.steps == ("metrics", "verdicts")
    path.write_bytes(data)


def test_a_partition_is_struck_out_only_when_dagster_has_stored_all_that_is_said_of_it(judged, monkeypatch):
    (model,) = judged.models
    stored: list[tuple[bool, set[str]]] = []
    note = StoreJournal.note

    def watched(self: StoreJournal, pending: Pending) -> None:
        (run,) = judged.instance.get_runs(dg.RunsFilter(statuses=UNFINISHED), limit=1)
        records = judged.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        told = {each.dagster_event.asset_check_evaluation_data.check_name for each in records}
        stored.append((bool(pending.windows), told))
        note(self, pending)

    monkeypatch.setattr(StoreJournal, "note", watched)
    assert judged.run(model, "2013-03-04", [step_key(model, "champion", step) for step in STEPS]).success
    assert stored == [(True, set()), (False, set(CHECKS) - {"rules"})]
    assert all(judged.checked(model, check)["2013-03-04"].current for check in set(CHECKS) - {"rules"})


def test_a_step_that_breaks_half_way_stays_noted(judged, noted, monkeypatch):
    (model,) = judged.models
    noted("none", "champion", ("2013-03-04", "2013-03-04"), frozenset({"another"}))  # to be cleared away

    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("half of the tables are written")

    monkeypatch.setattr("lupus_assets.pipeline.Pipeline.verdicts", broken)
    assert not judged.run(model, "2013-03-04", [step_key(model, "champion", step) for step in STEPS]).success
    monkeypatch.undo()
    assert ("champion", "2013-03-04") in open_windows(judged)
    assert not judged.checked(model, "completeness")["2013-03-04"].passed


def test_the_reference_is_told_of_by_the_next_run_where_its_own_died_before(site_of, instance):
    model = small_model("silent")
    site = site_of([model])
    days = site.windows(model, "2013-03-01", "2013-03-08")
    site.write(model, days)
    site.pipeline.freeze(model, days[:-1], utc(2013, 4, 1))
    assert (
        instance.get_latest_materialization_event(dg.AssetKey(["shop", "silent", "silent_reference"])) is None
    )
    for _ in range(2):
        assert site.run(model, days[-1].key).success
    key = dg.AssetKey(["shop", "silent", "silent_reference"])
    records = instance.fetch_materializations(key, limit=9).records
    assert len(records) == 1


def task_on(model, track: str, window: Window, steps: tuple[str, ...] = STEPS) -> Task:
    return Task(model, track, window, cuts(model, window), steps)


def test_what_was_never_tried_goes_together_and_what_failed_goes_in_smaller_runs():
    model = small_model("many", cadence={"every": "hour", "start": "2013-03-01"})
    windows = Site.windows(None, model, "2013-03-01-00:00", "2013-04-10-00:00")  # type: ignore[arg-type]
    work = [task_on(model, "champion", window) for window in windows]
    assert [len(next_stretch(work, lambda _, tried=tried: tried)) for tried in (0, 1, 2)] == list(STRETCH)
    gap = work[:3] + work[4:]
    assert next_stretch(gap, lambda _: 0) == tuple(work[:3])
    tried = {work[2].window: 1}
    assert next_stretch(work, lambda task: tried.get(task.window, 0)) == tuple(work[:2])


def test_a_tick_looks_at_a_bounded_number_of_partitions_and_at_those_whose_labels_fall_due():
    label = {
        "timestamp": "at",
        "prediction": {"score": "p"},
        "label": {"column": "y", "arrives_within": "300d"},
    }
    model = small_model("deep", cadence={"every": "hour", "start": "2013-03-01"}, columns=label)
    now = utc(2023, 3, 1)
    looked = spans(model, now)
    assert sum((until - since) / timedelta(hours=1) for since, until in looked) <= 2_000
    assert looked[0][1] == now - timedelta(days=300)
    assert looked[-1][1] == now
    (plain,) = spans(small_model("plain"), now)
    assert plain == (now - timedelta(days=35, hours=6), now)
    assert checked_key(model, "champion").path[-1] == "deep_champion_verdicts"
