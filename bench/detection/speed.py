"""What judging costs: a whole history, and the newest partition of many as runs judge it.

    python -m bench.detection.speed [--partitions 100 400 1600 5000] [--series 30 200 2000] [--newest 28]

CPU seconds of one process. The newest partition is `Pipeline.verdicts` over Parquet files in a folder, as a
run calls it, verdicts and incidents written: the mean over the last partitions, one by one. Histories are a
level, a weekly season and noise, of four metrics a column. Beside the detector by itself the floor that any
has, which is sorting the same histories once per series.
"""

from lupus_assets.process import prepare

prepare()

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from bench.detection.ordinary import Kind, history
from lupus_assets.declare import MonitoredModel
from lupus_assets.detect.detector import replay
from lupus_assets.detect.history import History
from lupus_assets.pipeline import Pipeline
from lupus_assets.profiling.profiled import Profiled
from lupus_assets.reading.cut import Cut, cuts, place
from lupus_assets.records import MetricRow, Window
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.stats.reference.frozen import Reference

COLUMNS, PARTITIONS = 57, 200
BUDGETS = (1.0,)
START, DAY = datetime(2010, 1, 4, tzinfo=UTC), timedelta(days=1)  # a Monday
TAUGHT = 60  # partitions
ROWS = 1_000
METRICS = ("clipped_mean", "rank_spread", "psi", "null_rate")
MODEL = MonitoredModel.model_validate(
    {
        "model": "speed",
        "team": "bench",
        "cadence": {"every": "day", "start": START.date()},
        "tracks": {"champion": {"parquet": "{partition}.parquet"}},
        "columns": {"timestamp": "at", "prediction": {"score": "p"}},
        "reference": {"from": START.date(), "to": (START + (TAUGHT - 1) * DAY).date()},
    }
)


def long(partitions: int, seed: int) -> History:
    """Return a history of so many partitions, one after another from a shorter one."""
    given = history(Kind(columns=COLUMNS, weekly=2.0), 10_000, np.random.default_rng(seed))
    rows = np.arange(partitions) % len(given.values)
    parts = {name: getattr(given, name)[rows] for name in ("values", "variance", "n", "design")}
    return replace(given, **parts, phases=(np.arange(partitions) % 7)[:, None])


def cpu(act: Callable[[], object], repeats: int = 1) -> float:
    """Return the median CPU seconds of an act."""
    taken = []
    for _ in range(repeats):
        began = time.process_time()
        act()
        taken.append(time.process_time() - began)
    return median(taken)


def day(number: int) -> Window:
    """Return the window of a day."""
    start = START + number * DAY
    return Window(start, start + DAY, f"{start:%Y-%m-%d}")


class Log:
    """A log of a score and of the time, the same every day."""

    def arrived(self, _: Window) -> bool:
        """Return that it is there."""
        return True

    def schema(self, window: Window) -> pa.Schema:
        """Return its two columns."""
        return next(self.batches(window, ["at", "p"])).schema

    def batches(self, window: Window, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield its rows."""
        at = [window.start + row * timedelta(minutes=1) for row in range(100)]
        table = pa.table({"at": at, "p": np.linspace(0.1, 0.9, 100)})
        yield from table.select(list(columns)).to_batches()


@dataclass
class Warehouse:
    """A track of as many series whose partitions have metrics, and no verdicts yet."""

    root: Path
    series: int

    def __post_init__(self) -> None:
        self.pipeline = Pipeline(ParquetStore(Folder(self.root)), lambda *_: Log(), salt=b"bench")
        now = START + 40_000 * DAY
        days = [day(number) for number in range(TAUGHT)]
        self.reference: Reference = self.pipeline.freeze(MODEL, days, now)["champion"]
        self.profiled: dict[Cut, Profiled] = self.pipeline.profile(
            MODEL, "champion", days[0], self.reference, now
        )
        self.rng = np.random.default_rng(self.series)

    def measure(self, first: int, end: int) -> None:
        """Write the metrics of some days."""
        for number in range(first, end):
            window = day(number)
            (cut,) = cuts(MODEL, window)
            where = place(MODEL, "champion", window, cut.as_of)
            self.pipeline.store.replace("metrics", where, list(self._metrics(window, cut)))

    def _metrics(self, window: Window, cut: Cut) -> Iterator[MetricRow]:
        season = 0.3 * (window.start.weekday() >= 5)
        plain = MetricRow(
            "champion", "*", window.key, window.start, cut.as_of, "*", "input", "", "row_count",
            float(self.rng.poisson(ROWS)), None, None, ROWS, self.reference.digest, None,
        )  # fmt: skip
        yield plain
        noise = self.rng.normal(size=self.series - 1).tolist()
        for at, each in enumerate(noise):
            value = {
                "clipped_mean": season + 0.1 * each,
                "rank_spread": 0.25 + 0.01 * each,
                "psi": 0.01 * abs(each),
                "null_rate": round(3 + each) / ROWS if each > -3 else 0.0,
            }[METRICS[at % 4]]
            yield replace(
                plain, column_name=f"c{at // 4}", metric=METRICS[at % 4], value=value, upper=value + 0.1
            )

    def judge(self, number: int) -> None:
        """Judge a day from what came before it."""
        profiled = dict(zip(cuts(MODEL, day(number)), self.profiled.values(), strict=True))
        self.pipeline.verdicts(MODEL, "champion", self.reference, {day(number): profiled})

    def newest(self, partitions: int, count: int) -> tuple[float, float]:
        """Return the CPU seconds of the last of so many partitions: of the mean of `count`, and replayed."""
        self.measure(0, partitions)
        replayed = cpu(lambda: self.judge(partitions - count - 1))
        return cpu(
            lambda: [self.judge(number) for number in range(partitions - count, partitions)]
        ) / count, replayed

    def kept(self) -> tuple[int, int]:
        """Return bytes and number of the files that judging goes on from."""
        sizes = [path.stat().st_size for path in (self.root / "checkpoints").rglob("*") if path.is_file()]
        return sum(sizes), len(sizes)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--partitions", type=int, nargs="*", default=[100, 400, 1_600, 5_000])
    parser.add_argument("--series", type=int, nargs="*", default=[30, 200, 2_000])
    parser.add_argument("--newest", type=int, default=28)
    given = parser.parse_args()
    whole = long(PARTITIONS, 1)
    series = whole.values.shape[1]
    floor = cpu(lambda: [np.sort(whole.values[:at], axis=0) for at in range(1, PARTITIONS)], 5)
    taken = cpu(lambda: replay(whole, BUDGETS), 5)
    print(
        f"{series} series x {PARTITIONS} partitions, judged one by one: {taken:.3f} s ({floor:.3f} s sorted)"
    )
    for series, partitions in [
        *((given.series[0], each) for each in given.partitions),
        *((each, 400) for each in given.series[1:]),
    ]:
        with TemporaryDirectory() as root:
            warehouse = Warehouse(Path(root), series)
            newest, replayed = warehouse.newest(partitions, given.newest)
            size, files = warehouse.kept()
            print(
                f"{series:,} series, newest of {partitions:,} partitions: {newest:.4f} s; "
                f"replayed {replayed:.3f} s; kept {size / 2**20:.2f} MiB in {files} files",
                flush=True,
            )


if __name__ == "__main__":
    main()
