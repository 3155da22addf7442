"""The contract of `lupus_assets.ports.SearchIndex`: DuckDB and Elasticsearch answer alike, and rightly."""

import random
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from lupus_assets.records import FoundAlarm, Place, Search, VerdictRow
from lupus_assets.sinks.duckdb.query import Warehouse
from lupus_assets.sinks.duckdb.search import WarehouseSearch
from lupus_assets.sinks.elasticsearch.alarm import AlarmSearch
from lupus_assets.sinks.elasticsearch.client import Cluster, ElasticsearchAddress
from lupus_assets.sinks.elasticsearch.view import SearchView
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.sinks.word import words

START = datetime(2025, 1, 28, tzinfo=UTC)
DAY = timedelta(days=1)
MODELS = ("ops.delay", "ops.price", "shop.delay")
SENTENCES = (
    "mean of `dep_delay` is 12.5, usually 3 to 9 on Mondays",
    "share of null `temp` where origin=JFK is 25 %",
    "a 'quoted' \\ back\nslash % _ * ?",
    "Straße nach Zürich",
    "STRASSE NACH ZÜRICH",
    "Zu\u0308rich",
    "ＦＵＬＬ width",
    "3 \N{KELVIN SIGN} warmer",
    "İstanbul ΣΊΣΥΦΟΣ",
    "東京 駅",
    "x" * 40_000,
)
TEXTS = (
    "", "mean", "MEAN usually", "dep_delay", "delay", "dela", "12", "12.5", "%", "_", "jfk",
    "'quoted'", "back slash", "strasse", "Straße", "zürich", "Zu\u0308rich", "full", "k", "K",
    "i\u0307stanbul", "istanbul", "σίσυφος", "東京",
    "東", "temp null", "null null", "x" * 40_000, "x" * 100, "x" * 99,
    "nowhere", "psi", "history", "' or 1=1 --",
)  # fmt: skip


def verdicts(seed: int) -> list[tuple[Place, VerdictRow]]:
    rng = random.Random(seed)  # noqa: S311
    found = {}
    for _ in range(600):
        start = START + rng.randrange(6) * DAY
        late = rng.choice((1, 1, 4))
        place = Place(
            rng.choice(MODELS), rng.choice(("champion", "new")), start, start + late * DAY, f"{start:%Y-%m}"
        )
        row = VerdictRow(
            track=place.track,
            version="*",
            partition_key=f"{start:%Y-%m-%d}",
            window_start=start,
            as_of=place.as_of,
            segment=rng.choice(("*", "origin=JFK", "origin=東京")),
            family="input",
            column_name=rng.choice(("temp", "dep_delay", "", "wind")),
            metric=rng.choice(("mean", "psi")),
            rule=rng.choice(("history", "fact", "mean below 5")),
            value=1.0,
            expected=None,
            low=None,
            high=None,
            p=None,
            effect=None,
            surprise=rng.choice((None, 0.0, 2.5, 3.0, 5e-324, rng.random() * 9, 1e300)),
            history=30,
            partitions=3,
            since=None,
            severity="alarm",
            flagged=rng.random() < 0.8,
            incident=rng.choice((None, "champion/2025-01-28")),
            sentence=rng.choice(SENTENCES),
        )
        key = (place, row.segment, row.column_name, row.metric, row.rule)
        found[key] = place, row
    return list(found.values())


ROWS = verdicts(1)


def fits(place: Place, row: VerdictRow, wanted: Search) -> bool:
    """Return whether a row fits: the contract, in Python."""
    team, model = place.model.split(".")
    said = " ".join((row.sentence, row.column_name, row.metric, row.segment, row.rule))
    return (
        row.flagged
        and set(words(wanted.text)) <= set(words(said))
        and wanted.team in (None, team)
        and wanted.model in (None, model)
        and wanted.track in (None, row.track)
        and (wanted.columns is None or row.column_name in wanted.columns.get(place.model, ()))
        and (wanted.since is None or row.partition_key >= wanted.since)
        and (wanted.until is None or row.partition_key[: len(wanted.until)] <= wanted.until)
        and (row.surprise is None or row.surprise >= wanted.severity)
    )


def expected(wanted: Search) -> list[FoundAlarm]:
    found = [(place, row) for place, row in ROWS if fits(place, row, wanted)]
    found.sort(
        key=lambda pair: (
            -pair[1].window_start.timestamp(),
            pair[1].surprise is not None,
            -(pair[1].surprise or 0.0),
            pair[0].model,
            pair[1].track,
            pair[1].segment,
            pair[1].column_name,
            pair[1].metric,
            pair[1].rule,
            pair[1].as_of,
        )
    )
    names = [field.name for field in fields(FoundAlarm) if field.name != "model"]
    return [
        FoundAlarm(model=place.model, **{name: getattr(row, name) for name in names})
        for place, row in found[: wanted.most]
    ]


def searches() -> list[Search]:
    everything = [Search(text=text, most=10_000) for text in TEXTS]
    everything += [Search(text=text, most=3) for text in TEXTS[::6]]
    since, later = (f"{START + days * DAY:%Y-%m-%d}" for days in (3, 4))
    alone = [
        Search(most=1),
        Search(
            text="delay", team="ops", track="champion", since=f"{START + DAY:%Y-%m-%d}", severity=1.0, most=7
        ),
        Search(team="ops"),
        Search(model="delay"),
        Search(team="shop", model="delay"),
        Search(team="o'x"),
        Search(model="del*"),
        Search(track="new"),
        Search(columns={"ops.delay": frozenset({"temp"}), "shop.delay": frozenset({"temp", "wind"})}),
        Search(columns={}),
        Search(columns={"ops.delay": frozenset()}),
        Search(since=since),
        Search(until=since),
        Search(since=since, until=later),
        Search(since=since, until=since),
        Search(since=later, until=since),
        Search(since=f"{since}-14:00"),
        Search(until=f"{since}-14:00"),
        Search(since="0001-01-01", until="9999-12-31"),
        Search(severity=3.0),
        Search(severity=2.5000001),
        Search(severity=1e-323),
    ]
    return everything + alone[:2] + [replace(wanted, most=10_000) for wanted in alone[2:]]


def check(index: WarehouseSearch | AlarmSearch, asked: Sequence[Search]) -> None:
    for wanted in asked:
        assert index.search(wanted) == expected(wanted), wanted


def write(store: ParquetStore) -> None:
    for place in {place for place, _ in ROWS}:
        store.replace("verdicts", place, [row for at, row in ROWS if at == place])


def test_the_searches_find_something_and_leave_something_out():
    found = [len(expected(wanted)) for wanted in searches()]
    assert found.count(0) < 20
    assert len(set(found)) > 25


def test_the_files_are_searched_by_duckdb(tmp_path):
    index = WarehouseSearch(Warehouse(tmp_path))
    assert index.search(Search()) == []
    store = ParquetStore(Folder(tmp_path))
    write(store)
    check(index, searches())
    store.compact("verdicts", model="ops.delay", month="2025-01")
    check(index, searches()[:4])


@pytest.mark.services
@pytest.mark.parametrize("name", ["elasticsearch_8", "elasticsearch_9"])
def test_elasticsearch_answers_alike(request, name, tmp_path):
    server = request.getfixturevalue(name)
    address = ElasticsearchAddress(
        server.url, server.user, server.password, ca=str(server.ca), prefix="lupus-s"
    )
    index = AlarmSearch(Cluster(address))
    assert index.search(Search()) == []
    store = ParquetStore(Folder(tmp_path))
    write(store)
    SearchView(address, store).follow(store.months())
    check(index, searches())
