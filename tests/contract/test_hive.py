"""What only a real Hive can say: what it shows of our files, while they, its tables and it itself change."""

import logging
import threading
import time
import zlib
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from TCLIService.ttypes import TCloseSessionReq

from lupus_assets.errors import ServiceRefused, ServiceUnreachable
from lupus_assets.records import Month, ProfileRow
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.layout import path_of
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.sinks.hive.connection import Hive
from lupus_assets.sinks.hive.table import add_partitions, create_table
from lupus_assets.sinks.hive.view import LONGEST_QUERY, HiveView
from lupus_assets.sinks.memory import MemoryFiles
from lupus_assets.sinks.schema import SCHEMAS
from lupus_assets.upkeep import compact, follow, tidy
from tests.contract.shown_by_hive import ShownByHive, address_of
from tests.services.hive import HiveServer

pytestmark = pytest.mark.services

MODEL = "flights.delay"


@pytest.fixture
def address(hive):
    """Return the address of the running server, with a database of its own."""
    return address_of(hive)


@pytest.fixture
def asked(address):
    """Return a connection to the running server."""
    with closing(Hive(address)) as asked:
        yield asked


@pytest.fixture
def tables(files):
    """Return tables that a view follows."""
    return ParquetStore(files, followed=True)


@pytest.fixture
def view(asked, tables):
    return HiveView(asked, tables.files, longest_query=timedelta(0))


@pytest.fixture(scope="module")
def anyone(tmp_path_factory):
    """Start a server that lets in anyone, by SASL."""
    with HiveServer(tmp_path_factory.mktemp("anyone"), auth="NONE", heap="512m") as server:
        yield server


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """Start a server that asks for a password."""
    with HiveServer(tmp_path_factory.mktemp("guarded"), auth="CUSTOM", heap="512m") as server:
        yield server


def column(asked, query):
    return [row[0] for row in asked.sql(query)[1]]


def parquet(table):
    """Return the bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def many(n, *, table="metrics", model=MODEL):
    """Return `n` months; their folders need not be there."""
    texts = [f"{1000 + i // 12}-{i % 12 + 1:02d}" for i in range(n)]
    return [Month(table, model, text, f"{table}/model={model}/month={text}", "1") for text in texts]


def test_every_table_is_there_with_its_columns_once_it_has_a_file(asked, view, tables, place):
    for table in SCHEMAS:
        tables.replace(table, place(), [])
    assert follow(tables, view) == len(SCHEMAS)
    assert column(asked, "SHOW TABLES") == sorted(SCHEMAS)
    for table, schema in SCHEMAS.items():
        names, rows = asked.sql(f"SELECT * FROM {table}")  # noqa: S608
        assert (names, rows) == ([*schema.names, "model", "month"], [])


def test_queries_count_group_and_join(asked, view, tables, place, rows):
    for day in (0, 1, 40):
        tables.replace("metrics", place(day), rows(place(day), [1.0, None]))
    follow(tables, view)
    query = "SELECT month, count(*) AS n, count(value) AS defined FROM metrics GROUP BY month ORDER BY month"
    assert asked.sql(query) == (["month", "n", "defined"], [("2013-05", 4, 2), ("2013-06", 2, 1)])
    query = "SELECT a.value, b.n FROM metrics a JOIN metrics b ON a.as_of = b.as_of AND a.metric = b.metric"
    assert len(asked.sql(query)[1]) == 6


def test_a_place_that_is_replaced_is_seen_at_the_next_query(asked, view, tables, place, rows):
    for version in (1.0, 2.0, 3.0):
        tables.replace("metrics", place(), rows(place(), [version]))
        follow(tables, view)
        assert column(asked, "SELECT value FROM metrics") == [version]


def test_a_compacted_month_is_shown_from_its_generation_and_only_then_swept(asked, view, tables, place, rows):
    for day in (0, 1, 2):
        tables.replace("metrics", place(day), rows(place(day), [float(day), None]))
    follow(tables, view)
    query = "SELECT window_start, metric, value FROM metrics ORDER BY window_start, metric"
    before = asked.sql(query)
    assert compact(tables, "2014-01") == 1
    (month,) = tables.months()
    assert not view.shows(month)
    assert asked.sql(query) == before, "the pieces are still there"
    assert tidy(tables, view) == 3
    assert view.shows(month)
    assert asked.sql(query) == before
    (path,) = set(column(asked, "SELECT INPUT__FILE__NAME FROM metrics"))
    assert "/generations/metrics/model=flights.delay/month=2013-05/000001/" in path
    tables.replace("metrics", place(0), rows(place(0), [9.0]))
    tidy(tables, view)
    assert column(asked, "SELECT value FROM metrics ORDER BY window_start, metric") == [
        9.0,
        1.0,
        None,
        2.0,
        None,
    ]


def test_a_query_under_way_is_answered_whole_though_the_month_is_compacted_and_swept(
    address, asked, tables, place, rows
):
    """Hive lists a partition's folder when it comes to it: with this setting, when the rows are fetched."""
    now = datetime(2013, 7, 1, tzinfo=UTC)
    view = HiveView(asked, tables.files, now=lambda: now)
    for day in (0, 40):
        tables.replace("metrics", place(day), rows(place(day), [float(day)]))
    follow(tables, view)
    with closing(Hive(address)) as reader:
        reader.run("SET hive.fetch.task.caching=false")
        reader.sql("SELECT 1")
        with closing(reader._connection.cursor()) as cursor:
            cursor.execute("SELECT value FROM metrics")
            compact(tables, "2014-01")
            assert tidy(tables, view) == 0
            assert sorted(cursor.fetchall()) == [(0.0,), (40.0,)]
    now += LONGEST_QUERY
    assert tidy(tables, view) == 2
    assert sorted(column(asked, "SELECT value FROM metrics")) == [0.0, 40.0]


