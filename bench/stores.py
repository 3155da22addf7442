"""What the stores cost: writing, following, rebuilding, and a year of a fleet queried.

``python -m bench.stores`` starts its own Hive, Elasticsearch and S3 store on loopback. Seconds are of the
wall, CPU seconds are this process's own: the servers share the machine's cores with it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import numpy as np

from lupus_assets.installation import Installation
from lupus_assets.records import MetricRow, Place
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.layout import generation_path
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.sinks.hive.connection import Hive
from lupus_assets.upkeep import follow
from tests.services.__main__ import variables
from tests.services.elasticsearch import Elasticsearch
from tests.services.hive import HiveServer
from tests.services.seaweed import SeaweedFS

YEAR = datetime(2013, 1, 1, tzinfo=UTC)
COLUMNS, METRICS = 40, 25  # 1,000 rows a model-day
FLEET_COLUMNS, FLEET_METRICS = 22, 20  # 440: a model of the demonstration
REPEATS = 5


def place(model: str, start: datetime) -> Place:
    """Return the place of a model's day."""
    return Place(model, "champion", start, start + timedelta(days=1, hours=6), f"{start:%Y-%m}")


def day_rows(at: Place, columns: int, metrics: int, rng: np.random.Generator) -> list[MetricRow]:
    """Return the metrics of one model's day."""
    values = rng.normal(100, 15, (columns, metrics))
    return [
        MetricRow(
            track=at.track,
            version="2013-04",
            partition_key=f"{at.start:%Y-%m-%d}",
            window_start=at.start,
            as_of=at.as_of,
            segment="all",
            family="input",
            column_name=f"column_{column}",
            metric=f"metric_{metric}",
            value=float(values[column, metric]),
            lower=float(values[column, metric] - 3),
            upper=float(values[column, metric] + 3),
            n=1_000,
            reference="5f1c0a77e2b94c3d",
            reason=None,
        )
        for column, metric in product(range(columns), range(metrics))
    ]


@dataclass
class Spent:
    """Seconds of the wall, and CPU seconds of this process."""

    wall: float = 0.0
    cpu: float = 0.0

    def __enter__(self) -> "Spent":
        self.wall, self.cpu = -time.monotonic(), -time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall += time.monotonic()
        self.cpu += time.process_time()


def line(what: str, spent: Spent, rows: int) -> None:
    """Print one line of the table of writing."""
    print(
        f"{what:<46}{spent.wall / rows * 10_000:>8.3f}{spent.cpu / rows * 10_000:>8.3f}"
        f"{rows / spent.wall:>12,.0f}",
        flush=True,
    )


def model_days(models: int, days: int) -> Iterator[tuple[Place, list[MetricRow]]]:
    """Yield days of many models."""
    rng = np.random.default_rng(1)
    for day, model in product(range(days), range(models)):
        at = place(f"bench.model_{model}", YEAR + timedelta(days=day))
        yield at, day_rows(at, COLUMNS, METRICS, rng)


def write(store: ParquetStore, models: int, days: int) -> tuple[Spent, int]:
    """Write days of many models; return what it took, without making the rows, and how many rows."""
    total, count = Spent(), 0
    for at, rows in model_days(models, days):
        with Spent() as spent:
            store.replace("metrics", at, rows)
        total.wall += spent.wall
        total.cpu += spent.cpu
        count += len(rows)
    return total, count


def writing(work: Path, models: int, days: int) -> None:
    """Print what it takes to write model-days to every store."""
    print(f"\n{models * days:,} model-days of {COLUMNS * METRICS:,} metric rows, a file each")
    print(f"{'':<46}{'s/10k':>8}{'CPU s':>8}{'rows/s':>12}")
    line("disk", *write(ParquetStore(Folder(work / "disk")), models, days))
    with ExitStack() as running:
        s3 = running.enter_context(SeaweedFS(work / "s3"))
        os.environ.update(s3.variables())
        hive = running.enter_context(HiveServer(work / "hive", s3=s3))
        search = running.enter_context(Elasticsearch(work / "search"))
        installation = Installation.from_environment(variables(s3, search, hive), work)
        tables = installation.tables()
        spent, rows = write(tables, models, days)
        line("S3", spent, rows)
        with Spent() as spent:
            follow(tables, installation.view("hive"))
        line(f"Hive: {models} partitions registered", spent, rows)
        with Spent() as spent:
            follow(tables, installation.view("search"))
        line("Elasticsearch: followed", spent, rows)
        index = installation.view("search")
        with Spent() as spent:
            index.reindex(tables.months())
        line("Elasticsearch: index rebuilt", spent, rows)
        with Spent() as spent:
            behind = len(index.behind(tables.months()))
        print(f"{'nothing to follow: looked at in':<46}{spent.wall:>8.3f} s, {behind} behind", flush=True)


