"""The view of the tables in Elasticsearch, on real servers of both versions that Lupus speaks to."""

import gc
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import get_args, get_type_hints

import pytest
from elasticsearch import Elasticsearch

from lupus_assets.errors import ServiceRefused, ServiceUnreachable, StoreError
from lupus_assets.records import TABLES, IncidentRow, Place, Row
from lupus_assets.sinks.elasticsearch.client import Cluster, ElasticsearchAddress
from lupus_assets.sinks.elasticsearch.document import KEYS
from lupus_assets.sinks.elasticsearch.view import SearchView
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.sinks.memory import MemoryFiles
from lupus_assets.sinks.schema import SCHEMAS

pytestmark = pytest.mark.services

MODEL = "flights.delay"
HIDDEN = "this-is-the-secret"
SAMPLES: dict[type, object] = {
    str: 'a "quoted", line\nand € 駅 \U0001f43a',
    int: -(2**62),
    bytes: b"\x00",
    float: 5e-324,
    bool: True,
    datetime: datetime(1912, 5, 1, 4, 0, 0, 123_456, tzinfo=UTC),
}
PREFIXES = count()


def sample(row_class: type[Row]) -> Row:
    """Return a row with a value in every field."""
    hints = get_type_hints(row_class).values()
    return row_class(*(SAMPLES[(get_args(hint) or (hint,))[0]] for hint in hints))


@pytest.fixture(scope="module", params=["elasticsearch_8", "elasticsearch_9"])
def server(request: pytest.FixtureRequest):
    return request.getfixturevalue(request.param)


@pytest.fixture
def address(server) -> ElasticsearchAddress:
    """Return the server's address with indices of the test's own."""
    return ElasticsearchAddress(
        server.url, server.user, server.password, ca=str(server.ca), prefix=f"lupus-{next(PREFIXES)}"
    )


@pytest.fixture
def tables() -> ParquetStore:
    return ParquetStore(MemoryFiles())


@pytest.fixture
def view(address, tables) -> SearchView:
    return SearchView(address, tables)


def caught_up(view: SearchView, tables: ParquetStore) -> None:
    """Follow everything, and hold that Elasticsearch shows exactly what the tables hold."""
    view.follow(tables.months())
    assert view.behind(tables.months()) == []
    assert all(view.shows(month) for month in tables.months())
    for table in KEYS:
        models = {month.model for month in tables.months([table])}
        for model in models:
            assert in_any_order(view.rows(table, model)) == in_any_order(
                tables.read(table, model=model).to_pylist()
            )
        assert view.count(table) == sum(len(tables.read(table, model=model)) for model in models)


def in_any_order(rows: list[dict[str, object]]) -> list[str]:
    return sorted(map(repr, rows))


def of_cluster(address: ElasticsearchAddress) -> Elasticsearch:
    return Cluster(address).client


def indices(address: ElasticsearchAddress) -> list[str]:
    return sorted(of_cluster(address).indices.get(index=f"{address.prefix}-*"))


@pytest.mark.parametrize("table", KEYS)
def test_what_the_tables_hold_is_what_comes_back(view, tables, place, table):
    row = sample(TABLES[table])
    undefined = {
        field.name: None for field in fields(TABLES[table]) if SCHEMAS[table].field(field.name).nullable
    }
    tables.replace(table, place(), [row, replace(row, **undefined), row])
    caught_up(view, tables)
    assert view.count(table, MODEL) == 3


def test_profiles_and_references_are_not_shown_and_never_behind(view, tables, place, address):
    tables.replace("profiles", place(), [sample(TABLES["profiles"])])
    assert view.behind(tables.months()) == []
    assert view.follow(tables.months()) == 0
    assert all(view.shows(month) for month in tables.months())
    assert indices(address) == []


def test_months_are_behind_until_they_are_followed_and_again_when_they_change(view, tables, place, rows):
    for day in (0, 40):
        tables.replace("metrics", place(day), rows(place(day), [1.0]))
    assert view.behind(tables.months()) == tables.months()
    assert view.follow(tables.months()) == 2
    assert view.behind(tables.months()) == []
    assert view.follow(tables.months()) == 0
    tables.replace("metrics", place(), rows(place(), [2.0]))
    assert [month.month for month in view.behind(tables.months())] == ["2013-05"]
    caught_up(view, tables)


