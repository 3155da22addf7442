"""One pass over a partition's rows: batches become profiles, one per version and segment of every cut."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.monitor.block import Block, CategoricalBlock, IdentityBlock, NumericBlock, TimestampBlock
from lupus_assets.monitor.cut import Cut
from lupus_assets.monitor.rows import EVERYTHING, Mask, Reading, Rows, outside, read_rows
from lupus_assets.records import Window
from lupus_assets.stats.column import CategoricalColumn, Column
from lupus_assets.stats.distinct import mix
from lupus_assets.stats.frozen import Reference
from lupus_assets.stats.joint import Confusion, ErrorSums, Joint, Residual, ScoreLabel
from lupus_assets.stats.profile import Profile, RowCounts
from lupus_assets.stats.surrogate import CategoricalEncoder, Design, NumericEncoder, logit

LEAST_DISCLOSED = 20  # rows below which a category's name is not stored, only its salted hash
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: keeps equal values of two columns apart

Cell = tuple[str, str]  # (version, segment)
WHOLE: Cell = (EVERYTHING, EVERYTHING)


@dataclass(frozen=True)
class Profiled:
    """What one cut of one partition came to.

    Attributes
    ----------
    profiles : dict of (version, segment) to Profile
        ``("*", "*")`` is all rows. A version has an entry of its own where several scored the partition.
    problems : dict of str to str
        Column to what is wrong with it; such a column is in no profile.
    """

    profiles: dict[Cell, Profile]
    problems: dict[str, str]


def profile_partition(
    batches: Iterable[pa.RecordBatch],
    *,
    schema: pa.Schema,
    reading: Reading,
    reference: Reference,
    window: Window,
    cuts: Iterable[Cut],
) -> dict[Cut, Profiled]:
    """Profile the rows of one partition, read once, as every cut saw them.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        None at all is a partition of zero rows.
    schema : pyarrow.Schema
        Of the batches.
    reading : Reading
    reference : Reference
        Gives the segments and the surrogate.
    window : Window
    cuts : iterable of Cut
    """
    gatherings = [_Gathering(cut, reading, reference, window) for cut in cuts]
    for batch in _with_an_empty_one(batches, schema):
        rows = read_rows(batch, reading, reference.segments)
        for gathering in gatherings:
            gathering.add(rows)
    return {gathering.cut: gathering.result() for gathering in gatherings}


def _with_an_empty_one(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield a batch of no rows first: every segment then has a state, whatever the partition holds."""
    yield pa.RecordBatch.from_arrays([pa.array([], type=each.type) for each in schema], schema=schema)
    yield from batches


