"""No key, entity, private value or rare category is stored or shown anywhere but in the prediction log.

Every such value of the logs is planted, so that it is recognised. Searched are the decoded columns of every
file of the bucket, states and frozen references opened to their last number, what Hive and Elasticsearch say,
Dagster's storage, and what the processes print.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from elasticsearch import helpers

from lupus_assets.installation import Installation
from lupus_assets.profiling.record import PROBLEM
from lupus_assets.reading.batch import UNIT
from lupus_assets.sinks.hive.connection import Hive
from lupus_assets.sinks.schema import SCHEMAS
from lupus_assets.stats.category import hash_value
from lupus_assets.stats.codec import from_bytes, to_bytes
from lupus_assets.stats.column import CategoricalColumn, IdentityColumn, NumericColumn
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.reference.frozen import Reference
from tests.services.__main__ import variables
from tests.services.project import Project
from tests.services.trace import Trace, forms, found, number_forms, numbers_of, of_folder

pytestmark = pytest.mark.services

TRACKS = ("champion", "challenger")
FIRST = date(2013, 3, 1)
HOUR = timedelta(hours=1)
DAYS = 28  # enough history for judgements, which need 21 partitions, and an upset day after it
UPSET = DAYS - 1
ROWS = 150
SCORE = """
type: lupus_assets.assets.MonitoredModel
attributes:
  model: score
  team: shop
  cadence: {every: day, start: 2013-03-01, end: 2013-06-01, grace: 6h}
  tracks:
    champion: {parquet: "score/champion/{partition}"}
    challenger: {parquet: "score/challenger/{partition}"}
  columns:
    timestamp: at
    key: id
    entity: person
    version: version
    prediction: {score: p}
    label: {column: bought, arrives_within: 1d}
    private: [email, income, born, seen]
  segments: [region]
  reference: {from: 2013-03-01, to: 2013-03-05}
  compare: [{old: champion, new: challenger}]
"""
GENRE = """
type: lupus_assets.assets.MonitoredModel
attributes:
  model: genre
  team: shop
  cadence: {every: day, start: 2013-03-01, end: 2013-06-01, grace: 6h}
  tracks:
    champion: {parquet: "genre/champion/{partition}"}
    challenger: {parquet: "genre/challenger/{partition}"}
  columns:
    timestamp: at
    key: id
    entity: person
    prediction: {class: said}
    label: {column: was}
    features: {numeric: [income], categorical: [email, code]}
    private: [income, email]
  segments: [code]
  reference: {from: 2013-03-01, to: 2013-03-05}
  compare: [{old: champion, new: challenger}]
"""
BROKEN = """
type: lupus_assets.assets.MonitoredModel
attributes:
  model: NAME
  team: broken
  cadence: {every: day, start: 2013-03-01, end: 2013-06-01, grace: 6h}
  tracks:
    champion: {parquet: "broken/NAME/{partition}"}
  columns: {timestamp: at, key: id, prediction: {score: p}, label: {column: bought}, private: [income]}
  reference: {from: 2013-03-01, to: 2013-03-02}
