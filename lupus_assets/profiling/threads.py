"""Threads that read ahead and gather columns, and the room that each has for its blocks."""

import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from lupus_assets.stats.scratch import Scratch

_LOCAL = threading.local()

Batch = TypeVar("Batch")


def room() -> Scratch:
    """Return the room of this thread."""
    found: Scratch | None = getattr(_LOCAL, "scratch", None)
    if found is None:
        found = _LOCAL.scratch = Scratch()
    return found


def threads() -> int:
    """Return how many gather columns beside the one that reads.

    Numpy's calls on a block are short, so that threads wait for one another: on two cores a second one cost
    13 % more CPU and saved no time.
    """
    return max(1, (os.cpu_count() or 1) - 1)


@contextmanager
def gatherers() -> Iterator[Executor | None]:
    """Give the threads that gather columns; None where one would only take turns with its caller."""
    if threads() == 1:
        yield None
        return
    with ThreadPoolExecutor(threads()) as pool:
        yield pool


def ahead(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Yield `batches`, each read while the one before is worked on."""
    rest = iter(batches)
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, rest, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, rest, None)
            yield batch
