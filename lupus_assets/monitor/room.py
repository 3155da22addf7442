"""Room for the blocks of a column, one for each thread."""

import threading

from lupus_assets.stats.accumulator import Scratch

_LOCAL = threading.local()


def room() -> Scratch:
    """Return the room of this thread."""
    found: Scratch | None = getattr(_LOCAL, "scratch", None)
    if found is None:
        found = _LOCAL.scratch = Scratch()
    return found