def test_fewer_rows_leave_no_stale_ones_and_neighbours_stay(view, tables, place, rows):
    for at in (place(), place(1), place(late=3), place(track="old"), place(model="flights.other")):
        tables.replace("metrics", at, rows(at, [1.0, None, 3.0]))
    caught_up(view, tables)
    tables.replace("metrics", place(), rows(place(), [4.0]))
    tables.replace("metrics", place(1), [])
    caught_up(view, tables)
    assert view.count("metrics", MODEL) == 1 + 0 + 3 + 3


def test_a_place_that_is_gone_goes(view, tables, place, rows):
    for day in (0, 1):
        tables.replace("metrics", place(day), rows(place(day), [1.0, 2.0]))
    caught_up(view, tables)
    files = tables.files
    files.delete([entry.path for entry in files.list("metrics") if "20130501T" in entry.path])
    caught_up(view, tables)
    assert view.count("metrics") == 2


def test_rows_of_one_key_are_all_kept(view, tables, place, rows):
    row = rows(place(), [1.0])[0]
    tables.replace("metrics", place(), [row, replace(row, value=2.0), replace(row, value=3.0)])
    caught_up(view, tables)
    assert view.count("metrics") == 3


def test_compaction_changes_no_document(view, tables, place, rows, address):
    for day in range(3):
        tables.replace("metrics", place(day), rows(place(day), [1.0, 2.0]))
    caught_up(view, tables)
    client = of_cluster(address)
    before = client.search(index=f"{address.prefix}-metrics", version=True)["hits"]["hits"]
    tables.compact("metrics", model=MODEL, month="2013-05")
    caught_up(view, tables)
    after = client.search(index=f"{address.prefix}-metrics", version=True)["hits"]["hits"]
    assert {hit["_id"]: hit["_version"] for hit in after} == {hit["_id"]: hit["_version"] for hit in before}


def test_many_documents_come_in_several_batches(view, tables, place, rows):
    for day in range(3):
        tables.replace("metrics", place(day), rows(place(day), [float(i) for i in range(8_000)]))
    caught_up(view, tables)
    tables.replace("metrics", place(), rows(place(), [0.0]))
    caught_up(view, tables)


def test_an_index_or_ledger_that_was_deleted_is_made_again(view, tables, place, rows, address):
    for model in ("a.x", "a.y"):
        tables.replace("metrics", place(model=model), rows(place(model=model), [1.0]))
    caught_up(view, tables)
    client = of_cluster(address)
    client.indices.delete(index=f"{address.prefix}-metrics-2013-05-000001")
    assert len(view.behind(tables.months())) == 2
    # Of the two models only one gets into the new index of the old name, and the other is still behind.
    view.follow(tables.months(model="a.x"))
    assert [month.model for month in view.behind(tables.months())] == ["a.y"]
    caught_up(view, tables)
    client.indices.delete(index=f"{address.prefix}-ledger")
    tables.replace("metrics", place(model="a.x"), [])
    caught_up(SearchView(address, tables), tables)


def test_documents_deleted_by_hand_are_noticed(view, tables, place, rows, address):
    tables.replace("metrics", place(), rows(place(), [1.0, 2.0]))
    caught_up(view, tables)
    client = of_cluster(address)
    (first, _) = client.search(index=f"{address.prefix}-metrics")["hits"]["hits"]
    client.delete(index=first["_index"], id=first["_id"], refresh=True)
    assert [view.shows(month) for month in tables.months()] == [False]
    view.reindex(tables.months())
    caught_up(view, tables)


class Killed(BaseException):
    """What stands for the end of the process."""


CALLS = 11  # of one follow that changes one month


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("call", range(1, CALLS + 2))
def test_a_follow_that_is_killed_anywhere_is_made_good_by_the_next(
    view, address, tables, place, rows, monkeypatch, call, back
):
    """Also where the rows have become again what the ledger says they are."""
    for day in range(3):
        tables.replace("metrics", place(day), rows(place(day), [1.0, 2.0, 3.0]))
    caught_up(view, tables)
    tables.replace("metrics", place(0), rows(place(0), [9.0]))
    tables.replace("metrics", place(1), rows(place(1), [9.0] * 5))
    calls = count(1)
    ask = Cluster.ask

    def killed(self, *arguments, **options):
        if next(calls) == call:
            raise Killed
        return ask(self, *arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(Killed) if call <= CALLS else nullcontext():
        patch.setattr(Cluster, "ask", killed)
        view.follow(tables.months())
    # It goes on while nobody follows.
    tables.replace("metrics", place(0), rows(place(0), [1.0, 2.0, 3.0]))
    tables.replace("metrics", place(1), rows(place(1), [1.0, 2.0, 3.0] if back else [8.0] * 2))
    caught_up(SearchView(address, tables), tables)


def test_two_that_follow_at_once_come_to_what_the_tables_hold(address, tables, place, rows):
    errors: list[BaseException] = []

    def follow() -> None:
        try:
            for _ in range(4):
                SearchView(address, tables).follow(tables.months())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=follow) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(20):
        at = place(number % 3)
        tables.replace("metrics", at, rows(at, [float(number)] * (number % 4)))
    for thread in threads:
        thread.join()
    assert errors == []
    caught_up(SearchView(address, tables), tables)


