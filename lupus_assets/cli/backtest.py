"""``lupus backtest``: the alarms of a monitor on a past log."""

import argparse
import csv
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lupus_assets.cli.output import Commands, counted, note
from lupus_assets.cli.place import add_home, import_from_here, installation, missing, parquet_files
from lupus_assets.cli.progress import Progress
from lupus_assets.cli.table import laid_out

if TYPE_CHECKING:
    from lupus_assets.declare import MonitoredModel
    from lupus_assets.replay import Alarm, Backtest, Watch
    from lupus_assets.sources.log import LogSource

MAX_TARGETS = 5  # named per budget
NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = commands.add_parser(
        "backtest",
        help="replay a log partition by partition, and list the alarms that would have been raised",
    )
    command.add_argument("declaration", metavar="DECLARATION", type=Path)
    command.add_argument(
        "--reference",
        metavar="FILE|DIR|S3",
        help="Parquet of the reference window (default: the declared window of the first track's log)",
    )
    command.add_argument(
        "--log",
        metavar="FILE|DIR|S3",
        help="Parquet of the partitions to judge (default: the later partitions of the first track's log)",
    )
    command.add_argument(
        "--budget",
        metavar="B",
        type=_budget,
        nargs="+",
        help="false incidents a month, or as declared, such as '1 per quarter' (default: the declared one)",
    )
    command.add_argument(
        "--out", metavar="DIR", type=Path, help="write alarms.csv here, one folder per budget"
    )
    add_home(command)
    command.set_defaults(run=backtest)


def _budget(text: str) -> float:
    from pydantic_core import PydanticCustomError

    from lupus_assets.declare.rule import parse_budget

    try:
        return parse_budget(float(text) if NUMBER.fullmatch(text) else text)
    except PydanticCustomError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def backtest(arguments: argparse.Namespace) -> int:
    """Print the incidents a month for each budget, and write the alarms."""
    from lupus_assets.declare import load
    from lupus_assets.replay import backtest as replay
    from lupus_assets.replay import learn

    if not arguments.declaration.exists():
        raise missing(arguments.declaration, "give a declaration")
    model = load(arguments.declaration)
    budgets: Sequence[float] = arguments.budget or [model.alarms.budget]
    start, end = model.reference_window()
    until = min(datetime.now(UTC), model.cadence.end_instant or datetime.now(UTC))
    logs = [
        _declared(model, arguments.home, *window) if path is None else _log(model, path)
        for path, window in ((arguments.reference, (start, end)), (arguments.log, (end, until)))
    ]
    if arguments.out is not None:
        _make(arguments.out)  # before the replay, whose results would be lost
    learned = learn(model, logs[0], _watched("reference"))
    result = replay(model, learned, logs[1], budgets, _watched("log"))
    print(
        laid_out(["budget", "incidents", "a month", "named"], [_line(result, budget) for budget in budgets])
    )
    note(f"{counted(len(result.windows), 'partition')}, {result.months:.1f} months, of {model.key}")
    if arguments.out is not None:
        for budget in budgets:
            folder = arguments.out if len(budgets) == 1 else arguments.out / f"{budget:g}"
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / "alarms.csv", model, result.alarms[budget])
    return 0


def _watched(title: str) -> "Watch":
    """Return a function that reports the progress of the passes over a log."""

    @contextmanager
    def watch(name: str, steps: int) -> Iterator[Callable[[], None]]:
        with Progress(f"{title}: {name}", lambda: steps, "steps") as progress:
            yield progress.advance

    return watch


def _make(folder: Path) -> None:
    from lupus_assets.errors import UsageError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be made ({error.strerror}); give another folder as --out"
        ) from error


def _log(model: "MonitoredModel", path: str) -> "LogSource":
    import pyarrow as pa

    from lupus_assets.sources.file import batches_of, count_rows, schema_of
    from lupus_assets.sources.log import LogSource

    files = parquet_files(path)
    schema = schema_of(files)
    with Progress(f"reading {path}", lambda: count_rows(files), "rows") as progress:
        batches = progress.over(batches_of(files, schema), len)
        rows = pa.Table.from_batches(batches, schema).unify_dictionaries()
    return LogSource(rows, timestamp=model.columns.timestamp, zone=model.cadence.zone, name=path)


def _declared(model: "MonitoredModel", home: Path, since: datetime, until: datetime) -> "LogSource":
    """Return the arrived partitions of the first track's log between two times, in memory."""
    import pyarrow as pa

    from lupus_assets.declare.window import windows
    from lupus_assets.errors import UsageError
    from lupus_assets.installation import data_root
    from lupus_assets.sources.column import unify
    from lupus_assets.sources.log import LogSource

    import_from_here()
    track = next(iter(model.tracks))
    source = installation(home).source(model, track, data_root(os.environ, home))
    tables, common = [], pa.schema([])
    spans = windows(model.cadence, since, until)
    with Progress(f"reading the log of {track}", lambda: len(spans), "partitions") as progress:
        for window in progress.over(spans):
            if source.arrived(window):
                schema = source.schema(window)
                common = unify([("", common), (f"partition {window.key}", schema)])
                tables.append(pa.Table.from_batches(source.batches(window, schema.names), schema))
    name = f"the log of {track} from {since:%Y-%m-%d} to {until:%Y-%m-%d}"
    if not tables:
        raise UsageError(f"{name} has no partition yet; give --reference and --log, or correct LUPUS_DATA")
    rows = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
    return LogSource(rows, timestamp=model.columns.timestamp, zone=model.cadence.zone, name=name)


def _line(result: "Backtest", budget: float) -> list[str]:
    targets = Counter(alarm.target for alarm in result.alarms[budget])
    most = ", ".join(f"{name} ({count})" for name, count in targets.most_common(MAX_TARGETS))
    more = f" and {len(targets) - MAX_TARGETS} more" if len(targets) > MAX_TARGETS else ""
    rate = result.incidents[budget] / result.months
    return [f"{budget:g} a month", str(result.incidents[budget]), f"{rate:.2f}", most + more]


def _write(path: Path, model: "MonitoredModel", alarms: "Sequence[Alarm]") -> None:
    from lupus_assets.replay import Alarm

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "track", *(field.name for field in fields(Alarm))])
        track = next(iter(model.tracks))
        for alarm in alarms:
            cells = ("" if value is None else value for value in astuple(alarm))
            writer.writerow([model.key, track, *cells])
