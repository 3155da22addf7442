"""A judged series over its latest partitions, and a picture of it: value, expected range and alarms."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.picturing.address import Address
from lupus_assets.reading.arrow import (
    is_in,
    microseconds,
    rows_where,
    table_floats,
    table_integers,
)
from lupus_assets.records import FACT_RULE, HISTORY_RULE, VerdictRow

SHOWN = 28  # partitions of the small picture: four weeks
COLUMNS = (
    "window_start", "segment", "family", "column_name", "metric", "rule", "value", "low", "high", "flagged",
)  # fmt: skip
SERIES = ("segment", "family", "column_name", "metric")
STEP, HEIGHT = 4, 26  # units of the drawing for a partition, and for all values
MARGIN = 2
FLAT, TINY = 1e-9, 1e-300  # what differs by less is drawn as one line
BAND, LINE, ALARM = "#def", "#456", "red"

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trail:
    """One series, partition by partition; arrays of shape (partitions,).

    Attributes
    ----------
    value : array of float
        NaN where there is none.
    low, high : array of float
        The expected range; infinite where one side is open, NaN where there is no verdict.
    flagged : array of bool
    """

    value: Array
    low: Array
    high: Array
    flagged: npt.NDArray[np.bool_]


def of_series(verdicts: pa.Table, of: VerdictRow | Address, rules: Collection[str]) -> npt.NDArray[np.bool_]:
    """Return which rows of the table ``verdicts`` are of one series, by one of `rules`."""
    mine = is_in(verdicts, "rule", rules)
    for name in SERIES:
        mine &= is_in(verdicts, name, {getattr(of, name)})
    return mine


def trail(verdicts: pa.Table, of: VerdictRow) -> Trail:
    """Return the series of a verdict, up to its partition and at most `SHOWN` long.

    Parameters
    ----------
    verdicts : pyarrow.Table
        `COLUMNS` of the table ``verdicts``, of one track, in time order.
    of : VerdictRow
    """
    mine = table_integers(verdicts, "window_start") <= microseconds(of.window_start)
    rule = HISTORY_RULE if of.rule == FACT_RULE else of.rule  # a fact is of one partition
    rows = rows_where(verdicts, mine & of_series(verdicts, of, {rule}))
    rows = rows.slice(max(rows.num_rows - SHOWN, 0))
    low, high, judged = (table_floats(rows, name) for name in ("low", "high", "value"))
    known = ~(np.isnan(low) & np.isnan(high))  # an open side is null in the table
    return Trail(
        value=judged,
        low=np.where(known & np.isnan(low), -np.inf, low),
        high=np.where(known & np.isnan(high), np.inf, high),
        flagged=table_integers(rows, "flagged").astype(bool),
    )


def svg(of: Trail, title: str = "") -> str:
    """Return a drawing: the expected range as a band, values as a line, alarms as dots.

    It is as small as it can be, since it is stored with the check, and Dagit hides what is long.

    Parameters
    ----------
    of : Trail
    title : str
        Shown where the pointer rests.
    """
    finite = np.concatenate([each[np.isfinite(each)] for each in (of.value, of.low, of.high)])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    span = max(high - low, FLAT * max(abs(high), abs(low)), TINY)

    def y(values: Array) -> list[int]:
        share = (np.clip(np.nan_to_num(values, nan=low), low, high) - low) / span
        return [round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * each) for each in share.tolist()]

    upper, lower, middle = y(of.high), y(of.low), y(of.value)
    bands = [
        _path([*((at, upper[at]) for at in part), *((at, lower[at]) for at in reversed(part))])
        for part in _runs(~np.isnan(of.low))
    ]
    lines = [_path([(at, middle[at]) for at in part]) for part in _runs(~np.isnan(of.value))]
    alarms = _dots([(at, middle[at]) for at in np.flatnonzero(of.flagged).tolist()])
    width = STEP * of.value.size
    said = f"<title>{escape(title)}</title>" if title else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{3 * width}">{said}'
        f'<path fill="{BAND}" d="{"".join(bands)}"/>'
        f'<path fill="none" stroke="{LINE}" d="{"".join(lines)}"/>'
        f'<path stroke="{ALARM}" stroke-width="3" d="{alarms}"/></svg>'
    )


def _x(at: int) -> int:
    return STEP * at + STEP // 2


def _steps(points: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(STEP * (x - last), to - since) for (last, since), (x, to) in pairwise(points)]


def _dots(points: Sequence[tuple[int, int]]) -> str:
    """Return a path of strokes that are one unit long."""
    if not points:
        return ""
    (first, y), *_ = points
    return f"M{_x(first)} {y}h1" + "".join(
        f"m{dx - 1} {dy}h1".replace(" -", "-") for dx, dy in _steps(points)
    )


def _path(points: Sequence[tuple[int, int]]) -> str:
    """Return a path from point to point, each relative to the last: shorter than absolute ones."""
    (first, y), *_ = points
    steps = " ".join(f"{dx} {dy}".replace(" -", "-") for dx, dy in _steps(points))
    return f"M{_x(first)} {y}l{steps}"


def _runs(there: npt.NDArray[np.bool_]) -> list[list[int]]:
    """Return the places of each stretch without a gap."""
    places = np.flatnonzero(there)
    return [part.tolist() for part in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if part.size]
