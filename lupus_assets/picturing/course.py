"""A judged series over all its partitions, from the table ``verdicts``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from lupus_assets.picturing.address import Address
from lupus_assets.picturing.sparkline import of_series
from lupus_assets.reading.arrow import positions
from lupus_assets.reading.table import is_in, rows_where, table_integers
from lupus_assets.records import FACT_RULE, HISTORY_RULE

SERIES = ("family", "metric", "column_name", "segment")
COLUMNS = (
    "partition_key", "window_start", *SERIES, "rule", "value", "low", "high", "flagged", "sentence",
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """A series at one partition.

    Attributes
    ----------
    key : str
        Key of the partition.
    start : datetime
        Start of its window, naive UTC.
    value : float or None
        In the metric's own unit; None if undefined.
    low, high : float or None
        The expected range; None for an open side, both None without a verdict.
    flagged : bool
    sentence : str
        Empty if the series has no verdict at this partition.
    """

    key: str
    start: datetime
    value: float | None = None
    low: float | None = None
    high: float | None = None
    flagged: bool = False
    sentence: str = ""


def course(pieces: Iterable[pa.Table], of: Address) -> list[Point]:
    """Return a series, with a point for every partition of its track.

    A fact concerns one partition, and is shown in the history of the same series.

    Parameters
    ----------
    pieces : iterable of pyarrow.Table
        `COLUMNS` of the table ``verdicts``, of one track, in time order; each is read once.
    of : Address
        Its partition is ignored: the pieces end there.
    """
    points: dict[datetime, Point] = {}
    for piece in pieces:
        points |= _partitions(piece)
        judged: dict[datetime, dict[str, Mapping[str, Any]]] = {}
        for row in rows_where(piece, of_series(piece, of, _rules(of))).to_pylist():
            judged.setdefault(row["window_start"], {})[row["rule"]] = row  # later rows replace earlier ones
        points |= {start: _point(by_rule, of) for start, by_rule in judged.items()}
    return [points[start] for start in sorted(points)]


def unknown(verdicts: pa.Table, of: Address) -> tuple[str, list[str]]:
    """Return the first part of a series' name without verdicts, and the values that have verdicts.

    Parameters
    ----------
    verdicts : pyarrow.Table
        `COLUMNS` of the table ``verdicts``, of one track, without rows of the series.
    of : Address
    """
    there: list[str] = []
    for name in SERIES:
        there = sorted(set(verdicts[name].to_pylist()))
        if getattr(of, name) not in there:
            return name, there
        verdicts = rows_where(verdicts, is_in(verdicts, name, {getattr(of, name)}))
    return "rule", sorted(set(verdicts["rule"].to_pylist()))


def _rules(of: Address) -> set[str]:
    return {HISTORY_RULE, FACT_RULE} if of.rule in (HISTORY_RULE, FACT_RULE) else {of.rule}


def _partitions(verdicts: pa.Table) -> dict[datetime, Point]:
    _, first = np.unique(table_integers(verdicts, "window_start"), return_index=True)
    rows = verdicts.select(["partition_key", "window_start"]).take(positions(first)).to_pylist()
    return {row["window_start"]: Point(row["partition_key"], row["window_start"]) for row in rows}


def _point(by_rule: Mapping[str, Mapping[str, Any]], of: Address) -> Point:
    """Return the point of one partition: range of its history rule, sentence of its fact if any."""
    fact = by_rule.get(FACT_RULE)
    row = next(by_rule[rule] for rule in (HISTORY_RULE, of.rule, FACT_RULE) if rule in by_rule)
    value = fact["value"] if fact is not None and row["value"] is None else row["value"]
    return Point(
        key=row["partition_key"],
        start=row["window_start"],
        value=value,
        low=row["low"],
        high=row["high"],
        flagged=any(each["flagged"] for each in by_rule.values()),
        sentence=(fact or row)["sentence"],
    )
