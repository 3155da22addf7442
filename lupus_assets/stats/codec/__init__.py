"""Serialisation of states: equal states give equal bytes, and the bytes give an equal state.

::

    b"LUPS" | format version, uint16 | checksum, uint32 | zlib( length of the tree, uint32 | tree | arrays )

The checksum (from format 6 on) is the CRC-32 of all other bytes: a state with a flipped bit is rejected.
The tree is JSON. Numbers, strings and None are encoded as themselves; everything else is a list whose
first item is its type: ``["Moments", {"n": 3, …}]`` for a state, ``["tuple", …]``,
``["dict", {…}]``, ``["bytes", length]``, ``["texts", length]`` (from format 4 on: a tuple of
strings and None, as JSON) or ``["array", dtype, shape, first, width]``. The content of the last three is
among the arrays, in the order of the tree, and is skipped if it is not needed. Python writes the shortest
decimal that reads back as the same float, inf and -0.0 included.

Arrays are little-endian and stored by byte plane: all lowest bytes, then all second bytes, and so on.
For sorted integers ``first`` is the smallest, and their differences are stored (in formats before 4 ``first``
is true, and the smallest is the first number stored); for other arrays ``first`` is false. Non-negative
integers have the width of the largest (from format 2 on): a histogram of 3,000 bins takes about 4 KB.
"""

from lupus_assets.stats.codec.decoding import from_bytes, marginal_of, reference_marginals
from lupus_assets.stats.codec.encoding import to_bytes
from lupus_assets.stats.codec.format import PROFILED, REFERENCED, STATES, VERSION

__all__ = [
    "PROFILED",
    "REFERENCED",
    "STATES",
    "VERSION",
    "from_bytes",
    "marginal_of",
    "reference_marginals",
    "to_bytes",
]
