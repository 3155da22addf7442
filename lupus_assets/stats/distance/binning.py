"""The bins of distances between two windows of a column.

Bins come from the reference: for numbers ten `Parts` of nearly equal mass, for text its most frequent
values; values outside of these have one bin, and nulls another. Only chi-square takes its bins from both
windows together, since its p value needs the distribution of the counts by chance.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lupus_assets.stats.category import Categories
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.state import Bins, Counts, Floats, State, add_counts

DECILES = 10  # as for PSI in credit scoring (Lewis 1994); each needs a few rows of a small window
TOP = 30  # categories with a bin of their own
SURE = 1.65  # minimum margin of Turing's estimate below a count, in standard errors (Gale and Sampson 1995)
REPEATED = 2  # rows of a grid bin from which on it counts as one repeated value


def cut_places(upto: Counts | Floats, parts: int) -> NDArray[np.intp]:
    """Return the cuts of sorted rows into parts of nearly equal mass.

    Parameters
    ----------
    upto : array of int, shape (n + 1,)
        0, and the cumulative rows of n positions.
    parts : int
        Number of parts; repeated values or too few positions give fewer.

    Returns
    -------
    array of intp, shape (at most parts - 1,)
        Number of positions below each cut, increasing, in [1, n - 1].
    """
    wanted = upto[-1] * np.arange(1, parts) / parts
    above = np.minimum(np.searchsorted(upto, wanted), upto.size - 1)
    nearest = above - (wanted - upto[above - 1] < upto[above] - wanted) if upto.size > 1 else above
    return np.unique(nearest[(nearest > 0) & (nearest < upto.size - 1)])


def quantile_cuts(histogram: Histogram, parts: int) -> Bins:
    """Return the grid bins that cut `histogram` into `parts` of nearly equal mass.

    Parameters
    ----------
    histogram : Histogram
        Values of the reference.
    parts : int
        Number of parts; repeated values or too few bins give fewer.

    Returns
    -------
    ndarray of int32, shape (at most parts - 1,)
        First grid bin of every part but the first, increasing; empty if the histogram has
        fewer than two bins. ``searchsorted(cuts, bins, side="right")`` gives the part of a bin.
    """
    places = cut_places(np.concatenate(([0], np.cumsum(histogram.counts))), parts)
    return np.asarray(histogram.bins[places - 1] + 1, dtype=np.int32)


@dataclass(frozen=True, eq=False)
class Parts(State):
    """Ten parts of a reference's finite values, each a range of grid bins.

    The first starts at the lowest value and the last ends at the highest. A part of one repeated value is a
    single bin: between two such parts is a gap, for values that the reference does not have. Other parts
    are adjacent.

    Attributes
    ----------
    first, last : ndarray of int32, shape (parts,)
        Lowest and highest grid bin of each part, increasing; empty without values.
    unseen : int
        Number of extremes with a single row, 0 to 2. The rank of a new value among the others is uniform:
        of as many new rows, one is expected beyond each such extreme.
    """

    first: Bins
    last: Bins
    unseen: int

    @classmethod
    def of(cls, histogram: Histogram) -> Self:
        """Return the parts of the values of a reference."""
        bins, counts = histogram.bins, histogram.counts
        if not bins.size:
            return cls(bins, bins, 0)
        begin = np.concatenate(([0], cut_places(np.concatenate(([0], np.cumsum(counts))), DECILES)))
        first, last = bins[begin], bins[np.append(begin[1:], bins.size) - 1]
        single = (first == last) & (counts[begin] >= REPEATED)
        apart = single[:-1] & single[1:]
        upward = ~single[1:]  # bins between two parts belong to the part that is not one repeated value
        lowest = np.where(upward, last[:-1] + 1, first[1:])
        highest = np.where(upward | apart, last[:-1], first[1:] - 1)
        return cls(
            np.append(first[:1], lowest).astype(np.int32),
            np.append(highest, last[-1:]).astype(np.int32),
            int(counts[0] == 1) + int(counts[-1] == 1),
        )

    def counts(self, histogram: Histogram) -> Counts:
        """Return the number of values in each part, and outside of all; int64, shape (parts + 1,)."""
        size = self.first.size
        at = np.searchsorted(self.first, histogram.bins, side="right") - 1
        inside = at >= 0
        inside[inside] = histogram.bins[inside] <= self.last[at[inside]]
        found = np.zeros(size + 1, np.int64)
        np.add.at(found, np.where(inside, at, size), histogram.counts)
        return found

    def forecast(self, counts: Counts) -> Floats:
        """Return the expected number of rows per bin in a new sample of the reference's size.

        Parameters
        ----------
        counts : array of int, shape (parts + 2,)
            Rows of the reference, at least 1: per part, outside of all parts, null.
        """
        n = counts.sum()
        share = min(self.unseen / (n + 1), 1.0)
        found = np.asarray(counts * (1 - share), np.float64)
        found[-2] += n * share
        return found


def forecast_categories(counts: Counts, frequencies: Counts) -> Floats:
    """Return the expected number of rows per bin in a new sample of the reference's size.

    The counts of values that occurred are too high by the rows that values not yet seen will take. Each count
    is reduced by absolute discounting, which grows with the number of values that occurred once (Ney, Essen
    and Kneser 1994, On structuring probabilistic dependences in stochastic language modelling). If nearly all
    values occurred once, as identifiers do, counts of two are accidental: from count 1 upward, while the
    result is significantly below the count, Turing's rule estimates the expectation from the number of values
    with the next higher count (Good 1953, The population frequencies of species; standard error from Gale and
    Sampson 1995, Good-Turing frequency estimation without tears).

    Parameters
    ----------
    counts : array of int, shape (values + 2,)
        Rows of the reference: per frequent value, all other values, null.
    frequencies : array of int
        Rows of each value in the reference, 0 or more.
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
    """Return the counts of two windows in deciles of both together; int64, shape (2, parts)."""
    cuts = quantile_cuts(reference + current, DECILES)
    found = np.zeros((2, cuts.size + 1), np.int64)
    for counts, histogram in zip(found, (reference, current), strict=True):
        np.add.at(counts, np.searchsorted(cuts, histogram.bins, side="right"), histogram.counts)
    return found


def pooled_categories(reference: Categories, current: Categories) -> Counts:
    """Return the rows of two windows per most frequent value of both together, and of all other values.

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
    """Return the positions of the `TOP` largest counts above 0, in descending order; ties by position.

    Parameters
    ----------
    counts : array of int
    places : array of intp, optional
        Position of each count, all distinct; by default its index.
    """
    least = max(int(np.partition(counts, -TOP)[-TOP]), 1) if counts.size > TOP else 1
    most = np.flatnonzero(counts >= least)
    found = most if places is None else places[most]
    return np.asarray(found[np.lexsort((found, -counts[most]))[:TOP]])
