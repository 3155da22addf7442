"""A declaration built in Python means what the file means."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from lupus_assets.declare import (
    METRICS,
    Alarms,
    Cadence,
    Columns,
    Compare,
    Decision,
    Features,
    Label,
    MonitoredModel,
    Prediction,
    RecentChange,
    Reference,
    Rule,
    Track,
    load,
)
from lupus_assets.declare.metric import NEEDS_LABEL, NOT_FOR_ALL

DESIGNED = """\
type: lupus_assets.assets.MonitoredModel
attributes:
  model: late_arrival
  team: flights
  description: Will this flight arrive more than 15 minutes late?
  owners: [flights-ml@example.com]
  cadence: {every: day, start: 2013-05-01, end: 2014-01-01, timezone: America/New_York, grace: 6h}
  upstream: [warehouse/flights, warehouse/weather]
  tracks:
    champion:   {parquet: "late_arrival/champion/{partition}.parquet"}
    challenger: {parquet: "late_arrival/challenger/{partition}.parquet"}
  columns:
    timestamp: time_hour
    key: flight_id
    entity: tail_number
    version: model_version
    prediction: {score: p_late}
    decision: {threshold: 0.5}
    label: {column: late, arrives_within: 3d}
    features: auto
    private: []
  segments: [origin]
  groups: {weather: [temp, wind_speed, precip, visib], traffic: [hour, dest]}
  reference: {from: 2013-05-01, to: 2013-06-30}
  alarms: {budget: 1 per month}
  rules:
    - {metric: row_count, below: 500}
    - {metric: auc, falls_from_recent: {partitions: 14, by: 0.05}}
  compare: [{old: champion, new: challenger}]
