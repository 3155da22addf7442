"""What many columns cost: a run over many models, a wide reference, and a wide model beside narrow ones.

    python bench/width.py [--models 25] [--columns 1000] [--wide 3000] [--days 3] [--label]

Three parts, each in a process of its own; memory is the peak of that process, CPU its user and system time.

- A run over `models` models of 40 numeric columns and a segment column of 20 values, as Dagster runs it: one
  partition of each, with references that are frozen already (bar: 600 MiB).
- Freezing 28 days of `columns` numeric columns and 200 rows a day (bar: 1 GiB and 60 s of CPU).
- A run over `days` partitions of 300 rows of a model of `wide` columns, and over those of ten models of 300
  columns (bar: 1.5 GiB, and thrice the CPU of the ten). With `--label` the models have one.

A part whose option is 0 is left out. The script imports nothing of `bench`, so that it measures another build
whose folder is in PYTHONPATH; of one that keeps references give `--models 1`.
"""

from lupus_assets.process import prepare

prepare()

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2025, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FROZEN = 28  # days of the reference
NARROW, TENTH = 10, 300  # models beside the wide one, and their columns


def key(day: int) -> str:
    """Return the partition key of a day."""
    return f"{(START + day * DAY).date()}"


def declared(name: str, *, segments: bool, label: bool) -> Any:
    """Return the declaration of one model; all read the same log."""
    from lupus_assets.declare import MonitoredModel

    columns = {"timestamp": "ts", "key": "id", "prediction": {"score": "p"}}
    return MonitoredModel.model_validate(
        {
            "model": name,
            "team": "bench",
            "cadence": {"every": "day", "start": START.date()},
            "tracks": {"champion": {"parquet": "{partition}.parquet"}},
            "columns": columns | ({"label": "y"} if label else {}),
            "segments": ["segment"] if segments else [],
            "reference": {"from": START.date(), "to": (START + (FROZEN - 1) * DAY).date()},
        }
    )


def models(arguments: argparse.Namespace) -> list[Any]:
    """Return the declarations of a part."""
    return [
        declared(f"model_{at}", segments=arguments.segments > 0, label=arguments.label)
        for at in range(arguments.models)
    ]


def pipeline(home: Path) -> Any:
    """Return the pipeline of an installation below `home`, whose logs are there too."""
    from lupus_assets.resources.installation import Embedded

    return Embedded(home=str(home), data_root=str(home), salt="bench").pipeline()


