"""Profiling of a partition in one pass over its rows: one profile per cut, version and segment."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.profiling.encoding import Coded, Explained, transformed
from lupus_assets.profiling.groups import Groups
from lupus_assets.profiling.labelled import joint_of, only
from lupus_assets.profiling.parting import Batch, Cell, Parting, coded
from lupus_assets.profiling.profiled import LEAST_DISCLOSED, WHOLE, Profiled, rows_of
from lupus_assets.profiling.threads import ahead, gatherers
from lupus_assets.reading.batch import Mask, Reading, Rows, outside, read_rows, usable
from lupus_assets.reading.block import IdentityBlock, NumericBlock
from lupus_assets.reading.clustering import clusters
from lupus_assets.reading.cut import Cut
from lupus_assets.reading.repetition import repeated, row_hashes
from lupus_assets.reading.table import at_least_one
from lupus_assets.records import EVERYTHING, Window
from lupus_assets.stats.clusters import Clusters
from lupus_assets.stats.column import CategoricalColumn
from lupus_assets.stats.profile import Profile
from lupus_assets.stats.reference.frozen import Reference
from lupus_assets.stats.reference.ranking import Ranking, RankMoments

Floats = npt.NDArray[np.float64]


def profile_partition(
    batches: Iterable[pa.RecordBatch],
    *,
    schema: pa.Schema,
    reading: Reading,
    reference: Reference,
    window: Window,
    cuts: Iterable[Cut],
    watch: Callable[[Rows], None] | None = None,
    repeated: bool = True,
) -> dict[Cut, Profiled]:
    """Profile the rows of one partition for every cut, in one pass.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        Empty for a partition without rows.
    schema : pyarrow.Schema
        Of the batches.
    reading : Reading
    reference : Reference
        Source of the segments, the surrogate and the ranking.
    window : Window
    cuts : iterable of Cut
    watch : callable, optional
        Called with each batch.
    repeated : bool
        Whether to count repeated rows, which takes 8 bytes per row.
    """
    with gatherers() as pool:
        gatherings = [_Gathering(cut, reading, reference, window, pool, repeated) for cut in cuts]
        for batch in at_least_one(ahead(batches), schema):
            rows = read_rows(batch, reading, reference.segments)
            if watch is not None:
                watch(rows)
            for gathering in gatherings:
                gathering.add(rows)
        return {gathering.cut: gathering.result() for gathering in gatherings}


@dataclass
class _Gathering:
    """The profiles of one cut, built batch by batch."""

    cut: Cut
    reading: Reading
    reference: Reference
    window: Window
    pool: Executor | None
    repeated: bool
    problems: dict[str, str] = field(default_factory=dict)
    identities: list[npt.NDArray[np.uint64]] = field(default_factory=list)
    partings: list[Parting] = field(init=False)
    versions: Parting = field(default_factory=lambda: Parting([]))
    before: dict[Cell, Profile] = field(default_factory=dict)  # of the first version, until a second appears
    only: str | None = None
    ranks: RankMoments | None = None
    clusters: Clusters | None = None

    def __post_init__(self) -> None:
        """Create one parting per segment column; the groups of the first cover all rows."""
        self.segment_codes: dict[str, dict[str, int]] = {}
        for segment in self.reference.segments:
            column, _, value = segment.partition("=")
            codes = self.segment_codes.setdefault(column, {})
            codes[value] = len(codes)
        self.partings = [
            Parting([(EVERYTHING, f"{column}={value}") for value in codes])
            for column, codes in self.segment_codes.items()
        ] or [Parting([])]
        self.partings[0].cells.append(None)  # rows of no segment
        surrogate, association = self.reference.surrogate, self.reference.association
        designs = [
            None if association is None else association.ranking.design,
            None if surrogate is None else surrogate.design,
        ]
        self.encoders = {
            name: encoder
            for design in designs
            if design is not None and self.cut.rows
            for name, encoder in zip(design.names, design.encoders, strict=True)
        }

    def add(self, rows: Rows) -> None:
        visible = rows.visible(self.cut)
        scored = self._scored(rows)
        groups = list(self._groups(rows, visible))
        encoded = Coded(rows, groups[0], self.encoders)
        batch = self._batch(rows, scored, encoded)
        self.problems.update({name: text for name, text in rows.problems.items() if self._concerns(name)})
        by_version = self._by_version(rows, visible)
        for at, (parting, parted) in enumerate(zip(self.partings, groups, strict=True)):
            parting.add(batch, parted, self.pool, None if at else encoded)
        if by_version is not None:
            self.versions.add(batch, by_version, self.pool)
        if self.cut.rows and self.repeated:
            self.identities.append(self._identities(rows, visible))
        if self.cut.rows and self.reference.association is not None:
            self._rank(encoded, scored, self.reference.association.ranking)
        if self.cut.rows:
            self._cluster(batch, visible)

    def _scored(self, rows: Rows) -> Mask | None:
        """Return a mask of the rows with a valid prediction; None for a prediction that is not numeric."""
        prediction = rows.blocks.get(self.reading.model.columns.prediction.column)
        return usable(prediction, self.reading) if isinstance(prediction, NumericBlock) else None

    def _rank(self, encoded: Coded, scored: Mask | None, ranking: Ranking) -> None:
        ranks = encoded.ranked(ranking, scored, self.reading.model.columns.prediction.column)
        self.ranks = ranks if self.ranks is None else self.ranks + ranks

    def _cluster(self, batch: Batch, visible: Mask) -> None:
        references = self.reference.columns.get(EVERYTHING, {})
        timestamp, within = self.reading.model.columns.timestamp, self.partings[0].within
        of_batch = clusters(batch.blocks, timestamp, visible, references, within)
        if of_batch is not None:
            self.clusters = of_batch if self.clusters is None else self.clusters + of_batch

    def _groups(self, rows: Rows, visible: Mask) -> Iterator[Groups]:
        if not self.segment_codes:
            yield Groups.one(rows.count) if visible.all() else Groups.of(visible.astype(np.int64) - 1, 1)
        for at, (column, codes) in enumerate(self.segment_codes.items()):
            block = rows.segments.get(column)
            rest = -1 if at else len(codes)
            code = (
                np.full(rows.count, rest) if block is None else coded(block.names, codes, block.places, rest)
            )
            code[~visible] = -1
            yield Groups.of(code, len(codes) + (at == 0))

    def _by_version(self, rows: Rows, visible: Mask) -> Groups | None:
        """Return the rows grouped by version, from the first batch with a second version on; before, None.

        Has to be called before the batch is added to the partings: their profile becomes that of the only
        version so far.
        """
        block = rows.version
        if block is None or not rows.count:
            return None
        counts = np.bincount(block.places[visible], minlength=len(block.dictionary) + 1)
        seen = dict.fromkeys(block.names[at] for at in np.flatnonzero(counts[:-1]))
        held = [name for name in seen if name is not None]
        alone = len(held) == len(seen) == 1 and not counts[-1] and self.only in (None, held[0])
        if not self.versions.cells and (alone or not visible.any()):
            self.only = held[0] if held else self.only
            return None
        if not self.versions.cells and self.only is not None:
            self.before = {(self.only, EVERYTHING): self.partings[0].whole()}
        cells = self.versions.cells
        cells += [(name, EVERYTHING) for name in held if (name, EVERYTHING) not in cells]
        codes = {cell[0]: at for at, cell in enumerate(cells) if cell is not None}
        code = coded(block.names, codes, block.places, -1)
        code[~visible] = -1
        return Groups.of(code, len(cells))

    def result(self) -> Profiled:
        whole = self.partings[0].whole()
        if whole.counts is not None:
            whole = replace(whole, counts=replace(whole.counts, duplicates=self._duplicates()))
        if self.ranks is not None:
            whole = replace(whole, ranks=self.ranks.without(self.problems))
        if self.clusters is not None:
            whole = replace(whole, clusters=self.clusters.without(self.problems))
        profiles = {WHOLE: whole}
        for column, parting in zip(self.segment_codes, self.partings, strict=False):
            if column not in self.problems:
                profiles |= parting.profiles()
        versions = self.versions.profiles()
        for cell, profile in self.before.items():
            versions[cell] = profile.shared(versions[cell]) if cell in versions else profile
        if len(versions) > 1:  # the names of rare versions are not stored
            profiles |= {
                cell: profile for cell, profile in versions.items() if rows_of(profile) >= LEAST_DISCLOSED
            }
        return Profiled(
            {cell: self._disclosed(self._sound(profile)) for cell, profile in profiles.items()}, self.problems
        )

    def _duplicates(self) -> int | None:
        """Return the number of repeated rows; None where they are not counted or the key is unreadable."""
        if not self.repeated or self.reading.model.columns.key in self.problems:
            return None
        return repeated(self.identities)

    def _sound(self, profile: Profile) -> Profile:
        """Return `profile` without the states of columns that were unreadable in any batch."""
        columns = self.reading.model.columns
        profile = profile.kept(profile.columns.keys() - self.problems.keys())
        if columns.prediction.column in self.problems:
            counts = profile.counts and replace(profile.counts, invalid=None)
            return replace(profile, counts=counts, joint=None, residual=None)
        unlabelled = columns.label is not None and columns.label.column in self.problems
        return replace(profile, joint=None) if unlabelled else profile

    def _concerns(self, column: str) -> bool:
        """Return whether this cut covers `column`: the label may have a cut of its own."""
        label = self.reading.model.columns.label
        of_label = label is not None and column in (label.column, label.arrival)
        return self.cut.labels if of_label else self.cut.rows

    def _batch(self, rows: Rows, scored: Mask | None, encoded: Coded) -> Batch:
        columns, label = self.reading.model.columns, self.reading.model.columns.label
        blocks = {name: block for name, block in rows.blocks.items() if self._concerns(name)}
        truth = blocks.get(label.column) if label is not None else None
        if label is not None and truth is not None:  # a label that has not arrived is a null
            truth = blocks[label.column] = only(truth, rows.labelled(self.cut))
        prediction = rows.blocks.get(columns.prediction.column)
        invalid = None
        if isinstance(prediction, NumericBlock) and columns.prediction.kind == "score" and scored is not None:
            invalid = prediction.present & ~scored
        joint = None
        if label is not None and self.cut.labels:
            joint = joint_of(prediction, scored, truth, self.reading)
        return Batch(
            blocks=blocks,
            counted=self.cut.rows,
            outside=outside(rows, columns.timestamp, self.window) if self.cut.rows else None,
            invalid=invalid,
            explained=self._explained(rows, scored, encoded) if self.cut.rows else None,
            joint=joint,
        )

    def _explained(self, rows: Rows, scored: Mask | None, encoded: Coded) -> Explained | None:
        """Return the scores, NaN where invalid, with the surrogate; None if either is missing."""
        surrogate = self.reference.surrogate
        prediction = rows.blocks.get(self.reading.model.columns.prediction.column)
        if surrogate is None or scored is None or not isinstance(prediction, NumericBlock):
            return None
        score = transformed(prediction.values, self.reading)
        score[~scored] = np.nan
        return Explained(score, encoded, surrogate)

    def _identities(self, rows: Rows, visible: Mask) -> npt.NDArray[np.uint64]:
        """Return hashes that identify the visible rows: of the key, or of all columns where none is declared.

        Rows with a null key are left out.
        """
        key = self.reading.model.columns.key
        if key is not None:
            block = rows.blocks.get(key)
            if not isinstance(block, IdentityBlock):
                return np.empty(0, dtype=np.uint64)
            kept = block.present & visible
            return block.hashes if kept.all() else block.hashes[kept]
        blocks = [block for name, block in rows.blocks.items() if self._concerns(name)]
        hashes = row_hashes(blocks, rows.count)
        return hashes if visible.all() else hashes[visible]

    def _disclosed(self, profile: Profile) -> Profile:
        """Return `profile` without the names of rare and of private categories."""
        private = {role.column for role in self.reading.roles if role.private}
        columns = dict(profile.columns)
        for name, column in columns.items():
            if isinstance(column, CategoricalColumn):
                shown = column.categories.disclosed(LEAST_DISCLOSED)
                columns[name] = replace(column, categories=shown.anonymous() if name in private else shown)
        return replace(profile, columns=columns)
