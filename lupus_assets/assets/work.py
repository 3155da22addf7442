"""Open work: partitions that can be judged and are not, grouped into runs of many models.

Belongs here: pure decisions over windows, places and the time. Does not belong here: Dagster's daemon.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lupus_assets.assets.key import STEPS
from lupus_assets.declare import MonitoredModel
from lupus_assets.reading.cut import Cut, cuts, open_cuts
from lupus_assets.records import Place, Window

LOOKBACK = timedelta(days=35)  # late partitions are judged automatically; older ones need a backfill
LEAST_LOOKBACK = 3  # partitions: of months, the newest two lie wholly within
PARTITIONS = 2_000  # most windows of a model per tick: an hourly model's lookback, and its labels' delay
BATCH = 25  # models per run: they share the seconds that a run takes to start
RUN = 1_000  # partitions of a run, summed over tracks: an hour or less, at a second or two each
# Most partitions of a track in its first, second, third run: repeated failures isolate a partition.
STRETCH = (400, 31, 1)
BEGINNING = datetime.min.replace(tzinfo=UTC) + timedelta(days=2)  # within the calendar in every zone

SECOND = timedelta(seconds=1)

Done = Mapping[tuple[str, str], Set[tuple[datetime, datetime]]]


@dataclass(frozen=True)
class Task:
    """One partition to judge of a track, or to compare of a pair of tracks.

    Attributes
    ----------
    model : MonitoredModel
    track : str
        Track, or ``<old>~<new>``.
    window : Window
    cuts : tuple of Cut
        The open cuts that are not done.
    steps : tuple of str
        The steps of a track to make; none for a pair.
    """

    model: MonitoredModel
    track: str
    window: Window
    cuts: tuple[Cut, ...]
    steps: tuple[str, ...] = STEPS

    @property
    def subject(self) -> tuple[str, str, bool]:
        """Model, track, and whether only labels are judged; each has one run at a time, in time order."""
        return self.model.name, self.track, not any(cut.rows for cut in self.cuts)

    @property
    def name(self) -> str:
        """A stable name: tasks over the same window with equal names are the same work."""
        after = ",".join(f"{(cut.as_of - self.window.end) // SECOND}s" for cut in self.cuts)
        return f"{self.model.key}/{self.track}@{after}"


@dataclass(frozen=True)
class Situation:
    """The inputs of the decision about open work, at one time.

    Attributes
    ----------
    now : datetime
    done : dict of (str, str) to set of (datetime, datetime)
        Window start and as_of of the places that every table holds, by the model's name and the track.
    windows : callable
        Returns the windows of a model to look at.
    arrived : callable
        Returns whether the log of a track holds a window; called only for windows that are not done.
    interrupted : dict of (str, str) to set of Window
        Partitions that finished runs have begun and not reported; they are made again in any case.
    under_way : dict of (str, str) to set of Window
        Partitions that unfinished runs have begun.
    """

    now: datetime
    done: Done
    windows: Callable[[MonitoredModel], Sequence[Window]]
    arrived: Callable[[MonitoredModel, str, Window], bool]
    interrupted: Mapping[tuple[str, str], Set[Window]] = field(default_factory=dict)
    under_way: Mapping[tuple[str, str], Set[Window]] = field(default_factory=dict)


def by_track(places: Iterable[Place]) -> dict[tuple[str, str], set[tuple[datetime, datetime]]]:
    """Return places in the form of `Situation.done`."""
    found: dict[tuple[str, str], set[tuple[datetime, datetime]]] = {}
    for place in places:
        found.setdefault((place.model, place.track), set()).add((place.start, place.as_of))
    return found


def spans(model: MonitoredModel, now: datetime) -> list[tuple[datetime, datetime]]:
    """Return the time spans whose windows are looked at, in time order.

    One span up to `now`: `LOOKBACK`, or `LEAST_LOOKBACK` partitions if longer, plus the time from a window's
    end to its last cut. If this is more than `PARTITIONS` windows, the newest windows with rows to judge and
    the newest windows with labels to judge.
    """
    last = _last_cut(model)
    most = model.cadence.period * (PARTITIONS // 2)
    lookback = max(LOOKBACK, model.cadence.period * LEAST_LOOKBACK)
    if lookback + last <= 2 * most:
        return [(_before(now, lookback + last), now)]
    reach = min(lookback, most)
    labels, rows = _before(now, last), _before(now, model.cadence.grace)
    if rows - labels <= reach:
        return [(_before(labels, reach), now)]
    return [(_before(labels, reach), labels), (_before(rows, reach), now)]


def _before(moment: datetime, by: timedelta) -> datetime:
    return moment - by if moment - BEGINNING > by else BEGINNING


def _last_cut(model: MonitoredModel) -> timedelta:
    """Return the time from the end of a window to its last cut."""
    label = model.columns.label
    return max(model.cadence.grace, timedelta(0) if label is None else label.delay)


def reference_due(model: MonitoredModel) -> datetime:
    """Return the time at which the reference window and its labels are complete; judging starts then."""
    return model.reference_window()[1] + _last_cut(model)


def tasks(model: MonitoredModel, situation: Situation) -> Iterator[Task]:
    """Yield the open tasks of a model, by track and in time order."""
    if situation.now < reference_due(model):
        return
    recent = situation.windows(model)
    opened = {window: open_cuts(model, window, situation.now) for window in recent}
    for track in model.tracks:
        yield from _open(model, track, [track], opened, situation)
    for pair in model.compare:
        # One comparison per partition, as of the last open cut.
        last = {window: found[-1:] for window, found in opened.items()}
        yield from _open(model, f"{pair.old}~{pair.new}", [pair.old, pair.new], last, situation)


def _open(
    model: MonitoredModel,
    track: str,
    logs: Sequence[str],
    opened: Mapping[Window, tuple[Cut, ...]],
    situation: Situation,
) -> Iterator[Task]:
    done = situation.done.get((model.name, track), frozenset())
    again = situation.interrupted.get((model.name, track), frozenset())
    busy = situation.under_way.get((model.name, track), frozenset())
    windows = sorted({*opened, *again}) if again else opened
    compared = track not in model.tracks
    for window in windows:
        wanted = opened[window] if window in opened else open_cuts(model, window, situation.now)
        if compared:
            wanted = wanted[-1:]
        left = tuple(cut for cut in wanted if window in again or (window.start, cut.as_of) not in done)
        if not left or window in busy:
            continue
        if all(situation.arrived(model, log, window) for log in logs):
            yield Task(model, track, window, left, () if compared else STEPS)
        elif window in again and not compared:  # the log is gone; judge from the stored profile
            yield Task(model, track, window, left, STEPS[1:])


def next_stretch(work: Sequence[Task], attempts: Callable[[Task], int]) -> tuple[Task, ...]:
    """Return the first tasks of a subject for one run: consecutive partitions with equally many attempts.

    Parameters
    ----------
    work : sequence of Task
        At least one task, all of one subject, in time order.
    attempts : callable
        Returns the number of runs that were launched for a task.
    """
    tried = attempts(work[0])
    found = [work[0]]
    for task in work[1 : STRETCH[min(tried, len(STRETCH) - 1)]]:
        follows = task.window.start == found[-1].window.end
        if not follows or task.steps != found[0].steps or attempts(task) != tried:
            break
        found.append(task)
    return tuple(found)


@dataclass(frozen=True)
class Batch:
    """The tasks of one run, all over the same consecutive partitions; in time order, track by track."""

    tasks: tuple[Task, ...]

    @property
    def first(self) -> Window:
        """The oldest partition."""
        return self.tasks[0].window

    @property
    def last(self) -> Window:
        """The newest partition."""
        return self.tasks[-1].window


def batches(stretches: Iterable[Sequence[Task]], size: int = BATCH) -> list[Batch]:
    """Return stretches grouped by their partitions, oldest first.

    A batch has at most `size` models and at most `RUN` tasks, but always at least one model.
    """
    by_span: dict[tuple[Window, Window], dict[str, list[Task]]] = {}
    for stretch in stretches:
        by_model = by_span.setdefault((stretch[0].window, stretch[-1].window), {})
        by_model.setdefault(stretch[0].model.key, []).extend(stretch)
    found = []
    for span in sorted(by_span):
        by_model = by_span[span]
        chosen: list[Task] = []
        models = 0
        for name in sorted(by_model):
            if models == size or (chosen and len(chosen) + len(by_model[name]) > RUN):
                found.append(Batch(tuple(chosen)))
                chosen, models = [], 0
            chosen += by_model[name]
            models += 1
        found.append(Batch(tuple(chosen)))
    return found


def newest_due(model: MonitoredModel, windows: Sequence[Window], now: datetime) -> Window | None:
    """Return the newest of `windows` whose due time has passed."""
    return next((each for each in reversed(windows) if cuts(model, each)[0].as_of <= now), None)


def missing(model: MonitoredModel, situation: Situation) -> Iterator[tuple[str, Window]]:
    """Yield every track whose newest due partition is neither judged nor arrived, with that partition."""
    newest = newest_due(model, situation.windows(model), situation.now)
    if newest is None:
        return
    due = newest.start, cuts(model, newest)[0].as_of
    for track in model.tracks:
        judged = due in situation.done.get((model.name, track), ())
        if not judged and not situation.arrived(model, track, newest):
            yield track, newest
