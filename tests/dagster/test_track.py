"""One track: what is selected is done, and what goes wrong in one place stays there."""

from datetime import UTC, datetime

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lupus_assets.assets.key import STEPS, checked_key, comparison_key, made_keys, reference_key, step_key
from lupus_assets.assets.launched import PARTITION
from lupus_assets.assets.reference import DECLARATION
from lupus_assets.judging.check import CHECKS
from lupus_assets.pipeline import Pipeline
from lupus_assets.profiling import sampling
from tests.dagster.site import Site, small_model


def steps_of(result: dg.ExecuteInProcessResult) -> set[str]:
    return {
        event.asset_key.path[-1].rpartition("_")[2]
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


@pytest.mark.parametrize("step", ["metrics", "verdicts"])
def test_one_step_alone_is_made_from_what_is_stored(march, step):
    model = march.models[0]
    result = march.run(model, "2013-03-09", [step_key(model, "champion", step)])
    assert result.success
    assert steps_of(result) == {step}


def test_verdicts_without_a_stored_profile_fail_and_say_what_to_do(march):
    model = march.models[0]
    result = march.run(model, "2013-03-11", [step_key(model, "champion", "verdicts")])
    assert result.success
    assert "2013-03-11" not in march.materialised(model, "verdicts")
    assert (
        "has no profile; materialise it first" in march.checked(model, "completeness")["2013-03-11"].sentence
    )
    assert "2013-03-11" not in march.checked(model, "arrival")


def test_a_step_without_checks_fails_itself_and_says_why(march):
    model = march.models[0]
    result = march.run(model, "2013-03-11", [step_key(model, "champion", "metrics")])
    (failed,) = result.get_step_failure_events()
    assert "has no profile; materialise it first" in failed.step_failure_data.error_display_string


def only_checks(site: Site, selection: dg.AssetSelection, key: str | None) -> dg.ExecuteInProcessResult:
    """Execute checks without any asset, over one partition; with None as Dagit's *Execute all* does."""
    jobs = dg.Definitions(jobs=[dg.define_asset_job("only_checks", selection)])
    return (
        dg.Definitions.merge(site.location, jobs)
        .resolve_job_def("only_checks")
        .execute_in_process(
            instance=site.instance, tags={PARTITION: key} if key else {}, raise_on_error=False
        )
    )


def test_checks_alone_are_evaluated_and_materialise_nothing(march):
    model = march.models[0]
    asset = checked_key(model, "champion")
    result = only_checks(march, dg.AssetSelection.checks_for_assets(asset), "2013-03-10")
    assert result.success
    assert not steps_of(result)
    evaluated = result.get_asset_check_evaluations()
    assert {each.check_name for each in evaluated} == set(CHECKS) - {"rules"}
    assert all(each.partition == "2013-03-10" for each in evaluated)
    assert march.checked(model, "performance")["2013-03-10"].current


def test_checks_launched_without_a_partition_are_of_the_newest_materialised_one(march):
    model = march.models[0]
    selection = dg.AssetSelection.checks_for_assets(checked_key(model, "champion"))
    result = only_checks(march, selection, None)
    assert result.success
    newest = max(march.materialised(model, "verdicts"))
    assert {each.partition for each in result.get_asset_check_evaluations()} == {newest}
    assert march.checked(model, "performance")[newest].current


def test_a_run_without_a_partition_that_it_needs_says_what_to_do(site_of):
    tracks = {name: {"parquet": f"bare/{name}/{{partition}}.parquet"} for name in ("champion", "challenger")}
    model = small_model("bare", tracks=tracks, compare=[{"old": "champion", "new": "challenger"}])
    site = site_of([model])
    checks = dg.AssetSelection.checks_for_assets(
        checked_key(model, "champion")
    )  # nothing is materialised yet
    compared = dg.AssetSelection.assets(comparison_key(model, "champion", "challenger"))
    for selection in (checks, compared):
        (failed,) = only_checks(site, selection, None).get_step_failure_events()
        said = failed.step_failure_data.user_failure_data.description
        assert said.startswith("This run has no partition: choose some with *Materialize*")


def test_one_check_alone_says_what_keeps_it_from_judging_though_that_is_not_its_own(march):
    model = march.models[0]
    check = dg.AssetCheckKey(checked_key(model, "champion"), "performance")
    result = only_checks(march, dg.AssetSelection.checks(check), "2013-03-12")
    (said,) = result.get_asset_check_evaluations()
    assert not said.passed
    assert "has no profile" in (said.description or "")


def test_an_error_of_our_own_in_one_partition_is_a_failing_check_and_the_others_go_on(site_of, monkeypatch):
    model = small_model("crashing")
    site = site_of([model])
    days = site.windows(model, "2013-03-01", "2013-03-10")
    site.write(model, days)
    measure = Pipeline.metrics

    def metrics(self, model, track, window, reference, profiled):
        if window.key == "2013-03-09":
            raise ZeroDivisionError("nobody thought of this")
        return measure(self, model, track, window, reference, profiled)

    monkeypatch.setattr(Pipeline, "metrics", metrics)
    result = site.run(model, ("2013-03-01", "2013-03-10"))
    assert not result.success  # someone has to look
    assert site.materialised(model, "verdicts") == {day.key for day in days} - {"2013-03-09"}
    said = site.checked(model, "completeness")["2013-03-09"]
    assert (said.passed, said.sentence) == (False, "ZeroDivisionError: nobody thought of this")
    assert site.checked(model, "input_drift")["2013-03-10"].passed


def test_an_error_in_one_judgement_costs_that_partition_only(site_of, monkeypatch):
    model = small_model("misjudged")
    site = site_of([model])
    days = site.windows(model, "2013-03-01", "2013-03-10")
    site.write(model, days)
    judge = Pipeline.verdicts

    def verdicts(self, model, track, reference, profiled):
        if any(window.key == "2013-03-08" for window in profiled):
            raise ZeroDivisionError("no verdict")
        return judge(self, model, track, reference, profiled)

    monkeypatch.setattr(Pipeline, "verdicts", verdicts)
    assert not site.run(model, ("2013-03-01", "2013-03-10")).success
    assert site.materialised(model, "verdicts") == {day.key for day in days} - {"2013-03-08"}
    assert site.checked(model, "completeness")["2013-03-08"].sentence == "ZeroDivisionError: no verdict"


def test_a_run_before_the_reference_window_is_over_says_when_it_will_be(site_of):
    model = small_model(
        "young", cadence={"every": "day", "start": "2026-01-01", "grace": "6h"},
        reference={"from": "2098-01-01", "to": "2098-01-07"},
    )  # fmt: skip
    site = site_of([model])
    site.write(model, site.windows(model, "2026-01-02", "2026-01-02"))
    assert site.run(model, "2026-01-02").success
    said = site.checked(model, "completeness")["2026-01-02"]
    assert not said.passed
    assert "are not in before 2098-01-08 06:00 UTC" in said.sentence


def test_tracks_and_their_comparison_are_made_in_one_run_without_any_reference_before(site_of):
    model = small_model(
        "paired",
        tracks={
            name: {"parquet": f"paired/{name}/{{partition}}.parquet"} for name in ("champion", "challenger")
        },
        compare=[{"old": "champion", "new": "challenger"}],
    )
    site = site_of([model])
    days = site.windows(model, "2013-03-01", "2013-03-09")
    for track in model.tracks:
        site.write(model, days[:-1] if track == "challenger" else days, track=track)
    result = site.run(model, ("2013-03-01", "2013-03-09"), list(made_keys(model)))
    assert result.success
    for step in STEPS:
        assert len(site.materialised(model, step)) == len(days)
    events = result.asset_materializations_for_node("shop__paired__champion_vs_challenger")
    assert [event.partition for event in events] == [day.key for day in days[:-1]]
    assert all("flip_rate" in event.metadata for event in events)
    said = [each for each in result.get_asset_check_evaluations() if each.check_name == DECLARATION]
    assert [(each.asset_key, each.passed) for each in said] == [(reference_key(model), True)]
    assert not site.checked(model, "arrival", "challenger")["2013-03-09"].passed


def damage(site: Site, files: str) -> None:
    """Flip one bit in every state of the one file of the warehouse."""
    (path,) = (site.home / "warehouse").rglob(files)
    table = pq.read_table(path)
    states = [state[:-9] + bytes([state[-9] ^ 4]) + state[-8:] for state in table["state"].to_pylist()]
    at = table.schema.get_field_index("state")
    pq.write_table(table.set_column(at, table.schema.field(at), pa.array(states, pa.binary())), path)


def test_a_damaged_profile_costs_its_partition_only_and_says_what_to_do(site_of):
    model = small_model("damaged")
    site = site_of([model])
    days = site.windows(model, "2013-03-01", "2013-03-10")
    site.write(model, days)
    assert site.run(model, ("2013-03-01", "2013-03-10"), [step_key(model, "champion", "profile")]).success
    damage(site, "profiles/**/champion~20130309T*")
    later = [step_key(model, "champion", step) for step in ("metrics", "verdicts")]
    assert not site.run(model, ("2013-03-01", "2013-03-10"), later).success
    assert site.materialised(model, "verdicts") == {day.key for day in days} - {"2013-03-09"}
    said = site.checked(model, "completeness")["2013-03-09"]
    assert not said.passed
    assert said.sentence.startswith("the stored profile of champion 2013-03-09, ")
    assert said.sentence.endswith("; materialise the profile of this partition again")
    assert site.run(model, "2013-03-09").success
    assert site.checked(model, "completeness")["2013-03-09"].passed


def test_a_damaged_reference_fails_every_partition_with_the_remedy_and_is_mended_by_it(site_of):
    model = small_model("unfrozen")
    site = site_of([model])
    site.write(model, site.windows(model, "2013-03-01", "2013-03-09"))
    assert site.run(model, "2013-03-08").success
    damage(site, "frozen_references/**/champion~*")
    assert not site.run(model, ("2013-03-08", "2013-03-09")).success
    for key in ("2013-03-08", "2013-03-09"):
        said = site.checked(model, "completeness")[key]
        assert not said.passed
        assert said.sentence.startswith(
            "shop/unfrozen: the stored reference of champion: the state is damaged"
        )
        assert said.sentence.endswith("; materialise unfrozen_reference, then all partitions")
    assert site.materialised(model, "verdicts") == {"2013-03-08"}
    site.pipeline.freeze(model, site.windows(model, "2013-03-01", "2013-03-07"), datetime.now(UTC))
    assert site.run(model, ("2013-03-08", "2013-03-09")).success
    assert site.checked(model, "completeness")["2013-03-09"].passed


def test_of_a_wide_model_the_reference_and_the_check_of_the_inputs_say_what_is_watched_alone(
    site_of, monkeypatch
):
    monkeypatch.setattr(sampling, "MOST_CODES", 12)
    monkeypatch.setattr(sampling, "MOST_RANKED", 2)
    model = small_model("wide")
    site = site_of([model])
    site.write(model, site.windows(model, "2013-03-01", "2013-03-08"))
    assert site.run(model, "2013-03-08").success
    told = (
        "of 2 inputs, 1 explain the score and 1 are correlated with each other; "
        "the others are monitored one by one"
    )
    frozen = site.instance.get_latest_materialization_event(reference_key(model)).asset_materialization
    assert frozen.metadata["champion inputs"].value == told
    assert told in site.checked(model, "input_drift")["2013-03-08"].sentence
    assert told not in site.checked(model, "completeness")["2013-03-08"].sentence
