"""Grids, codes and ranks from a sample of the reference window, before its rows are profiled.

For a model with many columns, also the choice of columns for the surrogate and the rank correlations.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import pyarrow as pa

from lupus_assets.profiling.encoding import Coded, transformed
from lupus_assets.profiling.gathering import NumericGathering, state
from lupus_assets.profiling.groups import Groups
from lupus_assets.profiling.profiled import LEAST_DISCLOSED
from lupus_assets.profiling.threads import thread_scratch
from lupus_assets.reading.batch import UNIT, Reading, Rows, read_rows, usable
from lupus_assets.reading.block import CategoricalBlock, NumericBlock
from lupus_assets.reading.table import every
from lupus_assets.records import Window
from lupus_assets.stats.category import Categories
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.reference.encoder import PARTS, CategoricalEncoder, Design
from lupus_assets.stats.reference.ranking import Ranking
from lupus_assets.stats.reference.screening import strength, strongest
from lupus_assets.stats.state import Counts, Floats

Batches = Callable[[Window], Iterable[pa.RecordBatch]]

BATCH_SAMPLE = 2_000  # rows of each batch: enough for a median and an interquartile range
MOST_VALUES = 1 << 25  # of the sample: 256 MiB
MOST_CODES = 3_200  # of the surrogate: 100 columns of text, or 188 of numbers; its equations take 78 MiB
LEAST_BINS = 8  # of a numeric column of a wide model: up to 355 columns, with an effect that is still smooth
MOST_RANKED = 256  # columns whose rank correlations are kept
PRIOR_SCORES = 5.0  # rows with the overall mean score, added to each category


@dataclass(frozen=True)
class Plan:
    """Parameters of the profile of a reference window.

    Attributes
    ----------
    grids : mapping of str to Grid
        One per numeric column.
    design : Design
        Of the surrogate: all inputs, or those with the strongest effect on the score.
    ranking : Ranking or None
        None for fewer than two columns to rank.
    shown : mapping of str to Categories
        The values of segment columns, with names where at least 20 rows of one partition have them.
    """

    grids: Mapping[str, Grid]
    design: Design
    ranking: Ranking | None
    shown: Mapping[str, Categories]


def plan(
    windows: Sequence[Window], batches: Batches, reading: Reading, grids: Mapping[str, Grid] | None
) -> Plan:
    """Read the reference window once and plan its profile.

    Parameters
    ----------
    windows : sequence of Window
    batches : callable
        Function that returns the batches of a window.
    reading : Reading
        Its grids are unused.
    grids : mapping of str to Grid, or None
        Grids of another track; None to define them by the sample.
    """
    sample, shown = _sample(windows, batches, reading)
    if grids is None:
        grids = {name: Grid.of(values).with_decimals(values) for name, values in _numbers(sample)}
    reading = replace(reading, grids=grids)
    tallies = _tallies(sample, reading)
    prediction = reading.model.columns.prediction.column
    return Plan(grids, _design(tallies, prediction), _ranking(tallies, prediction), shown)


@dataclass
class _Sample:
    """Evenly spaced rows of every batch; halved whenever there are more than `MOST_VALUES` values."""

    pieces: list[pa.RecordBatch] = field(default_factory=list)
    apart: int = 1

    def add(self, batch: pa.RecordBatch) -> None:
        self.pieces.append(every(batch, self.apart * max(1, -(-batch.num_rows // BATCH_SAMPLE))))
        rows = sum(piece.num_rows for piece in self.pieces)
        if rows * batch.num_columns > MOST_VALUES and rows > len(self.pieces):
            self.pieces = [every(piece, 2) for piece in self.pieces]
            self.apart *= 2


def _sample(
    windows: Sequence[Window], batches: Batches, reading: Reading
) -> tuple[list[Rows], dict[str, Categories]]:
    """Return the rows of the sample, and the values of segment columns."""
    segments = reading.model.segments
    only_segments = replace(reading, roles=[role for role in reading.roles if role.column in segments])
    sample = _Sample()
    shown: dict[str, Categories] = {}
    for window in windows:
        values: dict[str, Categories] = {}
        for batch in batches(window):
            sample.add(batch)
            for name, block in read_rows(batch, only_segments, ()).blocks.items() if segments else ():
                column = state(block)
                if isinstance(column, CategoricalColumn):
                    _add(values, name, column.categories)
        for name, categories in values.items():
            _add(shown, name, categories.disclosed(LEAST_DISCLOSED))
    return [read_rows(piece, reading, ()) for piece in sample.pieces], shown


def _add(totals: dict[str, Categories], name: str, part: Categories) -> None:
    totals[name] = totals[name] + part if name in totals else part


def _numbers(sample: Sequence[Rows]) -> Iterator[tuple[str, Floats]]:
    """Yield the finite values of each numeric column."""
    blocks: dict[str, list[NumericBlock]] = {}
    for rows in sample:
        for name, block in rows.blocks.items():
            if isinstance(block, NumericBlock):
                blocks.setdefault(name, []).append(block)
    for name, of_column in blocks.items():
        values = [block.numbers[block.present].astype(np.float64) for block in of_column]
        yield name, np.concatenate([x[np.isfinite(x)] for x in values])


def _on_grids(rows: Rows, grids: Mapping[str, Grid]) -> Rows:
    """Return rows with the grids of their numeric blocks replaced."""
    blocks = {
        name: replace(block, grid=grids.get(name, UNIT)) if isinstance(block, NumericBlock) else block
        for name, block in rows.blocks.items()
    }
    return replace(rows, blocks=blocks)


@dataclass(frozen=True)
class _Tallies:
    """Rows and scores by code, for each feature and a numeric prediction.

    Attributes
    ----------
    columns : mapping of str to NumericColumn or CategoricalColumn
    design : Design
        Of all these columns.
    rows, scored : list of ndarray of int64, each of shape (codes,)
        Rows with each code, and rows with each code and a score.
    sums : list of ndarray of float64, each of shape (codes,)
        Sums of the transformed scores by code.
    score : Moments
        Of all transformed scores.
    """

    columns: Mapping[str, NumericColumn | CategoricalColumn]
    design: Design
    rows: list[Counts]
    scored: list[Counts]
    sums: list[Floats]
    score: Moments

    def strengths(self, places: Sequence[int]) -> list[float]:
        """Return the strength of the effect on the score of each column in `places`."""
        return [strength(self.scored[at], self.sums[at], self.score) for at in places]


def _tallies(sample: Sequence[Rows], reading: Reading) -> _Tallies:
    prediction = reading.model.columns.prediction.column
    gridded = [_on_grids(rows, reading.grids) for rows in sample]
    columns = _features(gridded, reading)
    scores = _states(gridded, prediction)
    if isinstance(scores, NumericColumn):
        columns[prediction] = scores
    design = Design.of(columns)
    rows_of, scored = ([np.zeros(encoder.width, np.int64) for encoder in design.encoders] for _ in range(2))
    sums = [np.zeros(encoder.width) for encoder in design.encoders]
    tallies = _Tallies(columns, design, rows_of, scored, sums, Moments.empty())
    for piece in sample:
        rows = _on_grids(piece, reading.grids)  # not `gridded`: blocks keep their computed properties
        coded = Coded(rows, Groups.one(rows.count), {}).stacked(design)
        block = rows.blocks.get(prediction)
        fitted = usable(block, reading) if isinstance(block, NumericBlock) else None
        score = transformed(block.values, reading)[fitted] if isinstance(block, NumericBlock) else None
        if score is not None:
            tallies = replace(tallies, score=tallies.score + Moments.of(score))
        for at, code in enumerate(coded.T):
            width = tallies.rows[at].size
            tallies.rows[at] += np.bincount(code, minlength=width)
            if fitted is not None:
                tallies.scored[at] += np.bincount(code[fitted], minlength=width)
                tallies.sums[at] += np.bincount(code[fitted], weights=score, minlength=width)
    return tallies


def _states(sample: Sequence[Rows], column: str) -> NumericColumn | CategoricalColumn | None:
    gathered: NumericGathering | None = None
    total: CategoricalColumn | None = None
    for rows in sample:
        block = rows.blocks.get(column)
        if isinstance(block, NumericBlock):
            gathered = gathered or NumericGathering(block.grid, dense=False)
            gathered.add(block, Groups.one(block.size), thread_scratch())
        elif isinstance(block, CategoricalBlock):
            column_state = cast("CategoricalColumn", state(block))
            total = column_state if total is None else total + column_state
    return total if gathered is None else cast("NumericColumn", gathered.whole())


def _features(sample: Sequence[Rows], reading: Reading) -> dict[str, NumericColumn | CategoricalColumn]:
    """Return the state of every feature in the sample, from which its codes are defined."""
    columns = {}
    for role in reading.roles:
        if (
            role.family == "input"
            and role.kind in ("numeric", "categorical")
            and role.column != reading.model.columns.version
        ):
            column = _states(sample, role.column)
            if column is not None:
                columns[role.column] = column
    return columns


def _design(tallies: _Tallies, prediction: str) -> Design:
    """Return the design of the surrogate: of all features, with fewer bins or features if it is too wide."""
    columns = {name: column for name, column in tallies.columns.items() if name != prediction}
    for parts in range(PARTS, LEAST_BINS - 1, -1):
        design = Design.of(columns, parts)
        if design.width <= MOST_CODES:
            return design
    places = [at for at, name in enumerate(tallies.design.names) if name != prediction]
    widths = [encoder.width for encoder in design.encoders]
    kept = strongest(tallies.strengths(places), widths, columns=len(places), codes=MOST_CODES)
    return design.only(kept)


def _ranking(tallies: _Tallies, prediction: str) -> Ranking | None:
    """Return the ranking of features and score: numbers by value, categories by their mean score.

    At most `MOST_RANKED` columns, the strongest; None for fewer than two columns.
    """
    names, encoders = tallies.design.names, tallies.design.encoders
    score = [at for at, name in enumerate(names) if name == prediction]
    # Without a score categories have no order.
    features = [
        at
        for at, encoder in enumerate(encoders)
        if at not in score and (score or not isinstance(encoder, CategoricalEncoder))
    ]
    most, widths = MOST_RANKED - len(score), [encoders[at].width for at in features]
    kept = strongest(tallies.strengths(features), widths, columns=most, codes=sum(widths))
    ranked = [features[at] for at in kept] + score
    if len(ranked) < 2:
        return None
    order = [_order(encoders[at], tallies.scored[at], tallies.sums[at]) for at in ranked]
    return Ranking.of(tallies.design.only(ranked), [tallies.rows[at] for at in ranked], order)


def _order(encoder: object, scored: Counts, sums: Floats) -> Floats:
    """Return the sort key of the codes of one column: bins in order, categories by shrunken mean score."""
    if not isinstance(encoder, CategoricalEncoder):
        return np.arange(scored.size, dtype=float)
    mean = sums.sum() / max(scored.sum(), 1)  # shrinks the mean of rare categories
    return np.asarray((sums + PRIOR_SCORES * mean) / (scored + PRIOR_SCORES))
