"""Schedules launch what is open, in batches and not twice; the sensor says what has not come, once."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from lupus_assets.assets.arrival import absent_reports
from lupus_assets.assets.key import STEPS, checked_key, comparison_key, made_keys, step_key
from lupus_assets.assets.launched import PARTITION, WORK
from lupus_assets.assets.operation import RANGE_END, RANGE_START, group_slug, situation
from lupus_assets.assets.work import BATCH, Task, batches, reference_due
from lupus_assets.declare import Cadence, MonitoredModel
from lupus_assets.reading.cut import cuts
from tests.dagster.site import Site, resources_of, small_model, utc

PAIR: dict[str, object] = {
    "tracks": {
        "champion": {"parquet": "champion/{partition}.parquet"},
        "challenger": {"parquet": "challenger/{partition}.parquet"},
    },
    "compare": [{"old": "champion", "new": "challenger"}],
}
# A schedule's context opens an instance of its own, Dagster loads the next location with the newest one
# that was opened, and refuses when that one is gone.
OPEN = ExitStack()


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """Return an instance on disk: a schedule opens it by its reference, which one in memory has not."""
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance:
        yield instance
        OPEN.close()


def evaluated(site: Site, model: MonitoredModel, at: datetime) -> tuple[Sequence[dg.RunRequest], str]:
    """Evaluate the schedule of a model's group as the daemon does; return its runs, or why there are none."""
    repository = site.location.get_repository_def()
    context = OPEN.enter_context(
        dg.build_schedule_context(
            instance=site.instance,
            scheduled_execution_time=at,
            repository_def=repository,
            resources=resources_of(site.home),
        )
    )
    schedule = repository.get_schedule_def(f"{group_slug(model.cadence.group)}_schedule")
    data = schedule.evaluate_tick(context)
    return data.run_requests or [], data.skip_message or ""


def tick(site: Site, model: MonitoredModel, at: datetime) -> Sequence[dg.RunRequest]:
    return evaluated(site, model, at)[0]


