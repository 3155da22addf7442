"""Threads that gather columns, and the room that each has for its blocks."""

import os
import threading

from lupus_assets.stats.accumulator import Scratch

_LOCAL = threading.local()


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