def test_readers_meet_only_whole_months_while_hive_is_pointed_elsewhere(
    address, asked, view, tables, place, rows
):
    for day in range(3):
        tables.replace("metrics", place(day), rows(place(day), [1.0, 2.0]))
    follow(tables, view)
    done, wrong, reads = threading.Event(), [], []

    def read():
        with closing(Hive(address)) as reader:
            while not done.is_set():
                found = column(reader, "SELECT value FROM metrics")
                reads.append(found)
                if sorted(found) != [1.0] * 3 + [2.0] * 3:
                    wrong.append(found)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        pieces = tables.months()
        tables.compact("metrics", model=MODEL, month="2013-05")
        for _ in range(10):
            view.follow(tables.months())
            view.follow(pieces)
    finally:
        done.set()
        reader.join()
    assert len(reads) > 5
    assert wrong == []


def test_a_new_column_is_null_in_old_files_and_has_its_value_in_new_ones(
    address, asked, view, tables, place, rows
):
    """Also where a file in a partition that was there before the column is written anew."""
    old, new, later = place(0), place(1), place(40)
    tables.replace("metrics", old, rows(old, [None]))
    path = path_of("metrics", old)
    without = pq.ParquetFile(pa.BufferReader(tables.files.get(path))).read().drop_columns(["reason"])
    tables.files.put(path, parquet(without))
    today = create_table(address.database, "metrics", tables.files.uri("metrics"))
    asked.run(f"CREATE DATABASE `{address.database}`", today.replace(", `reason` string", ""))
    (month,) = tables.months()
    at_folder = {(MODEL, "2013-05"): tables.files.uri(month.location)}
    asked.run(add_partitions(address.database, "metrics", at_folder))
    assert "reason" not in asked.sql("SELECT * FROM metrics")[0]
    for at in (new, later):
        tables.replace("metrics", at, rows(at, [None]))
    assert follow(tables, view) == 1
    assert column(asked, "SELECT reason FROM metrics ORDER BY window_start") == [None, "no rows", "no rows"]
    assert column(asked, "SELECT count(reason) FROM metrics") == [2]
    tables.replace("metrics", old, rows(old, [None]))
    assert column(asked, "SELECT reason FROM metrics ORDER BY window_start") == ["no rows"] * 3