"""
# What a column holds on one day that cannot be read, or not as it was; each is its own model.
BREAKS = ("time_as_text", "time_of_no_calendar", "key_too_long", "income_as_text", "odd_label")

KEY, ENTITY, EMAIL = "kiwikey", "enteater", "privmail"  # what each such value begins with
RARE = {
    "category": "channelrare",
    "category of 19 rows": "channelnineteen",
    "class": "genrerare",
    "segment": "regionrare",
    "segment of a few rows every day": "regionseldom",
    "version": "versionrare",
    "number as a segment": "770017700177",
}
COMMON = {"category": "channelweb", "class": "genrejazz", "segment": "regionnorth", "version": "versionone"}
INCOME = 918273.645  # no income is another's, and none is near a sum or a mean of others
BORN = date(1903, 7, 19)
SEEN = datetime(1987, 11, 23, 4, 5, 6, 789000)  # noqa: DTZ001
BIG_KEY = 7_318_281_828_459_045_000  # beyond 2^53, where a double cannot hold it


@dataclass(frozen=True)
class Ran:
    """What ran, and the installation that it wrote to."""

    project: Project
    installation: Installation
    outcomes: Sequence[Mapping[str, Any]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory, bucket_server, hive, elasticsearch_9) -> Iterator[Ran]:
    """Run all models over all days, show and compact what came of it, and show it again."""
    given = variables(bucket_server, elasticsearch_9, hive) | {
        "LUPUS_WAREHOUSE": "s3://lupus/privacy",
        "LUPUS_HIVE_DATABASE": "lupus_privacy",
        "LUPUS_SALT": "salt of the tests",
    }
    project = Project(tmp_path_factory.mktemp("privacy") / "project", given)
    broken = {f"broken/{name}": BROKEN.replace("NAME", name) for name in BREAKS}
    project.install({"shop/score": SCORE, "shop/genre": GENRE, **broken})
    for number in range(DAYS):
        write_day(project, number)
    with elasticsearch_9.client() as client:
        client.options(ignore_status=404).indices.delete(index="lupus-ledger")
    last = FIRST + timedelta(days=DAYS - 1)
    views = [{"job": "follow_hive"}, {"job": "follow_search"}]
    outcomes = project.drive("dagster", {"range": [str(FIRST), str(last)]}, *views)
    project.lupus("compact", "compact", "--before", "2014-01")
    # A later piece lies over the generation, which is one of the ways in which rows are kept.
    outcomes += project.drive("again", {"range": [str(last), str(last)]}, *views)
    # As CSV, which breaks no value over lines: what is looked for in it would be missed.
    asked = (("search", "--most", "1000"), ("sql", "--hive", "SELECT * FROM incidents"))
    for words in ((*words, "--csv") for words in asked):
        project.lupus(words[0], *words)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in project.variables.items():
            patch.setenv(name, value)
        yield Ran(project, Installation.from_environment(project.environment, project.root), outcomes)


def write_day(project: Project, number: int) -> None:
    """Write the logs of one day, of every model and track."""
    for track in TRACKS:
        for name, rows in (("score", score_rows(number, track)), ("genre", genre_rows(number, track))):
            write(project, f"{name}/{track}", number, rows)
    for name in BREAKS:
        for part, rows in enumerate(broken_rows(name, number)):
            write(project, f"broken/{name}", number, rows, part)


def write(project: Project, name: str, number: int, rows: pa.Table, part: int = 0) -> None:
    folder = project.data / name / str(FIRST + timedelta(days=number))
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, folder / f"{part}.parquet")


def some(rows: int, common: Sequence[str], rare: Mapping[str, int], rng: random.Random) -> list[str]:
    """Return common values, and so many rows of each rare one."""
    few = [value for value, count in rare.items() for _ in range(count)]
    values = few + [common[row % len(common)] for row in range(rows - len(few))]
    rng.shuffle(values)
    return values


def score_rows(number: int, track: str, rows: int = ROWS) -> pa.Table:
    """Return one day of a model with a score; on the upset day half of it is missing or moved."""
    rng, upset = random.Random(number), number == UPSET  # noqa: S311 - a seed, no secret
    both = np.random.default_rng(number)
    amount = both.normal(60 if upset else 20, 5, rows)
    start = datetime.combine(FIRST + timedelta(days=number), datetime.min.time())
    gone = [upset and row % 2 == 0 for row in range(rows)]
    income = [None if none else INCOME + 1000.125 * (number * rows + row) for row, none in enumerate(gone)]
    return pa.table(
        {
            "at": [start + timedelta(minutes=row) for row in range(rows)],
            "id": [f"{KEY}-{number}-{row}" for row in range(rows)],
            "person": [f"{ENTITY}-{row % 70}" for row in range(rows)],
            "version": some(rows, [COMMON["version"], "versiontwo"], {RARE["version"]: 3}, rng),
            "channel": some(
                rows,
                ["channelother"] if upset else [COMMON["category"], "channelshop"],
                {RARE["category"]: 3, RARE["category of 19 rows"]: 19},
                rng,
            ),
            "region": some(
                rows,
                [COMMON["segment"], "regionsouth"],
                {RARE["segment"]: 2, RARE["segment of a few rows every day"]: 10},
                rng,
            ),
            "email": [None if none else f"{EMAIL}-{number}-{row % 3}@x" for row, none in enumerate(gone)],
            "income": income,
            "born": pa.array([None if none else BORN + timedelta(days=row) for row, none in enumerate(gone)]),
            "seen": pa.array([None if none else SEEN + row * HOUR for row, none in enumerate(gone)]),
            "amount": amount,
            "p": np.clip(amount / 100 + both.normal(0, 0.02 if track == "champion" else 0.05, rows), 0, 1),
            "bought": both.random(rows) < amount / 100,
        }
    )  # fmt: skip


def genre_rows(number: int, track: str, rows: int = ROWS) -> pa.Table:
    """Return one day of a model with classes, whose keys, entities and segments are numbers."""
    rng, upset = random.Random(f"{number}{track}"), number == UPSET  # noqa: S311
    start = datetime.combine(FIRST + timedelta(days=number), datetime.min.time())
    common = ["genrefolk"] if upset else [COMMON["class"], "genrerock"]
    codes = [int(each) for each in some(rows, ["11", "12"], {RARE["number as a segment"]: 5}, rng)]
    return pa.table(
        {
            "at": [start + timedelta(minutes=row) for row in range(rows)],
            "id": [BIG_KEY + number * rows + row for row in range(rows)],
            "person": [BIG_KEY // 10 + row % 50 for row in range(rows)],
            "said": some(rows, common, {RARE["class"]: 2}, rng),
            "was": some(rows, common, {RARE["class"]: 2}, rng),
            "income": [INCOME + 1000.125 * (number * rows + row) for row in range(rows)],
            "email": pa.array([f"{EMAIL}-{number}-{row % 3}@x" for row in range(rows)]).dictionary_encode(),
            "code": codes,
        }
    )


def broken_rows(how: str, number: int) -> list[pa.Table]:
    """Return the files of one day of a model whose upset day cannot be read, or not whole."""
    rows = score_rows(number, "champion", 60).select(["at", "id", "income", "amount", "p", "bought"])
    if number != UPSET:
        return [rows]
    n = rows.num_rows
    match how:
        case "time_as_text":
            return [replaced(rows, "at", pa.array([f"{KEY}-{row}" for row in range(n)]))]
        case "time_of_no_calendar":
            return [replaced(rows, "at", pa.array([2**31 - 1] * n, pa.int32()).cast(pa.date32()))]
        case "key_too_long":  # the files are read as doubles together, and no double holds these keys
            whole = replaced(rows, "id", pa.array([BIG_KEY + row for row in range(n)]))
            return [whole, replaced(rows, "id", pa.array([float(row) for row in range(n)]))]
        case "income_as_text":
            return [replaced(rows, "income", pa.array([f"{EMAIL}-{row}" for row in range(n)]))]
        case _:
            return [replaced(rows, "bought", pa.array([INCOME + row for row in range(n)]))]


def replaced(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(name), name, values)


def planted() -> dict[str, tuple[bytes, ...]]:
    """Return what may be found nowhere, in every form, by what it is."""
    texts = {"key": KEY, "entity": ENTITY, "private text": EMAIL, **{f"rare {k}": v for k, v in RARE.items()}}
    hidden = {name: forms(text) for name, text in texts.items()}
    for name, number in (("first income", INCOME), ("an income", INCOME + 1000.125 * 77)):
        hidden[name] = number_forms(number)
    hidden["number as key"] = (str(BIG_KEY)[:13].encode(), *number_forms(BIG_KEY + 3))
    hidden["number as entity"] = number_forms(BIG_KEY // 10 + 3)
    hidden["private day"] = (str(BORN).encode(), str(BORN + timedelta(days=149)).encode())
    hidden["private time"] = (b"1987-11-23", str(int(SEEN.timestamp())).encode())
    hidden["time of no calendar"] = (str(2**31 - 1).encode(),)
    return hidden


def planted_numbers() -> np.ndarray:
    """Return the private numbers, keys and times that no stored number may equal, sorted."""
    incomes = INCOME + 1000.125 * np.arange(DAYS * ROWS)
    keys = BIG_KEY + np.arange(DAYS * ROWS)
    people = BIG_KEY // 10 + np.arange(50)
    days = np.arange(150) + (BORN - date(1970, 1, 1)).days
    seen = (SEEN - datetime(1970, 1, 1)).total_seconds() + 3600 * np.arange(150)  # noqa: DTZ001
    times = np.concatenate([days * 86_400.0, days * 86_400e6, seen, seen * 1e6, days.astype(float)])
    return np.unique(np.concatenate([incomes, keys.astype(float), people.astype(float), times]))


def tables(ran: Ran) -> Iterator[tuple[str, pa.Table]]:
    """Yield every Parquet file of the bucket, superseded pieces and generations alike."""
    for entry in ran.installation.files.list(""):
        if entry.path.endswith(".parquet"):
            yield entry.path, pq.read_table(pa.BufferReader(ran.installation.files.get(entry.path)))


def of_rows(name: str, rows: pa.Table) -> Iterator[Trace]:
    """Yield the columns of a table: text as it is, states for themselves, numbers as bytes."""
    for column in rows.column_names:
        values = [value for value in rows[column].to_pylist() if value is not None]
        if pa.types.is_binary(rows[column].type):
            yield from ((f"{name}:{column}", value) for value in values)
        else:
            yield f"{name}:{column}", "\n".join(map(str, values)).encode()


def in_bucket(ran: Ran) -> Iterator[Trace]:
    """Yield every object as it is, its path, and what its columns hold."""
    for entry in ran.installation.files.list(""):
        yield entry.path, entry.path.encode()
        yield entry.path, ran.installation.files.get(entry.path)
    for path, rows in tables(ran):
        yield from of_rows(path, rows)


def in_hive(ran: Ran) -> Iterator[Trace]:
    """Yield what Hive answers when it is asked for everything."""
    assert ran.installation.hive is not None
    with closing(Hive(ran.installation.hive)) as hive:
        for table in SCHEMAS:
            names, rows = hive.sql(f"SELECT * FROM `{table}`")  # noqa: S608
            assert rows, table
            for name, values in zip(names, zip(*rows, strict=True), strict=True):
                for value in values:
                    yield f"hive {table}:{name}", value if isinstance(value, bytes) else str(value).encode()


def in_search(client: Any) -> Iterator[Trace]:
    """Yield every document of every index of ours, the ledger too, and what the indices are made of."""
    names = [
        name
        for name in client.indices.get(index="lupus-*")
        if name.removeprefix("lupus-").startswith(INDICES)
    ]
    assert {name.split("-")[1] for name in names} == set(INDICES)
    for name in names:
        yield name, json.dumps(client.indices.get(index=name).body).encode()
        for hit in helpers.scan(client, index=name, query={"query": {"match_all": {}}}):
            yield f"{name}:{hit['_id']}", json.dumps(hit["_source"], ensure_ascii=False).encode()


INDICES = ("metrics", "verdicts", "comparisons", "incidents", "ledger")


def states(ran: Ran) -> Iterator[tuple[str, str, object]]:
    """Yield the states of every profile and reference: path, column if it is one's, and state."""
    for path, rows in tables(ran):
        for row in rows.to_pylist():
            for value in row.values():
                if isinstance(value, bytes) and row.get("kind") != PROBLEM:
                    yield path, row.get("column_name", ""), from_bytes(value)


