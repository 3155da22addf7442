"""Every mistake in what a declaration says is found, with line, key and remedy."""

import pytest

from lupus_assets.declare import load
from tests.unit.declare.text import GOOD, mistakes, swapped, write


def test_a_good_file_has_no_mistake(tmp_path):
    assert load(write(tmp_path, GOOD)).key == "flights/late_arrival"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("type: lupus_assets.assets.MonitoredModel\n", "",
            "1: type: is missing, write `type: lupus_assets.assets.MonitoredModel`"),
        ("type: lupus_assets.assets.MonitoredModel", "type: dagster.DefsFolder",
            "1: type: is 'dagster.DefsFolder', which is no monitored model, "
            "write `type: lupus_assets.assets.MonitoredModel`"),
        ("assets.MonitoredModel", "assets.Model",
            "1: type: is 'lupus_assets.assets.Model', which is no monitored model, "
            "did you mean lupus_assets.assets.MonitoredModel?"),
        ("  team: flights\n", "", "2: team: is missing, add `team: flights`"),
        ("team: flights", "team: 2013", "4: team: is 2013, not text, quote it if it is meant: '2013'"),
        ("team: flights", "team:", "4: team: is empty, write `team: flights`"),
        ("team: flights", "team: no", "4: team: is False, not text, quote it if it is meant: 'no'"),
        ("team: flights", "team: Flights-ML",
            "4: team: 'Flights-ML' is not made of a-z, 0-9 and _ only, write flights_ml"),
        ("team: flights", "team: flights\n  owners: [someone]",
            "5: owners[0]: 'someone' is no owner, write an address such as ml@example.com, or team:<name>"),
        ("team: flights", "team: flights\n  upstream: [warehouse//x]",
            "5: upstream[0]: 'warehouse//x' is no asset key, write parts joined by /, "
            "such as warehouse/flights"),
        ("team: flights", "team: flights\n  alarms: {budget: 1 per moon}",
            "5: alarms.budget: 'moon' is no span, did you mean 'month'?"),
        ("team: flights", "team: flights\n  segmens: [origin]",
            "5: segmens: is not a key here, did you mean 'segments'?"),
        ("cadence: {every: day, start: 2013-05-01, end: 2014-01-01}", "cadence: day",
            "5: cadence: is 'day', not a mapping, write `cadence: {every: day, start: 2013-05-01}`"),
        ("start: 2013-05-01,", "start: 2013-02-30,",
            "5: cadence.start: '2013-02-30' is no date, write a date such as 2013-05-01"),
        ("every: day", "every: days", "5: cadence.every: 'days' is no cadence, did you mean 'day'?"),
        ("end: 2014-01-01", "end: 2013-05-01", [
            "5: cadence.end: 2013-05-01 is not after the start 2013-05-01, give a later end; it is exclusive",
            "20: reference.to: 2013-06-30 is past the cadence's end, which is exclusive, "
            "write 2013-04-30 or earlier",
        ]),
        ("end: 2014-01-01", "end: 2014-01-01 06:00:00",
            "5: cadence.end: 2014-01-01 06:00:00 is not midnight in UTC, and the cadence is by day, "
            "write 2014-01-01"),
        ("every: day", "every: day, holidays: Germany",
            "5: cadence.holidays: 'Germany' is no country whose holidays are known, "
            "write an ISO 3166 code such as US, DE or JP"),
        ("every: day", "every: day, holidays: us",
            "5: cadence.holidays: 'us' is no country whose holidays are known, did you mean 'US'?"),
        ("every: day", "every: day, holidays: NO",
            "5: cadence.holidays: false is no country, write 'NO' in quotes for Norway"),
        ("every: day", "every: day, timezone: New York",
            "5: cadence.timezone: 'New York' is no time zone, did you mean 'America/New_York'?"),
        ("every: day", "every: day, timezone: Europe/Berln",
            "5: cadence.timezone: 'Europe/Berln' is no time zone, did you mean 'Europe/Berlin'?"),
        *[
            ("every: day", f"every: day, timezone: {zone}",
                f"5: cadence.timezone: '{zone}' is no time zone, "
                "write a region and city, such as Europe/Berlin")
            for zone in ("CEST", "PDT", "pst", "GMT+2", "UTC-5", "Nowhere/Atall")
        ],
        ("every: day", "every: day, grace: 6", "5: cadence.grace: 6 has no unit, "
            "write 6m for minutes, 6h for hours, 6d for days"),
        ("champion: {parquet", "Champion: {parquet", [
            "7: tracks.Champion: 'Champion' is not made of a-z, 0-9 and _ only, write champion",
            "23: compare[0].old: 'champion' is no declared track, did you mean 'Champion'?",
        ]),
        ('"{partition}.parquet"', "log.parquet",
            "7: tracks.champion.parquet: 'log.parquet' is the same for every partition, "
            "write {partition}, or {start:%Y/%m/%d} with any strftime format"),
        ('"{partition}.parquet"', '"{part}.parquet"',
            "7: tracks.champion.parquet: '{part}' is no placeholder, did you mean 'partition'?"),
        ('"{partition}.parquet"', '"{partition:%Y}.parquet"',
            "7: tracks.champion.parquet: '{partition:%Y}' gives a format to a key, write {start:%Y}"),
        ('"{partition}.parquet"', '"{partition.parquet"',
            "7: tracks.champion.parquet: '{partition.parquet' has unbalanced braces "
            "(expected '}' before end of string), write {partition}, "
            "or {start:%Y/%m/%d} with any strftime format"),
        ('"flights.log:rows"', "flights.log",
            "8: tracks.challenger.function: 'flights.log' names no function, write package.module:function"),
        ("{function:", '{parquet: "{partition}", function:',
            "8: tracks.challenger: names not exactly one source, "
            "write one of parquet, hive, hive_query or function"),
        ('"{partition}.parquet"', '"gs://logs/{partition}"',
            "7: tracks.champion.parquet: 'gs://' is read by nothing here, "
            "write s3://bucket/path, or a path"),
        ('"{partition}.parquet"', '"s3://key:word@logs/{partition}"',
            "7: tracks.champion.parquet: holds a user, "
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead"),
        ('"{partition}.parquet"', '"s3://{partition}/log.parquet"',
            "7: tracks.champion.parquet: 's3://{partition}/log.parquet' names no bucket and a path in it, "
            "write s3://bucket/path/{partition}"),
        ('"{partition}.parquet"', '"s3://logs/day.parquet"',
            "7: tracks.champion.parquet: 's3://logs/day.parquet' is the same for every partition, "
            "write {partition}, or {start:%Y/%m/%d} with any strftime format"),
        *(
            ('parquet: "{partition}.parquet"', f'hive: "{wrong}"',
                f"7: tracks.champion.hive: '{wrong}' names no partition of a table, "
                "write database.table/column={partition}, as SHOW PARTITIONS has it")
            for wrong in ("log/dt={partition}", "a.log/{partition}", "a.b.log/dt={partition}",
                          "a.log.{partition}", "a.`log`/dt={partition}", "a.log/dt={partition}/de")
        ),
        ('parquet: "{partition}.parquet"', 'hive: "a.log/dt=2013"',
            "7: tracks.champion.hive: 'a.log/dt=2013' is the same for every partition, "
            "write {partition}, or {start:%Y/%m/%d} with any strftime format"),
        ('parquet: "{partition}.parquet"', 'hive: "a.log/dt={day}"',
            "7: tracks.champion.hive: '{day}' is no placeholder, "
            "write {partition}, or {start:%Y/%m/%d} with any strftime format"),
        *(
            ('parquet: "{partition}.parquet"', f'hive_query: "{wrong}"',
                "7: tracks.champion.hive_query: is not one SELECT, "
                "write SELECT … WHERE dt = '{partition}', without a semicolon")
            for wrong in ("a.log/dt={partition}", "SELECT 1 WHERE '{partition}';", "DROP TABLE {partition}")
        ),
        ('parquet: "{partition}.parquet"', "hive_query: SELECT * FROM a.log",
            "7: tracks.champion.hive_query: 'SELECT * FROM a.log' is the same for every partition, "
            "write {partition}, or {start:%Y/%m/%d} with any strftime format"),
        ("    timestamp: time_hour\n", "", "9: columns.timestamp: is missing, add `timestamp: time_hour`"),
        ("    key: flight_id\n", "",
            "22: compare: needs a key that joins the tracks row by row, add `key: <column>` to columns"),
        ("entity: tail_number", "entity: flight_id",
            "12: columns.entity: 'flight_id' is the key already, "
            "a column has one role: remove one of the two"),
        ("score: p_late", "ranking: rank",
            "13: columns.prediction.ranking: rankings are not supported yet, "
            "declare the score of a ranked item with `score: <column>`"),
        ("score: p_late", "score: p_late, class: kind",
            "13: columns.prediction: names not exactly one kind of prediction, write one of score, "
            "class or value"),
        ("score: p_late", "class_: kind",
            "13: columns.prediction.class_: is not a key here, did you mean 'class'?"),
        ("score: p_late", "scores: p_late",
            "13: columns.prediction.scores: is not a key here, did you mean 'score'?"),
        ("prediction: {score: p_late}", "prediction: p_late",
            "13: columns.prediction: is 'p_late', not a mapping, write `prediction: {score: p_late}`"),
        ("{score: p_late}", "{score: p_late}\n    decision: {threshold: 1}",
            "14: columns.decision.threshold: is 1, not below 1, write `threshold: 0.5`"),
        ("{score: p_late}", "{value: minutes}\n    decision: {threshold: 0.5}",
            "14: columns.decision: a prediction by value is not decided by a threshold, "
            "remove it, or declare prediction.score"),
        ("{score: p_late}\n    label: {column: late}",
            "{class: kind}\n    label: {column: late, positive: 2}",
            "14: columns.label.positive: a prediction by class has no positive label, "
            "remove it, or declare prediction.score"),
        ("{column: late}", "{column: late, positive: 0.5}",
            "14: columns.label.positive: 0.5 is no value of a label, "
            "write the value that means yes, such as 1, true or late"),
        ("{column: late}", "{arrives_within: 3d}",
            "14: columns.label.column: is missing, add `column: late`"),
        ("label: {column: late}", "label: time_hour",
            "14: columns.label: 'time_hour' is the timestamp already, "
            "a column has one role: remove one of the two"),
        ("[temp, hour]", "[temp, hour, temp]",
            "15: columns.features.numeric[2]: 'temp' is a numeric feature already, "
            "a column has one role: remove one of the two"),
        ("categorical: [origin]", "categorical: [origin, flight_id]",
            "15: columns.features.categorical[1]: 'flight_id' is the key already, "
            "a column has one role: remove one of the two"),
        ("{numeric: [temp, hour], categorical: [origin]}", "all",
            "15: columns.features: is 'all', not auto or a mapping, "
            "write `features: {numeric: [distance], categorical: [origin]}`"),
        ("private: [temp]", "private: temp",
            "16: columns.private: is 'temp', not a list, write `private: [email]`"),
        ("private: [temp]", "private: [p_late]",
            "16: columns.private[0]: 'p_late' is the prediction, "
            "which cannot be watched without being stored, "
            "only features can be private; keys and entities are never stored"),
        ("private: [temp]", "private: [origin]",
            "17: segments[0]: 'origin' is private, and a segment shows its values, remove it here or there"),
        ("segments: [origin]", "segments: [tail_number]",
            "17: segments[0]: 'tail_number' is the entity, segment by a feature or remove it"),
        ("segments: [origin]", "segments: [origin, origin]",
            "17: segments[1]: 'origin' is named twice, remove one of the two"),
        ("weather: [temp]", "weather: [time_hour]",
            "19: groups.weather[0]: 'time_hour' is the timestamp, which is not watched, "
            "name a feature instead"),
        ("weather: [temp]", "weather: [tmp]",
            "19: groups.weather[0]: 'tmp' is no declared feature, did you mean 'temp'?"),
        ("weather: [temp]", "no: [temp]",
            "19: groups.no: is read as False, which is no name, quote it: 'no'"),
        ("weather: [temp]", "[weather]: [temp]",
            "19: groups.?: is a list or mapping in the place of a name, write a name, or quote it"),
        ("to: 2013-06-30", "to: 2013-04-30",
            "20: reference.to: 2013-04-30 is before 2013-05-01, give a day from then on"),
        ("from: 2013-05-01", "from: 2013-04-30",
            "20: reference.from: 2013-04-30 is before the cadence's start 2013-05-01, "
            "write 2013-05-01 or later"),
        ("to: 2013-06-30", "to: 2014-01-01",
            "20: reference.to: 2014-01-01 is past the cadence's end, which is exclusive, "
            "write 2013-12-31 or earlier"),
        (", to: 2013-06-30", "",
            "20: reference: is no whole window, write both from and to, or a track, or all three"),
        ("to: 2013-06-30", "to: 2013-06-30 12:00:00",
            "20: reference.to: 2013-06-30 12:00:00 has a time of day, write the date alone: 2013-06-30"),
        ("to: 2013-06-30", "to: 2013-06-30, track: champ",
            "20: reference.track: 'champ' is no declared track, did you mean 'champion'?"),
        ("metric: row_count", "metric: ruc", "22: rules[0].metric: 'ruc' is no metric, did you mean 'auc'?"),
        ("metric: row_count", "metric: zzz",
            "22: rules[0].metric: 'zzz' is no metric, "
            "write a metric of the catalogue, such as row_count, null_rate, psi or auc"),
        ("below: 500", "below: 500, above: 900",
            "22: rules[0]: names not exactly one condition, "
            "write one of below, above, falls_from_recent, rises_from_recent, falls_from_season, "
            "rises_from_season, falls_steadily, rises_steadily"),
        ("below: 500", "below: few", "22: rules[0].below: is 'few', not a number, write `below: 500`"),
        ("below: 500", "below: .nan", "22: rules[0].below: is nan, not a finite number, write `below: 500`"),
        ("below: 500", "falls_from_recent: {partitions: 0, by: 1}",
            "22: rules[0].falls_from_recent.partitions: is 0, not at least 1, write `partitions: 14`"),
        ("below: 500", "below: 500, track: shadow",
            "22: rules[0].track: 'shadow' is no declared track, "
            "declare it in tracks; there are: challenger, champion"),
        ("below: 500", "below: 500, segment: dest",
            "22: rules[0].segment: 'dest' is no declared segment, declare it in segments; there are: origin"),
        ("below: 500", "below: 500, group: wether",
            "22: rules[0].group: 'wether' is no declared group, did you mean 'weather'?"),
        ("below: 500", "below: 500, column: humid",
            "22: rules[0].column: 'humid' is no declared feature, "
            "add it to columns.features; there are: hour, late, origin, p_late, temp"),
        ("new: challenger", "new: champion", "23: compare[0].new: 'champion' is compared with itself, "
            "name another track"),
        ("[{old: champion, new: challenger}]",
            "[{old: champion, new: challenger}, {old: champion, new: challenger}]",
            "23: compare[1]: is the same pair as compare[0], remove one of the two"),
        ("below: 500}", "below: 500}\n    - {metric: row_count, below: 500.0, track: champion}",
            "23: rules[1]: is the same rule as rules[0], remove one of the two, or give each a `name`"),
        ("{metric: row_count, below: 500}", "{metric: auc, falls_steadily: {partitions: 8}}\n"
            "    - {metric: auc, falls_steadily: {partitions: 8, p: 0.01}}",
            "23: rules[1]: is the same rule as rules[0], remove one of the two, or give each a `name`"),
        ("{metric: row_count, below: 500}", "{name: few, metric: row_count, below: 500}\n"
            "    - {name: few, metric: row_count, below: 5}",
            "23: rules[1].name: 'few' is the name of rules[0], write another name"),
        ("below: 500", "below: 500, name: Few Rows",
            "22: rules[0].name: 'Few Rows' is not made of a-z, 0-9 and _ only, write few_rows"),
        ("below: 500", "below: 500, name: history",
            "22: rules[0].name: 'history' names verdicts that are of no rule of yours, write another name"),
        ("team: flights", "team: flights\n  team: trains",
            "5: team: is here twice (first on line 4), remove one of the two"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_line_key_and_remedy(tmp_path, old, new, expected):
    expected = [expected] if isinstance(expected, str) else expected
    assert mistakes(tmp_path, swapped(old, new)) == [f"defs.yaml:{line}" for line in expected]


def test_an_unknown_key_that_resembles_nothing_lists_what_is_allowed(tmp_path):
    text = swapped("to: 2013-06-30", "to: 2013-06-30, zzz: 1")
    assert mistakes(tmp_path, text) == [
        "defs.yaml:20: reference.zzz: is not a key here, remove it; allowed here: from, to, track"
    ]


def test_a_rule_on_a_metric_that_needs_labels_needs_a_label(tmp_path):
    text = swapped("    label: {column: late}\n", "").replace("row_count, below: 500", "auc, below: 0.6")
    assert mistakes(tmp_path, text) == [
        "defs.yaml:21: rules[0].metric: 'auc' needs labels, add `label: <column>` to columns"
    ]


SCORE = (
    "auc, log_loss, brier, brier_excess, slope_excess, calibration_error, bias, accuracy, precision, recall, "
    "base_rate, invalid_rate, residual_mean, residual_spread, explained_correlation"
)
VALUE = "mae, rmse, wape, mean_error, residual_mean, residual_spread, explained_correlation"
CLASS = "accuracy, macro_f1"


@pytest.mark.parametrize(
    ("kind", "metric", "there"),
    [
        ("score", "rmse", SCORE),
        ("score", "macro_f1", SCORE),
        ("value", "auc", VALUE),
        ("value", "accuracy", VALUE),
        ("value", "invalid_rate", VALUE),
        ("class", "mae", CLASS),
        ("class", "precision", CLASS),
        ("class", "invalid_rate", CLASS),
        ("class", "residual_spread", CLASS),
    ],
)
@pytest.mark.parametrize("label", ["    label: {column: late}\n", ""])
def test_a_rule_on_a_metric_of_another_kind_of_prediction_is_one_mistake(
    tmp_path, kind, metric, there, label
):
    text = swapped("    label: {column: late}\n", label).replace("score: p_late", f"{kind}: p")
    line = 22 if label else 21
    assert mistakes(tmp_path, text.replace("row_count, below: 500", f"{metric}, below: 0.6")) == [
        f"defs.yaml:{line}: rules[0].metric: '{metric}' does not exist for a prediction by {kind}, "
        f"write one of {there}, or one that every prediction has"
    ]


@pytest.mark.parametrize(("kind", "there"), [("score", SCORE), ("value", VALUE), ("class", CLASS)])
def test_rules_may_name_what_their_kind_of_prediction_has_and_what_every_kind_has(tmp_path, kind, there):
    metrics = [*there.split(", "), "psi", "labelled_rate"]
    rules = "\n".join(f"    - {{metric: {metric}, below: 0.5}}" for metric in metrics)
    text = swapped("    - {metric: row_count, below: 500}", rules).replace("score: p_late", f"{kind}: p")
    assert [rule.metric for rule in load(write(tmp_path, text)).rules] == metrics


def test_a_prediction_of_two_kinds_is_not_held_to_the_metrics_of_either(tmp_path):
    text = swapped("score: p_late", "score: p_late, value: minutes").replace(
        "row_count, below", "rmse, below"
    )
    assert mistakes(tmp_path, text) == [
        "defs.yaml:13: columns.prediction: names not exactly one kind of prediction, "
        "write one of score, class or value"
    ]


@pytest.mark.parametrize(
    ("key", "misspelt", "place"),
    [
        ("type: l", "typ: l", "1: typ"),
        ("attributes:", "atributes:", "2: atributes"),
        ("  model:", "  modle:", "3: modle"),
        ("cadence:", "cadance:", "5: cadance"),
        ("every:", "evry:", "5: cadence.evry"),
        ("    timestamp:", "    timestmp:", "10: columns.timestmp"),
        ("label: {column:", "label: {colum:", "14: columns.label.colum"),
        ("{metric:", "{metrc:", "22: rules[0].metrc"),
        ("{old:", "{odl:", "23: compare[0].odl"),
    ],
)
def test_a_misspelt_key_that_must_be_there_is_one_mistake(tmp_path, key, misspelt, place):
    meant = key.split("{")[-1].partition(":")[0].strip()
    assert mistakes(tmp_path, swapped(key, misspelt)) == [
        f"defs.yaml:{place}: is not a key here, did you mean '{meant}'?"
    ]


def test_a_key_that_is_missing_is_named_beside_another_that_is_misspelt(tmp_path):
    text = swapped("  model: late_arrival", "  modle: late_arrival").replace("  team: flights\n", "")
    assert mistakes(tmp_path, text) == [
        "defs.yaml:2: team: is missing, add `team: flights`",
        "defs.yaml:3: modle: is not a key here, did you mean 'model'?",
    ]


@pytest.mark.parametrize("every", ["week", "'0 0 1 * *'"])
def test_a_rule_on_the_season_needs_a_cadence_that_has_one(tmp_path, every):
    seasonal = "- {metric: psi, falls_from_season: {periods: 4, by: 0.1}}"
    text = swapped("every: day", f"every: {every}").replace("- {metric: row_count, below: 500}", seasonal)
    (mistake,) = mistakes(tmp_path, text)
    assert (
        f"falls_from_season: a cadence of '{every.strip(chr(39))}' has no season, write falls_from_recent"
        in mistake
    )
    load(write(tmp_path, text.replace(f"every: {every}", "every: 6 hours")))


def test_a_rule_may_name_one_slice_of_a_segment(tmp_path):
    text = swapped("below: 500", "below: 500, segment: origin=JFK")
    assert load(write(tmp_path, text)).rules[0].segment == "origin=JFK"


def test_a_file_with_eight_mistakes_lists_eight(tmp_path):
    text = """\
type: lupus_assets.assets.MonitoredModel
attributes:
  model: late
  team: flights
  cadence: {evry: day, start: 2013-05-01, end: 2013-01-01}
  tracks: {champion: {parquet: "log.parquet"}}
  columns:
    timestamp: time_hour
    prediction: {score: time_hour}
  segments: [time_hour]
  rules:
    - {metric: ruc, below: 1, track: champoin}
  owner: me
"""
    assert mistakes(tmp_path, text) == [
        "defs.yaml:5: cadence.evry: is not a key here, did you mean 'every'?",
        "defs.yaml:5: cadence.end: 2013-01-01 is not after the start 2013-05-01, "
        "give a later end; it is exclusive",
        "defs.yaml:6: tracks.champion.parquet: 'log.parquet' is the same for every partition, "
        "write {partition}, or {start:%Y/%m/%d} with any strftime format",
        "defs.yaml:9: columns.prediction.score: 'time_hour' is the timestamp already, "
        "a column has one role: remove one of the two",
        "defs.yaml:10: segments[0]: 'time_hour' is the timestamp, segment by a feature or remove it",
        "defs.yaml:12: rules[0].metric: 'ruc' is no metric, did you mean 'auc'?",
        "defs.yaml:12: rules[0].track: 'champoin' is no declared track, did you mean 'champion'?",
        "defs.yaml:13: owner: is not a key here, did you mean 'owners'?",
    ]


@pytest.mark.parametrize(
    "track",
    [
        'parquet: "s3://logs/late/dt={start:%Y/%m/%d}/*.parquet"',
        'hive: "warehouse.log/dt={partition}"',
        'hive: "warehouse.log/year={start:%Y}/day={start:%m/%d}/country=de"',
        "hive_query: \"select * from warehouse.log where dt = '{partition}'\"",
        "hive_query: \"SELECT a FROM b.c WHERE d RLIKE '^x{{2}}' AND at < '{end:%Y-%m-%d %H:%M}'\"",
    ],
)
def test_a_log_may_be_in_a_bucket_or_in_hive(tmp_path, track):
    assert load(write(tmp_path, GOOD.replace('parquet: "{partition}.parquet"', track))).tracks["champion"]