def test_a_column_of_another_type_is_refused_and_one_of_someone_elses_is_left(
    address, asked, view, tables, place, rows
):
    tables.replace("metrics", place(), rows(place(), [1.0]))
    follow(tables, view)
    asked.run(f"ALTER TABLE `{address.database}`.metrics ADD COLUMNS (owner string) CASCADE")
    assert view.behind(tables.months()) == []
    assert column(asked, "SELECT owner FROM metrics") == [None]
    asked.run(f"ALTER TABLE `{address.database}`.metrics CHANGE COLUMN value value string")
    with pytest.raises(
        ServiceRefused, match=r"metrics\.value is string in Hive and double in the files; drop"
    ):
        view.follow(tables.months())


def test_a_table_that_is_dropped_keeps_its_files_and_comes_back(address, asked, view, tables, place, rows):
    tables.replace("metrics", place(), rows(place(), [1.0]))
    follow(tables, view)
    asked.run(f"DROP TABLE `{address.database}`.metrics")
    assert view.behind(tables.months()) == tables.months()
    assert follow(tables, view) == 1
    assert column(asked, "SELECT value FROM metrics") == [1.0]


def test_a_folder_may_have_a_name_that_needs_quotes(hive, tmp_path, place, rows):
    store = ShownByHive.of(hive, Folder(tmp_path / 'it\'s a "wärehouse"; 100%3D, $HOME'))
    with closing(store.hive):
        store.replace("metrics", place(), rows(place(), [1.0]))
        assert store.read("metrics", model=MODEL)["value"].to_pylist() == [1.0]
        (month,) = store.tables.months()
        assert store.view.shows(month)


def test_times_read_the_same_whatever_the_zone_of_the_session(asked, view, tables, place, rows):
    tables.replace("metrics", place(), rows(place(), [1.0]))
    follow(tables, view)
    query = f"SELECT window_start FROM `{asked.address.database}`.metrics"  # noqa: S608
    for zone in ("UTC", "America/New_York", "Asia/Tokyo"):
        assert asked.run(f"SET TIME ZONE {zone}", query)[1] == [(datetime(2013, 5, 1),)]  # noqa: DTZ001


def test_variables_of_the_server_are_not_filled_in(asked, view, tables, place):
    tables.replace("metrics", place(), [])
    follow(tables, view)
    assert column(asked, "SELECT '${env:HOME}${system:user.name}${hiveconf:hive.execution.engine}'") == [
        "${env:HOME}${system:user.name}${hiveconf:hive.execution.engine}"
    ]


def test_a_million_rows_are_the_same_million(asked, view, tables, place):
    n = 100_000
    rng = np.random.default_rng(1)
    count = total = checksum = 0
    for day in range(10):
        texts = [f"m{i * 7919 % 100_003}é" for i in range(n)]
        numbers = rng.integers(-(2**40), 2**40, n)
        at = datetime(2013, 5, 1 + day, tzinfo=UTC).replace(tzinfo=None)
        fixed = {"window_start": at, "as_of": at, "metric": texts, "n": numbers, "value": numbers / 7}
        columns = {
            field.name: fixed[field.name]
            if isinstance(fixed.get(field.name), list | np.ndarray)
            else [fixed.get(field.name, None if field.nullable else "x")] * n
            for field in SCHEMAS["metrics"]
        }
        found = pa.table(columns, schema=SCHEMAS["metrics"])
        tables.files.put(path_of("metrics", place(day)), parquet(found))
        count += n
        total += int(numbers.sum())
        checksum += sum(
            zlib.crc32(f"{text}|{number}".encode()) for text, number in zip(texts, numbers, strict=True)
        )
    follow(tables, view)
    query = "SELECT count(*), sum(n), sum(crc32(concat(metric, '|', cast(n AS string)))) FROM metrics"
    assert asked.sql(query)[1] == [(count, total, checksum)]
    tables.compact("metrics", model=MODEL, month="2013-05")
    tidy(tables, view)
    assert asked.sql(query)[1] == [(count, total, checksum)]


