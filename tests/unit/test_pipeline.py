"""From log to verdict without Dagster: a store and logs in memory."""

import weakref
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from lupus_assets.declare.column import Decision
from lupus_assets.errors import ColumnMismatch, PartitionMissing, ReferenceMissing
from lupus_assets.pipeline import Pipeline
from lupus_assets.reading.cut import cuts, open_cuts
from lupus_assets.records import TABLES
from lupus_assets.sinks.memory import MemoryStore
from tests.models import DAY, SALT, START, Logs, day, declared, log

DAYS = 26
ODD = 22  # the day on which amounts double
LATER = START + 100 * DAY
TRACKS = {"champion": {"parquet": "{partition}.a"}, "challenger": {"parquet": "{partition}.b"}}
MODEL = declared(
    {"label": {"column": "y", "arrives_within": "3d"}},
    tracks=TRACKS,
    reference={"from": START.date(), "to": (START + DAY).date()},
    rules=[{"metric": "row_count", "below": 50}],
    compare=[{"old": "champion", "new": "challenger"}],
)
REFERENCE_DAYS = [day(0), day(1)]


def rows_of(number: int) -> pa.Table:
    table = log(number, 120)
    return (
        log(number, 120, amount=[value * 2 for value in table["amount"].to_pylist()])
        if number == ODD
        else table
    )


LOGS = {
    "champion": Logs({day(number): rows_of(number) for number in range(DAYS)}),
    "challenger": Logs({day(number): log(number + 100, 120, id=rows_of(number)["id"].to_pylist(),
                                         at=rows_of(number)["at"].to_pylist()) for number in range(5, DAYS)}),
}  # fmt: skip


def built(logs=LOGS) -> Pipeline:
    return Pipeline(store=MemoryStore(), source=lambda _, track: logs[track], salt=SALT)


def run(pipeline, windows, *, model=MODEL, now=LATER, together=True):
    """Take `windows` of the champion from rows to verdicts, judging them all at once or one by one."""
    reference = (
        pipeline.reference(model, "champion") or pipeline.freeze(model, REFERENCE_DAYS, now)["champion"]
    )
    done = {}
    for window in windows:
        done[window] = pipeline.profile(model, "champion", window, reference, now)
        pipeline.metrics(model, "champion", window, reference, done[window])
        if not together:
            pipeline.verdicts(model, "champion", reference, {window: done[window]})
    if together:
        return pipeline.verdicts(model, "champion", reference, done)
    return {}


def stored(pipeline, model=MODEL, **limits):
    """Return every row of every table."""
    return {table: pipeline.store.read(table, model=model.name, **limits).to_pylist() for table in TABLES}


@pytest.fixture(scope="module")
def whole() -> Pipeline:
    pipeline = built()
    run(pipeline, [day(number) for number in range(DAYS)])
    return pipeline


def copied(pipeline: Pipeline) -> Pipeline:
    return replace(pipeline, store=deepcopy(pipeline.store))


def test_the_odd_day_is_found_and_opens_an_incident(whole):
    verdicts = whole.store.read("verdicts", model=MODEL.name, track="champion").to_pylist()
    flagged = {(row["partition_key"], row["column_name"]) for row in verdicts if row["flagged"]}
    assert (day(ODD).key, "amount") in flagged
    incidents = whole.store.read("incidents", model=MODEL.name, track="champion").to_pylist()
    opened = [row["incident"] for row in incidents if row["event"] == "opened"]
    assert f"champion/{day(ODD).key}" in opened


def test_judging_day_by_day_equals_judging_the_range_at_once(whole):
    """A verdict is a function of the history at its partition, not of how a backfill was cut up."""
    daily = built()
    run(daily, [day(number) for number in range(DAYS)], together=False)
    assert stored(daily) == stored(whole)


def test_running_a_partition_again_gives_equal_rows(whole):
    pipeline = copied(whole)
    run(pipeline, [day(number) for number in (ODD, 10)])
    assert stored(pipeline) == stored(whole)