def execute(site: Site, model: MonitoredModel, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    first, last = span(request)
    keys = first if request.partition_key else (first, last)
    return site.run(model, keys, request.asset_selection, request.tags)


def span(request: dg.RunRequest) -> tuple[str, str]:
    """Return the first and the last partition of a run."""
    if request.partition_key is not None:
        return request.partition_key, request.partition_key
    return request.tags[RANGE_START], request.tags[RANGE_END]


def launch(site: Site, model: MonitoredModel, request: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
    """Leave a run of a request behind, as if it were under way or had ended."""
    site.instance.create_run_for_job(
        site.location.resolve_job_def(group_slug(model.cadence.group)),
        tags={**request.tags, **({PARTITION: request.partition_key} if request.partition_key else {})},
        status=status,
    )


def test_a_tick_without_anything_new_is_skipped(site_of):
    model = small_model("quiet")
    requests, said = evaluated(site_of([model]), model, utc(2013, 3, 20))
    assert not requests
    assert said == "nothing has arrived that is not judged"


def test_a_partition_that_arrived_is_launched_once_and_after_it_is_done_no_more(site_of):
    model = small_model("arrived", reference={"from": "2013-03-01", "to": "2013-03-02"}, **PAIR)
    site = site_of([model])
    reference = site.windows(model, "2013-03-01", "2013-03-02")
    for track in model.tracks:
        site.write(model, reference, track=track)
    assert not tick(site, model, utc(2013, 3, 3))  # the reference window is due at six
    (request,) = tick(site, model, utc(2013, 3, 3, 6))
    assert span(request) == (reference[0].key, reference[-1].key)
    assert set(request.asset_selection or ()) == set(made_keys(model))
    assert execute(site, model, request).success
    assert not tick(site, model, utc(2013, 3, 3, 6, 10))


def judge_rows(site: Site, model: MonitoredModel, key: str) -> None:
    """Judge one partition at its first cut only, as a run on that day would have."""
    (window,) = site.windows(model, key, key)
    pipeline = site.pipeline
    reference = (
        pipeline.reference(model, "champion")
        or pipeline.freeze(model, site.windows(model, "2013-03-01", "2013-03-07"), utc(2013, 3, 11))[
            "champion"
        ]
    )
    now = cuts(model, window)[0].as_of
    profiled = pipeline.profile(model, "champion", window, reference, now)
    pipeline.metrics(model, "champion", window, reference, profiled)
    pipeline.verdicts(model, "champion", reference, {window: profiled})
    assert len(profiled) == 1


def test_the_cut_of_the_labels_launches_a_partition_again(site_of):
    model = small_model(
        "relaunched",
        columns={
            "timestamp": "at", "key": "id", "prediction": {"score": "p"},
            "label": {"column": "bought", "arrives_within": "50d"},
        },
        reference={"from": "2013-03-01", "to": "2013-03-03"},
    )  # fmt: skip
    site = site_of([model])
    days = site.windows(model, "2013-03-01", "2013-03-03")
    site.write(model, days)
    site.pipeline.freeze(model, days, utc(2013, 5, 1))
    for day in days:
        judge_rows(site, model, day.key)
    assert not tick(site, model, utc(2013, 4, 20))
    labels_due = [cuts(model, day)[-1].as_of for day in days]
    (request,) = tick(site, model, labels_due[-1])
    assert span(request) == (days[0].key, days[-1].key)
    assert execute(site, model, request).success
    assert not tick(site, model, labels_due[-1] + timedelta(minutes=10))


def test_what_is_under_way_is_not_launched_again_though_another_model_joins(site_of):
    slow, late = small_model("slow"), small_model("late")
    site = site_of([slow, late])
    days = site.windows(slow, "2013-03-01", "2013-03-07")
    site.write(slow, days[-1:])
    (request,) = tick(site, slow, utc(2013, 3, 8, 6))
    launch(site, slow, request, dg.DagsterRunStatus.STARTED)
    assert evaluated(site, slow, utc(2013, 3, 8, 6, 10)) == ([], "1 partitions are under way")
    site.write(late, days[-1:])
    (request,) = tick(site, slow, utc(2013, 3, 8, 6, 20))
    assert set(request.asset_selection or ()) == {step_key(late, "champion", step) for step in STEPS}


def test_after_three_vain_runs_a_person_is_asked_for(site_of):
    model = small_model("vain")
    site = site_of([model])
    site.write(model, site.windows(model, "2013-03-07", "2013-03-07"))
    keys = set()
    for minute in (0, 10, 20):
        (request,) = tick(site, model, utc(2013, 3, 8, 6, minute))
        keys.add(request.run_key)
        launch(site, model, request, dg.DagsterRunStatus.FAILURE)
    assert len(keys) == 3
    requests, said = evaluated(site, model, utc(2013, 3, 8, 6, 30))
    assert not requests
    assert "after 3 vain runs these wait for a person: shop/vain champion 2013-03-07" in said


def test_a_run_holds_at_most_25_models():
    models = [small_model(f"m{i:02}") for i in range(60)]
    window = Site.windows(None, models[0], "2013-03-08", "2013-03-08")[0]  # type: ignore[arg-type]
    found = batches((Task(model, "champion", window, cuts(model, window)),) for model in models)
    assert [len(batch.tasks) for batch in found] == [BATCH, BATCH, 10]
    assert BATCH == 25


def test_two_models_share_a_run_in_which_one_has_a_damaged_file(site_of):
    good, bad = small_model("good"), small_model("bad")
    site = site_of([bad, good])
    days = site.windows(good, "2013-03-01", "2013-03-08")
    for model in (good, bad):
        site.write(model, days[:-1])
        assert site.run(model, (days[0].key, days[-2].key), list(made_keys(model))).success
        site.write(model, days[-1:])
    site.log(bad, days[-1]).write_bytes(b"no parquet")
    (request,) = tick(site, good, utc(2013, 3, 9, 6))
    assert {key.path[1] for key in request.asset_selection or ()} == {"good", "bad"}
    assert execute(site, good, request).success
    assert "2013-03-08" in site.materialised(good, "verdicts")
    assert "2013-03-08" not in site.materialised(bad, "verdicts")
    assert "is no readable Parquet file" in site.checked(bad, "completeness")["2013-03-08"].sentence
    (again,) = tick(site, good, utc(2013, 3, 9, 6, 10))
    assert {key.path[1] for key in again.asset_selection or ()} == {"bad"}


@pytest.fixture
def zones(site_of) -> tuple[Site, MonitoredModel, MonitoredModel]:
    """Return one location with an hourly model in Berlin and a daily one in New York."""
    berlin = small_model(
        "berlin",
        cadence={"every": "hour", "start": "2013-03-29", "end": "2013-11-01", "timezone": "Europe/Berlin",
                 "grace": "15m"},
        reference={"from": "2013-03-29", "to": "2013-03-29"},
    )  # fmt: skip
    new_york = small_model(
        "new_york",
        cadence={"every": "day", "start": "2013-03-05", "end": "2013-12-01", "timezone": "America/New_York",
                 "grace": "6h"},
        reference={"from": "2013-03-05", "to": "2013-03-08"},
    )  # fmt: skip
    return site_of([berlin, new_york]), berlin, new_york


def test_models_of_another_start_zone_and_cadence_tick_run_and_backfill_in_one_location(zones):
    site, berlin, new_york = zones
    site.write(berlin, site.windows(berlin, "2013-03-29-00:00", "2013-03-29-23:00"))
    site.write(new_york, site.windows(new_york, "2013-03-05", "2013-03-08"))

    night = site.windows(berlin, "2013-03-31-00:00", "2013-03-31-04:00")
    assert [window.key[-5:] for window in night] == ["00:00", "01:00", "03:00", "04:00"]
    site.write(berlin, night)
    assert site.run(berlin, (night[0].key, night[-1].key)).success
    assert site.materialised(berlin, "verdicts") == {window.key for window in night}
    assert all(each.current for each in site.checked(berlin, "completeness").values())
    # Of the night nothing is left; the day of the reference is still to be judged.
    (request,) = tick(site, berlin, utc(2013, 3, 31, 4))
    assert span(request) == ("2013-03-29-00:00", "2013-03-29-23:00")

    days = site.windows(new_york, "2013-03-09", "2013-03-11")
    site.write(new_york, days)
    (request,) = tick(site, new_york, utc(2013, 3, 12, 12))
    assert span(request) == ("2013-03-05", days[-1].key)
    assert execute(site, new_york, request).success
    assert site.materialised(new_york, "verdicts") >= {day.key for day in days}


def test_the_repeated_hour_of_autumn_is_launched_and_run_by_its_key(zones):
    site, berlin, new_york = zones
    site.write(berlin, site.windows(berlin, "2013-03-29-00:00", "2013-03-29-23:00"))
    night = site.windows(berlin, "2013-10-27-01:00", "2013-10-27-03:00")
    assert [window.key[11:] for window in night] == ["01:00", "02:00", "02:00+0100", "03:00"]
    site.write(berlin, night)
    (request,) = tick(site, berlin, utc(2013, 10, 27, 4))
    assert span(request) == (night[0].key, night[-1].key)
    assert site.run(berlin, night[2].key).success
    assert night[2].key in site.materialised(berlin, "metrics")
    assert [span(each) for each in tick(site, berlin, utc(2013, 10, 27, 4))] == [(night[0].key, night[1].key)]
    assert execute(site, berlin, request).success
    assert site.materialised(berlin, "metrics") >= {window.key for window in night}
    assert not tick(site, berlin, utc(2013, 10, 27, 5))

    site.write(new_york, site.windows(new_york, "2013-03-05", "2013-03-08"))
    site.write(new_york, site.windows(new_york, "2013-11-02", "2013-11-04"))
    (request,) = tick(site, new_york, utc(2013, 11, 5, 12))
    assert span(request) == ("2013-11-02", "2013-11-04")
    assert execute(site, new_york, request).success
    assert site.materialised(new_york, "metrics") >= {"2013-11-02", "2013-11-03", "2013-11-04"}


def test_names_of_jobs_differ_where_their_groups_do():
    groups = [
        Cadence(every=every, start="2013-05-01", timezone=zone, end=end).group
        for every, zone, end in (
            ("day", "UTC", None),
            ("0 6 * * 1-5", "UTC", None),
            ("0 6 * * 1,5", "UTC", None),
            ("hour", "Etc/GMT+5", None),
            ("hour", "Etc/GMT-5", None),
            ("hour", "UTC", "2013-06-01T00:00"),
            ("hour", "UTC", "2013-06-01T06:00"),
        )
    ]
    assert len({group_slug(group) for group in groups}) == len(groups)
    assert group_slug(groups[0]) == "day_utc_2013q2"


def test_nothing_is_asked_of_a_model_before_its_reference_can_be_frozen():
    model = small_model("patient")
    assert reference_due(model) == utc(2013, 3, 8, 6)


def sense(site: Site, cursor: str | None) -> tuple[str, str]:
    """Evaluate the sensor; return its new cursor and what it says."""
    repository = site.location.get_repository_def()
    with dg.build_sensor_context(
        instance=site.instance, cursor=cursor, repository_def=repository, resources=resources_of(site.home)
    ) as context:
        data = repository.get_sensor_def("arrival").evaluate_tick(context)
    assert not data.run_requests
    return data.cursor or "", data.skip_message or ""


def test_a_due_partition_that_has_not_come_is_reported_once_and_without_a_run(site_of):
    start = (datetime.now(UTC) - timedelta(days=40)).date()
    model = small_model("overdue", cadence={"every": "day", "start": start, "grace": "1h"}, reference=None)
    site = site_of([model])
    runs = site.instance.get_runs_count()
    cursor, said = sense(site, None)
    assert said == "1 due partitions have not arrived; 0 declarations are broken"
    key = dg.AssetCheckKey(checked_key(model, "champion"), "arrival")
    history = site.instance.event_log_storage.get_asset_check_execution_history
    assert len(history(key, limit=10)) == 1
    ((partition, found),) = site.checked(model, "arrival").items()
    assert (found.passed, found.current) == (False, True)
    assert found.sentence.startswith(f"partition {partition} was due ")
    assert found.sentence.endswith("and has not arrived")

    assert sense(site, cursor) == (cursor, said)
    assert len(history(key, limit=10)) == 1
    assert site.instance.get_runs_count() == runs

    site.write(model, site.windows(model, partition, partition))
    assert sense(site, cursor)[1] == "0 due partitions have not arrived; 0 declarations are broken"


def test_arrival_is_about_the_newest_due_partition_whatever_a_backfill_did(site_of):
    model = small_model("holes")
    site = site_of([model])
    days = site.windows(model, "2013-03-01", "2013-03-09")
    site.write(model, [day for day in days if day.key != "2013-03-08"])

    def absent(now: datetime) -> list[str]:
        found = situation(resources_of(site.home)["lupus"], site.instance, [model], now)
        return [state for _, state, _ in absent_reports([model], found)[0]]

    assert absent(utc(2013, 3, 9, 5)) == []  # within its grace
    assert absent(utc(2013, 3, 9, 6)) == ["2013-03-08"]
    assert absent(utc(2013, 3, 10, 6)) == []
    assert absent(utc(2013, 3, 11, 6)) == ["2013-03-10"]


def test_a_batch_compares_the_tracks_of_its_models(site_of):
    model = small_model("compared", **PAIR)
    site = site_of([model])
    for track in model.tracks:
        site.write(model, site.windows(model, "2013-03-07", "2013-03-07"), track=track)
    (request,) = tick(site, model, utc(2013, 3, 8, 6))
    assert comparison_key(model, "champion", "challenger") in (request.asset_selection or ())
    assert len(request.tags[WORK].split()) == 3  # two tracks and their comparison


def test_the_history_of_an_hourly_model_goes_into_few_runs_and_not_one_for_every_hour(site_of):
    model = small_model(
        "historied",
        cadence={"every": "hour", "start": "2013-03-01", "end": "2013-06-01"},
        reference={"from": "2013-03-01", "to": "2013-03-02"},
    )
    site = site_of([model])
    hours = site.windows(model, "2013-03-01-00:00", "2013-03-20-06:00")
    site.write(model, hours[:1])
    for hour in hours[1:]:
        site.log(model, hour).symlink_to(site.log(model, hours[0]))
    assert len(hours) == 463
    (request,) = tick(site, model, utc(2013, 3, 20, 7))
    assert span(request) == (hours[0].key, hours[399].key)
    launch(site, model, request, dg.DagsterRunStatus.STARTED)
    assert evaluated(site, model, utc(2013, 3, 20, 7, 10)) == ([], "463 partitions are under way")
