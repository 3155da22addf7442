"""Base of all states: comparison of states, and addition of sparse counts."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lupus_assets.errors import StateError

Floats = NDArray[np.float64]
Bins = NDArray[np.int32]
Counts = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Keys = TypeVar("Keys", Bins, Counts, Hashes, NDArray[np.uint16], NDArray[np.uint32], NDArray[np.intp])

FEW_COUNTERS = 4


class State:
    """A frozen dataclass (``eq=False``) with arrays, compared by value.

    Two states are equal if they have the same class and equal fields: arrays by dtype, shape
    and elements, with NaN equal to NaN. States are not hashable.
    """

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        names = [field.name for field in fields(self)]  # type: ignore[arg-type]  # subclasses are dataclasses
        return all(_equal(getattr(self, name), getattr(other, name)) for name in names)


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return False
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, float) and isinstance(right, float) and left != left:
        return right != right
    return bool(left == right)


def require_same_kind(left: object, right: object) -> None:
    """Raise `StateError` unless both states have the same class."""
    if type(left) is not type(right):
        raise StateError(
            f"a {type(left).__name__} and a {type(right).__name__} cannot be added;"
            " the column changed its type, so profile both windows with the same declaration"
        )


def union(*parts: Keys) -> Keys:
    """Return the sorted unique elements of one or more arrays.

    ``np.unique`` hashes first (from numpy 2.3 on), which takes 20 times as long as sorting here.
    """
    keys = np.sort(np.concatenate(parts) if len(parts) > 1 else parts[0])
    first = _first_of_equal(keys)
    return keys if first.all() else keys.compress(first)  # takes half as long as the sort


def counted(keys: Keys) -> tuple[Keys, Counts]:
    """Return the sorted unique elements, and the count of each."""
    ordered = np.sort(keys)
    first = np.flatnonzero(_first_of_equal(ordered))
    upto = np.empty(first.size, np.int64)
    upto[:-1], upto[-1:] = first[1:], ordered.size
    return ordered[first], upto - first


def tally(places: NDArray[np.integer[Any]], size: int) -> Counts:
    """Return the count of each position below `size`; ``np.bincount`` also searches their extremes."""
    counts = np.zeros(size, np.int64)
    add_each(counts, places.astype(np.intp, copy=False))
    return counts


def add_each(counts: Counts, places: NDArray[np.intp]) -> None:
    """Add 1 to `counts` for each of `places`.

    Additions to one counter wait for each other: for few counters, one comparison per counter is 3 times as
    fast.
    """
    if counts.size <= FEW_COUNTERS:
        counts += [np.count_nonzero(places == at) for at in range(counts.size)]
    else:
        np.add.at(counts, places, 1)


def filled(counts: Counts) -> NDArray[np.intp]:
    """Return the positions of counts above 0; numpy finds True values 3 times as fast as nonzero numbers."""
    return np.flatnonzero(counts > 0)


def places_of(parts: Sequence[Hashes]) -> tuple[Hashes, list[NDArray[np.intp]]]:
    """Return the sorted unique elements of one or more arrays, and the positions of each array in them.

    Arrays often equal the previous one; one sort of the others is faster than a search for each.
    """
    new = [at == 0 or not np.array_equal(part, parts[at - 1]) for at, part in enumerate(parts)]
    others = [part for part, is_new in zip(parts, new, strict=True) if is_new]
    together = np.concatenate(others)
    order = np.argsort(together)
    ordered = together[order]
    first = _first_of_equal(ordered)
    places = np.empty(order.size, np.intp)
    places[order] = np.cumsum(first) - 1
    each = np.split(places, np.cumsum([part.size for part in others[:-1]]))
    return ordered[first], [each[at] for at in (np.cumsum(new) - 1).tolist()]


def _first_of_equal(ordered: Keys) -> NDArray[np.bool_]:
    first = np.ones(ordered.size, np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return first


def add_counts(
    left: Keys, left_counts: Counts, right: Keys, right_counts: Counts
) -> tuple[Keys, Counts, NDArray[np.intp], NDArray[np.intp]]:
    """Add sparse counts over sorted unique keys.

    Returns
    -------
    keys, counts : arrays
        The sorted union of the keys, and the sum of the counts of each.
    left_at, right_at : array of intp
        Positions of the keys of each side in the union.
    """
    keys = union(left, right)
    left_at, right_at = np.searchsorted(keys, left), np.searchsorted(keys, right)
    counts = np.zeros(keys.size, np.int64)
    counts[left_at] += left_counts
    counts[right_at] += right_counts
    return keys, counts, left_at, right_at