def test_judging_an_old_partition_again_does_not_look_at_later_ones(whole):
    until = built()
    run(until, [day(number) for number in range(20)])
    assert stored(until, until=day(20).start) == stored(whole, until=day(20).start)


def test_what_was_returned_is_what_was_stored():
    pipeline = built()
    found = run(pipeline, [day(2), day(3)])
    verdicts = pipeline.store.read("verdicts", model=MODEL.name)
    assert sum(map(len, found.values())) == verdicts.num_rows
    assert {row.partition_key for row in found[day(3)]} == {day(3).key}


def test_a_stored_profile_gives_the_metrics_and_verdicts_of_a_fresh_one(whole):
    pipeline = copied(whole)
    reference = pipeline.reference(MODEL, "champion")
    again = {
        day(number): pipeline.stored_profile(MODEL, "champion", day(number), reference)
        for number in range(DAYS)
    }
    for window, profiled in again.items():
        pipeline.metrics(MODEL, "champion", window, reference, profiled)
    pipeline.verdicts(MODEL, "champion", reference, again)
    assert stored(pipeline) == stored(whole)


def test_the_cut_of_the_labels_adds_performance_and_leaves_the_rows_alone():
    """Judged first while labels are awaited, then once they are in."""
    due, labelled = cuts(MODEL, day(5))
    early, later = due.as_of + timedelta(hours=1), labelled.as_of
    pipeline = built()
    pipeline.freeze(MODEL, REFERENCE_DAYS, LATER)
    run(pipeline, [day(5)], now=early)
    before = stored(pipeline)
    assert {row["as_of"] for row in before["metrics"]} == {due.as_of.replace(tzinfo=None)}
    assert not [row for row in before["metrics"] if row["family"] in ("performance", "target")]
    run(pipeline, [day(5)], now=later)
    after = stored(pipeline)
    for table in ("profiles", "metrics", "verdicts"):
        of_rows = [row for row in after[table] if row["as_of"] == due.as_of.replace(tzinfo=None)]
        assert of_rows == before[table]
    added = {row["metric"] for row in after["metrics"] if row["family"] == "performance"}
    assert {"auc", "brier", "log_loss"} <= added
    assert open_cuts(MODEL, day(5), early) == (due,)


def test_a_partition_before_the_start_of_the_model_is_refused():
    pipeline = built()
    reference = pipeline.freeze(MODEL, REFERENCE_DAYS, LATER)["champion"]
    with pytest.raises(PartitionMissing, match="2023-12-31 is before the model's start 2024-01-01 00:00"):
        pipeline.profile(MODEL, "champion", day(-1), reference, LATER)


def test_a_partition_that_is_not_over_is_refused():
    pipeline = built()
    reference = pipeline.freeze(MODEL, REFERENCE_DAYS, LATER)["champion"]
    with pytest.raises(PartitionMissing, match="2024-01-06 is not due before 2024-01-07 00:00 UTC"):
        pipeline.profile(MODEL, "champion", day(5), reference, day(5).end - timedelta(seconds=1))


def test_a_partition_without_a_source_or_a_profile_is_missing():
    pipeline = built()
    reference = pipeline.freeze(MODEL, REFERENCE_DAYS, LATER)["champion"]
    with pytest.raises(PartitionMissing):
        pipeline.profile(MODEL, "champion", day(DAYS), reference, LATER)
    with pytest.raises(PartitionMissing, match="has no profile; materialise it first"):
        pipeline.stored_profile(MODEL, "champion", day(3), reference)


def test_a_profile_of_another_reference_is_refused_instead_of_being_compared(whole):
    other = replace(whole.reference(MODEL, "champion"), digest="0" * 16)
    with pytest.raises(PartitionMissing, match="made with another reference than is in force"):
        whole.stored_profile(MODEL, "champion", day(3), other)


def test_a_track_without_rows_in_the_reference_window_borrows_the_reference_of_one_that_has_some():
    pipeline = built()
    found = pipeline.freeze(MODEL, REFERENCE_DAYS, LATER)
    assert found["challenger"] == found["champion"]
    rows = pipeline.store.read("frozen_references", model=MODEL.name).to_pylist()
    assert {row["track"]: row["borrowed_from"] for row in rows} == {
        "champion": None,
        "challenger": "champion",
    }
    assert pipeline.reference(MODEL, "challenger") == found["champion"]