def write(home: Path, arguments: argparse.Namespace) -> None:
    """Write the log; the score follows a tenth of the columns."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    for day in range(FROZEN + arguments.days):
        rng = np.random.default_rng(day)
        values = rng.normal(size=(arguments.columns, arguments.rows))
        p = 1 / (1 + np.exp(-3 * values[: max(arguments.columns // 10, 1)].mean(axis=0)))
        start = np.datetime64((START + day * DAY).replace(tzinfo=None), "us")
        times = start + np.sort(rng.integers(0, 86_400_000_000, arguments.rows)).astype("m8[us]")
        table = {
            "ts": pa.array(times).cast(pa.timestamp("us", "UTC")),
            "id": pa.array([f"{day}-{row}" for row in range(arguments.rows)]),
            "p": pa.array(p),
            "y": pa.array(rng.random(arguments.rows) < p),
        }
        if not arguments.label:
            del table["y"]
        if arguments.segments:
            values_of = rng.integers(0, arguments.segments, arguments.rows)
            table["segment"] = pa.array([f"s{each}" for each in values_of])
        table |= {f"f{at:04d}": pa.array(each) for at, each in enumerate(values)}
        pq.write_table(pa.table(table), home / f"{key(day)}.parquet")


def freeze(home: Path, arguments: argparse.Namespace) -> None:
    """Freeze the reference of the first model."""
    from lupus_assets.assets.partition import reference_windows

    first = models(arguments)[0]
    pipeline(home).freeze(first, reference_windows(first), datetime.now(UTC))


def share(home: Path, arguments: argparse.Namespace) -> None:
    """Give all models the reference of the first, each with a digest of its own."""
    from lupus_assets.reading.cut import place
    from lupus_assets.records import ReferenceRow, Window
    from lupus_assets.stats.codec import from_bytes, to_bytes

    first, *others = models(arguments)
    store = pipeline(home).store
    (row,) = store.read("frozen_references", model=first.name).to_pylist()
    reference = from_bytes(row["state"])
    moments = {name: row[name].replace(tzinfo=UTC) for name in ("window_start", "window_end", "as_of")}
    window = Window(moments["window_start"], moments["window_end"], "reference")
    for at, model in enumerate(others, start=1):
        own = replace(reference, digest=f"{at:016x}")
        parts = row | moments | {"reference": own.digest, "state": to_bytes(own)}
        known = {name: parts[name] for name in ReferenceRow.__dataclass_fields__}
        where = place(model, "champion", window, moments["as_of"])
        store.replace("frozen_references", where, [ReferenceRow(**known)])


def run(home: Path, arguments: argparse.Namespace) -> None:
    """Run the partitions after the reference, of all models in one run of Dagster."""
    import dagster as dg

    from lupus_assets.assets import load_location
    from lupus_assets.assets.key import STEPS, step_key
    from lupus_assets.assets.operation import group_slug
    from lupus_assets.resources.installation import Embedded

    all_of_them = models(arguments)
    resources = {"lupus": Embedded(home=str(home), data_root=str(home), salt="bench")}
    location = load_location(home, home / "none", resources, all_of_them)
    ends = {"start": key(FROZEN), "end": key(FROZEN + arguments.days - 1)}
    tags = {f"dagster/asset_partition_range_{end}": each for end, each in ends.items()}
    keys = [step_key(model, "champion", step) for model in all_of_them for step in STEPS]
    job = location.resolve_job_def(group_slug(all_of_them[0].cadence.group))
    with dg.DagsterInstance.ephemeral() as instance:
        job.execute_in_process(instance=instance, tags=tags, asset_selection=keys)


PARTS = {"write": write, "freeze": freeze, "share": share, "run": run}


def measured(part: str, home: Path, **parameters: object) -> tuple[float, float]:
    """Return CPU seconds and peak MiB of one part in a process of its own."""
    command = [sys.executable, __file__, "--part", part, "--home", str(home)]
    for name, value in parameters.items():
        command += [f"--{name}"] if value is True else [] if value is False else [f"--{name}", str(value)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found = json.loads(output.stdout.splitlines()[-1])
    return found["cpu"], found["peak"]


def peak() -> float:
    """Return the peak of this process's memory in MiB; that of `resource` may be its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]  # there since Linux 2.6


def said(what: str, cpu: float, memory: float) -> None:
    """Print what one part took."""
    print(f"{what:45} {cpu:6.1f} s of CPU  {memory:6,.0f} MiB", flush=True)


def many(arguments: argparse.Namespace) -> None:
    """Measure a run over many models."""
    like = {"models": arguments.models, "columns": 40, "rows": 1_000, "segments": 20, "days": 1}
    with tempfile.TemporaryDirectory() as name:
        for part in ("write", "freeze", "share"):
            measured(part, Path(name), **like)
        said(f"{arguments.models} models, 40 columns × 20 segments", *measured("run", Path(name), **like))


def frozen(arguments: argparse.Namespace) -> None:
    """Measure the freezing of a wide reference."""
    like = {"models": 1, "columns": arguments.columns, "rows": 200, "days": 0}
    with tempfile.TemporaryDirectory() as name:
        measured("write", Path(name), **like)
        said(f"{arguments.columns:,} columns frozen", *measured("freeze", Path(name), **like))


def wide(arguments: argparse.Namespace) -> None:
    """Measure one wide model and ten narrow ones."""
    taken = []
    for count, columns in ((NARROW, TENTH), (1, arguments.wide)):
        like = {"models": count, "columns": columns, "rows": 300}
        like |= {"days": arguments.days, "label": arguments.label}
        with tempfile.TemporaryDirectory() as name:
            for part in ("write", "freeze", "share"):
                measured(part, Path(name), **like)
            cpu, memory = measured("run", Path(name), **like)
        taken.append(cpu)
        said(f"{count} × {columns:,} columns, {arguments.days} partitions", cpu, memory)
    print(f"one wide model over ten narrow ones: {taken[1] / taken[0]:.2f} × the CPU")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("models", 25), ("columns", 1_000), ("wide", 3_000), ("days", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--label", action="store_true")
    parser.add_argument("--rows", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--segments", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        PARTS[arguments.part](arguments.home, arguments)
        print(json.dumps({"cpu": time.process_time(), "peak": peak()}))
        return
    for wanted, part in ((arguments.models, many), (arguments.columns, frozen), (arguments.wide, wide)):
        if wanted:
            part(arguments)


if __name__ == "__main__":
    main()
