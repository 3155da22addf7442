"""Lupus: what it keeps of a partition, with score and label; of two files also their distances.

``lupus_profile.py FILE [AGAINST]``. Grids are those of AGAINST, else of FILE itself.
"""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from lupus_assets.declare import MonitoredModel
from lupus_assets.monitor.cut import cuts
from lupus_assets.monitor.drift import State, drift
from lupus_assets.monitor.freezing import freeze
from lupus_assets.monitor.profiling import WHOLE, profile_partition
from lupus_assets.monitor.role import kinds, needed, roles
from lupus_assets.monitor.rows import Reading
from lupus_assets.records import Window
from lupus_assets.sources.parquet import ParquetSource
from lupus_assets.stats.column import CategoricalColumn, NumericColumn

FIRST = datetime(2025, 1, 1, tzinfo=UTC)  # bench.data's day; the shifted one is the next
DAY = timedelta(days=1)
SALT = b"bench"


def main() -> None:
    """Profile the files that the arguments name, and print what is checked."""
    paths = {Path(path) for path in sys.argv[1:]}
    model = MonitoredModel.model_validate(
        {
            "model": "bench",
            "team": "bench",
            "cadence": {"every": "day", "start": "2025-01-01"},
            "tracks": {"champion": {"parquet": "{partition}.parquet"}},
            "columns": {"timestamp": "ts", "prediction": {"score": "p"}, "label": "y"},
        }
    )
    sources = {path: ParquetSource(path.name, path.parent, ZoneInfo("UTC")) for path in paths}
    current, reference_path = Path(sys.argv[1]), Path(sys.argv[-1])
    days = {path: FIRST + index * DAY for index, path in enumerate(dict.fromkeys([reference_path, current]))}
    windows = {path: Window(start, start + DAY, f"{start:%Y-%m-%d}") for path, start in days.items()}

    schema = sources[current].schema(windows[current])
    listed = roles(model, kinds(model, schema))
    columns = [name for name in needed(model, listed) if name in schema.names]
    first = next(iter(sources[reference_path].batches(windows[reference_path], columns)))
    reference = freeze(
        model,
        roles=listed,
        schema=first.schema,
        windows=[windows[reference_path]],
        batches=lambda _: [first],
        salt=SALT,
    )
    reading = Reading(model, listed, reference.grids, SALT)

    profiles = {}
    for path, window in windows.items():
        seen = cuts(model, window)
        batches = sources[path].batches(window, columns)
        found = profile_partition(
            batches, schema=schema, reading=reading, reference=reference, window=window, cuts=seen
        )
        profiles[path] = found[seen[0]].profiles[WHOLE]
    whole = profiles[current]

    rows = whole.counts.rows if whole.counts else 0
    shown: dict[str, object] = {"version": version("lupus"), "rows": rows, "columns": {}}
    shown["columns"] = {name: _numbers(column) for name, column in whole.columns.items()}
    if len(paths) > 1:
        pair = [_states(profiles[path].columns) for path in (reference_path, current)]
        shown["drift"] = {each.column: each.distances for each in drift(pair[:1], pair[1:]).columns}
    json.dump(shown, sys.stdout)


def _numbers(column: object) -> dict[str, float]:
    if isinstance(column, NumericColumn):
        numbers = {
            "missing": column.nulls + column.nans,
            "distinct": column.distinct.estimate(),
            "min": column.minimum,
            "max": column.maximum,
            "mean": column.moments.mean,
            "sd": column.moments.sd,
        }
        return {name: float(value) for name, value in numbers.items() if value is not None}
    return {"missing": float(column.nulls)} if isinstance(column, CategoricalColumn) else {}


def _states(columns: Mapping[str, object]) -> dict[str, State]:
    return {
        name: each for name, each in columns.items() if isinstance(each, NumericColumn | CategoricalColumn)
    }


if __name__ == "__main__":
    main()