# A connection that dies during its handshake is closed by the garbage collector only.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_that_dies_in_the_middle_delays_and_loses_nothing(server, address, tables, place, rows):
    for day in range(8):
        tables.replace("metrics", place(day), rows(place(day), [float(i) for i in range(5_000)]))
    view = SearchView(Cluster(address, sleep=lambda _: None), tables)

    def keep_following() -> None:
        for number in range(1_000):
            tables.replace("metrics", place(0), rows(place(0), [float(number)] * 5_000))
            view.follow(tables.months())

    killer = threading.Timer(0.5, server.kill)
    killer.start()
    try:
        with pytest.raises(ServiceUnreachable, match="caught up later"):
            keep_following()
        with pytest.raises(ServiceUnreachable, match="does not answer"):
            view.behind(tables.months())
    finally:
        killer.join()
        server.restart()
        gc.collect()
    caught_up(view, tables)


def test_reindex_is_never_seen_halfway(view, tables, place, rows, address):
    for day in range(4):
        for model in ("a.x", "b.y"):
            at = place(day * 20, model=model)
            tables.replace("metrics", at, rows(at, [float(i) for i in range(500)]))
    caught_up(view, tables)
    old = indices(address)
    seen: set[int] = set()
    done = threading.Event()

    def read() -> None:
        reader = SearchView(address, tables)
        while not done.is_set():
            seen.add(reader.count("metrics"))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert [view.reindex(tables.months()) for _ in range(3)] == [4_000] * 3
    finally:
        done.set()
        reader.join()
    assert seen == {4_000}
    assert view.behind(tables.months()) == []
    assert not set(old) & set(indices(address)) - {f"{address.prefix}-ledger"}
    assert len(indices(address)) == len(old)
    caught_up(view, tables)


def test_reindex_from_a_month_leaves_the_earlier_ones(view, tables, place, rows, address):
    for day in (0, 40):
        tables.replace("metrics", place(day), rows(place(day), [1.0]))
    caught_up(view, tables)
    assert view.reindex(tables.months(), since="2013-06") == 1
    assert [name.rpartition("-metrics-")[2] for name in indices(address)[1:]] == [
        "2013-05-000001",
        "2013-06-000002",
    ]
    caught_up(view, tables)


def test_reindex_drops_a_month_that_the_tables_do_not_hold_any_more(view, tables, place, rows):
    for day in (0, 40):
        tables.replace("metrics", place(day), rows(place(day), [1.0]))
    caught_up(view, tables)
    tables.files.delete(
        [entry.path for entry in tables.files.list("metrics") if "month=2013-05" in entry.path]
    )
    view.reindex(tables.months())
    assert view.count("metrics") == 1
    caught_up(view, tables)


def test_a_reindex_that_is_killed_leaves_the_old_in_force_and_the_next_cleans_up(
    view, tables, place, rows, address, monkeypatch
):
    tables.replace("metrics", place(), rows(place(), [1.0, 2.0]))
    caught_up(view, tables)
    month = tables.month

    def killed(*arguments, **options):
        raise Killed

    monkeypatch.setattr(tables, "month", killed)
    with pytest.raises(Killed):
        view.reindex(tables.months())
    monkeypatch.setattr(tables, "month", month)
    assert len(indices(address)) == 3
    caught_up(view, tables)
    view.reindex(tables.months())
    assert len(indices(address)) == 2
    caught_up(view, tables)


def test_what_changes_during_a_reindex_is_caught_by_the_next_follow(
    view, tables, place, rows, address, monkeypatch
):
    for day in (0, 1):
        tables.replace("metrics", place(day), rows(place(day), [1.0, 2.0]))
    caught_up(view, tables)
    month = tables.month
    months = tables.months()

    def changed(*arguments, **options):
        found = month(*arguments, **options)
        monkeypatch.setattr(tables, "month", month)
        tables.replace("metrics", place(0), rows(place(0), [5.0]))
        SearchView(address, tables).follow(tables.months())  # into the index that is about to go
        return found

    monkeypatch.setattr(tables, "month", changed)
    view.reindex(months)
    assert view.behind(tables.months()) != []
    caught_up(view, tables)