def test_all_of_it_ran_and_was_judged(ran):
    """Else there would be nothing to find."""
    store = ran.installation.tables()
    for model in ("shop.score", "shop.genre"):
        verdicts, incidents = store.read("verdicts", model=model), store.read("incidents", model=model)
        assert incidents.num_rows > 0
        assert sum(verdicts["flagged"].to_pylist()) > 0
        assert set(store.read("comparisons", model=model)["metric"].to_pylist())
    # An alarm names causes and not all columns; every verdict has a sentence.
    told = {row["column_name"] for row in store.read("verdicts", model="shop.score").to_pylist()}
    assert {"email", "income", "born", "channel", "amount"} <= told
    assert "generations/verdicts/model=shop.score" in " ".join(path for path, _ in tables(ran))


@pytest.mark.parametrize("place", ["bucket", "hive", "search", "dagster", "processes"])
def test_nothing_planted_is_found(ran, elasticsearch_9, place):
    if place == "search":
        with elasticsearch_9.client() as client:
            traces = list(in_search(client))
    elif place in ("bucket", "hive"):
        traces = list(in_bucket(ran) if place == "bucket" else in_hive(ran))
    else:
        traces = list(of_folder(ran.project.dagster if place == "dagster" else ran.project.said))
    hits = found(traces, planted())
    assert sorted({(what, where.split("/")[0]) for what, where in hits}) == []
    allowed = {
        "segment": COMMON["segment"],
        "category": COMMON["category"],
        "class": COMMON["class"],
        "column": "income",
    }
    there = {what for what, _ in found(traces, {what: [text.encode()] for what, text in allowed.items()})}
    # A category's name is in the states alone, that of a column wherever there are rows.
    assert there >= (
        {"segment", "category", "class", "column"} if place in ("bucket", "hive") else {"column"}
    )


