"""What is open: partitions that can be judged and are not, as runs of many models.

Belongs here: pure decisions over windows, places and the time. Does not belong here: Dagster's daemon.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from lupus_assets.declare import MonitoredModel
from lupus_assets.monitor.cut import Cut, cuts, open_cuts, place
from lupus_assets.records import Place, Window

LOOKBACK = timedelta(days=35)  # a late partition is still picked up by itself; older ones are a backfill's
BATCH = 25  # models per run: a run costs seconds to start, and its models share them


@dataclass(frozen=True)
class Task:
    """One (model, track) with one partition to judge.

    Attributes
    ----------
    model : MonitoredModel
    track : str
    window : Window
    cuts : tuple of Cut
        The open cuts that are not done.
    """

    model: MonitoredModel
    track: str
    window: Window
    cuts: tuple[Cut, ...]

    @property
    def name(self) -> str:
        """What it is, as a stable text without spaces: an equal name is the same work."""
        as_of = ",".join(f"{cut.as_of:%Y%m%dT%H%M}" for cut in self.cuts)
        return f"{self.model.key}/{self.track}@{as_of}"


@dataclass(frozen=True)
class Situation:
    """What decides about work at one moment.

    Attributes
    ----------
    now : datetime
    done : set of Place
        The places of the table ``verdicts``, of all models in one query.
    windows : callable
        Gives the windows of a model to look at.
    arrived : callable
        Whether the log of a track holds a window; asked only of windows that are not done.
    """

    now: datetime
    done: Set[Place]
    windows: Callable[[MonitoredModel], Sequence[Window]]
    arrived: Callable[[MonitoredModel, str, Window], bool]


def lookback(model: MonitoredModel) -> timedelta:
    """Return how far back partitions of `model` are looked at: `LOOKBACK` after their last cut."""
    return LOOKBACK + _last_cut(model)


def _last_cut(model: MonitoredModel) -> timedelta:
    """Return how long after its end a window is judged for the last time."""
    label = model.columns.label
    return max(model.cadence.grace, timedelta(0) if label is None else label.delay)


def reference_due(model: MonitoredModel) -> datetime:
    """Return when the reference window and its labels are in; nothing can be judged before."""
    return model.reference_window()[1] + _last_cut(model)


def tasks(models: Iterable[MonitoredModel], situation: Situation) -> Iterator[Task]:
    """Yield what can be judged and is not done."""
    for model in models:
        if situation.now < reference_due(model):
            continue
        for window in situation.windows(model):
            wanted = open_cuts(model, window, situation.now)
            for track in model.tracks:
                left = tuple(
                    cut for cut in wanted if place(model, track, window, cut.as_of) not in situation.done
                )
                if left and situation.arrived(model, track, window):
                    yield Task(model, track, window, left)


@dataclass(frozen=True)
class Batch:
    """Tasks that share a partition, and so a run."""

    window: Window
    tasks: tuple[Task, ...]


def batches(work: Iterable[Task], size: int = BATCH) -> list[Batch]:
    """Return tasks grouped by partition, at most `size` models a batch, oldest partition first."""
    by_window: dict[Window, list[Task]] = {}
    for task in work:
        by_window.setdefault(task.window, []).append(task)
    found = []
    for window in sorted(by_window):
        by_model: dict[str, list[Task]] = {}
        for task in by_window[window]:
            by_model.setdefault(task.model.key, []).append(task)
        names = sorted(by_model)
        for start in range(0, len(names), size):
            chosen = names[start : start + size]
            found.append(Batch(window, tuple(task for name in chosen for task in by_model[name])))
    return found


def newest_due(model: MonitoredModel, windows: Sequence[Window], now: datetime) -> Window | None:
    """Return the newest of `windows` whose due time has passed."""
    due = [window for window in windows if cuts(model, window)[0].as_of <= now]
    return max(due, default=None)


def missing(
    models: Iterable[MonitoredModel], situation: Situation
) -> Mapping[tuple[str, str], tuple[MonitoredModel, Window]]:
    """Return the newest due partition of every (model key, track) whose log has not brought it."""
    absent = {}
    for model in models:
        newest = newest_due(model, situation.windows(model), situation.now)
        if newest is None:
            continue
        for track in model.tracks:
            judged = place(model, track, newest, cuts(model, newest)[0].as_of) in situation.done
            if not judged and not situation.arrived(model, track, newest):
                absent[model.key, track] = (model, newest)
    return absent
