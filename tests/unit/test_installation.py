"""Where a declared log leads."""

from dataclasses import replace
from pathlib import Path

import pytest

from lupus_assets.assets.tag import log_kinds
from lupus_assets.errors import SourceError
from lupus_assets.installation import Installation
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.hive.address import HiveAddress
from lupus_assets.sources.function import FunctionSource
from lupus_assets.sources.hive import HiveSource
from lupus_assets.sources.hive_query import HiveQuerySource
from lupus_assets.sources.parquet import ParquetSource
from tests.models import declared

EMBEDDED = Installation(Folder(Path("warehouse")))
WITH_HIVE = replace(EMBEDDED, hive=HiveAddress("nowhere"))


@pytest.mark.parametrize(
    ("track", "kind", "shown"),
    [
        ({"parquet": "{partition}.parquet"}, ParquetSource, {"parquet"}),
        ({"parquet": "s3://logs/{partition}"}, ParquetSource, {"parquet", "s3"}),
        ({"hive": "warehouse.log/dt={partition}"}, HiveSource, {"hive"}),
        ({"hive_query": "SELECT * FROM log WHERE dt = '{partition}'"}, HiveQuerySource, {"hive"}),
        ({"function": "tests.models:log"}, FunctionSource, {"python"}),
    ],
)
def test_a_declared_log_has_its_source_and_nothing_is_connected(track, kind, shown):
    model = declared(tracks={"champion": track})
    assert type(WITH_HIVE.source(model, "champion", Path("data"))) is kind
    assert log_kinds(model, "champion") == shown


def test_a_log_in_hive_needs_one():
    model = declared(tracks={"champion": {"hive": "warehouse.log/dt={partition}"}})
    with pytest.raises(
        SourceError, match=r"the log is in Hive, and no Hive here; set LUPUS_HIVE_HOST, and LUPUS_ENV"
    ):
        EMBEDDED.source(model, "champion", Path("data"))


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("s3a://logs/a/dt=1", "s3://logs/a/dt=1"),
        ("s3n://logs/a", "s3://logs/a"),
        ("file:/mnt/a", "/mnt/a"),
        ("file:///mnt/a", "/mnt/a"),
        ("/mnt/a", "/mnt/a"),
    ],
)
def test_an_address_of_hive_leads_to_a_bucket_or_a_disk(address, shown):
    root, path = EMBEDDED.folder(address)
    assert root.shown(path) == shown


def test_an_address_that_is_read_by_nothing_here_is_refused():
    with pytest.raises(SourceError, match=r"hdfs://node/a is on no disk and in no bucket; .*hive_query"):
        EMBEDDED.folder("hdfs://node/a")
