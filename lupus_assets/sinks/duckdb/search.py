"""Search of alarms by text and by subject over the files, with DuckDB: the embedded default."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from lupus_assets.records import AFTER, FoundAlarm, Search
from lupus_assets.sinks.duckdb.query import Warehouse, quoted
from lupus_assets.sinks.word import LONGEST, SPOKEN, words

FIELDS = tuple(FoundAlarm.__dataclass_fields__)
SAID = f"concat_ws(' ', {', '.join(SPOKEN)})"
# Newest window first, then facts and the team's rules, then what is furthest off; the rest makes it definite.
ORDER = (
    "window_start DESC, surprise DESC NULLS FIRST, model, track, segment, column_name, metric, rule, as_of"
)


class WarehouseSearch:
    """Implements `lupus_assets.ports.SearchIndex` over the tables of a `Warehouse`.

    Parameters
    ----------
    warehouse : Warehouse
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    @property
    def place(self) -> str:
        """The folder of the tables."""
        return str(self._warehouse.root)

    def search(self, wanted: Search) -> list[FoundAlarm]:
        """Return the matching alarms, newest window first, then by surprise."""
        asked = words(wanted.text)
        where = " AND ".join([*conditions(wanted), *map(_may_hold, asked)])
        columns = ", ".join([*FIELDS, f"{SAID} AS said"])
        limit = wanted.most
        while True:
            rows = self._warehouse.sql(
                f"SELECT {columns} FROM verdicts WHERE {where} ORDER BY {ORDER} LIMIT {limit}"  # noqa: S608 - quoted
            ).to_pylist()
            # SQL splits text that is not ASCII otherwise than `words`, and lets it pass.
            found = [row for row in rows if set(asked) <= set(words(row["said"]))]
            if len(found) >= wanted.most or len(rows) < limit:
                return [_found(row) for row in found[: wanted.most]]
            limit *= 10


def conditions(wanted: Search) -> list[str]:
    """Return the SQL conditions of a search but for its text; all must hold."""
    clauses = ["flagged"]
    if wanted.team is not None:
        clauses.append(f"split_part(model, '.', 1) = {quoted(wanted.team)}")
    if wanted.model is not None:
        clauses.append(f"split_part(model, '.', 2) = {quoted(wanted.model)}")
    if wanted.track is not None:
        clauses.append(f"track = {quoted(wanted.track)}")
    if wanted.columns is not None:
        clauses.append(_of_columns(wanted.columns))
    # By month as well: whole files are left out then.
    if wanted.since is not None:
        clauses += [f"partition_key >= {quoted(wanted.since)}", f"month >= {quoted(wanted.since[:7])}"]
    if wanted.until is not None:
        last = f"{wanted.until}{AFTER}"
        clauses += [f"partition_key <= {quoted(last)}", f"month <= {quoted(last[:7])}"]
    if wanted.severity > 0:
        clauses.append(f"(surprise IS NULL OR surprise >= {wanted.severity!r}::DOUBLE)")
    return clauses


def _of_columns(columns: Mapping[str, frozenset[str]]) -> str:
    pairs = [(model, name) for model, names in columns.items() for name in sorted(names)]
    listed = ", ".join(f"({quoted(model)}, {quoted(name)})" for model, name in pairs)
    return f"(model, column_name) IN ({listed})" if pairs else "false"


def _may_hold(word: str) -> str:
    """Return a condition that all rows with `word` meet; for ASCII words, only these rows."""
    other = f"strlen({SAID}) <> length({SAID})"
    if not word.isascii():
        return f"({other})"
    end = "([^a-z0-9]|$)" if len(word) < LONGEST else ""  # a longer one was cut off
    return f"({other} OR regexp_matches(lower({SAID}), '(^|[^a-z0-9]){word}{end}'))"


def _found(row: Mapping[str, Any]) -> FoundAlarm:
    start = row["window_start"].replace(tzinfo=UTC)
    return FoundAlarm(**{name: row[name] for name in FIELDS} | {"window_start": start})