def test_tracks_with_rows_of_their_own_share_the_grids_and_nothing_else():
    logs = LOGS | {"challenger": Logs({day(number): log(number + 50) for number in range(2)})}
    found = built(logs).freeze(MODEL, REFERENCE_DAYS, LATER)
    assert found["challenger"].grids == found["champion"].grids
    assert found["challenger"].digest != found["champion"].digest


def test_all_tracks_may_be_measured_against_one():
    parts = MODEL.model_dump(by_alias=True, exclude_unset=True)
    of_one = MODEL.reference.model_dump(by_alias=True) | {"track": "champion"}
    model = type(MODEL).model_validate(parts | {"reference": of_one})
    logs = LOGS | {"challenger": Logs({day(number): log(number + 50) for number in range(2)})}
    found = built(logs).freeze(model, REFERENCE_DAYS, LATER)
    assert found["challenger"].digest == found["champion"].digest


def test_a_reference_window_whose_labels_are_not_in_cannot_be_frozen():
    pipeline = built()
    over = day(1).end + 3 * DAY
    with pytest.raises(ReferenceMissing, match="are not in before 2024-01-06 00:00 UTC; wait, or declare"):
        pipeline.freeze(MODEL, REFERENCE_DAYS, over - timedelta(seconds=1))
    assert pipeline.reference(MODEL, "champion") is None
    assert pipeline.freeze(MODEL, REFERENCE_DAYS, over)["champion"].rows == 240


def test_a_reference_window_that_no_log_covers_cannot_be_frozen():
    nothing = {"champion": Logs({}), "challenger": Logs({})}
    with pytest.raises(ReferenceMissing, match="no track has a partition in the reference window"):
        built(nothing).freeze(MODEL, REFERENCE_DAYS, LATER)


def test_a_reference_of_another_window_is_not_the_declared_one():
    pipeline = built()
    pipeline.freeze(MODEL, REFERENCE_DAYS, LATER)
    parts = MODEL.model_dump(by_alias=True, exclude_unset=True)
    longer = {"from": START.date(), "to": (START + 3 * DAY).date()}
    assert pipeline.reference(type(MODEL).model_validate(parts | {"reference": longer}), "champion") is None


def test_a_new_reference_starts_the_history_anew(whole):
    """Numbers against the old reference stay where they are, and in no history of the new one."""
    pipeline = copied(whole)
    changed = {
        "champion": Logs(LOGS["champion"].tables | {day(0): log(77, 120, at=rows_of(0)["at"].to_pylist())})
    }
    again = Pipeline(store=pipeline.store, source=lambda _, track: (LOGS | changed)[track], salt=SALT)
    reference = again.freeze(MODEL, REFERENCE_DAYS, LATER)["champion"]
    profiled = again.profile(MODEL, "champion", day(20), reference, LATER)
    again.metrics(MODEL, "champion", day(20), reference, profiled)
    found = again.verdicts(MODEL, "champion", reference, {day(20): profiled})
    of_history = [row for row in found[day(20)] if row.rule == "history"]
    assert of_history
    assert all(row.history == 0 and row.p is None for row in of_history)


def test_tracks_are_compared_over_the_rows_they_share():
    pipeline = built()
    reference = pipeline.freeze(MODEL, REFERENCE_DAYS, LATER)["champion"]
    both = ("champion", "challenger")
    found = {row.metric: row for row in pipeline.compare(MODEL, both, day(6), reference, LATER)}
    assert found["joined_share"].difference == 1.0
    assert found["flip_rate"].n == 120
    assert "auc" in found
    early = pipeline.compare(MODEL, both, day(6), reference, day(6).end)
    assert "auc" not in {row.metric for row in early}
    assert pipeline.store.read("comparisons", model=MODEL.name, track="champion~challenger").num_rows == len(
        found
    ) + len(early)