def test_no_number_of_a_table_or_a_state_is_a_private_one(ran):
    hidden = planted_numbers()
    for path, rows in tables(ran):
        numbers = [
            np.array([float(value) for value in rows[name].to_pylist() if value is not None])
            for name in rows.column_names
            if pa.types.is_floating(rows[name].type) or pa.types.is_integer(rows[name].type)
        ]
        assert equal(numbers, hidden) == [], path
    for path, column, state in states(ran):
        assert equal(list(numbers_of(state)), hidden) == [], (path, column)


def equal(numbers: Sequence[np.ndarray], hidden: np.ndarray) -> list[float]:
    """Return the numbers that are hidden ones, but for rounding."""
    given = np.concatenate([np.asarray(each, float).ravel() for each in numbers]) if numbers else np.empty(0)
    given = given[np.isfinite(given)]
    at = np.clip(np.searchsorted(hidden, given), 1, hidden.size - 1)
    near = np.minimum(np.abs(given - hidden[at - 1]), np.abs(given - hidden[at]))
    return [float(each) for each in given[near <= 1e-9 * np.abs(given)] if each]


def test_of_private_columns_keys_and_entities_nothing_but_salted_hashes_is_kept(ran):
    """A hash without the salt would give a private number away to whoever tries out numbers."""
    salted = hash_value(f"{EMAIL}-0-0@x", b"salt of the tests")
    plain = {hash_value(value, b"") for value in (f"{EMAIL}-0-0@x", str(INCOME), f"{KEY}-0-0", str(BIG_KEY))}
    plain |= {int(Distinct.of_floats(np.array([value])).hashes[0]) for value in (INCOME, float(BIG_KEY))}
    seen: set[int] = set()
    kinds: dict[str, set[type]] = {}
    for _, named, state in states(ran):
        for name, column in columns_of(named, state):
            kinds.setdefault(name, set()).add(type(column))
            if name == "email":
                assert isinstance(column, CategoricalColumn)
                assert set(column.categories.names) <= {None}
        for array in numbers_of(state):
            if array.dtype == np.uint64:
                seen |= set(array.tolist())
    assert (
        kinds["income"]
        == kinds["born"]
        == kinds["seen"]
        == kinds["id"]
        == kinds["person"]
        == {IdentityColumn}
    )
    assert kinds["amount"] == {NumericColumn}
    assert salted in seen
    assert not plain & seen


def columns_of(named: str, state: object) -> Iterator[tuple[str, object]]:
    """Yield the column of a profile, or the columns of a frozen reference, of every segment."""
    if named:
        yield named, state
    elif isinstance(state, Reference):
        for columns in state.columns.values():
            for name, reference in columns.items():
                yield name, getattr(reference, "column", reference)


def test_what_is_planted_in_a_state_is_found():
    """Of a state and of a frozen reference alike, whatever number or name it hides in."""
    numbers = NumericColumn.of(np.array([1.0, INCOME]), 0, UNIT)
    names = CategoricalColumn.of([RARE["category"]], np.array([1]), 0, b"salt")
    packed = [("state", to_bytes(state)) for state in (numbers, names)]
    assert {what for what, _ in found(packed, planted())} == {"rare category", "first income"}
    assert equal(list(numbers_of(from_bytes(packed[0][1]))), planted_numbers()) == [INCOME]
