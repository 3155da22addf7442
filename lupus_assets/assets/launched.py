"""Open tasks against the earlier runs of a job: in progress, to be launched, or given up after failures."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import dagster as dg

from lupus_assets.assets.work import Task, next_stretch
from lupus_assets.records import Window

ATTEMPTS = 3  # most runs of one task; then a person has to intervene
WORK = "lupus/work"  # run tag: the tasks of the run, one `work_item` each
OVER, RANGE = "lupus/over", "range"  # run tag of a run over several partitions, and its value
SPAN = "lupus/span"  # run tag: the starts of the first and the last of them
PARTITION = "dagster/partition"  # Dagster's own tag of a run over one partition
RANGES = 200  # number of newest runs over ranges that are read
NAMED = 3  # most tasks that a sentence names; the rest are counted
FINISHED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
UNFINISHED = [status for status in dg.DagsterRunStatus if status not in FINISHED]


def digest(text: str) -> str:
    """Return the first twelve hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def work_item(task: Task) -> str:
    """Return the item of a task in a run's tag `WORK`: digests of its subject and of its name."""
    return f"{_subject(task)}:{digest(task.name)}"


def _subject(task: Task) -> str:
    return digest("/".join(str(part) for part in task.subject))


def span(first: Window, last: Window) -> str:
    """Return the value of a run's tag `SPAN`."""
    return f"{first.start.isoformat()}/{last.start.isoformat()}"


def _items(run: dg.DagsterRun) -> set[str]:
    return set(run.tags.get(WORK, "").split())


def unfinished(instance: dg.DagsterInstance, runs: Collection[str]) -> set[str]:
    """Return those of `runs`, by id, that have not finished; ids unknown to this instance are left out."""
    if not runs:
        return set()
    found = instance.get_runs(dg.RunsFilter(run_ids=sorted(runs), statuses=UNFINISHED))
    return {run.run_id for run in found}


class Launched:
    """The open tasks of a job, compared with its earlier runs.

    Parameters
    ----------
    instance : DagsterInstance
    job : str
    work : sequence of Task
        Open tasks, by subject in time order.

    Attributes
    ----------
    chosen : int
        Number of tasks that `stretches` has yielded.
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
        """Return the number of runs that were launched for a task."""
        item = work_item(task)
        ranges = sum(
            item in items and first <= task.window.start <= last for items, first, last in self._ranges
        )
        return self._singles[item, task.window.key] + ranges

    def stretches(self) -> Iterator[tuple[Task, ...]]:
        """Yield the tasks to launch: one stretch of each subject without an unfinished run.

        Later partitions wait, because a verdict depends on the history before it. A task with `ATTEMPTS` runs
        is not launched again; the tasks after it are.
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
        """Return the reason why nothing is launched."""
        said = ["nothing has arrived that is not judged"]
        if self._waiting:
            said = [f"{self._waiting} partitions are under way"]
        if self._given_up:
            rest = len(self._given_up) - NAMED
            named = ", ".join(self._given_up[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
            said.append(f"after {ATTEMPTS} vain runs these wait for a person: {named}")
        return "; ".join(said)
