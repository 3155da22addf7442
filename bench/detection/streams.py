"""Prediction logs with injected incidents, and the declaration under which all of them are watched.

One rule for every data set: what the schema calls categorical is, and so is an integer with no more than
`FEW` values in the reference window; everything else is numeric. A date of arrival means the end of that day.
"""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lupus_assets.declare import MonitoredModel
from lupus_assets.sources.log import LogSource

DATASETS, MODES = ("bike", "employment", "flights"), ("natural", "shuffled")
FEW = 20
END_OF_DAY = timedelta(days=1) - timedelta(microseconds=1)
LABELS_AFTER = "2d"


def make(evaluation: Path, out: Path, *, dataset: str, mode: str, seed: int) -> None:
    """Write the streams of one data set; what is injected is known to the scorer alone."""
    subprocess.run(
        [
            sys.executable, str(evaluation / "scorers" / "streams.py"), "make",
            "--src", str(evaluation / "data" / "logs"), "--dataset", dataset, "--mode", mode,
            "--per-kind", "1", "--controls", "6", "--seed", str(seed), "--out", str(out),
        ],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def declaration(schema: Path, reference: Path) -> MonitoredModel:
    """Return the declaration of a stream, from its schema and the values of its reference window."""
    said = json.loads(schema.read_text())
    rows = pq.read_table(reference, columns=said["feats"])
    categorical = {
        name
        for name in said["feats"]
        if name in said["cats"]
        or (pa.types.is_integer(rows[name].type) and pc.count_distinct(rows[name]).as_py() <= FEW)
    }
    first, last = said["ref"]
    return MonitoredModel.model_validate(
        {
            "model": "stream",
            "team": "bench",
            "cadence": {"every": "day", "start": first},
            "tracks": {"old": {"parquet": "{partition}.parquet"}},
            "columns": {
                "timestamp": "ts",
                "arrival": "arrival",
                "prediction": {"score" if said["kind"] == "clf" else "value": "p_old"},
                "label": {"column": "y", "arrival": "y_arrival", "arrives_within": LABELS_AFTER},
                "features": {
                    "numeric": [name for name in said["feats"] if name not in categorical],
                    "categorical": [name for name in said["feats"] if name in categorical],
                },
            },
            "reference": {"from": first, "to": last},
        }
    )


def log(path: Path) -> LogSource:
    """Return a reference window or what was served after it."""
    rows = pq.read_table(path)
    if "arrival" not in rows.column_names:
        rows = rows.append_column("arrival", rows["day"])
    if "y_arrival" not in rows.column_names:  # as in the served part: the third day begins with them
        rows = rows.append_column(
            "y_arrival", pc.add(rows["day"].cast(pa.timestamp("us")), _span(timedelta(days=3)))
        )
    for name, later in (("arrival", END_OF_DAY), ("y_arrival", timedelta(microseconds=-1))):
        moment = pc.add(rows[name].cast(pa.timestamp("us")), _span(later))
        rows = rows.set_column(rows.column_names.index(name), name, moment)
    return LogSource(rows, timestamp="ts", zone=ZoneInfo("UTC"), name=path.name)


def _span(delta: timedelta) -> pa.Scalar:
    return pa.scalar(delta, pa.duration("us"))
