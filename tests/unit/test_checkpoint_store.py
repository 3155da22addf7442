"""A checkpoint that is gone on from rests on what is there, whoever writes beside whom or is killed."""

from itertools import combinations, pairwise

import pytest

from lupus_assets.checkpoint_store import CheckpointStore
from lupus_assets.judging.checkpoint import Checkpoint
from lupus_assets.judging.incident import Open
from lupus_assets.reading.table import microseconds
from lupus_assets.records import Place
from lupus_assets.sinks.memory import MemoryFiles
from tests.models import DAY, day

PLACE = Place("t.m", "champion", day(3).start, day(3).end, f"{day(3).start:%Y-%m}")
KEY = "key"
NEVER = microseconds(day(99).start)


def checkpoint(number: int, seen: str = "") -> Checkpoint:
    return Checkpoint(microseconds(day(number).start), None, {}, [], Open(seen))


def checkpoints(files=None) -> CheckpointStore:
    return CheckpointStore(MemoryFiles() if files is None else files, "t.m", "champion")


def kept(of: CheckpointStore, number: int, **other) -> None:
    of.keep(of.claim(other.get("kind", "rows"), day(number).start, KEY), checkpoint(number), DAY)


class World:
    """One place with rows, and who reads and writes it."""

    def __init__(self, rows: str = "old") -> None:
        self.checkpoints = checkpoints()
        self.rows = rows

    def writing(self, rows: str):
        """Yield before every step of writing other rows."""
        yield
        intents = self.checkpoints.intend("metrics", PLACE, {"rows"})
        yield
        self.rows = rows
        yield
        self.checkpoints.written(intents, PLACE, {"rows"})

    def judging(self, number: int):
        """Yield before every step of judging a later partition; its checkpoint says what it rests on."""
        yield
        claim = self.checkpoints.claim("rows", day(number).start, KEY)
        yield
        barred = self.checkpoints.newest("rows", KEY, microseconds(day(number).start))
        seen = self.rows if barred is None else barred.incident.incident
        yield
        self.checkpoints.keep(claim, checkpoint(number, seen), DAY)


def taken(order, *actors):
    """Take the steps of actors, each named by its index, and kill those that are not done."""
    for at in order:
        next(actors[at], None)
    for actor in actors:
        actor.close()


def orders(first: int, second: int):
    for places in combinations(range(first + second), first):
        yield [0 if at in places else 1 for at in range(first + second)]


@pytest.mark.parametrize("steps", [(4, 4), (3, 4), (2, 4), (4, 3), (1, 4)])
def test_a_checkpoint_that_is_gone_on_from_has_seen_the_rows_that_are_there(steps):
    """In every order of a writer's and a judge's steps, with both done or either killed."""
    for earlier in (False, True):
        for order in orders(*steps):
            world = World()
            if earlier:
                list(world.judging(5))
            taken(order, world.writing("new"), world.judging(6))
            found = world.checkpoints.newest("rows", KEY, NEVER)
            assert found is None or found.incident.incident == world.rows, (order, earlier)


def test_of_a_writer_who_was_killed_the_mark_stays_until_the_place_is_written_again():
    world = World()
    list(world.judging(2))
    list(world.judging(5))
    taken([0, 0], world.writing("new"))
    assert world.checkpoints.newest("rows", KEY, NEVER).upto == microseconds(day(2).start)
    list(world.writing("new"))
    list(world.judging(6))
    assert world.checkpoints.newest("rows", KEY, NEVER).upto == microseconds(day(6).start)


def test_a_claim_alone_is_no_checkpoint_and_without_a_claim_there_is_none():
    of = checkpoints()
    claim = of.claim("rows", day(1).start, KEY)
    assert of.newest("rows", KEY, NEVER) is None
    of.abandon(claim)
    of.keep(claim, checkpoint(1), DAY)
    assert of.newest("rows", KEY, NEVER) is None


def test_what_is_written_of_the_labels_leaves_the_checkpoints_of_the_rows():
    of = checkpoints()
    kept(of, 5, kind="rows")
    kept(of, 5, kind="labels")
    of.written(of.intend("metrics", PLACE, {"labels"}), PLACE, {"labels"})
    assert of.newest("labels", KEY, NEVER) is None
    assert of.newest("rows", KEY, NEVER) is not None


def test_what_was_kept_under_another_declaration_is_not_gone_on_from():
    of = checkpoints()
    kept(of, 5)
    assert of.newest("rows", "other", NEVER) is None


def test_a_partition_is_judged_from_one_before_it():
    of = checkpoints()
    kept(of, 5)
    assert of.newest("rows", KEY, microseconds(day(5).start)) is None
    assert of.newest("rows", KEY, microseconds(day(5).start) + 1) is not None


def test_few_checkpoints_are_kept_and_the_older_they_are_the_further_apart():
    of = checkpoints()
    for number in range(1, 400):
        kept(of, number)
    ages = sorted(399 - int(name.split("~")[1]) // 86_400_000_000 + 19_723 for name in names(of, ".state"))
    assert ages[0] == 0
    assert len(ages) <= 10
    assert all(later <= 4 * max(earlier, 1) for earlier, later in pairwise(ages))
    assert len(names(of, ".claim")) == len(ages)


def names(of: CheckpointStore, suffix: str) -> list[str]:
    return [
        entry.path.rpartition("/")[2] for entry in of.files.list("checkpoints") if entry.path.endswith(suffix)
    ]


def test_a_damaged_checkpoint_is_said_and_the_one_before_is_gone_on_from(caplog):
    of = checkpoints()
    kept(of, 4)
    kept(of, 5)
    newest = next(
        path for path in of.files.held if f"~{microseconds(day(5).start)}~" in path and ".state" in path
    )
    of.files.held[newest] = of.files.held[newest][:-3] + b"xyz"
    assert of.newest("rows", KEY, NEVER).upto == microseconds(day(4).start)
    assert "is left out and made again: it is damaged" in caplog.text
    assert newest not in of.files.held
