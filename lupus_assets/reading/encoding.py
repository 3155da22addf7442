"""Rows as the frozen reference codes them: for the surrogate, and for ranks."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lupus_assets.reading.batch import Mask, Reading, Rows
from lupus_assets.reading.block import CategoricalBlock, NumericBlock
from lupus_assets.stats.grid import BLOCK
from lupus_assets.stats.reference.ranking import Ranking, RankMoments
from lupus_assets.stats.reference.surrogate import (
    CategoricalEncoder,
    Codes,
    Design,
    Encoder,
    NumericEncoder,
    Surrogate,
    logit,
)

Floats = npt.NDArray[np.float64]


class Coded:
    """One batch as codes, each column worked out once for all that encode it alike."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._codes: dict[str, tuple[Encoder, Codes]] = {}

    def codes(self, name: str, encoder: Encoder) -> Codes:
        """Return the code of each row in one column; one that could not be read is null throughout."""
        known, found = self._codes.get(name, (None, None))
        if found is None or known != encoder:
            found = self._encoded(name, encoder)
            self._codes[name] = encoder, found
        return found

    def _encoded(self, name: str, encoder: Encoder) -> Codes:
        block = self._rows.blocks.get(name)
        if isinstance(block, NumericBlock) and isinstance(encoder, NumericEncoder):
            return encoder.encode(block.numbers, block.absent, block.grid)
        if isinstance(block, CategoricalBlock) and isinstance(encoder, CategoricalEncoder):
            each = encoder.encode(block.hashes, np.ones(len(block.dictionary), dtype=bool))
            return block.of_values(each, encoder.width - 1)
        return np.full(self._rows.count, encoder.width - 1, dtype=np.uint8)

    def stacked(self, design: Design) -> Codes:
        """Return the codes of all columns of a design, shape (rows, columns)."""
        found = np.empty((len(design.names), self._rows.count), np.uint8)
        for at, (name, encoder) in enumerate(zip(design.names, design.encoders, strict=True)):
            found[at] = self.codes(name, encoder)
        return found.T

    def expected(self, surrogate: Surrogate) -> Floats:
        """Return what the surrogate says of each row: `Surrogate.predict` of the stacked codes."""
        design = surrogate.design
        total, room = np.full(self._rows.count, surrogate.intercept), np.empty(BLOCK)
        for name, encoder, effects in zip(design.names, design.encoders, surrogate.parts, strict=True):
            codes = self.codes(name, encoder)
            for part in _blocks(codes.size):
                total[part] += _looked_up(effects, codes[part], room)
        return total

    def ranked(self, ranking: Ranking, visible: Mask, usable: Mask | None, prediction: str) -> RankMoments:
        """Return the sums over the ranks of some rows.

        Parameters
        ----------
        ranking : Ranking
        visible : array of bool
            Which rows to take.
        usable : array of bool, or None
            Which predictions can be scored; others have no rank.
        prediction : str
            The column of the prediction.
        """
        every = bool(visible.all())
        codes = []
        for name, encoder in zip(ranking.names, ranking.design.encoders, strict=True):
            each = self.codes(name, encoder)
            if name == prediction and usable is not None and not usable.all():
                each = np.where(usable, each, np.uint8(encoder.width - 1))
            codes.append(each if every else each[visible])
        return RankMoments.of(ranking.names, codes, ranking.ranks)


def _blocks(rows: int) -> Iterator[slice]:
    """Yield parts of some rows that stay in the cache."""
    for start in range(0, rows, BLOCK):
        yield slice(start, start + BLOCK)


def _looked_up(table: npt.NDArray[Any], codes: Codes, room: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # Codes are places of the table: told to wrap others around, numpy looks for none.
    return np.take(table, codes, out=room[: codes.size], mode="wrap")


def transformed(score: Floats, reading: Reading) -> Floats:
    """Return a prediction on the surrogate's scale, a new array: log odds of a score, a value as it is."""
    return logit(score) if reading.model.columns.prediction.kind == "score" else score.copy()
