"""Freezing of the reference window, which is read twice: for the plan, and for the states."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa

from lupus_assets.declare import MonitoredModel
from lupus_assets.errors import ColumnMismatch, ReferenceMissing
from lupus_assets.profiling.digest import declared
from lupus_assets.profiling.encoding import Coded, transformed
from lupus_assets.profiling.groups import Groups
from lupus_assets.profiling.partition import profile_partition
from lupus_assets.profiling.sampling import Batches, plan
from lupus_assets.reading.batch import Reading, Rows, usable
from lupus_assets.reading.block import NumericBlock
from lupus_assets.reading.cut import Cut, cuts
from lupus_assets.reading.role import Role
from lupus_assets.records import EVERYTHING, Window
from lupus_assets.stats.category import Categories
from lupus_assets.stats.codec import to_bytes
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.profile import Profile
from lupus_assets.stats.reference.association import Association
from lupus_assets.stats.reference.categorical import CategoricalReference
from lupus_assets.stats.reference.frozen import Reference
from lupus_assets.stats.reference.numeric import NumericReference
from lupus_assets.stats.reference.ranking import RankMoments
from lupus_assets.stats.reference.surrogate import EquationSums, NormalEquations, Surrogate

MAX_SEGMENTS = 50  # per segment column; the most frequent values


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
        Function that returns the batches of a window; called twice per window.
    salt : bytes
        Key of every hash.
    grids : dict of str to Grid, optional
        Grids of another track of the same model, for equal bins.

    Raises
    ------
    ColumnMismatch
        A segment column is not in the schema.
    ReferenceMissing
        The windows hold no rows.
    """
    absent = [name for name in model.segments if name not in schema.names]
    if absent:
        raise ColumnMismatch(
            f"{model.key}: the log has no column {absent[0]!r} to cut segments by; "
            "take it out of `segments`, or write it to the log"
        )
    planned = plan(windows, batches, Reading(model, roles, {}, salt), grids)
    reading = Reading(model, roles, planned.grids, salt)
    ranking = planned.ranking
    provisional = Reference(
        rows=0,
        kinds={role.column: role.kind for role in roles},
        grids=planned.grids,
        columns={segment: {} for segment in (EVERYTHING, *_segments(model, planned.shown))},
        surrogate=None,
        association=None if ranking is None else Association.of(ranking, [RankMoments.empty(ranking.names)]),
        declared=declared(model),
        digest="",
    )
    fit = _Fit(EquationSums(planned.design), reading)
    states: dict[str, Profile] = {}
    ranked: list[RankMoments] = []
    for window in windows:
        last_cut = cuts(model, window)[-1]
        # The last cut sees every row and label that earlier cuts see.
        cut = Cut(last_cut.as_of, rows=True, labels=last_cut.labels)
        profiled = profile_partition(
            batches(window),
            schema=schema,
            reading=reading,
            reference=provisional,
            window=window,
            cuts=[cut],
            watch=partial(fit.add, cut),
        )[cut]
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
        surrogate=_solved(NormalEquations(planned.design, *fit.sums.totals())),
        association=None if ranking is None else Association.of(ranking, ranked),
    )
    return replace(reference, digest=hashlib.sha256(to_bytes(reference)).hexdigest()[:16])


def _solved(equations: NormalEquations) -> Surrogate | None:
    """Return the surrogate; None where no row was scored, or the squares of predictions overflow."""
    return equations.solve() if equations.score.n and math.isfinite(equations.score.m2) else None


def _references(
    profile: Profile, model: MonitoredModel
) -> dict[str, NumericReference | CategoricalReference]:
    """Return the reference of every numeric and categorical column but the version."""
    return {
        name: NumericReference.of(column)
        if isinstance(column, NumericColumn)
        else CategoricalReference.of(column)
        for name, column in profile.columns.items()
        if isinstance(column, NumericColumn | CategoricalColumn) and name != model.columns.version
    }


def _segments(model: MonitoredModel, shown: Mapping[str, Categories]) -> list[str]:
    """Return the segments as ``column=value``, most frequent first, but not of unnamed values."""
    segments = []
    for column in model.segments:
        if column in shown:
            names = [shown[column].names[at] for at in shown[column].top(MAX_SEGMENTS)]
            segments += [f"{column}={name}" for name in names if name is not None]
    return segments


@dataclass
class _Fit:
    """The sums of the surrogate's equations over the batches of the profile."""

    sums: EquationSums
    reading: Reading

    def add(self, cut: Cut, rows: Rows) -> None:
        """Add the rows of one batch that have a usable prediction."""
        prediction = rows.blocks.get(self.reading.model.columns.prediction.column)
        if isinstance(prediction, NumericBlock):
            score = transformed(prediction.values, self.reading)
            fitted = rows.visible(cut) & usable(prediction, self.reading)
            coded = Coded(rows, Groups.one(rows.count), {})
            self.sums.add(coded.stacked(self.sums.design)[fitted], score[fitted])