"""


def minimal(every="day", start="2013-05-01", end=None, prediction=None, columns=None, **rest):
    return MonitoredModel(
        model="late_arrival",
        team="flights",
        cadence=Cadence(every=every, start=start, end=end, timezone="America/New_York"),
        tracks={"champion": Track(parquet="{partition}.parquet")},
        columns=Columns(
            timestamp="time_hour", prediction=prediction or Prediction(score="p"), **(columns or {})
        ),
        **rest,
    )


def new_york(*parts):
    return datetime(*parts, tzinfo=ZoneInfo("America/New_York"))


def test_the_designed_file_equals_the_same_model_built_in_python(tmp_path):
    (tmp_path / "defs.yaml").write_text(DESIGNED)
    assert load(tmp_path / "defs.yaml") == MonitoredModel(
        model="late_arrival",
        team="flights",
        description="Will this flight arrive more than 15 minutes late?",
        owners=["flights-ml@example.com"],
        cadence=Cadence(
            every="day",
            start=date(2013, 5, 1),
            end=date(2014, 1, 1),
            timezone="America/New_York",
            grace="6h",
        ),
        upstream=["warehouse/flights", "warehouse/weather"],
        tracks={
            "champion": Track(parquet="late_arrival/champion/{partition}.parquet"),
            "challenger": Track(parquet="late_arrival/challenger/{partition}.parquet"),
        },
        columns=Columns(
            timestamp="time_hour",
            key="flight_id",
            entity="tail_number",
            version="model_version",
            prediction=Prediction(score="p_late"),
            decision=Decision(threshold=0.5),
            label=Label(column="late", arrives_within="3d"),
        ),
        segments=["origin"],
        groups={"weather": ["temp", "wind_speed", "precip", "visib"], "traffic": ["hour", "dest"]},
        reference=Reference(from_=date(2013, 5, 1), to=date(2013, 6, 30)),
        alarms=Alarms(budget="1 per month"),
        rules=[
            Rule(metric="row_count", below=500),
            Rule(metric="auc", falls_from_recent=RecentChange(partitions=14, by=0.05)),
        ],
        compare=[Compare(old="champion", new="challenger")],
    )


def test_everything_but_six_keys_has_a_default():
    model = minimal()
    assert (model.key, model.name) == ("flights/late_arrival", "flights.late_arrival")
    assert (model.columns.features, model.columns.private, model.segments) == ("auto", (), ())
    assert (model.alarms.budget, model.rules, model.compare) == (1.0, (), ())


def test_a_score_is_decided_at_one_half_unless_said_otherwise():
    assert minimal().decision == Decision(threshold=0.5)
    assert minimal(columns={"decision": {"threshold": 0.2}}).decision == Decision(threshold=0.2)
    assert minimal(prediction=Prediction(value="minutes")).decision is None


def test_python_words_are_written_with_an_underscore():
    prediction = Prediction(class_="kind")
    assert (prediction.kind, prediction.column) == ("class", "kind")
    assert prediction == Prediction.model_validate({"class": "kind"})


def test_a_label_may_be_just_its_column():
    assert minimal(columns={"label": "late"}).columns.label == Label(column="late", positive=True)


def test_the_default_reference_is_four_weeks_of_days():
    assert minimal().reference_window() == (new_york(2013, 5, 1), new_york(2013, 5, 29))


def test_the_default_reference_by_hours_is_two_weeks():
    assert minimal("6 hours").reference_window() == (new_york(2013, 5, 1), new_york(2013, 5, 15))


def test_the_default_reference_by_weeks_is_twelve_weeks_from_a_monday():
    assert minimal("week").reference_window() == (new_york(2013, 5, 6), new_york(2013, 7, 29))


def test_the_default_reference_of_a_cron_string_is_four_weeks():
    assert minimal("0 6 * * *").reference_window() == (new_york(2013, 5, 1), new_york(2013, 5, 29))


def test_the_default_reference_is_no_longer_than_a_closed_history():
    assert minimal(end="2013-05-10").reference_window() == (new_york(2013, 5, 1), new_york(2013, 5, 10))


def test_both_days_of_a_reference_belong_to_it_through_a_clock_change():
    model = minimal(start="2013-01-01", reference=Reference(from_=date(2013, 3, 1), to=date(2013, 3, 10)))
    assert [moment.astimezone(UTC).hour for moment in model.reference_window()] == [5, 4]
    assert model.reference_window() == (new_york(2013, 3, 1), new_york(2013, 3, 11))


def test_a_reference_that_names_only_a_track_has_the_default_window():
    assert minimal(reference=Reference(track="champion")).reference_window()[1] == new_york(2013, 5, 29)


def test_python_objects_are_held_to_the_same_agreements():
    with pytest.raises(ValidationError) as caught:
        minimal(segments=["time_hour"], rules=[Rule(metric="psi", above=1, track="champoin")])
    assert "segments[0]: 'time_hour' is the timestamp" in str(caught.value)
    assert "rules[0].track: 'champoin' is no declared track, did you mean 'champion'?" in str(caught.value)


@pytest.mark.parametrize(
    ("written", "per_month"),
    [("1 per month", 1), ("2 per quarter", 2 / 3), ("6 per year", 0.5), ("1 per week", 4.348), (0.5, 0.5)],
)
def test_a_budget_is_false_incidents_per_month(written, per_month):
    assert Alarms(budget=written).budget == pytest.approx(per_month, abs=1e-3)


@pytest.mark.parametrize("written", ["often", "1 per moon", "0 per month", 0, -1, float("nan"), None, True])
def test_anything_else_is_no_budget(written):
    with pytest.raises(ValidationError, match=r"such as 1 per month|did you mean 'month'"):
        Alarms(budget=written)


@pytest.mark.parametrize(
    "pattern", ["{partition}.parquet", "{start:%Y/%m/%d}.parquet", "to_{end:%Y%m%dT%H}.parquet"]
)
def test_a_pattern_tells_partitions_apart(pattern):
    assert Track(parquet=pattern).parquet == pattern


def test_features_may_be_listed():
    features = minimal(columns={"features": {"numeric": ["a"], "categorical": ["b"]}}).columns.features
    assert features == Features(numeric=("a",), categorical=("b",))


def test_every_metric_says_its_meaning_and_its_unit():
    assert all(";" in metric.meaning for metric in METRICS.values())
    assert METRICS.keys() >= NEEDS_LABEL | NOT_FOR_ALL


def test_a_schema_for_editors_can_be_made():
    schema = MonitoredModel.model_json_schema()
    assert set(schema["required"]) == {"model", "team", "cadence", "tracks", "columns"}
    assert "class" in schema["$defs"]["Prediction"]["properties"]
