"""The contract of `lupus_assets.ports.MetricStore`, asked of every store alike."""

from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta
from typing import get_args, get_type_hints
from zoneinfo import ZoneInfo

import pytest

from lupus_assets.errors import StoreError
from lupus_assets.records import TABLES, Row
from lupus_assets.sinks.schema import SCHEMAS

DAY = datetime(2013, 5, 1, 4, 0, 0, 123_456, tzinfo=UTC)
MODEL = "flights.delay"
SAMPLES: dict[type, object] = {
    str: 'a "quoted", line\nand € 駅 \U0001f43a',
    bytes: b"\x00\xff\x00",
    int: -(2**40),
    float: 5e-324,
    bool: True,
    datetime: DAY,
}


def sample(row_class: type[Row]) -> Row:
    """Return a row with a value in every field."""
    hints = get_type_hints(row_class).values()
    return row_class(*(SAMPLES[(get_args(hint) or (hint,))[0]] for hint in hints))


EVERY_TABLE = {table: sample(row_class) for table, row_class in TABLES.items()}


def as_stored(row: Row) -> dict[str, object]:
    """Return the values of `row` as a store gives them back: times naive UTC."""
    return {
        name: value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
        for name, value in asdict(row).items()
    }


def values(table):
    return table["value"].to_pylist()


@pytest.mark.parametrize("table", TABLES)
def test_what_is_written_is_what_is_read(store, place, table):
    row = EVERY_TABLE[table]
    store.replace(table, place(), [row, row])
    found = store.read(table, model=MODEL)
    assert found.to_pylist() == [as_stored(row)] * 2
    assert found.schema == SCHEMAS[table]


@pytest.mark.parametrize("table", TABLES)
def test_every_column_that_may_be_undefined_can_be(store, place, table):
    optional = {
        field.name: None for field in fields(TABLES[table]) if SCHEMAS[table].field(field.name).nullable
    }
    row = replace(EVERY_TABLE[table], **optional)
    store.replace(table, place(), [row, EVERY_TABLE[table], row])
    assert store.read(table, model=MODEL).to_pylist() == [
        as_stored(r) for r in (row, EVERY_TABLE[table], row)
    ]


@pytest.mark.parametrize("n", [1, 5_000])
def test_any_number_of_rows_comes_back_in_the_order_written(store, place, rows, n):
    written = rows(place(), [None if i % 7 == 3 else (i * 7919) % n / 3 for i in range(n)])
    store.replace("metrics", place(), written)
    assert store.read("metrics", model=MODEL).to_pylist() == [as_stored(row) for row in written]


def test_replacing_a_place_twice_keeps_only_the_second(store, place, rows):
    store.replace("metrics", place(), rows(place(), [1.0, 2.0, 3.0]))
    store.replace("metrics", place(), rows(place(), [4.0]))
    assert values(store.read("metrics", model=MODEL)) == [4.0]


def test_replacing_a_place_leaves_its_neighbours_alone(store, place, rows):
    neighbours = [
        place(1),
        place(0, late=2),
        place(0, track="challenger"),
        place(0, model="flights.delay_2"),
        place(31),
    ]
    for neighbour in neighbours:
        store.replace("metrics", neighbour, rows(neighbour, [1.0]))
    store.replace("verdicts", place(), [EVERY_TABLE["verdicts"]])
    store.replace("metrics", place(), rows(place(), [9.0]))
    store.replace("metrics", place(), [])
    assert values(store.read("metrics", model=MODEL)) == [1.0] * 4
    assert values(store.read("metrics", model="flights.delay_2")) == [1.0]
    assert len(store.read("verdicts", model=MODEL)) == 1


def test_numbers_of_one_partition_at_different_as_of_live_side_by_side(store, place, rows):
    for late in (3, 0):
        store.replace("metrics", place(late=late), rows(place(late=late), [float(late)]))
    found = store.read("metrics", model=MODEL)
    assert values(found) == [0.0, 3.0]
    assert len(set(found["as_of"].to_pylist())) == 2


def test_since_and_until_are_half_open(store, place, rows):
    for day in range(-3, 3):
        store.replace("metrics", place(day), rows(place(day), [float(day)]))
    since, until = place(-1).start, place(2).start
    assert values(store.read("metrics", model=MODEL, since=since, until=until)) == [-1.0, 0.0, 1.0]
    assert values(store.read("metrics", model=MODEL, since=since + timedelta(seconds=1))) == [0.0, 1.0, 2.0]
    assert values(store.read("metrics", model=MODEL, until=since + timedelta(seconds=1))) == [
        -3.0,
        -2.0,
        -1.0,
    ]
    assert values(store.read("metrics", model=MODEL, since=until, until=since)) == []


