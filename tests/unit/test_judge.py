"""Judging goes on from what is known; every byte of the tables is as if all had been replayed."""

from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest

import lupus_assets.judge as judging
from lupus_assets.judge import Writer, kind_of
from lupus_assets.judging.verdict import LABELS, ROWS
from lupus_assets.pipeline import Pipeline
from lupus_assets.reading.cut import cuts, place
from lupus_assets.sinks import memory
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.sinks.memory import MemoryFiles
from tests.models import START, day, declared, metric

TAUGHT, DAYS = 24, 75
RULES = [
    {"metric": "row_count", "below": 940},
    {"metric": "auc", "falls_from_recent": {"partitions": 5, "by": 0.03}},
    {"metric": "clipped_mean", "rises_from_season": {"periods": 2, "by": 0.1}},
    {"metric": "psi", "rises_steadily": {"partitions": 9}},
]
LATE = {"label": {"column": "y", "arrives_within": "3d"}}
AT_ONCE = {"label": {"column": "y", "arrives_within": "0d"}}
REFERENCE = {"from": START.date(), "to": (START + timedelta(days=TAUGHT - 1)).date()}


def model_of(columns=LATE, **parts):
    return declared(columns, **({"reference": REFERENCE, "rules": RULES} | parts))


class Judged(Pipeline):
    """A pipeline whose partitions have metrics and no rows."""

    def facts(self, *_):
        """Return none: there are no rows."""
        return {}


@dataclass
class Track:
    """The metrics of a track as they come, and its verdicts."""

    rng: np.random.Generator
    columns: dict = field(default_factory=lambda: LATE)
    parts: dict = field(default_factory=dict)
    reference: str = "now"
    wide: set = field(default_factory=set)  # days from which on there is a column more
    files: MemoryFiles = field(default_factory=MemoryFiles)
    rows: dict = field(default_factory=dict)  # by (day, kind)
    labelled: set = field(default_factory=set)

    @property
    def model(self):
        """The declaration in force."""
        return model_of(self.columns, **self.parts)

    def measure(self, number: int) -> None:
        """Draw the metrics of a day."""
        rng, window = self.rng, day(number)
        jump = 3.0 if rng.random() < 0.1 else 0.0
        by_cut = {cut: [] for cut in cuts(self.model, window)}
        n = int(rng.poisson(1000))

        def add(family, column, name, value, *, late=False, segment="*"):
            cut = next(cut for cut in by_cut if (cut.labels if late else cut.rows))
            value = None if rng.random() < 0.03 else float(value)
            upper = None if value is None else value + 0.1
            by_cut[cut].append(metric(
                number, value, family=family, column_name=column, metric=name, segment=segment, n=n,
                lower=None, upper=upper, as_of=cut.as_of, reference=self.reference,
            ))  # fmt: skip

        add("input", "", "row_count", n)
        front = rng.normal()
        for at, column in enumerate(
            ("a", "b", "c", *(("d",) if any(number >= since for since in self.wide) else ()))
        ):
            if column == "c" and rng.random() < 0.1:
                continue  # a column that vanishes for a day
            for segment in ("*", "country=de"):
                add(
                    "input",
                    column,
                    "clipped_mean",
                    front / 2 + rng.normal() / 10 + jump * (at == 0),
                    segment=segment,
                )
            add("input", column, "psi", abs(rng.normal()) / 100)
            add("input", column, "null_rate", rng.poisson(3 + 9 * jump) / n)
            add("input", column, "null_design_effect", 1 + rng.random())
            add("input", column, "top_share", 0.99 if column == "b" else rng.random() / 3)
        add("prediction", "p", "residual_mean", rng.normal() / 10 + jump / 3)
        add("performance", "y", "auc", 0.8 + rng.normal() / 50 - jump / 20, late=True)
        add("target", "y", "labelled_rate", 0.95, late=True)
        self.rows[number] = by_cut

    def write(self, number: int, *, labels: bool, killed: bool = False) -> None:
        """Write the metrics of a day, of its labels too if they are in; or be killed in the middle of it."""
        writer = Writer.of(ParquetStore(self.files), self.model, "champion")
        for cut, rows in self.rows[number].items():
            if cut.rows or labels:
                where = place(self.model, "champion", day(number), cut.as_of)
                kinds = {LABELS, kind_of(cut)}
                if killed:
                    writer.checkpoints.intend("metrics", where, kinds)
                    if self.rng.random() < 0.5:
                        writer.store.replace("metrics", where, rows)
                    return
                writer.replace("metrics", where, rows, kinds)
        if labels:
            self.labelled.add(number)

    def judge(self, numbers, *, files=None):
        """Judge some days; return what was returned."""
        windows = {
            day(number): {cut: None for cut in self.rows[number] if cut.rows or number in self.labelled}
            for number in numbers
        }
        store = ParquetStore(self.files if files is None else files)
        reference = SimpleNamespace(digest=self.reference, kinds={})
        pipeline = Judged(store=store, source=None, salt=b"")
        return pipeline.verdicts(self.model, "champion", reference, windows)

    def judge_both_ways(self, numbers) -> None:
        """Judge some days from what is known and from nothing, and hold all tables against each other."""
        replayed = MemoryFiles()
        replayed.held = tables(self.files)
        expected = self.judge(numbers, files=replayed)
        assert self.judge(numbers) == expected
        assert tables(self.files) == tables(replayed)


def tables(files):
    return {path: data for path, data in files.held.items() if not path.startswith("checkpoints/")}


