"""States as bytes: the same state gives the same bytes, and they give the same state.

::

    b"LUPS" | format version, uint16 | checksum, uint32 | zlib( length of the tree, uint32 | tree | arrays )

The checksum (from format 6 on) is the CRC-32 of everything before and behind it: no state with a flipped bit
is read. The tree is JSON. Numbers, strings and None are themselves; everything else is a list that
begins with what it is: ``["Moments", {"n": 3, …}]`` for a state, ``["tuple", …]``,
``["dict", {…}]``, ``["bytes", length]``, ``["texts", length]`` (from format 4 on: a tuple of
strings and None, as JSON) or ``["array", dtype, shape, first, width]``, the last three with their
content among the arrays, in the order of the tree: what is not asked for is passed over. Python
writes the shortest decimal that reads back as the same float, inf and -0.0 included.

Arrays are little-endian and stored by byte plane: all lowest bytes, then all second ones.
Of sorted integers ``first`` is the smallest, and the gaps between them are stored (formats before 4 say true
and begin with it); of others it is false. Integers that are not negative take as many bytes as the
largest needs (from format 2 on): a histogram of 3,000 bins takes about 4 KB.
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