def test_since_may_be_given_in_any_zone(store, place, rows):
    for day in (0, 1):
        store.replace("metrics", place(day), rows(place(day), [float(day)]))
    since = place(1).start.astimezone(ZoneInfo("Asia/Tokyo"))
    assert values(store.read("metrics", model=MODEL, since=since)) == [1.0]


def test_a_month_of_the_cadences_zone_is_found_by_its_time_in_utc(store, place, rows):
    """A window of 1 June in Tokyo starts on 31 May in UTC, and one of 31 May in New York on 1 June."""
    tokyo = replace(place(30), start=datetime(2013, 5, 31, 15, tzinfo=UTC), month="2013-06")
    new_york = replace(place(30), start=datetime(2013, 6, 1, 3, tzinfo=UTC), month="2013-05")
    for value, at in enumerate((tokyo, new_york)):
        store.replace("metrics", at, rows(at, [float(value)]))
    june = datetime(2013, 6, 1, tzinfo=UTC)
    assert values(store.read("metrics", model=MODEL, until=june)) == [0.0]
    assert values(store.read("metrics", model=MODEL, since=june)) == [1.0]


def test_rows_come_by_track_then_window_then_as_of_then_as_written(store, place, rows):
    order = [
        place(1, track="a", late=0),
        place(1, track="a", late=1),
        place(40, track="a"),
        place(0, track="b"),
        place(0, track="b_2"),
    ]
    for i, at in reversed(list(enumerate(order))):
        store.replace("metrics", at, rows(at, [i + 0.5, i + 0.25]))
    assert values(store.read("metrics", model=MODEL)) == [i + part for i in range(5) for part in (0.5, 0.25)]


def test_a_track_is_read_alone(store, place, rows):
    for track in ("champion", "champion_2", "challenger"):
        store.replace("metrics", place(track=track), rows(place(track=track), [float(len(track))]))
    assert values(store.read("metrics", model=MODEL, track="champion")) == [8.0]
    assert values(store.read("metrics", model=MODEL, track="nobody")) == []


def test_an_unknown_model_has_no_rows_of_the_right_schema(store):
    for table, schema in SCHEMAS.items():
        found = store.read(table, model="nobody.nothing")
        assert found.num_rows == 0
        assert found.schema == schema


def test_no_rows_are_a_place_too(store, place):
    """A partition that was judged and found empty is done; one that is no place was never judged."""
    store.replace("metrics", place(), [])
    assert store.places("metrics", models=[MODEL]) == {place()}
    assert store.read("metrics", model=MODEL).schema == SCHEMAS["metrics"]


def test_a_place_holds_exactly_what_was_written_there_last(store, place, rows):
    first, second = rows(place(), [1.0, None]), rows(place(), [2.0])
    assert not store.replacement("metrics", place(), []).is_held()
    store.replace("metrics", place(), first)
    assert store.replacement("metrics", place(), first).is_held()
    assert not store.replacement("metrics", place(), first[:1]).is_held()
    assert not store.replacement("metrics", place(late=1), first).is_held()
    store.replace("metrics", place(), second)
    assert store.replacement("metrics", place(), second).is_held()
    assert not store.replacement("metrics", place(), first).is_held()


def test_a_place_without_rows_holds_none(store, place):
    store.replace("metrics", place(), [])
    assert store.replacement("metrics", place(), []).is_held()


def test_places_of_several_models_are_asked_for_at_once(store, place, rows):
    mine = {
        place(day, model=model, late=late) for day in (0, 40) for model in ("a.x", "b.x") for late in (0, 1)
    }
    for at in mine | {place(model="c.x")}:
        store.replace("metrics", at, rows(at, [1.0]))
    assert store.places("metrics", models=["a.x", "b.x", "d.x"]) == mine
    assert store.places("verdicts", models=["a.x"]) == set()
    assert store.places("metrics", models=[]) == set()


def test_places_that_several_tables_hold_are_asked_for_at_once(store, place):
    for table, days in (("metrics", (0, 1, 40)), ("verdicts", (0, 40, 41))):
        for day in days:
            for model in (MODEL, "a.b"):
                store.replace(table, place(day, model=model), [])
    both = ["metrics", "verdicts"]
    assert store.common_places(both, models=[MODEL]) == {place(0), place(40)}
    assert store.common_places(both, models=[MODEL, "a.b", "c.d"], since=place(1).start) == {
        place(40), place(40, model="a.b")
    }  # fmt: skip
    assert store.common_places(["incidents", "verdicts"], models=[MODEL]) == set()
    assert store.common_places(both, models=[]) == set()