def test_a_comparison_needs_a_partition_that_is_over():
    pipeline = built()
    reference = pipeline.freeze(MODEL, REFERENCE_DAYS, LATER)["champion"]
    with pytest.raises(PartitionMissing, match="2024-01-07 is not over"):
        pipeline.compare(MODEL, ("champion", "challenger"), day(6), reference, day(6).start)


def test_a_reference_lives_as_long_as_whoever_asked_for_it(whole):
    """A run over 25 models would otherwise hold those of all of them at its end."""
    asked = whole.reference(MODEL, "champion")
    held = weakref.ref(asked)
    del asked
    assert held() is None


def test_a_rule_of_the_team_is_judged_with_the_rest():
    logs = LOGS | {"champion": Logs(LOGS["champion"].tables | {day(2): rows_of(2).slice(0, 40)})}
    found = run(built(logs), [day(2), day(3)])
    ruled = {
        window.key: [row for row in rows if row.rule == "row_count below 50"]
        for window, rows in found.items()
    }
    assert [row.flagged for row in ruled[day(2).key]] == [True]
    assert [row.flagged for row in ruled[day(3).key]] == [False]


def test_a_column_that_is_missing_one_day_is_a_fact_of_that_day_and_no_more():
    without = rows_of(20).drop_columns(["amount"])
    logs = LOGS | {"champion": Logs(LOGS["champion"].tables | {day(20): without})}
    found = run(built(logs), [day(number) for number in range(24)])
    (fact,) = [row for row in found[day(20)] if row.rule == "fact"]
    assert (fact.column_name, fact.flagged, fact.incident) == ("amount", True, f"champion/{day(20).key}")
    assert not [row for row in found[day(20)] if row.column_name == "amount" and row.rule == "history"]
    assert [row for row in found[day(23)] if row.column_name == "amount" and row.p is not None]


def test_an_empty_partition_is_judged_as_one_without_rows():
    logs = LOGS | {"champion": Logs(LOGS["champion"].tables | {day(23): log(23, 0)})}
    found = run(built(logs), [day(number) for number in range(24)])
    said = {row.rule: row for row in found[day(23)] if row.metric == "row_count" and row.segment == "*"}
    assert said["fact"].sentence == "the partition holds no rows"
    assert said["row_count below 50"].flagged
    assert said["history"].flagged


def test_nothing_to_judge_writes_nothing():
    pipeline = built()
    reference = pipeline.freeze(MODEL, REFERENCE_DAYS, LATER)["champion"]
    assert pipeline.verdicts(MODEL, "champion", reference, {}) == {}
    assert pipeline.store.places("verdicts", models=[MODEL.name]) == set()


def test_a_reference_frozen_under_another_declaration_is_refused(whole):
    """Numbers of a column that has become the key would be compared with its numbers as a feature."""
    columns = MODEL.columns.model_copy(update={"private": ("amount",)})
    changed = MODEL.model_copy(update={"columns": columns})
    with pytest.raises(ReferenceMissing, match="declared otherwise than when the reference was frozen"):
        whole.reference(changed, "champion")


def test_a_segment_column_that_the_log_lacks_is_an_error_and_not_nothing():
    with pytest.raises(ColumnMismatch, match="the log has no column 'planet' to cut segments by"):
        built().freeze(MODEL.model_copy(update={"segments": ("planet",)}), REFERENCE_DAYS, LATER)


def of_tracks(*names, **parts):
    tracks = {name: {"parquet": f"{{partition}}.{name}"} for name in names}
    plain = MODEL.model_dump(by_alias=True, exclude_unset=True)
    return type(MODEL).model_validate(plain | {"tracks": tracks, "compare": []} | parts)


