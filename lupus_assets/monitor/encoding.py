"""Rows as the frozen reference codes them: for the surrogate, and for ranks."""

import numpy as np
import numpy.typing as npt

from lupus_assets.monitor.block import CategoricalBlock, NumericBlock
from lupus_assets.monitor.rows import Mask, Reading, Rows
from lupus_assets.stats.ranking import Ranking, Ranks
from lupus_assets.stats.surrogate import CategoricalEncoder, Design, NumericEncoder, Surrogate, logit

Floats = npt.NDArray[np.float64]


def codes(rows: Rows, design: Design) -> npt.NDArray[np.int16]:
    """Return the codes of a batch for the surrogate; a column that could not be read is null throughout."""
    columns = []
    for name, encoder in zip(design.names, design.encoders, strict=True):
        block = rows.blocks.get(name)
        if isinstance(block, NumericBlock) and isinstance(encoder, NumericEncoder):
            finite = np.isfinite(block.values)
            bins = block.grid.bins(np.where(finite, block.values, block.grid.centre))
            columns.append(encoder.encode(bins, finite))
        elif isinstance(block, CategoricalBlock) and isinstance(encoder, CategoricalEncoder):
            each = encoder.encode(block.hashes, np.ones(len(block.dictionary), dtype=bool))
            columns.append(block.of_values(each, encoder.width - 1))
        else:
            columns.append(np.full(rows.count, encoder.width - 1, dtype=np.int16))
    return np.column_stack(columns) if columns else np.empty((rows.count, 0), dtype=np.int16)


def expected(rows: Rows, surrogate: Surrogate) -> Floats:
    """Return what the surrogate says of each row: `Surrogate.predict` of its `codes`."""
    total = np.full(rows.count, surrogate.intercept)
    for name, encoder, effects in zip(
        surrogate.design.names, surrogate.design.encoders, surrogate.parts, strict=True
    ):
        block = rows.blocks.get(name)
        if isinstance(block, NumericBlock) and isinstance(encoder, NumericEncoder):
            total += encoder.looked_up(effects, block.numbers, block.absent, block.grid)
        elif isinstance(block, CategoricalBlock) and isinstance(encoder, CategoricalEncoder):
            each = effects[encoder.encode(block.hashes, np.ones(len(block.dictionary), dtype=bool))]
            total += block.of_values(each, effects[-1])
        else:
            total += effects[-1]
    return total


def transformed(score: Floats, reading: Reading) -> Floats:
    """Return a prediction on the surrogate's scale, a new array: log odds of a score, a value as it is."""
    return logit(score) if reading.model.columns.prediction.kind == "score" else score.copy()


def ranked(rows: Rows, ranking: Ranking, usable: Mask | None, prediction: str) -> Ranks:
    """Return the ranks of each row's values, shape (columns, rows); NaN where there is none.

    Parameters
    ----------
    rows : Rows
    ranking : Ranking
    usable : array of bool, or None
        Which predictions can be scored; others have no rank.
    prediction : str
        The column of the prediction.
    """
    found = np.full((len(ranking.names), rows.count), np.nan, np.float32)
    columns = zip(ranking.names, ranking.design.encoders, ranking.ranks, strict=True)
    for at, (name, encoder, ranks) in enumerate(columns):
        block = rows.blocks.get(name)
        if isinstance(block, NumericBlock) and isinstance(encoder, NumericEncoder):
            found[at] = encoder.looked_up(ranks, block.numbers, block.absent, block.grid)
        elif isinstance(block, CategoricalBlock) and isinstance(encoder, CategoricalEncoder):
            each = ranks[encoder.encode(block.hashes, np.ones(len(block.dictionary), dtype=bool))]
            found[at] = block.of_values(each, np.nan)
        if name == prediction and usable is not None:
            found[at, ~usable] = np.nan
    return found
