"""Nothing that stands for a person may reach a table: planted values are looked for in every row."""

import dataclasses
import json
import struct
import zlib

import numpy as np
import pyarrow as pa
import pytest

from lupus_assets.pipeline import Pipeline
from lupus_assets.sinks.memory import MemoryStore
from lupus_assets.stats.codec import from_bytes
from lupus_assets.stats.hashing import mix
from lupus_assets.stats.state import State
from tests.models import DAY, SALT, START, Logs, day, declared, log
from tests.unit.stats.stored_state import packed_of

COMMON = ["north"] * 150 + ["south"] * 140
RARE = ["the only one in its village"] * 10
SALARY = 123_456.75
MODEL = declared(
    {"private": ["salary", "email", "born"]},
    reference={"from": START.date(), "to": START.date()},
    segments=("country", "region"),
    tracks={"old": {"parquet": "{partition}.old"}, "new": {"parquet": "{partition}.new"}},
    compare=[{"old": "old", "new": "new"}],
)
PLANTED = ("key-", "user-", "@mail", "the only one")


def village(number: int) -> pa.Table:
    """Return one day with everything in it that must not get out."""
    return log(
        number,
        region=COMMON + RARE,
        salary=[SALARY + row for row in range(300)],
        born=pa.array([START - row * DAY for row in range(300)]),
        email=["boss@mail.example"] * 200 + [f"{row}@mail.example" for row in range(100)],
    )


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    days = {day(number): village(number) for number in range(4)}
    days[day(3)] = pa.concat_tables([village(3), village(3).slice(299)])  # a row twice: an incident
    store, logs = MemoryStore(), Logs(days)
    pipeline = Pipeline(store=store, source=lambda *_: logs, salt=SALT)
    now = START + 100 * DAY
    references = pipeline.freeze(MODEL, [day(0)], now)
    done = {}
    for number in range(1, 4):
        done[day(number)] = pipeline.profile(MODEL, "old", day(number), references["old"], now)
        pipeline.metrics(MODEL, "old", day(number), references["old"], done[day(number)])
    pipeline.verdicts(MODEL, "old", references["old"], done)
    pipeline.compare(MODEL, ("old", "new"), day(1), references["old"], now)
    return store


TABLES = ["frozen_references", "profiles", "metrics", "verdicts", "comparisons", "incidents"]


def rows_of(store, table):
    return store.read(table, model=MODEL.name).to_pylist()


@pytest.mark.parametrize("table", TABLES)
def test_every_table_that_is_searched_has_rows(store, table):
    assert rows_of(store, table)


def texts(value):
    """Yield every text in a row, states unpacked."""
    if isinstance(value, bytes):
        yield (
            zlib.decompress(packed_of(value)).decode("latin-1")
            if value.startswith(b"LUPS")
            else value.decode()
        )
    else:
        yield str(value)


@pytest.mark.parametrize("table", TABLES)
def test_no_key_entity_private_or_rare_value_is_in_any_row(store, table):
    for row in rows_of(store, table):
        for value in row.values():
            for text in texts(value):
                assert not [planted for planted in PLANTED if planted in text]


def test_what_may_be_shown_is(store):
    """The search would find something: common categories have their names."""
    shown = [text for row in rows_of(store, "profiles") for text in texts(row["state"])]
    assert any('"north"' in text for text in shown)


def numbers(state):
    """Yield every number of a state, and of the states in it."""
    if isinstance(state, np.ndarray):
        yield from state.ravel().tolist()
    elif isinstance(state, dict):
        for each in state.values():
            yield from numbers(each)
    elif isinstance(state, State) or dataclasses.is_dataclass(state):
        for field in dataclasses.fields(state):
            yield from numbers(getattr(state, field.name))
    elif isinstance(state, int | float):
        yield state


def test_a_private_number_leaves_neither_itself_nor_anything_that_leads_back_to_it(store):
    values = {SALARY + row for row in range(300)}
    bits = np.array(sorted(values)).view(np.uint64)
    known = values | set(mix(bits).tolist()) | set(bits.tolist())
    for table in ("frozen_references", "profiles"):
        for row in rows_of(store, table):
            if not row["state"].startswith(b"LUPS"):
                continue
            assert known.isdisjoint(numbers(from_bytes(row["state"])))
    of_salary = {row["metric"] for row in rows_of(store, "metrics") if row["column_name"] == "salary"}
    assert of_salary == {"null_rate", "distinct"}


def test_a_private_time_leaves_nothing_but_nulls_and_distinct_counts(store):
    assert {row["metric"] for row in rows_of(store, "metrics") if row["column_name"] == "born"} == {
        "null_rate", "distinct",
    }  # fmt: skip


def test_a_private_category_is_watched_by_salted_hash(store):
    of_email = {row["metric"] for row in rows_of(store, "metrics") if row["column_name"] == "email"}
    assert {"psi", "unseen_rate", "top_share"} <= of_email


def test_a_rare_value_makes_no_segment(store):
    segments = {row["segment"] for row in rows_of(store, "metrics")}
    assert {"region=north", "region=south"} <= segments
    assert not [segment for segment in segments if "village" in segment]


def test_a_state_is_what_the_search_takes_it_for(store):
    """`texts` unpacks the format of the states; should that change, the search must not pass by itself."""
    state = next(row["state"] for row in rows_of(store, "profiles") if row["kind"] == "NumericColumn")
    body = zlib.decompress(packed_of(state))
    (length,) = struct.unpack("<I", body[:4])
    assert json.loads(body[4 : 4 + length])[0] == "NumericColumn"