def test_columns_come_in_the_order_asked_for(store, place, rows):
    store.replace("metrics", place(), rows(place(), [1.0]))
    found = store.read("metrics", model=MODEL, columns=["value", "metric"])
    assert found.column_names == ["value", "metric"]
    assert found.to_pylist() == [{"value": 1.0, "metric": "m0"}]
    assert store.read("metrics", model="nobody.nothing", columns=["value"]).column_names == ["value"]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_refused_and_named(store, place, rows, number):
    with pytest.raises(StoreError, match=r"metrics\.value .*(nan|inf).* write None"):
        store.replace("metrics", place(), rows(place(), [1.0, None, number]))
    assert store.places("metrics", models=[MODEL]) == set()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"as_of": datetime(2013, 5, 1)}, "as_of"),  # noqa: DTZ001 - naive is what is refused
        ({"n": 1.5}, "n"),
        ({"n": None}, "n"),
        ({"n": 2**63}, "n"),
        ({"value": "0.1"}, "value"),
        ({"metric": 7}, "metric"),
    ],
)
def test_a_value_that_does_not_fit_its_column_is_refused_and_the_column_named(
    store, place, rows, change, what
):
    (row,) = rows(place(), [1.0])
    with pytest.raises(StoreError, match=rf"metrics\.{what} "):
        store.replace("metrics", place(), [row, replace(row, **change)])


def test_a_refused_write_leaves_the_old_rows(store, place, rows):
    store.replace("metrics", place(), rows(place(), [1.0]))
    with pytest.raises(StoreError):
        store.replace("metrics", place(), rows(place(), [2.0, float("nan")]))
    assert values(store.read("metrics", model=MODEL)) == [1.0]


def test_rows_of_another_table_are_refused(store, place):
    with pytest.raises(StoreError, match="metrics holds MetricRow, not VerdictRow"):
        store.replace("metrics", place(), [EVERY_TABLE["verdicts"]])


def test_a_comparison_is_of_two_tracks(store, place):
    pairs = [place(track=f"champion~{new}") for new in ("challenger", "shadow")]
    for pair in pairs:
        store.replace("comparisons", pair, [EVERY_TABLE["comparisons"]])
    assert store.places("comparisons", models=[MODEL]) == set(pairs)
    assert len(store.read("comparisons", model=MODEL, track="champion~shadow")) == 1
    assert len(store.read("comparisons", model=MODEL, track="champion")) == 0


def test_the_hour_that_autumn_has_twice_is_two_places(store, place, rows):
    zone = ZoneInfo("America/New_York")
    hours = [
        replace(place(), start=datetime(2013, 11, 3, 1, fold=fold, tzinfo=zone), month="2013-11")
        for fold in (0, 1)
    ]
    for fold, at in enumerate(hours):
        store.replace("metrics", at, rows(at, [float(fold)]))
    found = store.read("metrics", model=MODEL)
    assert values(found) == [0.0, 1.0]
    assert [time.hour for time in found["window_start"].to_pylist()] == [5, 6]
    assert [at.start.tzinfo for at in store.places("metrics", models=[MODEL])] == [UTC, UTC]


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "../../etc/x.y"},
        {"model": "late_arrival"},
        {"model": "flights.Delay"},
        {"track": "a/../../b"},
        {"track": "a~b~c"},
        {"track": ""},
        {"track": "champion\n"},
        {"month": "../x"},
        {"month": "2013-07"},
        {"start": datetime(2013, 5, 1)},  # noqa: DTZ001 - naive is what is refused
        {"as_of": datetime(2013, 5, 1, 0, 0, 1, tzinfo=UTC)},
    ],
)
def test_a_place_that_is_no_place_is_refused(store, place, wrong):
    with pytest.raises(StoreError):
        store.replace("metrics", replace(place(), **wrong), [])


def test_questions_that_make_no_sense_are_refused(store, place):
    with pytest.raises(
        StoreError, match="no table 'metric'; the tables are frozen_references, profiles, metrics"
    ):
        store.read("metric", model=MODEL)
    with pytest.raises(StoreError, match="did you mean value"):
        store.read("metrics", model=MODEL, columns=["valu"])
    with pytest.raises(StoreError, match=r"since .* is naive"):
        store.read("metrics", model=MODEL, since=datetime(2013, 5, 1))  # noqa: DTZ001 - naive is what is refused
    with pytest.raises(StoreError, match="no name"):
        store.read("metrics", model="../x")
    with pytest.raises(StoreError, match="no name"):
        store.places("metrics", models=[MODEL, "*.*"])
    with pytest.raises(StoreError, match="no table"):
        store.places("../x", models=[MODEL])
    with pytest.raises(StoreError, match="no table"):
        store.replace("../x", place(), [])
