"""Predictions with their labels."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lupus_assets.profiling.groups import Rows as Picked
from lupus_assets.profiling.groups import picked
from lupus_assets.reading.batch import Mask, Reading
from lupus_assets.reading.block import Block, CategoricalBlock, NumericBlock, TimestampBlock
from lupus_assets.stats.joint import Confusion, ErrorSums, Joint
from lupus_assets.stats.score_label import ScoreLabel


def only(block: Block, rows: Mask) -> Block:
    """Return `block` with the rows outside the mask `rows` set to null."""
    if rows.all() or isinstance(block, TimestampBlock):
        return block
    return replace(block, absent=np.flatnonzero(~(block.present & rows)))


def joint_of(
    prediction: Block | None, scored: Mask | None, label: Block | None, reading: Reading
) -> Callable[[Picked], Joint] | None:
    """Return a function from rows to the state of predictions and labels; None where kinds do not match."""
    if isinstance(prediction, CategoricalBlock) and isinstance(label, CategoricalBlock):
        classes, true_classes = prediction.row_hashes(), label.row_hashes()
        labelled = prediction.present & label.present
        return lambda rows: Confusion.of(classes[rows][labelled[rows]], true_classes[rows][labelled[rows]])
    if not (isinstance(prediction, NumericBlock) and isinstance(label, NumericBlock)) or scored is None:
        return None
    decision = reading.model.decision
    both = scored.copy()
    both[label.absent] = False
    all_rows = bool(both.all())

    def paired(values: npt.NDArray[Any], rows: Picked) -> npt.NDArray[Any]:
        return picked(values, rows) if all_rows else picked(values, rows)[picked(both, rows)]

    if decision is None:
        values, truth = prediction.values, label.values
        with np.errstate(over="ignore", invalid="ignore"):
            both &= np.isfinite(values - truth)
        all_rows = bool(both.all())
        return lambda rows: ErrorSums.of(paired(values, rows), paired(truth, rows))
    threshold, true = decision.threshold, label.numbers == 1
    scores = prediction.numbers
    return lambda rows: ScoreLabel.of(paired(scores, rows), paired(true, rows), threshold)
