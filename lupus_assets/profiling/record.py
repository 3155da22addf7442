"""Profiles as rows of the table ``profiles``, and back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from lupus_assets.errors import StateError
from lupus_assets.profiling.parting import Cell
from lupus_assets.profiling.profiled import WHOLE, Profiled
from lupus_assets.records import EVERYTHING, ProfileRow, Window
from lupus_assets.stats.codec import from_bytes, to_bytes
from lupus_assets.stats.column import Column
from lupus_assets.stats.profile import Profile

PROBLEM = "problem"
PROFILE_FIELDS = {  # by kind of a row
    "rows": "counts",
    "joint": "joint",
    "residual": "residual",
    "ranks": "ranks",
    "clusters": "clusters",
}


def profile_rows(
    profiled: Profiled, track: str, window: Window, as_of: datetime, reference: str
) -> list[ProfileRow]:
    """Return one row per state, and one per unreadable column."""

    def row(cell: Cell, column: str, kind: str, state: bytes) -> ProfileRow:
        return ProfileRow(
            track=track,
            version=cell[0],
            partition_key=window.key,
            window_start=window.start,
            as_of=as_of,
            segment=cell[1],
            column_name=column,
            kind=kind,
            reference=reference,
            state=state,
        )

    rows = []
    for cell, profile in profiled.profiles.items():
        for kind, name in PROFILE_FIELDS.items():
            part = getattr(profile, name)
            if part is not None:
                rows.append(row(cell, "", kind, to_bytes(part)))
        for name, column in profile.columns.items():
            rows.append(row(cell, name, type(column).__name__, to_bytes(column)))
    for name, text in profiled.problems.items():
        rows.append(row(WHOLE, name, PROBLEM, text.encode()))
    return rows


def profiles_from(table: pa.Table) -> Profiled:
    """Return the profiles in rows of `profile_rows`.

    Raises
    ------
    StateError
        A state is damaged, or of a format that this version cannot read.
    """
    parts: dict[Cell, dict[str, Any]] = {WHOLE: {}}  # present even if there are only problems
    columns: dict[Cell, dict[str, Column]] = {WHOLE: {}}
    problems: dict[str, str] = {}
    for row in table.to_pylist():
        cell = (row["version"], row["segment"])
        parts.setdefault(cell, {})
        columns.setdefault(cell, {})
        try:
            if row["kind"] == PROBLEM:
                problems[row["column_name"]] = row["state"].decode()
            elif row["kind"] in PROFILE_FIELDS:
                parts[cell][PROFILE_FIELDS[row["kind"]]] = from_bytes(row["state"])
            else:
                columns[cell][row["column_name"]] = from_bytes(row["state"])
        except (StateError, UnicodeDecodeError) as error:
            raise unreadable(row, error) from error
    profiles = {cell: Profile(**{"counts": None} | parts[cell], columns=columns[cell]) for cell in columns}
    return Profiled(profiles, problems)


def unreadable(row: Mapping[str, Any], error: Exception) -> StateError:
    """Return an error for the state in a row of the table ``profiles``, with its place and the remedy.

    Parameters
    ----------
    row : mapping
        Its ``track``, ``partition_key``, ``kind``, ``column_name``, ``segment`` and ``version``.
    error : Exception
        The cause; its text enters the message.
    """
    subject = f"column {row['column_name']!r}" if row["column_name"] else f"its {row['kind']}"
    cell = [f"{name} {row[name]}" for name in ("segment", "version") if row[name] != EVERYTHING]
    where = ", ".join([f"the stored profile of {row['track']} {row['partition_key']}", subject, *cell])
    return StateError(f"{where}: {error}; materialise the profile of this partition again")
