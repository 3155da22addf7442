"""Lupus: what it keeps of one partition of a model, duplicates, score × label and surrogate among it.

The reference that a pipeline would have frozen before is frozen here, from the file's first batch.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from lupus_assets.declare import MonitoredModel
from lupus_assets.profiling.freezing import freeze
from lupus_assets.profiling.partition import profile_partition
from lupus_assets.profiling.profiled import WHOLE
from lupus_assets.reading.batch import Reading
from lupus_assets.reading.cut import cuts
from lupus_assets.reading.role import kinds, needed, roles
from lupus_assets.records import Window
from lupus_assets.sources.parquet import ParquetSource
from lupus_assets.stats.column import CategoricalColumn, NumericColumn

FIRST = datetime(2025, 1, 1, tzinfo=UTC)  # the day of bench.data
WINDOW = Window(FIRST, FIRST + timedelta(days=1), f"{FIRST:%Y-%m-%d}")
SALT = b"bench"


def main() -> None:
    """Profile the file that the argument names, and print what is checked."""
    path = Path(sys.argv[1])
    model = MonitoredModel.model_validate(
        {
            "model": "bench",
            "team": "bench",
            "cadence": {"every": "day", "start": f"{FIRST:%Y-%m-%d}"},
            "tracks": {"champion": {"parquet": "{partition}.parquet"}},
            "columns": {"timestamp": "ts", "prediction": {"score": "p"}, "label": "y"},
        }
    )
    source = ParquetSource(path.name, path.parent, ZoneInfo("UTC"))
    schema = source.schema(WINDOW)
    listed = roles(model, kinds(model, schema))
    columns = [name for name in needed(model, listed) if name in schema.names]
    first = next(iter(source.batches(WINDOW, columns)))
    reference = freeze(
        model, roles=listed, schema=first.schema, windows=[WINDOW], batches=lambda _: [first], salt=SALT
    )
    seen = cuts(model, WINDOW)
    found = profile_partition(
        source.batches(WINDOW, columns),
        schema=schema,
        reading=Reading(model, listed, reference.grids, SALT),
        reference=reference,
        window=WINDOW,
        cuts=seen,
    )
    whole = found[seen[0]].profiles[WHOLE]
    numbers = {name: _numbers(column) for name, column in whole.columns.items()}
    rows = whole.counts.rows if whole.counts else 0
    json.dump({"version": version("lupus"), "rows": rows, "columns": numbers}, sys.stdout)


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


if __name__ == "__main__":
    main()
