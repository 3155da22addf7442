"""The bins that distances between two windows of a column are taken on.

Bins come from the reference: for numbers ten `Parts` of nearly equal mass, for text its most frequent
values; what the reference has never held has a bin of its own, and so have nulls. Chi-square alone takes
its bins from both windows together, since its p value has to know what they are by chance.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lupus_assets.stats.category import Categories
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.state import Bins, Counts, Floats, State, add_counts

DECILES = 10  # the bins of credit scoring's PSI (Lewis 1994); each needs a few rows of a small window
TOP = 30  # categories with a bin of their own
SURE = 1.65  # standard errors below a count that Turing's rule has to stay (Gale and Sampson 1995)
REPEATED = 2  # rows of one grid bin from which on it is taken as one repeated value


def cut_places(upto: Counts | Floats, parts: int) -> NDArray[np.intp]:
    """Return where to cut some rows in order into parts of nearly equal mass.

    Parameters
    ----------
    upto : array of int, shape (n + 1,)
        0, and the rows up to the end of each of n places.
    parts : int
        Parts wanted; repeated values or too few places give fewer.

    Returns
    -------
    array of intp, shape (at most parts - 1,)
        How many places lie below each cut, increasing, in [1, n - 1].
    """
    wanted = upto[-1] * np.arange(1, parts) / parts
    above = np.minimum(np.searchsorted(upto, wanted), upto.size - 1)
    nearest = above - (wanted - upto[above - 1] < upto[above] - wanted) if upto.size > 1 else above
    return np.unique(nearest[(nearest > 0) & (nearest < upto.size - 1)])


def quantile_cuts(histogram: Histogram, parts: int) -> Bins:
    """Return the grid bins at which to cut `histogram` into `parts` of nearly equal mass.

    Parameters
    ----------
    histogram : Histogram
        Values of the reference.
    parts : int
        Bins wanted; repeated values or too few bins give fewer.

    Returns
    -------
    ndarray of int32, shape (at most parts - 1,)
        First grid bin of every part but the first, increasing; empty if the histogram has
        fewer than two bins. A part is found by ``searchsorted(cuts, bins, side="right")``.
    """
    places = cut_places(np.concatenate(([0], np.cumsum(histogram.counts))), parts)
    return np.asarray(histogram.bins[places - 1] + 1, dtype=np.int32)


@dataclass(frozen=True, eq=False)
class Parts(State):
    """Ten parts of a reference's finite values, each from one grid bin to another.

    The first begins with the lowest value and the last ends with the highest. A part that is one repeated
    value ends with it: between two such parts lies what the reference does not hold. Elsewhere parts meet.

    Attributes
    ----------
    first, last : ndarray of int32, shape (parts,)
        Lowest and highest grid bin of each part, increasing; empty without values.
    unseen : int
        Extremes that only one row holds. The rank of a new value among others is uniform, so that of as
        many rows again one is to be expected beyond each.
    """

    first: Bins
    last: Bins
    unseen: int

    @classmethod
    def of(cls, histogram: Histogram) -> Self:
        """Cut the values of a reference."""
        bins, counts = histogram.bins, histogram.counts
        if not bins.size:
            return cls(bins, bins, 0)
        begin = np.concatenate(([0], cut_places(np.concatenate(([0], np.cumsum(counts))), DECILES)))
        first, last = bins[begin], bins[np.append(begin[1:], bins.size) - 1]
        single = (first == last) & (counts[begin] >= REPEATED)
        apart = single[:-1] & single[1:]
        upward = ~single[1:]  # what lies between two parts is of the one that is no repeated value
        lowest = np.where(upward, last[:-1] + 1, first[1:])
        highest = np.where(upward | apart, last[:-1], first[1:] - 1)
        return cls(
            np.append(first[:1], lowest).astype(np.int32),
            np.append(highest, last[-1:]).astype(np.int32),
            int(counts[0] == 1) + int(counts[-1] == 1),
        )

    def counts(self, histogram: Histogram) -> Counts:
        """Return how many values lie in each part, and outside of all; int64, shape (parts + 1,)."""
        size = self.first.size
        at = np.searchsorted(self.first, histogram.bins, side="right") - 1
        inside = at >= 0
        inside[inside] = histogram.bins[inside] <= self.last[at[inside]]
        found = np.zeros(size + 1, np.int64)
        np.add.at(found, np.where(inside, at, size), histogram.counts)
        return found

    def forecast(self, counts: Counts) -> Floats:
        """Return how many of as many new rows as the reference has are to be expected in each bin.

        Parameters
        ----------
        counts : array of int, shape (parts + 2,)
            Of the reference, 1 row at least; outside of all parts the last but one, and then null.
        """
        n = counts.sum()
        share = min(self.unseen / (n + 1), 1.0)
        found = np.asarray(counts * (1 - share), np.float64)
        found[-2] += n * share
        return found


def forecast_categories(counts: Counts, frequencies: Counts) -> Floats:
    """Return how many of as many new rows as the reference has are to be expected in each bin.

    A value that occurred is overrated by what those that did not occur will take: by absolute discounting
    of each, the more the more values occurred but once (Ney, Essen and Kneser 1994, On structuring
    probabilistic dependences in stochastic language modelling). Where nearly all occurred but once, as
    identifiers do, those that occurred twice did so by accident: from one time upward, and as long as it is
    surely below the count, Turing's rule tells from how many values occurred once more often what is to be
    expected (Good 1953, The population frequencies of species; its error as Gale and Sampson 1995,
    Good-Turing frequency estimation without tears).

    Parameters
    ----------
    counts : array of int, shape (values + 2,)
        Of the reference, per frequent value, of all the rest, and null.
    frequencies : array of int
        How often each of all values occurred in the reference, 0 or more.
    """
    times, values = np.unique(frequencies, return_counts=True)
    occurred = dict(zip(times.tolist(), values.tolist(), strict=True))
    once, twice = occurred.get(1, 0), occurred.get(2, 0)
    found = counts.astype(np.float64)
    expected = found[:-2]
    expected -= once / (once + 2 * twice) if once else 0.0
    often = 1
    while same := occurred.get(often, 0):
        more = occurred.get(often + 1, 0)
        turing = (often + 1) * more / same
        error = (often + 1) * np.sqrt(max(more, 1) * (1 + more / same)) / same
        if turing + SURE * error >= often:
            break
        held = counts[:-2] == often
        expected[held] = np.minimum(expected[held], turing)
        often += 1
    found[-2] += counts[:-2].sum() - expected.sum()
    return found


def pooled_deciles(reference: Histogram, current: Histogram) -> Counts:
    """Return the values of two windows in ten parts of both together; int64, shape (2, parts)."""
    cuts = quantile_cuts(reference + current, DECILES)
    found = np.zeros((2, cuts.size + 1), np.int64)
    for counts, histogram in zip(found, (reference, current), strict=True):
        np.add.at(counts, np.searchsorted(cuts, histogram.bins, side="right"), histogram.counts)
    return found


def pooled_categories(reference: Categories, current: Categories) -> Counts:
    """Return the rows of two windows per most frequent value of both together, and of all the rest.

    Returns
    -------
    ndarray of int64, shape (2, values + 1)
    """
    hashes, counts, past, now = add_counts(reference.hashes, reference.counts, current.hashes, current.counts)
    both = np.zeros((2, hashes.size), np.int64)
    both[0, past], both[1, now] = reference.counts, current.counts
    top = both[:, most_frequent(counts)]
    rest = np.array([reference.total, current.total]) - top.sum(axis=1)
    return np.column_stack([top, rest])


def most_frequent(counts: Counts, places: NDArray[np.intp] | None = None) -> NDArray[np.intp]:
    """Return the places of the `TOP` largest counts above 0, the largest first, of equal ones the first.

    Parameters
    ----------
    counts : array of int
    places : array of intp, optional
        Of each count, all different; by default one after another.
    """
    least = max(int(np.partition(counts, -TOP)[-TOP]), 1) if counts.size > TOP else 1
    most = np.flatnonzero(counts >= least)
    found = most if places is None else places[most]
    return np.asarray(found[np.lexsort((found, -counts[most]))[:TOP]])
