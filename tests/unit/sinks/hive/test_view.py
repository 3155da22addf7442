"""What the view tells Hive, what it remembers of it, and what it finds out by itself."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from lupus_assets.errors import ServiceRefused, ServiceUnreachable, StoreError
from lupus_assets.records import Month
from lupus_assets.sinks.hive.address import HiveAddress
from lupus_assets.sinks.hive.view import BATCH, LONGEST_QUERY, SLICE, HiveView
from lupus_assets.sinks.memory import MemoryFiles

LEDGER = "views/hive/lupus/metrics.json"
KEY = re.compile(r"PARTITION \(model='(.*?)', month='(.*?)'\)(?: LOCATION '(.*?)')?")


class Metastore:
    """Stands for Hive: understands what the view says, and nothing else."""

    address = HiveAddress("hive")

    def __init__(self):
        self.database = False
        self.tables = {}
        self.asked = []
        self.dies_after = None

    def run(self, *statements):
        """Carry statements out, unless this is the one to die at."""
        answer = []
        for statement in statements:
            if len(self.asked) == self.dies_after:
                raise ServiceUnreachable("killed")
            self.asked.append(statement)
            answer = self.carry_out(statement)
        return ["name"], answer

    def carry_out(self, statement):
        """Carry one statement out."""
        if statement == "CREATE DATABASE IF NOT EXISTS `lupus`":
            self.database = True
            return []
        if not self.database:
            raise ServiceRefused("no database", code=10072)
        name = re.search(r"`lupus`\.`(\w+)`", statement)[1]
        if statement.startswith("CREATE EXTERNAL TABLE"):
            columns = re.search(r"\((.*?)\)", statement)[1]
            named = dict(re.findall(r"`(\w+)` (\w+)", columns))
            self.tables.setdefault(name, SimpleNamespace(columns=named, partitions={}))
            return []
        if name not in self.tables:
            raise ServiceRefused("no table", code=10001)
        answer = self.describe if statement.startswith(("DESCRIBE", "SHOW")) else self.alter
        return answer(statement, self.tables[name], KEY.findall(statement))

    def describe(self, statement, table, keys):
        """Answer a question about a table or a partition."""
        if keys:
            if keys[0][:2] not in table.partitions:
                raise ServiceRefused("no partition", code=10006)
            return [("Location:   ", table.partitions[keys[0][:2]], None)]
        if statement.startswith("DESCRIBE"):
            keyed = [("model", "string", ""), ("month", "string", "")]
            columns = [(name, kind, "") for name, kind in table.columns.items()]
            return [*columns, *keyed, ("", None, None), ("# Partition Information", None, None), *keyed]
        return [(f"model={model}/month={month}",) for model, month in table.partitions]

    def alter(self, statement, table, keys):
        """Change a table."""
        if " ADD COLUMNS " in statement:
            added = dict(re.findall(r"`(\w+)` (\w+)", statement.partition("(")[2]))
            if set(added) & set(table.columns):
                raise ServiceRefused("duplicate column", code=10036)
            table.columns |= added
        elif " ADD IF NOT EXISTS " in statement:
            for model, month, uri in keys:
                table.partitions.setdefault((model, month), uri)
        else:
            assert keys[0][:2] in table.partitions
            table.partitions[keys[0][:2]] = re.search(r" SET LOCATION '(.*)'$", statement)[1]
        return []

    def told(self, start):
        """Return the statements that begin with `start`."""
        return [statement for statement in self.asked if statement.startswith(start)]


@pytest.fixture
def hive():
    return Metastore()


@pytest.fixture
def files():
    return MemoryFiles()


class Clock:
    """A time that passes only when told."""

    def __init__(self):
        self.time = datetime(2013, 5, 1, tzinfo=UTC)

    def __call__(self):
        """Return the time."""
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def view(hive, files, clock):
    return HiveView(hive, files, now=clock)


def month(number=0, table="metrics", model="flights.delay"):
    text = f"{2000 + number // 12}-{number % 12 + 1:02d}"
    return Month(table, model, text, f"{table}/model={model}/month={text}", "1")


def compacted(month):
    return replace(month, location=f"generations/{month.location}/000001", version="2")


def shown(hive, table="metrics"):
    return hive.tables[table].partitions


def wanted(months):
    return {(month.model, month.month): f"memory:{month.location}" for month in months}


def test_everything_is_behind_in_an_empty_hive_and_nothing_after_following(view, hive):
    months = [month(0), month(1), month(0, "verdicts")]
    assert view.behind(months) == months
    assert view.follow(months) == 3
    assert view.behind(months) == []
    assert all(view.shows(each) for each in months)
    assert shown(hive) == wanted(months[:2])
    assert shown(hive, "verdicts") == wanted(months[2:])
    assert set(hive.tables) == {"metrics", "verdicts"}, "a folder without files is not made by Hive"


def test_following_twice_changes_nothing(view, hive):
    view.follow([month()])
    hive.asked.clear()
    assert view.follow([month()]) == 0
    assert [statement.split()[0] for statement in hive.asked] == ["DESCRIBE", "SHOW"]


def test_nothing_is_asked_about_no_months(view, hive):
    assert view.behind([]) == []
    assert view.follow([]) == 0
    assert hive.asked == []


def test_a_month_with_other_rows_in_the_same_folder_is_not_behind(view):
    """Hive reads the folder anew with every query."""
    view.follow([month()])
    assert view.behind([replace(month(), version="2")]) == []


def test_a_compacted_month_is_behind_until_hive_is_pointed_at_its_generation(view, hive):
    months = [month(0), month(1)]
    view.follow(months)
    after = [compacted(month(0)), month(1)]
    assert view.behind(after) == after[:1]
    assert not view.shows(after[0])
    assert view.follow(after) == 1
    assert view.shows(after[0])
    assert shown(hive) == wanted(after)


def test_partitions_are_added_in_batches(view, hive):
    months = [month(i) for i in range(SLICE + BATCH + 1)]
    assert view.follow(months) == len(months)
    assert shown(hive) == wanted(months)
    assert len(hive.told("ALTER TABLE")) == SLICE // BATCH + 2


def test_killed_at_any_statement_following_again_comes_to_the_same():
    before, after = [month(0), month(1)], [compacted(month(0)), month(1), month(2), compacted(month(3))]
    deaths = 0
    for dies_after in range(20):
        hive, files = Metastore(), MemoryFiles()
        HiveView(hive, files).follow(before)
        hive.dies_after = len(hive.asked) + dies_after
        try:
            HiveView(hive, files).follow(after)
        except ServiceUnreachable:
            deaths += 1
        hive.dies_after = None
        view = HiveView(hive, files)
        view.follow(view.behind(after))
        assert shown(hive) == wanted(after)
        assert view.behind(after) == []
    assert deaths == 5


def test_a_kill_between_hive_and_the_ledger_only_repeats_questions(view, hive, files):
    view.follow([month()])
    files.delete([LEDGER])
    hive.asked.clear()
    assert view.behind([month()]) == [month()]
    assert view.follow([month()]) == 0
    assert hive.told("ALTER TABLE") == []
    assert view.behind([month()]) == []


def test_a_metastore_that_was_made_anew_is_filled_again(view, hive):
    months = [month(0), compacted(month(1))]
    view.follow(months)
    hive.__init__()
    assert view.behind(months) == months
    assert view.follow(months) == 2
    assert shown(hive) == wanted(months)


def test_a_partition_that_hive_lost_is_added_again(view, hive):
    months = [month(0), month(1)]
    view.follow(months)
    del shown(hive)[months[0].model, months[0].month]
    assert view.behind(months) == months[:1]
    assert view.follow(months) == 1
    assert shown(hive) == wanted(months)


def test_a_partition_that_came_back_elsewhere_is_corrected(view, hive):
    """As MSCK REPAIR adds them: at the folder of the pieces, though the month has been compacted."""
    months = [compacted(month(0)), month(1)]
    view.follow(months)
    del shown(hive)[months[0].model, months[0].month]
    view.follow(months[1:])
    view.follow([month(2)])
    shown(hive)[months[0].model, months[0].month] = f"memory:{month(0).location}"
    assert view.behind(months) == months[:1]
    assert view.follow(months) == 1
    assert shown(hive) == wanted([*months, month(2)])


def test_a_partition_that_was_moved_behind_our_back_is_found_when_hive_is_asked(view, hive):
    view.follow([month()])
    shown(hive)[month().model, month().month] = "memory:elsewhere"
    assert view.behind([month()]) == []
    assert not view.shows(month())
    assert view.behind([month()]) == [month()]
    assert view.follow([month()]) == 1
    assert view.shows(month())


def test_a_month_that_hive_was_not_told_about_yet_is_not_shown_and_nothing_is_forgotten(view, files):
    view.follow([month()])
    before = files.get(LEDGER)
    assert not view.shows(compacted(month()))
    assert not view.shows(month(1))
    assert not view.shows(month(0, "verdicts"))
    assert files.get(LEDGER) == before


def test_older_files_are_released_when_no_query_from_before_can_be_at_work(view, clock):
    months = [month(0), month(1)]
    view.follow(months)
    clock.time += LONGEST_QUERY
    after = [compacted(month(0)), month(1)]
    assert list(view.released(after)) == after[1:], "it was not told yet"
    view.follow(after)
    assert list(view.released(after)) == after[1:]
    clock.time += LONGEST_QUERY - timedelta(seconds=1)
    view.follow(after)
    assert list(view.released(after)) == after[1:]
    clock.time += timedelta(seconds=1)
    assert list(view.released(after)) == after


def test_nothing_is_released_that_hive_itself_shows_elsewhere(view, hive, clock):
    view.follow([month()])
    clock.time += LONGEST_QUERY
    shown(hive)[month().model, month().month] = "memory:elsewhere"
    assert list(view.released([month()])) == []
    assert view.behind([month()]) == [month()]
    view.follow([month()])
    assert list(view.released([month()])) == [], "from then on it counts anew"


def test_a_warehouse_that_has_moved_is_told_anew(view, hive, files, monkeypatch):
    view.follow([month()])
    monkeypatch.setattr(files, "uri", lambda path: f"s3a://bucket/{path}")
    assert view.behind([month()]) == [month()]
    assert view.follow([month()]) == 1
    assert shown(hive) == {(month().model, month().month): f"s3a://bucket/{month().location}"}


def test_a_column_that_is_new_makes_a_table_behind_and_is_added(view, hive):
    months = [month(0), month(1), month(0, "verdicts")]
    view.follow(months)
    columns = dict(hive.tables["metrics"].columns)
    del hive.tables["metrics"].columns["reason"]
    assert view.behind(months) == months[:2]
    assert view.follow(months[:2]) == 0
    assert hive.tables["metrics"].columns == columns
    assert view.behind(months) == []


def test_a_column_that_another_process_has_added_meanwhile_is_no_error(view, hive):
    view.follow([month()])
    missing = hive.tables["metrics"].columns.pop("reason")
    carry_out = hive.carry_out

    def another_first(statement):
        if " ADD COLUMNS " in statement:
            hive.tables["metrics"].columns["reason"] = missing
        return carry_out(statement)

    hive.carry_out = another_first
    assert view.follow([month()]) == 0


def test_columns_that_are_not_ours_are_left_alone(view, hive):
    view.follow([month()])
    hive.tables["metrics"].columns["owner"] = "string"
    assert view.behind([month()]) == []
    view.follow([month(1)])
    assert hive.tables["metrics"].columns["owner"] == "string"


def test_a_column_of_another_type_is_refused_and_named(view, hive):
    view.follow([month()])
    hive.tables["metrics"].columns["n"] = "int"
    with pytest.raises(ServiceRefused, match=r"lupus\.metrics\.n is int in Hive and bigint in the files"):
        view.behind([month()])
    with pytest.raises(ServiceRefused, match=r"metrics\.n is int"):
        view.follow([month()])


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"x": "y"}', b'{"a.b/2013-05": ["x", 1]}', b"\xff"])
def test_a_damaged_ledger_is_as_good_as_none(view, files, damage):
    view.follow([month()])
    files.put(LEDGER, damage)
    assert view.behind([month()]) == [month()]
    assert view.follow([month()]) == 0
    assert json.loads(files.get(LEDGER)) == {
        "flights.delay/2000-01": [f"memory:{month().location}", "2013-05-01T00:00:00+00:00"]
    }


def test_what_another_process_has_told_hive_is_not_forgotten(view, hive, files):
    other = HiveView(hive, files)
    view.follow([month(0)])
    other.follow([month(1)])
    view.follow([month(2)])
    assert view.behind([month(0), month(1), month(2)]) == []


@pytest.mark.parametrize(
    "wrong", [{"table": "metric"}, {"model": "x"}, {"model": "a.b' or '"}, {"month": "2013-5"}]
)
def test_a_month_that_is_none_is_refused_before_hive_is_asked(view, hive, wrong):
    strange = replace(month(), **wrong)
    for ask in (lambda: view.behind([strange]), lambda: view.follow([strange]), lambda: view.shows(strange)):
        with pytest.raises(StoreError):
            ask()
    assert hive.asked == []
