"""The reference window becomes a frozen reference: read twice, once for the grids, once for the states."""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.errors import ColumnMismatch, ReferenceMissing
from lupus_assets.monitor.block import CategoricalBlock, NumericBlock
from lupus_assets.monitor.cut import Cut, cuts
from lupus_assets.monitor.declaration import declared
from lupus_assets.monitor.encoding import Coded, transformed
from lupus_assets.monitor.gathering import state
from lupus_assets.monitor.intake import every
from lupus_assets.monitor.profiling import LEAST_DISCLOSED, profile_partition
from lupus_assets.monitor.role import Role
from lupus_assets.monitor.rows import EVERYTHING, UNIT, Reading, Rows, read_rows, usable
from lupus_assets.records import Window
from lupus_assets.stats.association import Association
from lupus_assets.stats.category import Categories
from lupus_assets.stats.codec import to_bytes
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.frozen import Reference
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.profile import Profile
from lupus_assets.stats.ranking import Ranking, RankMoments
from lupus_assets.stats.reference import CategoricalReference, NumericReference
from lupus_assets.stats.surrogate import CategoricalEncoder, Design, NormalEquations, Surrogate

Batches = Callable[[Window], Iterable[pa.RecordBatch]]

SAMPLE = 2_000  # rows of each partition behind grids and cuts: enough for a median and an interquartile range
MOST_RANKED = 256  # columns whose rank correlations are kept
FEW_SCORES = 5.0  # rows: so many pull the mean score of a category half way to the mean of all
SEGMENTS = 50  # values of one segment column; a column with more is no segment


def freeze(
    model: MonitoredModel,
    *,
    roles: Sequence[Role],
    schema: pa.Schema,
    windows: Sequence[Window],
    batches: Batches,
    salt: bytes,
    grids: dict[str, Grid] | None = None,
) -> Reference:
    """Return the frozen reference of one track.

    Parameters
    ----------
    model : MonitoredModel
    roles : sequence of Role
    schema : pyarrow.Schema
        Of the batches.
    windows : sequence of Window
        The partitions of the reference window, in time order.
    batches : callable
        Gives the batches of a window; called twice for each.
    salt : bytes
        Key of every hash.
    grids : dict of str to Grid, optional
        Grids of another track of the same model, so that both measure with the same bins.

    Raises
    ------
    ColumnMismatch
        A column to cut segments by is not in the schema.
    ReferenceMissing
        The windows hold no rows.
    """
    absent = [name for name in model.segments if name not in schema.names]
    if absent:
        raise ColumnMismatch(
            f"{model.key}: the log has no column {absent[0]!r} to cut segments by; "
            "take it out of `segments`, or write it to the log"
        )
    ungridded = Reading(model, roles, {}, salt)
    sample, shown = _sample(windows, batches, ungridded)
    if grids is None:
        grids = {name: Grid.of(each).with_decimals(each) for name, each in _numbers(sample).items()}
    reading = replace(ungridded, grids=grids)
    sample = [_on_grids(rows, grids) for rows in sample]
    features = _features(sample, reading)
    design = Design.of(features)
    ranking = _ranking(sample, reading, features)
    segments = _segments(model, shown)
    provisional = Reference(
        rows=0,
        kinds={role.column: role.kind for role in roles},
        grids=grids,
        columns={segment: {} for segment in (EVERYTHING, *segments)},
        surrogate=None,
        association=None if ranking is None else Association.of(ranking, [RankMoments.empty(ranking.names)]),
        declared=declared(model),
        digest="",
    )
    equations = NormalEquations.empty(design)
    states: dict[str, Profile] = {}
    ranked: list[RankMoments] = []
    for window in windows:
        wanted = cuts(model, window)
        # One pass for both: the cut of the labels sees every row that the cut of the rows sees.
        cut = Cut(wanted[-1].as_of, rows=True, labels=wanted[-1].labels)
        fit = _Fit(equations, cut, reading)
        profiled = profile_partition(
            batches(window),
            schema=schema,
            reading=reading,
            reference=provisional,
            window=window,
            cuts=[cut],
            watch=fit.add,
        )[cut]
        equations = fit.equations
        ranked += [profile.ranks for profile in profiled.profiles.values() if profile.ranks is not None]
        for (version, segment), profile in profiled.profiles.items():
            if version == EVERYTHING:
                before = states.get(segment)
                states[segment] = profile if before is None else before.shared(profile)
    counts = states[EVERYTHING].counts if states else None
    rows = 0 if counts is None else counts.rows
    if not rows:
        first, last = (windows[0].key, windows[-1].key) if windows else ("?", "?")
        raise ReferenceMissing(
            f"{model.key}: the reference window {first} to {last} holds no rows; "
            "declare a `reference` that the log covers"
        )
    reference = replace(
        provisional,
        rows=rows,
        columns={segment: _references(profile, model) for segment, profile in states.items()},
        surrogate=_solved(equations),
        association=None if ranking is None else Association.of(ranking, ranked),
    )
    return replace(reference, digest=hashlib.sha256(to_bytes(reference)).hexdigest()[:16])


def _solved(equations: NormalEquations) -> Surrogate | None:
    """Return the surrogate; None where no row was scored, or the squares of predictions overflow."""
    return equations.solve() if equations.score.n and math.isfinite(equations.score.m2) else None


def _references(
    profile: Profile, model: MonitoredModel
) -> dict[str, NumericReference | CategoricalReference]:
    """Return the reference of every column that has a distribution to drift from; a version is data."""
    return {
        name: NumericReference.of(column)
        if isinstance(column, NumericColumn)
        else CategoricalReference.of(column)
        for name, column in profile.columns.items()
        if isinstance(column, NumericColumn | CategoricalColumn) and name != model.columns.version
    }