def test_states_of_megabytes_come_back_whole(anyone, tmp_path, place):
    """Also by SASL, whose frames hold a whole answer."""
    store = ShownByHive.of(anyone, Folder(tmp_path))
    day = place().start
    states = [bytes([i]) * 3_000_000 for i in range(12)]
    rows = [ProfileRow("champion", "1", "k", day, day, "all", "c", "number", "r", state) for state in states]
    with closing(store.hive):
        store.replace("profiles", place(), rows)
        assert store.read("profiles", model=MODEL)["state"].to_pylist() == states


def test_what_hive_refuses_is_in_its_words_and_the_connection_lives(asked):
    with pytest.raises(
        ServiceRefused, match=r"42000 10072.*Database does not exist: lupus_.*LUPUS_HIVE_DATABASE"
    ):
        asked.sql("SELECT 1")
    with pytest.raises(ServiceRefused, match=r"refused SELECT FROM \(42000 40000\): ParseException line 1:7"):
        asked.run("SELECT FROM")
    assert asked.run("SELECT 1")[1] == [(1,)]


@pytest.mark.parametrize(
    ("server", "auth", "password"),
    [
        ("hive", "NONE", None),
        ("hive", "CUSTOM", "x"),
        ("anyone", "NOSASL", None),
        ("guarded", "NOSASL", None),
    ],
)
def test_another_authentication_than_the_servers_is_suspected(request, server, auth, password):
    address = replace(address_of(request.getfixturevalue(server)), auth=auth, password=password)
    with pytest.raises(
        ServiceRefused, match=rf"hive\.server2\.authentication is not {auth} \(LUPUS_HIVE_AUTH\)"
    ):
        Hive(address, sleep=lambda _: None).run("SELECT 1")


def test_anyone_is_let_in_where_nobody_is_asked(anyone):
    with closing(Hive(address_of(anyone, user="whoever"))) as asked:
        assert asked.run("SELECT logged_in_user()")[1] == [("whoever",)]


def test_a_password_lets_in_and_a_wrong_one_shows_nowhere(guarded, caplog):
    caplog.set_level(logging.DEBUG)
    with closing(Hive(address_of(guarded))) as asked:
        assert asked.run("SELECT logged_in_user()")[1] == [(guarded.user,)]
    wrong = "a wrong password"
    with pytest.raises(
        ServiceRefused, match=r"did not let user 'lupus' in with auth CUSTOM: .*correct"
    ) as caught:
        Hive(address_of(guarded, password=wrong)).run("SELECT 1")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    shown = f"{caught.value!r} {caplog.text}"
    assert wrong not in shown
    assert guarded.password not in shown


def test_a_statement_that_takes_too_long_is_given_up_and_the_next_is_answered(address):
    slow = "SELECT reflect('java.lang.Thread', 'sleep', cast(6000 AS bigint))"
    with closing(Hive(replace(address, timeout_seconds=2))) as asked:
        asked.run("SELECT 1")
        began = time.monotonic()
        with pytest.raises(ServiceUnreachable, match="gave no answer in 2 s"):
            asked.run(slow)
        assert time.monotonic() - began < 5
        assert asked.run("SELECT 2")[1] == [(2,)]


def test_a_session_that_the_server_has_ended_is_opened_anew(asked):
    asked.run("SELECT 1")
    ended = asked._connection
    ended.client.CloseSession(TCloseSessionReq(sessionHandle=ended.sessionHandle))  # as its idle timeout does
    assert asked.run("SELECT 2")[1] == [(2,)]


def test_a_server_that_dies_at_work_is_followed_up_when_it_is_back(hive, asked, monkeypatch):
    files = MemoryFiles()
    monkeypatch.setattr(files, "uri", lambda path: f"file://{hive.work}/followed/{path}")
    view, months = HiveView(asked, files), many(600)
    view.follow(months[:1])
    killer = threading.Timer(0.5, hive.kill)
    killer.start()
    with pytest.raises((ServiceUnreachable, ServiceRefused)):
        view.follow(months)
    killer.join()
    with pytest.raises(ServiceUnreachable, match="cannot be reached"):
        view.behind(months)
    hive.restart()
    behind = view.behind(months)
    assert 0 < len(behind) < len(months)
    view.follow(behind)
    assert view.behind(months) == []
    assert len(column(asked, "SHOW PARTITIONS metrics")) == len(months)
    assert all(view.shows(month) for month in months[::100])
