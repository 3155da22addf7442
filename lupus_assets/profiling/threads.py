"""Threads that read ahead and gather columns, and the scratch memory of each thread."""

import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from lupus_assets.stats.scratch import Scratch

_LOCAL = threading.local()

Batch = TypeVar("Batch")


def thread_scratch() -> Scratch:
    """Return the scratch memory of this thread, created on first use."""
    scratch: Scratch | None = getattr(_LOCAL, "scratch", None)
    if scratch is None:
        scratch = _LOCAL.scratch = Scratch()
    return scratch


def threads() -> int:
    """Return the number of threads that gather columns, beside the one that reads.

    Numpy's calls on a block are short, so threads wait for one another: on two cores a second thread cost
    13 % more CPU and saved no time.
    """
    return max(1, (os.cpu_count() or 1) - 1)


@contextmanager
def gatherers() -> Iterator[Executor | None]:
    """Yield the thread pool that gathers columns; None where it would have a single thread."""
    if threads() == 1:
        yield None
        return
    with ThreadPoolExecutor(threads()) as pool:
        yield pool


def ahead(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Yield `batches`; each is read while the one before is processed."""
    iterator = iter(batches)
    with ThreadPoolExecutor(1) as reader:
        pending = reader.submit(next, iterator, None)
        while (batch := pending.result()) is not None:
            pending = reader.submit(next, iterator, None)
            yield batch