@dataclass
class _Gathering:
    """The profiles of one cut while the batches go by."""

    cut: Cut
    reading: Reading
    reference: Reference
    window: Window
    profiles: dict[Cell, Profile] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    identities: list[npt.NDArray[np.uint64]] = field(default_factory=list)

    def add(self, rows: Rows) -> None:
        visible = rows.visible(self.cut)
        labelled = rows.labelled(self.cut)
        residual = self._residual(rows) if self.cut.rows else None
        timed_outside = outside(rows, self.reading.model.columns.timestamp, self.window)
        self.problems.update({name: text for name, text in rows.problems.items() if self._concerns(name)})

        def profile(mask: Mask) -> Profile:
            return self._profile(rows, mask, labelled, residual, timed_outside)

        whole = profile(visible)
        self._add(WHOLE, whole)
        for segment, mask in rows.segments.items():
            self._add((EVERYTHING, segment), profile(mask & visible))
        for version, mask in rows.versions.items():
            alone = bool(mask.all())
            self._add((version, EVERYTHING), whole if alone else profile(mask & visible))
        if self.cut.rows:
            self.identities.append(self._identities(rows)[visible])

    def result(self) -> Profiled:
        whole = self.profiles[WHOLE]
        if whole.counts is not None:
            unique = np.unique(np.concatenate(self.identities)).size if self.identities else 0
            keyed = sum(each.size for each in self.identities)
            self.profiles[WHOLE] = replace(whole, counts=replace(whole.counts, duplicates=keyed - unique))
        versions = {version for version, _ in self.profiles} - {EVERYTHING}
        several = len(versions) > 1
        return Profiled(
            {
                cell: self._disclosed(profile)
                for cell, profile in self.profiles.items()
                if cell[0] == EVERYTHING or several
            },
            self.problems,
        )

    def _add(self, cell: Cell, profile: Profile) -> None:
        before = self.profiles.get(cell)
        self.profiles[cell] = (
            profile if before is None else before.kept(profile.columns) + profile.kept(before.columns)
        )

    def _concerns(self, column: str) -> bool:
        """Return whether this cut describes `column`: the label has a cut of its own."""
        label = self.reading.model.columns.label
        of_label = label is not None and column in (label.column, label.arrival)
        return self.cut.labels if of_label else self.cut.rows

    def _columns(self, rows: Rows) -> Iterator[tuple[str, Block]]:
        for name, block in rows.blocks.items():
            if self._concerns(name):
                yield name, block

    def _profile(
        self,
        rows: Rows,
        mask: Mask,
        labelled: Mask,
        residual: npt.NDArray[np.float64] | None,
        timed_outside: Mask,
    ) -> Profile:
        columns: dict[str, Column] = {}
        targets = {role.column for role in self.reading.roles if role.family == "target"}
        for name, block in self._columns(rows):
            if name in targets:  # a label that has not arrived is a null
                block = replace(block, present=block.present & labelled)
            columns[name] = block.state(mask)
        counts = None
        if self.cut.rows:
            counts = RowCounts(
                rows=int(mask.sum()),
                outside=int((timed_outside & mask).sum()),
                invalid=self._invalid(rows, mask),
                duplicates=None,
            )
        return Profile(
            counts=counts,
            columns=columns,
            joint=self._joint(rows, mask & labelled) if self.cut.labels else None,
            residual=None if residual is None else Residual.of(residual[mask & np.isfinite(residual)]),
        )

    def _prediction(self, rows: Rows) -> Block | None:
        return rows.blocks.get(self.reading.model.columns.prediction.column)

    def _usable(self, block: NumericBlock) -> Mask:
        """Return which predictions can be scored: finite, and for a score within [0, 1]."""
        usable = block.present & np.isfinite(block.values)
        if self.reading.model.columns.prediction.kind == "score":
            with np.errstate(invalid="ignore"):
                usable &= (block.values >= 0) & (block.values <= 1)
        return usable

    def _invalid(self, rows: Rows, mask: Mask) -> int | None:
        block = self._prediction(rows)
        if self.reading.model.columns.prediction.kind != "score" or not isinstance(block, NumericBlock):
            return None
        return int((mask & block.present & ~self._usable(block)).sum())

    def _joint(self, rows: Rows, mask: Mask) -> Joint | None:
        model = self.reading.model
        label = rows.blocks.get(model.columns.label.column) if model.columns.label else None
        prediction = self._prediction(rows)
        if isinstance(prediction, CategoricalBlock) and isinstance(label, CategoricalBlock):
            both = mask & prediction.present & label.present
            return Confusion.of(prediction.row_hashes()[both], label.row_hashes()[both])
        if not (isinstance(prediction, NumericBlock) and isinstance(label, NumericBlock)):
            return None
        both = mask & self._usable(prediction) & label.present & np.isfinite(label.values)
        values, truth = prediction.values[both], label.values[both]
        decision = model.decision
        if decision is not None:
            return ScoreLabel.of(values, truth, prediction.grid, decision.threshold)
        return ErrorSums.of(values, truth)

    def _residual(self, rows: Rows) -> npt.NDArray[np.float64] | None:
        """Return each row's score minus what its inputs explain; NaN where there is no usable score."""
        surrogate, prediction = self.reference.surrogate, self._prediction(rows)
        if surrogate is None or not isinstance(prediction, NumericBlock):
            return None
        expected = surrogate.predict(codes(rows, surrogate.design))
        score = np.where(self._usable(prediction), prediction.values, np.nan)
        return transformed(score, self.reading) - expected

    def _identities(self, rows: Rows) -> npt.NDArray[np.uint64]:
        """Return what makes each row itself: its key, or all it holds where no key is declared."""
        key = self.reading.model.columns.key
        if key is not None:
            block = rows.blocks.get(key)
            if not isinstance(block, IdentityBlock):
                return np.arange(rows.count, dtype=np.uint64)
            return np.where(block.present, block.hashes, mix(np.arange(rows.count, dtype=np.uint64)))
        combined = np.zeros(rows.count, dtype=np.uint64)
        for block in rows.blocks.values():
            combined = mix(combined * GOLDEN + _row_bits(block))
        return combined

    def _disclosed(self, profile: Profile) -> Profile:
        """Return `profile` with the names of rare and of private categories taken out."""
        private = {role.column for role in self.reading.roles if role.private}
        columns = dict(profile.columns)
        for name, column in columns.items():
            if isinstance(column, CategoricalColumn):
                shown = column.categories.disclosed(LEAST_DISCLOSED)
                columns[name] = replace(column, categories=shown.anonymous() if name in private else shown)
        return replace(profile, columns=columns)


def _row_bits(block: Block) -> npt.NDArray[np.uint64]:
    match block:
        case NumericBlock():
            bits = (block.values + 0.0).view(np.uint64)
        case TimestampBlock():
            bits = block.micros.view(np.uint64)
        case CategoricalBlock():
            bits = block.row_hashes()
        case IdentityBlock():
            bits = block.hashes
    return np.where(block.present, bits, np.uint64(1))


def codes(rows: Rows, design: Design) -> npt.NDArray[np.int16]:
    """Return the codes of a batch for the surrogate; a column that could not be read is null throughout."""
    columns = []
    for name, encoder in zip(design.names, design.encoders, strict=True):
        block = rows.blocks.get(name)
        if isinstance(block, NumericBlock) and isinstance(encoder, NumericEncoder):
            finite = block.present & np.isfinite(block.values)
            bins = block.grid.bins(np.where(finite, block.values, block.grid.centre))
            columns.append(encoder.encode(bins, finite))
        elif isinstance(block, CategoricalBlock) and isinstance(encoder, CategoricalEncoder):
            columns.append(encoder.encode(block.row_hashes(), block.present))
        else:
            columns.append(np.full(rows.count, encoder.width - 1, dtype=np.int16))
    return np.column_stack(columns) if columns else np.empty((rows.count, 0), dtype=np.int16)


def transformed(score: npt.NDArray[np.float64], reading: Reading) -> npt.NDArray[np.float64]:
    """Return a prediction on the surrogate's scale: log odds of a score, a value as it is."""
    return logit(score) if reading.model.columns.prediction.kind == "score" else score