def _sample(
    windows: Sequence[Window], batches: Batches, reading: Reading
) -> tuple[list[Rows], dict[str, Categories]]:
    """Return evenly spaced rows of every partition, and the values of segment columns.

    Values are named where they may be: where 20 rows of one partition have them.
    """
    segments = reading.model.segments
    dividing = replace(reading, roles=[role for role in reading.roles if role.column in segments])
    sample: list[Rows] = []
    shown: dict[str, Categories] = {}
    for window in windows:
        values: dict[str, Categories] = {}
        for batch in batches(window):
            step = max(1, -(-batch.num_rows // SAMPLE))
            sample.append(read_rows(every(batch, step), reading, ()))
            for name, block in read_rows(batch, dividing, ()).blocks.items() if segments else ():
                found = state(block)
                if isinstance(found, CategoricalColumn):
                    _add(values, name, found.categories)
        for name, categories in values.items():
            _add(shown, name, categories.disclosed(LEAST_DISCLOSED))
    return sample, shown


def _add(totals: dict[str, Categories], name: str, part: Categories) -> None:
    totals[name] = totals[name] + part if name in totals else part


def _numbers(sample: Sequence[Rows]) -> dict[str, np.ndarray]:
    pieces: dict[str, list[np.ndarray]] = {}
    for rows in sample:
        for name, block in rows.blocks.items():
            if isinstance(block, NumericBlock):
                pieces.setdefault(name, []).append(block.values[np.isfinite(block.values)])
    return {name: np.concatenate(values) for name, values in pieces.items()}


def _on_grids(rows: Rows, grids: Mapping[str, Grid]) -> Rows:
    """Return rows that were read before there were grids, on them."""
    blocks = {
        name: replace(block, grid=grids.get(name, UNIT)) if isinstance(block, NumericBlock) else block
        for name, block in rows.blocks.items()
    }
    return replace(rows, blocks=blocks)


def _states(sample: Sequence[Rows], column: str) -> NumericColumn | CategoricalColumn | None:
    total: NumericColumn | CategoricalColumn | None = None
    for rows in sample:
        block = rows.blocks.get(column)
        if not isinstance(block, NumericBlock | CategoricalBlock):
            continue
        found = state(block)
        total = found if total is None else total + found  # type: ignore[assignment]  # of one class
    return total


def _features(sample: Sequence[Rows], reading: Reading) -> dict[str, NumericColumn | CategoricalColumn]:
    """Return the states of every feature in the sample: what the surrogate is cut by."""
    columns = {}
    for role in reading.roles:
        if (
            role.family == "input"
            and role.kind in ("numeric", "categorical")
            and role.column != reading.model.columns.version
        ):
            found = _states(sample, role.column)
            if found is not None:
                columns[role.column] = found
    return columns


def _ranking(
    sample: Sequence[Rows], reading: Reading, features: Mapping[str, NumericColumn | CategoricalColumn]
) -> Ranking | None:
    """Return how features and score become ranks: numbers by value, categories by their mean score.

    None where fewer than two columns can be ranked, or more than `MOST_RANKED`: their pairs are many more.
    """
    prediction = reading.model.columns.prediction.column
    scores = _states(sample, prediction)
    scored = isinstance(scores, NumericColumn)
    columns = {name: each for name, each in features.items() if scored or isinstance(each, NumericColumn)}
    if isinstance(scores, NumericColumn):
        columns[prediction] = scores
    if not 2 <= len(columns) <= MOST_RANKED:
        return None
    design = Design.of(columns)
    counts = [np.zeros(encoder.width, np.int64) for encoder in design.encoders]
    rows_scored, sums = ([np.zeros(encoder.width) for encoder in design.encoders] for _ in range(2))
    for rows in sample:
        coded = Coded(rows).stacked(design)
        block = rows.blocks.get(prediction)
        score = transformed(block.values, reading) if isinstance(block, NumericBlock) else None
        fitted = usable(block, reading) if isinstance(block, NumericBlock) else None
        for at, code in enumerate(coded.T):
            width = counts[at].size
            counts[at] += np.bincount(code, minlength=width)
            if score is not None and fitted is not None:
                rows_scored[at] += np.bincount(code[fitted], minlength=width)
                sums[at] += np.bincount(code[fitted], weights=score[fitted], minlength=width)
    order = []
    for encoder, count, total in zip(design.encoders, rows_scored, sums, strict=True):
        mean = total.sum() / max(count.sum(), 1)  # a category of few rows is taken for an average one
        by_score = (total + FEW_SCORES * mean) / (count + FEW_SCORES)
        by_value = np.arange(count.size, dtype=float)
        order.append(by_score if isinstance(encoder, CategoricalEncoder) else by_value)
    return Ranking.of(design, counts, order)


def _segments(model: MonitoredModel, shown: Mapping[str, Categories]) -> list[str]:
    """Return ``column=value`` for every value of a segment column that may be shown, most frequent first."""
    found = []
    for column in model.segments:
        if column in shown:
            names = [shown[column].names[at] for at in shown[column].top(SEGMENTS)]
            found += [f"{column}={name}" for name in names if name is not None]
    return found


@dataclass
class _Fit:
    """The surrogate's equations, gathered from the batches that the profile is made of."""

    equations: NormalEquations
    cut: Cut
    reading: Reading

    def add(self, rows: Rows) -> None:
        """Add the rows of one batch that have a usable prediction."""
        prediction = rows.blocks.get(self.reading.model.columns.prediction.column)
        if isinstance(prediction, NumericBlock):
            score = transformed(prediction.values, self.reading)
            fitted = rows.visible(self.cut) & usable(prediction, self.reading)
            design = self.equations.design
            self.equations += NormalEquations.of(design, Coded(rows).stacked(design)[fitted], score[fitted])
