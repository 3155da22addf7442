"""Progress lines of long commands on stderr, with the estimated time left."""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Self, TypeVar

T = TypeVar("T")

FIRST_SECONDS = 1.0  # before the first line; shorter work has none
TERMINAL_SECONDS = 0.5  # between two updates of the line on a terminal
QUIET_SECONDS = 10.0  # between two lines elsewhere, such as in a file


class Progress:
    """Reports the progress of some work from its own thread, also during a long step.

    Parameters
    ----------
    title : str
        Name of the work.
    total : callable
        Returns the number of units of work; called only if the work takes long.
    noun : str
        Unit of work, in the plural.

    Examples
    --------
    >>> with Progress("reading", lambda: 3, "rows") as progress:
    ...     list(progress.over([1, 2, 3]))
    [1, 2, 3]
    """

    def __init__(self, title: str, total: Callable[[], int], noun: str) -> None:
        self._title, self._total, self._noun = title, total, noun
        self._done, self._began, self._printed = 0, time.monotonic(), False
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._report, daemon=True)

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finished.set()
        self._thread.join()
        if self._printed and sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def advance(self, count: int = 1) -> None:
        """Add `count` units of work done."""
        self._done += count

    def over(self, items: Iterable[T], size: Callable[[T], int] = lambda _: 1) -> Iterator[T]:
        """Yield `items`; each counts as done when the next one is requested."""
        for item in items:
            yield item
            self.advance(size(item))

    def _report(self) -> None:
        if self._finished.wait(FIRST_SECONDS):
            return
        total = self._total()
        terminal = sys.stderr.isatty()
        while not self._finished.is_set():
            self._printed = True
            line = sentence(self._title, self._done, total, self._noun, time.monotonic() - self._began)
            print(f"\r\033[K{line}" if terminal else f"{line}\n", end="", file=sys.stderr, flush=True)
            self._finished.wait(TERMINAL_SECONDS if terminal else QUIET_SECONDS)


def sentence(title: str, done: int, total: int, noun: str, seconds: float) -> str:
    """Return a line with the work done after some seconds, and the time left at this rate.

    >>> sentence("profile", 250, 1_000, "rows", 20.0)
    'profile: 250 of 1,000 rows, about 1 min left'
    """
    if not done or not total:
        return f"{title}: {duration(seconds)} so far"
    left = seconds / done * max(total - done, 0)
    return f"{title}: {done:,} of {total:,} {noun}, about {duration(left)} left"


def duration(seconds: float) -> str:
    """Return seconds as text, rounded to whole seconds, minutes or hours.

    >>> [duration(seconds) for seconds in (0.2, 90, 7_200)]
    ['1 s', '2 min', '2 h']
    """
    for unit, size in (("h", 3_600), ("min", 60)):
        if seconds >= size * 0.995:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1, round(seconds))} s"
