"""A judged series over its latest partitions, and its small picture: values, expected range and alarms."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lupus_assets.picturing.address import Address
from lupus_assets.picturing.drawing import FLAT, TINY, Scale, opened, runs, short_dots, short_path, titled
from lupus_assets.reading.table import is_in, microseconds, rows_where, table_floats, table_integers
from lupus_assets.records import FACT_RULE, HISTORY_RULE, VerdictRow

SHOWN = 28  # partitions of the small picture: four weeks
COLUMNS = (
    "window_start", "segment", "family", "column_name", "metric", "rule", "value", "low", "high", "flagged",
)  # fmt: skip
SERIES = ("segment", "family", "column_name", "metric")
STEP, HEIGHT = 4, 26  # units of the drawing: the width of a partition, the height of all values
MARGIN = 2
BAND, LINE, ALARM = "#def", "#456", "red"

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trail:
    """One series, partition by partition; arrays of shape (partitions,).

    Attributes
    ----------
    value : array of float
        NaN if undefined.
    low, high : array of float
        The expected range; infinite for an open side, NaN without a verdict.
    flagged : array of bool
    """

    value: Array
    low: Array
    high: Array
    flagged: npt.NDArray[np.bool_]


def of_series(verdicts: pa.Table, of: VerdictRow | Address, rules: Collection[str]) -> npt.NDArray[np.bool_]:
    """Return a mask of the rows of the table ``verdicts`` that belong to one series and one of `rules`."""
    mine = is_in(verdicts, "rule", rules)
    for name in SERIES:
        mine &= is_in(verdicts, name, {getattr(of, name)})
    return mine


def trail(verdicts: pa.Table, of: VerdictRow) -> Trail:
    """Return the series of a verdict: at most `SHOWN` partitions, up to that of the verdict.

    Parameters
    ----------
    verdicts : pyarrow.Table
        `COLUMNS` of the table ``verdicts``, of one track, in time order.
    of : VerdictRow
    """
    mine = table_integers(verdicts, "window_start") <= microseconds(of.window_start)
    rule = HISTORY_RULE if of.rule == FACT_RULE else of.rule  # a fact concerns one partition
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
    """Return an SVG drawing: expected range as a band, values as a line, alarms as dots.

    Its text is kept short, since it is stored with the check, and Dagit hides long texts.

    Parameters
    ----------
    of : Trail
    title : str
        Text of the tooltip.
    """
    finite = np.concatenate([each[np.isfinite(each)] for each in (of.value, of.low, of.high)])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    span = max(high - low, FLAT * max(abs(high), abs(low)), TINY)
    y = Scale(low, high, HEIGHT - MARGIN, MARGIN, span)

    def places(values: Array) -> list[tuple[int, int]]:
        known = np.nan_to_num(values, nan=low, posinf=np.inf, neginf=-np.inf).tolist()
        return [(STEP * at + STEP // 2, round(y(value))) for at, value in enumerate(known)]

    upper, lower, middle = places(of.high), places(of.low), places(of.value)
    bands = [
        short_path([*(upper[at] for at in part), *(lower[at] for at in reversed(part))])
        for part in runs((~np.isnan(of.low)).tolist())
    ]
    lines = [short_path([middle[at] for at in part]) for part in runs((~np.isnan(of.value)).tolist())]
    alarms = short_dots([middle[at] for at in np.flatnonzero(of.flagged).tolist()])
    width = STEP * of.value.size
    head = opened(width, HEIGHT, f'width="{3 * width}"')
    return (
        f"{head}{titled(title)}"
        f'<path fill="{BAND}" d="{"".join(bands)}"/>'
        f'<path fill="none" stroke="{LINE}" d="{"".join(lines)}"/>'
        f'<path stroke="{ALARM}" stroke-width="3" d="{alarms}"/></svg>'
    )
