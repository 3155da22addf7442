"""What a job's earlier runs were launched for: what is under way, was tried in vain, is left to a person."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import dagster as dg

from lupus_assets.assets.work import Task, next_stretch
from lupus_assets.records import Window

ATTEMPTS = 3  # runs of the same work before a person has to look
WORK = "lupus/work"  # run tag: what the run was launched for, an item for each `work_item`
OVER, RANGE = "lupus/over", "range"  # run tag of a run over several partitions, and its value
SPAN = "lupus/span"  # run tag: when the first and the last of them start
PARTITION = "dagster/partition"  # Dagster's own tag of a run over one partition
RANGES = 200  # newest runs over ranges that are looked at
NAMED = 3  # tasks that a sentence names before it counts the rest
FINISHED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
UNFINISHED = [status for status in dg.DagsterRunStatus if status not in FINISHED]


def digest(text: str) -> str:
    """Return twelve hexadecimal digits that tell texts apart."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def work_item(task: Task) -> str:
    """Return what a run's tag `WORK` holds of a task: its subject, and its name."""
    return f"{_subject(task)}:{digest(task.name)}"


def _subject(task: Task) -> str:
    return digest("/".join(str(part) for part in task.subject))


def span(first: Window, last: Window) -> str:
    """Return what a run's tag `SPAN` holds."""
    return f"{first.start.isoformat()}/{last.start.isoformat()}"


def _items(run: dg.DagsterRun) -> set[str]:
    return set(run.tags.get(WORK, "").split())


def unfinished(instance: dg.DagsterInstance, runs: Collection[str]) -> set[str]:
    """Return those of `runs`, by id, that go on or wait; one that this instance does not know does not."""
    if not runs:
        return set()
    found = instance.get_runs(dg.RunsFilter(run_ids=sorted(runs), statuses=UNFINISHED))
    return {run.run_id for run in found}


class Launched:
    """The open tasks of a job, seen against its earlier runs.

    Parameters
    ----------
    instance : DagsterInstance
    job : str
    work : sequence of Task
        What is open, by subject in time order.

    Attributes
    ----------
    chosen : int
        Number of tasks that `stretches` gave.
    """

    def __init__(self, instance: dg.DagsterInstance, job: str, work: Sequence[Task]) -> None:
        self.chosen = 0
        self._work = work
        self._singles: Counter[tuple[str, str]] = Counter()  # by item and partition
        self._ranges: list[tuple[set[str], datetime, datetime]] = []
        self._busy: set[str] = set()
        self._waiting = 0
        self._given_up: list[str] = []
        if work:
            self._ask(instance, job)

    def _ask(self, instance: dg.DagsterInstance, job: str) -> None:
        for run in instance.get_runs(dg.RunsFilter(job_name=job, statuses=UNFINISHED)):
            self._busy |= {item.partition(":")[0] for item in _items(run)}
        keys = sorted({task.window.key for task in self._work})
        for run in instance.get_runs(dg.RunsFilter(job_name=job, tags={PARTITION: keys})):
            self._singles.update((item, run.tags[PARTITION]) for item in _items(run))
        for run in instance.get_runs(dg.RunsFilter(job_name=job, tags={OVER: RANGE}), limit=RANGES):
            first, last = map(datetime.fromisoformat, run.tags[SPAN].split("/"))
            self._ranges.append((_items(run), first, last))

    def attempts(self, task: Task) -> int:
        """Return how many runs were launched for a task."""
        item = work_item(task)
        ranges = sum(
            item in items and first <= task.window.start <= last for items, first, last in self._ranges
        )
        return self._singles[item, task.window.key] + ranges

    def stretches(self) -> Iterator[tuple[Task, ...]]:
        """Yield what to launch: of a subject one stretch, unless a run of it is under way.

        What comes later waits until it is done, because a verdict is of the history before it. A task
        after `ATTEMPTS` vain runs is left to a person, and those after it go on.
        """
        by_subject: dict[str, list[Task]] = {}
        for task in self._work:
            by_subject.setdefault(_subject(task), []).append(task)
        for subject, work in by_subject.items():
            if subject in self._busy:
                self._waiting += len(work)
                continue
            left = [task for task in work if self.attempts(task) < ATTEMPTS]
            vain = [task for task in work if self.attempts(task) >= ATTEMPTS]
            self._given_up += [f"{task.model.key} {task.track} {task.window.key}" for task in vain]
            if left:
                stretch = next_stretch(left, self.attempts)
                self.chosen += len(stretch)
                yield stretch

    def sentence(self) -> str:
        """Return why nothing is launched."""
        said = ["nothing has arrived that is not judged"]
        if self._waiting:
            said = [f"{self._waiting} partitions are under way"]
        if self._given_up:
            rest = len(self._given_up) - NAMED
            named = ", ".join(self._given_up[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
            said.append(f"after {ATTEMPTS} vain runs these wait for a person: {named}")
        return "; ".join(said)
