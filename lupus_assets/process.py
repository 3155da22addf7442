"""Environment settings to apply before numpy and pyarrow are imported."""

import ctypes
import os

ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",  # BLAS threads spin while they wait: five times the CPU for the same sums
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # with Arrow's own pool the first read took 1.2 s, not 0.19 s
}

# glibc gives memory back to the system far too eagerly, and the next batch has to fault it in again: a tenth
# of the CPU of ten million rows. Only what is larger than any column of a batch goes back at once, so that
# memory does not fall to pieces. The numbers are those of mallopt(3).
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
KEPT, LARGE = 1 << 26, 1 << 23  # bytes
SAID = {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"}


def prepare() -> None:
    """Set the variables that numpy and pyarrow read once at import; variables that are set already stay.

    The command, the server and a code location call it. As a library Lupus leaves the process as it is: for
    the same in a notebook, call this before anything imports numpy or pyarrow.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc's; other systems have their own ways
    if mallopt is not None and not SAID & os.environ.keys():
        mallopt(TRIM_THRESHOLD, KEPT)
        mallopt(MMAP_THRESHOLD, LARGE)