def test_a_document_that_is_refused_is_named_and_keeps_no_other_from_being_shown(
    view, tables, place, rows, address
):
    for model in ("a.x", "b.y"):
        tables.replace("metrics", place(model=model), rows(place(model=model), [1.0]))
    caught_up(view, tables)
    client = of_cluster(address)
    (name,) = client.indices.get_alias(name=f"{address.prefix}-metrics-2013-05")
    client.indices.delete(index=name)
    broken = {"dynamic": "strict", "properties": {"reason": {"type": "long"}}}
    template = f"{address.prefix}-metrics"
    client.indices.put_index_template(
        name=template, index_patterns=[f"{template}-*"], template={"mappings": broken}, priority=900
    )
    client.indices.create(index=name, aliases={template: {}, f"{template}-2013-05": {}}, mappings=broken)
    tables.replace("metrics", place(model="a.x"), rows(place(model="a.x"), [None]))
    with pytest.raises(StoreError, match="reason") as error:
        view.follow(tables.months())
    assert "lupus reindex" in str(error.value)
    view = SearchView(address, tables)
    view.reindex(tables.months())
    caught_up(view, tables)


def test_one_bad_document_is_reported_with_its_place(view, tables, place, address):
    """A time that no date of Elasticsearch can be stands for whatever it may refuse."""
    good, bad = place(model="a.x"), place(model="b.y")
    row = IncidentRow("champion", "k", good.start, good.as_of, "i", "opened", "temp", "psi", "said")
    tables.replace("incidents", good, [row])
    tables.replace("incidents", bad, [row, row])
    tables.month, month = (
        lambda table, *, model, month: [
            (at, held if model == "a.x" else held.set_column(0, "unknown", held["track"]))
            for at, held in months(table, model=model, month=month)
        ],
        tables.month,
    )
    months = month
    with pytest.raises(ServiceRefused) as error:
        view.follow(tables.months())
    assert "refuses 2 documents of incidents of b.y, the first of champion~20130501T" in str(error.value)
    assert "unknown" in str(error.value)
    assert view.count("incidents", "a.x") == 1
    assert [each.model for each in view.behind(tables.months())] == ["b.y"]
    tables.month = month
    caught_up(view, tables)


@pytest.mark.parametrize("wrong", ["user", "password"])
def test_wrong_credentials_are_refused_by_name_and_without_the_secret(view, address, tables, wrong):
    stranger = replace(address, **{wrong: HIDDEN if wrong == "password" else "nobody"})
    with pytest.raises(ServiceRefused, match=f"401, it does not know user {stranger.user}") as error:
        SearchView(stranger, tables).behind(some(tables))
    said = "".join(traceback.format_exception(error.value))
    assert HIDDEN not in said
    assert address.password not in said
    assert error.value.__context__ is None


def some(tables: ParquetStore):
    start = datetime(2013, 5, 1, tzinfo=UTC)
    at = Place(MODEL, "champion", start, start + timedelta(hours=1), "2013-05")
    tables.replace("incidents", at, [IncidentRow("champion", "k", start, start, "i", "opened", *"abc")])
    return tables.months()


def test_a_user_without_rights_is_told_which_are_missing(server, address, tables):
    server.add_user("reader", HIDDEN)
    with pytest.raises(
        ServiceRefused, match=r"403, user reader may not .*give that right.*manage_index_templates"
    ):
        SearchView(replace(address, user="reader", password=HIDDEN), tables).follow(some(tables))


def test_a_certificate_of_another_authority_is_not_trusted(address, tables, tmp_path, other_authority):
    for ca in (str(other_authority), None):
        with pytest.raises(ServiceUnreachable, match="LUPUS_ELASTICSEARCH_CA") as error:
            SearchView(replace(address, ca=ca), tables).behind(some(tables))
        assert str(other_authority if ca else "the authorities that the system trusts") in str(error.value)


def test_nobody_at_the_address_is_unreachable_at_once(address, tables):
    began = time.monotonic()
    with pytest.raises(ServiceUnreachable, match="does not answer"):
        SearchView(replace(address, url="https://127.0.0.1:1"), tables).behind(some(tables))
    assert time.monotonic() - began < 5


@pytest.fixture
def other_authority(tmp_path, request) -> Callable[[], str]:
    """Return the certificate of a server that is not the one asked."""
    other = {"elasticsearch_8": "elasticsearch_9", "elasticsearch_9": "elasticsearch_8"}
    return request.getfixturevalue(other[request.node.callspec.params["server"]]).ca