def fill(root: Path, models: int) -> int:
    """Write a year of a fleet, compacted, into `root`; return the number of rows.

    One model's year is written and compacted as it would be; the others get its files: the numbers differ
    between models, the work of reading them does not.
    """
    store = ParquetStore(Folder(root))
    rng = np.random.default_rng(2)
    first, count = "bench.model_0", 0
    for day in range(365):
        at = place(first, YEAR + timedelta(days=day))
        rows = day_rows(at, FLEET_COLUMNS, FLEET_METRICS, rng)
        store.replace("metrics", at, rows)
        count += len(rows)
    for month in range(1, 13):
        store.compact("metrics", model=first, month=f"2013-{month:02d}")
        data = (root / generation_path("metrics", first, f"2013-{month:02d}", 1)).read_bytes()
        for model in range(1, models):
            path = root / generation_path("metrics", f"bench.model_{model}", f"2013-{month:02d}", 1)
            path.parent.mkdir(parents=True)
            path.write_bytes(data)
    return count * models


QUERIES = {
    "one model's history": "select partition_key, value from metrics where model = 'bench.model_7' "
    "and column_name = 'column_3' and metric = 'metric_5' order by window_start",
    "yesterday over all models": "select model, max(value) as most, count(*) as n from metrics "
    "where month = '2013-12' and window_start = timestamp '2013-12-30 00:00:00' group by model",
    "the same, without the month": "select model, max(value) as most, count(*) as n from metrics "
    "where window_start = timestamp '2013-12-30 00:00:00' group by model",
}


def median(act: Callable[[], object]) -> float:
    """Return the median seconds of several runs."""
    taken = []
    for _ in range(REPEATS):
        began = time.monotonic()
        act()
        taken.append(time.monotonic() - began)
    return sorted(taken)[REPEATS // 2]


def fleet(work: Path, models: int) -> None:
    """Print what queries over a year of a fleet take, as a process of their own and from Hive."""
    root = work / "warehouse"
    with Spent() as spent:
        rows = fill(root, models)
    print(f"\n{models:,} models, 365 days, {rows:,} rows in compacted months (made in {spent.wall:.0f} s)")
    command = [str(Path(sys.executable).with_name("lupus")), "sql", "--home", str(work)]
    for what, query in QUERIES.items():
        seconds = median(
            lambda query=query: subprocess.run([*command, query], check=True, capture_output=True)
        )
        print(f"{'lupus sql: ' + what:<46}{seconds:>8.2f} s", flush=True)
    store = ParquetStore(Folder(root))
    seconds = median(lambda: store.read("metrics", model="bench.model_7"))
    print(f"{'read by the pipeline: one model':<46}{seconds:>8.2f} s", flush=True)
    with HiveServer(work / "hive") as hive:
        installation = Installation.from_environment(
            {
                "LUPUS_ENV": "services",
                "LUPUS_HIVE_HOST": hive.host,
                "LUPUS_HIVE_PORT": str(hive.port),
                "LUPUS_HIVE_AUTH": hive.auth,
            },
            work,
        )
        with Spent() as spent:
            count = follow(installation.tables(), installation.view("hive"))
        print(f"{f'Hive: {count:,} partitions registered':<46}{spent.wall:>8.2f} s", flush=True)
        with closing(Hive(installation.hive)) as asked:
            for what, query in list(QUERIES.items())[:2]:
                seconds = median(lambda query=query: asked.sql(query))
                print(f"{'Hive: ' + what:<46}{seconds:>8.2f} s", flush=True)


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--fleet", type=int, default=1_000, metavar="MODELS")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        writing(Path(folder) / "writing", arguments.models, arguments.days)
        fleet(Path(folder) / "fleet", arguments.fleet)


if __name__ == "__main__":
    main()
