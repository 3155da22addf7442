"""One pass over a partition's rows: batches become profiles, one per version and segment of every cut."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.monitor.block import Block, CategoricalBlock, IdentityBlock, NumericBlock, TimestampBlock
from lupus_assets.monitor.cut import Cut
from lupus_assets.monitor.rows import EVERYTHING, Mask, Reading, Rows, outside, read_rows, usable
from lupus_assets.records import Window
from lupus_assets.stats.column import CategoricalColumn
from lupus_assets.stats.distinct import mix
from lupus_assets.stats.frozen import Reference
from lupus_assets.stats.joint import Confusion, ErrorSums, Joint, Residual, ScoreLabel
from lupus_assets.stats.profile import Profile, RowCounts
from lupus_assets.stats.state import union
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
    watch: Callable[[Rows], None] | None = None,
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
    watch : callable, optional
        Sees each batch, read once for both.
    """
    gatherings = [_Gathering(cut, reading, reference, window) for cut in cuts]
    for batch in _at_least_one(batches, schema):
        rows = read_rows(batch, reading, reference.segments)
        if watch is not None:
            watch(rows)
        for gathering in gatherings:
            gathering.add(rows)
    return {gathering.cut: gathering.result() for gathering in gatherings}


def _at_least_one(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield `batches`, or one of no rows if there are none: every segment has a state, of whatever rows."""
    rest = iter(batches)
    first = next(rest, None)
    if first is None:
        first = pa.RecordBatch.from_arrays([pa.nulls(0, each.type) for each in schema], schema=schema)
    yield first
    yield from rest


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
        batch = self._batch(rows)
        self.problems.update({name: text for name, text in rows.problems.items() if self._concerns(name)})
        whole = batch.profile(visible)
        self._add(WHOLE, whole)
        for segment, mask in rows.segments.items():
            self._add((EVERYTHING, segment), batch.profile(mask & visible))
        for version, mask in rows.versions.items():
            scored = mask & visible
            if scored.any():
                alone = bool((scored == visible).all())
                self._add((version, EVERYTHING), whole if alone else batch.profile(scored))
        if self.cut.rows:
            self.identities.append(self._identities(rows, visible))

    def result(self) -> Profiled:
        whole = self.profiles[WHOLE]
        if whole.counts is not None:
            self.profiles[WHOLE] = replace(whole, counts=replace(whole.counts, duplicates=self._duplicates()))
        versions = {version for version, _ in self.profiles} - {EVERYTHING}
        several = len(versions) > 1
        return Profiled(
            {
                cell: self._disclosed(self._sound(profile))
                for cell, profile in self.profiles.items()
                if cell[0] == EVERYTHING or several
            },
            self.problems,
        )

    def _duplicates(self) -> int | None:
        """Return how many rows repeat another; None where the key could not be read."""
        if self.reading.model.columns.key in self.problems:
            return None
        return sum(each.size for each in self.identities) - union(*self.identities).size

    def _sound(self, profile: Profile) -> Profile:
        """Return `profile` without what rests on a column that one of the batches could not give."""
        columns = self.reading.model.columns
        if columns.prediction.column in self.problems:
            counts = profile.counts and replace(profile.counts, invalid=None)
            return replace(profile, counts=counts, joint=None, residual=None)
        unlabelled = columns.label is not None and columns.label.column in self.problems
        return replace(profile, joint=None) if unlabelled else profile

    def _add(self, cell: Cell, profile: Profile) -> None:
        before = self.profiles.get(cell)
        self.profiles[cell] = profile if before is None else before.shared(profile)

    def _concerns(self, column: str) -> bool:
        """Return whether this cut describes `column`: the label has a cut of its own."""
        label = self.reading.model.columns.label
        of_label = label is not None and column in (label.column, label.arrival)
        return self.cut.labels if of_label else self.cut.rows

    def _batch(self, rows: Rows) -> "_Batch":
        columns, label = self.reading.model.columns, self.reading.model.columns.label
        blocks = {name: block for name, block in rows.blocks.items() if self._concerns(name)}
        if label is not None and label.column in blocks:  # a label that has not arrived is a null
            block = blocks[label.column]
            blocks[label.column] = replace(block, present=block.present & rows.labelled(self.cut))
        prediction = rows.blocks.get(columns.prediction.column)
        invalid = None
        if isinstance(prediction, NumericBlock) and columns.prediction.kind == "score":
            invalid = prediction.present & ~usable(prediction, self.reading)
        joint = None
        if label is not None and self.cut.labels:
            joint = _joint(prediction, blocks.get(label.column), self.reading)
        return _Batch(
            blocks=blocks,
            counted=self.cut.rows,
            outside=outside(rows, columns.timestamp, self.window),
            invalid=invalid,
            residual=self._residual(rows) if self.cut.rows else None,
            joint=joint,
        )

    def _residual(self, rows: Rows) -> npt.NDArray[np.float64] | None:
        """Return each row's score minus what its inputs explain; NaN where there is no usable score."""
        surrogate = self.reference.surrogate
        prediction = rows.blocks.get(self.reading.model.columns.prediction.column)
        if surrogate is None or not isinstance(prediction, NumericBlock):
            return None
        expected = surrogate.predict(codes(rows, surrogate.design))
        score = np.where(usable(prediction, self.reading), prediction.values, np.nan)
        return transformed(score, self.reading) - expected

    def _identities(self, rows: Rows, visible: Mask) -> npt.NDArray[np.uint64]:
        """Return what makes each visible row itself: its key, or all it holds where none is declared.

        A row whose key is null repeats no other.
        """
        key = self.reading.model.columns.key
        if key is not None:
            block = rows.blocks.get(key)
            if not isinstance(block, IdentityBlock):
                return np.empty(0, dtype=np.uint64)
            return block.hashes[block.present & visible]
        combined = np.zeros(rows.count, dtype=np.uint64)
        for name, block in rows.blocks.items():
            if self._concerns(name):
                combined = mix(combined * GOLDEN + _row_bits(block))
        return combined[visible]

    def _disclosed(self, profile: Profile) -> Profile:
        """Return `profile` with the names of rare and of private categories taken out."""
        private = {role.column for role in self.reading.roles if role.private}
        columns = dict(profile.columns)
        for name, column in columns.items():
            if isinstance(column, CategoricalColumn):
                shown = column.categories.disclosed(LEAST_DISCLOSED)
                columns[name] = replace(column, categories=shown.anonymous() if name in private else shown)
        return replace(profile, columns=columns)


@dataclass(frozen=True)
class _Batch:
    """One batch as one cut sees it; any subset of its rows becomes a profile.

    Attributes
    ----------
    blocks : dict of str to Block
        The columns that the cut describes.
    counted : bool
        Whether the cut describes the rows as such.
    outside : array of bool
        Rows timed outside the window.
    invalid : array of bool, or None
        Rows whose score is none.
    residual : array of float, or None
        NaN where there is none.
    joint : callable, or None
        Predictions with their labels: rows to state.
    """

    blocks: dict[str, Block]
    counted: bool
    outside: Mask
    invalid: Mask | None
    residual: npt.NDArray[np.float64] | None
    joint: Callable[[Mask], Joint] | None

    def profile(self, rows: Mask) -> Profile:
        """Return the profile of the rows of `rows`."""
        counts = None
        if self.counted:
            counts = RowCounts(
                rows=int(np.count_nonzero(rows)),
                outside=int(np.count_nonzero(self.outside & rows)),
                invalid=None if self.invalid is None else int(np.count_nonzero(self.invalid & rows)),
                duplicates=None,
            )
        residual = None
        if self.residual is not None:
            residual = Residual.of(self.residual[rows & np.isfinite(self.residual)])
        return Profile(
            counts=counts,
            columns={name: block.state(rows) for name, block in self.blocks.items()},
            joint=None if self.joint is None else self.joint(rows),
            residual=residual,
        )


def _joint(prediction: Block | None, label: Block | None, reading: Reading) -> Callable[[Mask], Joint] | None:
    """Return what predictions and arrived labels make of any rows; None where they do not go together."""
    if isinstance(prediction, CategoricalBlock) and isinstance(label, CategoricalBlock):
        classes, true_classes = prediction.row_hashes(), label.row_hashes()
        named = prediction.present & label.present
        return lambda rows: Confusion.of(classes[rows & named], true_classes[rows & named])
    if not (isinstance(prediction, NumericBlock) and isinstance(label, NumericBlock)):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(prediction.values - label.values)
    both = usable(prediction, reading) & label.present & finite
    values, truth, decision = prediction.values, label.values, reading.model.decision
    if decision is None:
        return lambda rows: ErrorSums.of(values[rows & both], truth[rows & both])
    grid, threshold = prediction.grid, decision.threshold
    return lambda rows: ScoreLabel.of(values[rows & both], truth[rows & both], grid, threshold)


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
