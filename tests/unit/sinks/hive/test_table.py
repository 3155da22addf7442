"""The statements about our tables, and what Hive's answers mean."""

import pytest

from lupus_assets.errors import ServiceRefused, StoreError
from lupus_assets.sinks.hive.table import (
    TYPES,
    add_columns,
    add_partitions,
    check_key,
    create_table,
    key_of,
    location_in,
    missing_columns,
    same_folder,
    set_location,
)
from lupus_assets.sinks.schema import SCHEMAS

KEY = ("flights.delay", "2013-05")


def described(columns, keys=("model", "month")):
    heading = [
        ("", None, None),
        ("# Partition Information", None, None),
        ("# col_name", "data_type", "comment"),
    ]
    keyed = [(key, "string", "") for key in keys]
    return [*((name, kind, "") for name, kind in columns.items()), *keyed, *(heading if keys else []), *keyed]


def as_declared(table):
    return {field.name: TYPES[field.type] for field in SCHEMAS[table]}


def test_a_table_is_external_and_over_parquet_files():
    columns = (
        "`track` string, `partition_key` string, `window_start` timestamp, `as_of` timestamp, "
        "`incident` string, `event` string, `column_name` string, `metric` string, `sentence` string"
    )
    assert create_table("lupus", "incidents", "s3a://bucket/incidents") == (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS `lupus`.`incidents` ({columns}) "
        "PARTITIONED BY (`model` string, `month` string) STORED AS PARQUET "
        "LOCATION 's3a://bucket/incidents' TBLPROPERTIES ('external.table.purge'='false')"
    )


@pytest.mark.parametrize("table", SCHEMAS)
def test_every_column_of_every_table_has_a_type(table):
    statement = create_table("lupus", table, "file:/x")
    for name, kind in as_declared(table).items():
        assert f"`{name}` {kind}" in statement


def test_partitions_are_added_many_at_a_time_each_at_its_folder():
    other = ("flights.delay", "2013-06")
    assert add_partitions("lupus", "metrics", {KEY: "s3a://b/one", other: "s3a://b/two"}) == (
        "ALTER TABLE `lupus`.`metrics` ADD IF NOT EXISTS "
        "PARTITION (model='flights.delay', month='2013-05') LOCATION 's3a://b/one' "
        "PARTITION (model='flights.delay', month='2013-06') LOCATION 's3a://b/two'"
    )


def test_new_columns_reach_the_partitions_that_are_there():
    assert add_columns("lupus", "metrics", ["n", "reason"]) == (
        "ALTER TABLE `lupus`.`metrics` ADD COLUMNS (`n` bigint, `reason` string) CASCADE"
    )


def test_folders_are_quoted():
    assert set_location("lupus", "metrics", KEY, "hdfs://name:8020/it's a wärehouse, 100%") == (
        "ALTER TABLE `lupus`.`metrics` PARTITION (model='flights.delay', month='2013-05') "
        "SET LOCATION 'hdfs://name:8020/it\\'s a wärehouse, 100%'"
    )


@pytest.mark.parametrize("letter", [*"*?[]{}\\:", "\n", "\x00"])
def test_folders_that_hive_cannot_read_are_refused(letter):
    """Of a backslash it says nothing: it makes it a slash, and finds no rows."""
    with pytest.raises(StoreError, match=r"Hive cannot read from a folder with .*; move the warehouse"):
        create_table("lupus", "metrics", f"file:///a{letter}b/metrics")


@pytest.mark.parametrize(
    "key", [("a", "2013-05"), ("a.b'", "2013-05"), ("a.b", "2013-5"), ("a.b", "2013-05\n")]
)
def test_partitions_with_other_characters_than_ours_are_refused(key):
    with pytest.raises(StoreError):
        check_key(*key)


def test_only_columns_that_hive_has_not_are_missing():
    columns = as_declared("metrics")
    assert missing_columns("lupus", "metrics", described(columns)) == []
    assert missing_columns("lupus", "metrics", described(columns | {"added_by_hand": "int"})) == []
    del columns["lower"], columns["reason"]
    assert missing_columns("lupus", "metrics", described(columns)) == ["lower", "reason"]


@pytest.mark.parametrize(
    ("changed", "keys", "message"),
    [
        ({"n": "int"}, ("model", "month"), r"lupus\.metrics\.n is int in Hive and bigint in the files; drop"),
        ({}, (), r"lupus\.metrics in Hive is partitioned by nothing, not by model, month; drop the table"),
        ({}, ("day",), "partitioned by day, not by"),
        ({}, ("month", "model"), "partitioned by month, model, not by"),
    ],
)
def test_another_table_under_our_name_is_refused(changed, keys, message):
    with pytest.raises(ServiceRefused, match=message):
        missing_columns("lupus", "metrics", described(as_declared("metrics") | changed, keys))


def test_the_location_is_found_in_a_description():
    rows = [("x", "bigint", ""), ("", None, None), ("Location:           ", "file:/a/b  ", None)]
    assert location_in(rows) == "file:/a/b"
    assert location_in(rows[:2]) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("file:/a/b", "file:///a/b", True),
        ("s3a://bucket/a/", "s3a://bucket/a", True),
        ("s3a://bucket/a", "s3a://bucket/b", False),
        ("file:/a/b", None, False),
        (None, None, False),
    ],
)
def test_one_folder_may_have_two_spellings(one, other, same):
    assert same_folder(one, other) is same


def test_partitions_of_others_are_none_of_ours():
    assert key_of("model=flights.delay/month=2013-05") == KEY
    assert key_of("day=2013-05-01") is None
