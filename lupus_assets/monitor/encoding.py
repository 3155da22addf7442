"""Rows as the frozen reference codes them: for the surrogate, and for ranks."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lupus_assets.monitor.block import CategoricalBlock, NumericBlock
from lupus_assets.monitor.rows import Mask, Reading, Rows
from lupus_assets.stats.grid import BLOCK
from lupus_assets.stats.ranking import Ranking, Ranks
from lupus_assets.stats.surrogate import (
    CategoricalEncoder,
    Codes,
    Design,
    Encoder,
    NumericEncoder,
    Surrogate,
    logit,
)

Floats = npt.NDArray[np.float64]


def codes(rows: Rows, design: Design) -> Codes:
    """Return the codes of a batch, shape (rows, columns)."""
    found = np.empty((len(design.names), rows.count), np.uint8)
    for at, (name, encoder) in enumerate(zip(design.names, design.encoders, strict=True)):
        found[at] = _codes(rows, name, encoder)
    return found.T


def _codes(rows: Rows, name: str, encoder: Encoder) -> Codes:
    """Return the code of each row in one column; one that could not be read is null throughout."""
    block = rows.blocks.get(name)
    if isinstance(block, NumericBlock) and isinstance(encoder, NumericEncoder):
        return encoder.encode(block.numbers, block.absent, block.grid)
    if isinstance(block, CategoricalBlock) and isinstance(encoder, CategoricalEncoder):
        each = encoder.encode(block.hashes, np.ones(len(block.dictionary), dtype=bool))
        return block.of_values(each, encoder.width - 1)
    return np.full(rows.count, encoder.width - 1, dtype=np.uint8)


def expected_and_ranks(
    rows: Rows, surrogate: Surrogate | None, ranking: Ranking | None, usable: Mask | None, prediction: str
) -> tuple[Floats | None, Ranks | None]:
    """Return what the surrogate says of each row, and the ranks of its values, from codes that both share.

    Parameters
    ----------
    rows : Rows
    surrogate : Surrogate or None
    ranking : Ranking or None
    usable : array of bool, or None
        Which predictions can be scored; others have no rank.
    prediction : str
        The column of the prediction.

    Returns
    -------
    expected : array of float64, shape (rows,), or None
        `Surrogate.predict` of the rows' `codes`; None without a surrogate.
    ranks : array of float32, shape (columns, rows), or None
        NaN where there is none; None without a ranking.
    """
    fitted = {} if surrogate is None else _by_name(surrogate.design, surrogate.parts)
    ranked = {} if ranking is None else _by_name(ranking.design, ranking.ranks)
    total = np.full(rows.count, 0.0 if surrogate is None else surrogate.intercept)
    found = np.empty((len(ranked), rows.count), np.float32)
    places = {name: at for at, name in enumerate(ranked)}
    for name in dict.fromkeys([*fitted, *ranked]):
        encoder, effects = fitted.get(name, (None, None))
        code = None if encoder is None else _codes(rows, name, encoder)
        if code is not None and effects is not None:
            for part, of_part in _in_blocks(effects, code):
                total[part] += of_part
        if name in ranked:
            other, ranks = ranked[name]
            if code is None or other != encoder:
                code = _codes(rows, name, other)
            out = found[places[name]]
            for part, of_part in _in_blocks(ranks, code):
                out[part] = of_part
            if name == prediction and usable is not None and not usable.all():
                out[~usable] = np.nan
    return (None if surrogate is None else total), (None if ranking is None else found)


def _by_name(
    design: Design, tables: Sequence[npt.NDArray[Any]]
) -> dict[str, tuple[Encoder, npt.NDArray[Any]]]:
    return dict(zip(design.names, zip(design.encoders, tables, strict=True), strict=True))


def _in_blocks(table: npt.NDArray[Any], code: Codes) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
    """Yield what a table says of each row's code, in blocks that stay in the cache."""
    for start in range(0, code.size, BLOCK):
        yield slice(start, start + BLOCK), np.take(table, code[start : start + BLOCK], mode="wrap")


def transformed(score: Floats, reading: Reading) -> Floats:
    """Return a prediction on the surrogate's scale, a new array: log odds of a score, a value as it is."""
    return logit(score) if reading.model.columns.prediction.kind == "score" else score.copy()
