"""How far a command is that runs long, on stderr: soon, rarely, and with an estimate."""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Self, TypeVar

T = TypeVar("T")

FIRST_SECONDS = 1.0  # before anything is said: what ends sooner says nothing
WATCHED_SECONDS = 0.5  # between two states of the line on a terminal
QUIET_SECONDS = 10.0  # between two lines where nobody watches


class Progress:
    """Says how far some work is, from a thread of its own: also while a step of it takes long.

    Parameters
    ----------
    title : str
        What is done.
    total : callable
        Returns how much there is to do; asked only where the work runs long.
    noun : str
        What is counted, in the plural.

    Examples
    --------
    >>> with Progress("reading", lambda: 3, "rows") as progress:
    ...     list(progress.counted([1, 2, 3]))
    [1, 2, 3]
    """

    def __init__(self, title: str, total: Callable[[], int], noun: str) -> None:
        self._title, self._total, self._noun = title, total, noun
        self._done, self._began, self._shown = 0, time.monotonic(), False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._shown and sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def advance(self, count: int = 1) -> None:
        """Say that so much more is done."""
        self._done += count

    def counted(self, items: Iterable[T], size: Callable[[T], int] = lambda _: 1) -> Iterator[T]:
        """Yield `items`, and count each once the next one is asked for."""
        for item in items:
            yield item
            self.advance(size(item))

    def _tell(self) -> None:
        if self._over.wait(FIRST_SECONDS):
            return
        total = self._total()
        watched = sys.stderr.isatty()
        while not self._over.is_set():
            self._shown = True
            line = sentence(self._title, self._done, total, self._noun, time.monotonic() - self._began)
            print(f"\r\033[K{line}" if watched else f"{line}\n", end="", file=sys.stderr, flush=True)
            self._over.wait(WATCHED_SECONDS if watched else QUIET_SECONDS)


def sentence(title: str, done: int, total: int, noun: str, seconds: float) -> str:
    """Return how far some work is after so many seconds, and how long the rest takes at this pace.

    >>> sentence("profile", 250, 1_000, "rows", 20.0)
    'profile: 250 of 1,000 rows, about 1 min left'
    """
    if not done or not total:
        return f"{title}: {duration(seconds)} so far"
    left = seconds / done * max(total - done, 0)
    return f"{title}: {done:,} of {total:,} {noun}, about {duration(left)} left"


def duration(seconds: float) -> str:
    """Return a time as people say it, to one of its units.

    >>> [duration(each) for each in (0.2, 90, 7_200)]
    ['1 s', '2 min', '2 h']
    """
    for unit, size in (("h", 3_600), ("min", 60)):
        if seconds >= size * 0.995:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1, round(seconds))} s"