def test_the_first_declared_track_with_rows_lends_its_reference_and_its_grids():
    model = of_tracks("none", "first", "second", "empty")
    logs = {
        "none": Logs({day(9): log(9)}),
        "first": Logs({day(0): log(0), day(1): log(1)}),
        "second": Logs({day(0): log(50, amount=[1.0] * 300), day(1): log(51)}),
        "empty": Logs({}),
    }
    pipeline = built(logs)
    found = pipeline.freeze(model, REFERENCE_DAYS, LATER)
    rows = pipeline.store.read("frozen_references", model=model.name).to_pylist()
    assert {row["track"]: row["borrowed_from"] for row in rows} == {
        "none": "first", "first": None, "second": None, "empty": "first",
    }  # fmt: skip
    assert found["none"] == found["empty"] == found["first"]
    alone = built({"second": logs["second"]}).freeze(of_tracks("second"), REFERENCE_DAYS, LATER)["second"]
    assert found["second"].grids == found["first"].grids != alone.grids
    assert {row["track"]: row["rows"] for row in rows} == dict.fromkeys(model.tracks, 600)
    assert {track: pipeline.reference(model, track).digest for track in model.tracks} == {
        track: each.digest for track, each in found.items()
    }


def test_a_reference_is_frozen_from_the_partitions_of_its_window_that_arrived():
    model = of_tracks("first")
    for held, rows in (([0, 1], 600), ([0], 300), ([1, 2], 300)):
        logs = {"first": Logs({day(number): log(number) for number in held})}
        assert built(logs).freeze(model, REFERENCE_DAYS, LATER)["first"].rows == rows


def test_a_reference_is_as_of_the_last_cut_of_its_last_partition():
    pipeline = built()
    pipeline.freeze(MODEL, REFERENCE_DAYS, LATER)
    (row, _) = pipeline.store.read("frozen_references", model=MODEL.name).to_pylist()
    assert row["as_of"] == (cuts(MODEL, day(1))[-1].as_of).replace(tzinfo=None)
    assert (row["window_start"], row["window_end"]) == tuple(
        each.replace(tzinfo=None) for each in (day(0).start, day(1).end)
    )


def test_of_several_stored_references_of_the_window_the_latest_counts():
    """Labels are declared to come later, and decided otherwise: it is frozen again, as of another moment."""
    pipeline = built()
    before = pipeline.freeze(MODEL, REFERENCE_DAYS, LATER)["champion"]
    columns = MODEL.columns.model_copy(
        update={
            "label": MODEL.columns.label.model_copy(update={"arrives_within": timedelta(days=4)}),
            "decision": Decision(threshold=0.4),
        }
    )
    later = MODEL.model_copy(update={"columns": columns})
    after = pipeline.freeze(later, REFERENCE_DAYS, LATER)["champion"]
    assert before.declared != after.declared
    assert pipeline.reference(later, "champion") == after


@pytest.mark.parametrize("start", [3, 4, 5])
def test_partitions_are_judged_in_the_order_of_time_whatever_the_order_of_asking(whole, start):
    pipeline = copied(whole)
    reference = pipeline.reference(MODEL, "champion")
    windows = [day(number) for number in range(start, start + 18)]
    profiled = {window: pipeline.stored_profile(MODEL, "champion", window, reference) for window in windows}
    forwards = pipeline.verdicts(MODEL, "champion", reference, profiled)
    shuffled = {window: profiled[window] for window in [*windows[9:], *windows[8::-1]]}
    assert pipeline.verdicts(MODEL, "champion", reference, shuffled) == forwards
    assert list(forwards) == windows


def test_a_partition_is_open_from_its_first_cut_on_and_belongs_to_the_cadence_from_its_start_on():
    pipeline = built()
    reference = pipeline.freeze(MODEL, REFERENCE_DAYS, LATER)["champion"]
    window = day(0)
    with pytest.raises(PartitionMissing, match="is not due before 2024-01-02 00:00 UTC"):
        pipeline.profile(MODEL, "champion", window, reference, window.end - timedelta(microseconds=1))
    assert len(pipeline.profile(MODEL, "champion", window, reference, window.end)) == 1
    before = day(-1)
    with pytest.raises(PartitionMissing, match="2023-12-31 is before the model's start 2024-01-01"):
        pipeline.profile(MODEL, "champion", before, reference, LATER)