@pytest.fixture
def passes(monkeypatch):
    """Count how often judging went on from a checkpoint, and how often it began anew."""
    counts = {"on": 0, "anew": 0}

    def counted(name, function):
        def call(*args):
            found = function(*args)
            counts[name] += found is not None
            return found

        return call

    monkeypatch.setattr(judging, "go_on", counted("on", judging.go_on))
    monkeypatch.setattr(judging, "judge", counted("anew", judging.judge))
    return counts


class Chaos:
    """All that may happen to a track; each returns its newest day."""

    def __init__(self, track: Track, upto: int) -> None:
        self.track, self.rng, self.upto = track, track.rng, upto

    def step(self) -> None:
        """Do one of it."""
        chances = {
            self.next: 30, self.labels: 20, self.changed: 10, self.unjudged: 5, self.again: 5, self.range: 10,
            self.gap: 8, self.killed: 4, self.damaged: 3, self.lost: 2, self.wide: 1, self.declared: 1,
            self.referred: 1, self.compacted: 1,
        }  # fmt: skip
        weights = np.array([*chances.values()]) / sum(chances.values())
        [*chances][self.rng.choice(len(chances), p=weights)]()

    @property
    def known(self) -> list[int]:
        """The days that have come."""
        return sorted(self.track.rows)

    @property
    def old(self) -> int:
        """One of them."""
        return int(self.rng.choice(self.known))

    def come(self, number: int) -> None:
        """Let the rows of a day come."""
        self.track.measure(number)
        self.track.write(number, labels=False)
        self.track.judge_both_ways([number])
        self.upto = max(self.upto, number)

    def next(self) -> None:
        """Let the next day come."""
        self.come(self.upto + 1)

    def labels(self) -> None:
        """Let the oldest labels come that are not in."""
        for number in [number for number in self.known if number not in self.track.labelled][:2]:
            self.track.write(number, labels=True)
            self.track.judge_both_ways([number])

    def unjudged(self) -> int:
        """Write an old day with other numbers."""
        number = self.old
        self.track.measure(number)
        self.track.write(number, labels=number in self.track.labelled)
        return number

    def changed(self) -> None:
        """Run an old day again, with other numbers."""
        self.track.judge_both_ways([self.unjudged()])

    def again(self) -> None:
        """Run an old day again, with the same."""
        number = self.old
        self.track.write(number, labels=number in self.track.labelled)
        self.track.judge_both_ways([number])

    def range(self) -> None:
        """Run some days at once."""
        first = self.old
        self.track.judge_both_ways([number for number in self.known if first <= number < first + 9])

    def gap(self) -> None:
        """Leave a day out, or let one come late."""
        missing = sorted({*range(self.upto)} - {*self.known})
        late = missing and self.rng.random() < 0.5
        self.come(int(self.rng.choice(missing)) if late else self.upto + 2)

    def killed(self) -> None:
        """Kill who writes an old day, and perhaps run it again."""
        number = self.old
        self.track.measure(number)
        labels = number in self.track.labelled
        self.track.write(number, labels=labels, killed=True)
        if self.rng.random() < 0.5:
            self.track.write(number, labels=labels)

    def damaged(self) -> None:
        """Damage two checkpoints."""
        held = self.track.files.held
        for path in [path for path in held if path.endswith(".state")][-2:]:
            held[path] = held[path][:-9] + bytes(9)

    def lost(self) -> None:
        """Lose every other file of the checkpoints."""
        paths = [path for path in self.track.files.held if path.startswith("checkpoints/")]
        self.track.files.delete([path for path in paths if "/intents/" not in path][::2])

    def wide(self) -> None:
        """Let there be a column more from the next day on."""
        self.track.wide.add(self.upto + 1)

    def declared(self) -> None:
        """Declare something else."""
        cadence = {"every": "day", "start": START.date(), "holidays": "DE"}
        parts = [{"alarms": {"budget": "4 per month"}}, {"rules": RULES[:2]}, {"cadence": cadence}, {}]
        self.track.parts = parts[self.rng.integers(len(parts))]

    def referred(self) -> None:
        """Measure against another reference from now on."""
        self.track.reference = "other" if self.track.reference == "now" else "now"

    def compacted(self) -> None:
        """Compact a month."""
        month = f"{day(self.old).start:%Y-%m}"
        ParquetStore(self.track.files).compact("metrics", model="t.m", month=month)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_in_whatever_order_the_tables_are_those_of_a_full_replay(seed, passes):
    rng = np.random.default_rng(seed)
    track = Track(rng, columns=LATE if seed % 4 else AT_ONCE)
    known = [number for number in range(40) if rng.random() < 0.95]
    for number in rng.permutation(known).tolist():
        track.measure(number)
        track.write(number, labels=bool(seed % 4 == 0 or number < 30))
    track.judge_both_ways(known)
    chaos = Chaos(track, known[-1])
    for _ in range(30):
        chaos.step()
    assert passes["on"] >= 5


def test_a_table_that_changed_is_encoded_once(monkeypatch):
    encoded = []
    to_table = memory.to_table
    monkeypatch.setattr(
        memory, "to_table", lambda table, rows: encoded.append(table) or to_table(table, rows)
    )
    store = memory.MemoryStore()
    writer = Writer.of(store, model_of(), "champion")
    where = place(model_of(), "champion", day(0), day(0).end)
    for rows in ([metric(0, 1.0)], [metric(0, 2.0)]):
        encoded.clear()
        writer.replace("metrics", where, rows, {ROWS})
        assert encoded == ["metrics"]
        assert store.replacement("metrics", where, rows).is_held()
