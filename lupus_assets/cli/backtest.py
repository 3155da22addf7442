"""``lupus backtest``: the alarms of a monitor on a past log."""

import argparse
import csv
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lupus_assets.cli.output import Commands, note
from lupus_assets.cli.place import add_home, import_from_here, installation
from lupus_assets.cli.progress import Progress
from lupus_assets.cli.table import laid_out
from lupus_assets.text import counted

if TYPE_CHECKING:
    import pyarrow as pa

    from lupus_assets.declare import MonitoredModel
    from lupus_assets.replay import Alarm
    from lupus_assets.sources.log import LogSource

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
    from lupus_assets.api.tried import backtest as replay
    from lupus_assets.api.tried import model_of

    model = model_of(arguments.declaration)
    start, end = model.reference_window()
    until = min(datetime.now(UTC), model.cadence.end_instant or datetime.now(UTC))
    reference, log = (
        _declared(model, arguments.home, *window) if path is None else _log(model, path)
        for path, window in ((arguments.reference, (start, end)), (arguments.log, (end, until)))
    )
    if arguments.out is not None:
        _make(arguments.out)  # before the replay, whose results would be lost
    result = replay(model, log, reference=reference, budgets=arguments.budget, watch=_watched)
    print(laid_out(["budget", "incidents", "a month", "named"], result.lines()))
    note(f"{counted(len(result.windows), 'partition')}, {result.months:.1f} months, of {model.key}")
    if arguments.out is not None:
        for budget in result.budgets:
            folder = arguments.out if len(result.budgets) == 1 else arguments.out / f"{budget:g}"
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / "alarms.csv", model, result.alarms[budget])
    return 0


@contextmanager
def _watched(name: str, steps: int) -> Iterator[Callable[[], None]]:
    """Report the progress of a pass over a log."""
    with Progress(name, lambda: steps, "steps") as progress:
        yield progress.advance


def _make(folder: Path) -> None:
    from lupus_assets.errors import UsageError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be made ({error.strerror}); give another folder as --out"
        ) from error


def _log(model: "MonitoredModel", path: str) -> "LogSource":
    from lupus_assets.api.rows import Rows, rows_of
    from lupus_assets.api.tried import log_of

    def watch(rows: Rows) -> "Iterator[pa.RecordBatch]":
        with Progress(f"reading {rows.name}", rows.count, "rows") as progress:
            yield from progress.over(rows.batches, len)

    return log_of(model, rows_of(path), watch)


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


def _write(path: Path, model: "MonitoredModel", alarms: "Sequence[Alarm]") -> None:
    from lupus_assets.replay import Alarm

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "track", *(field.name for field in fields(Alarm))])
        track = next(iter(model.tracks))
        for alarm in alarms:
            cells = ("" if value is None else value for value in astuple(alarm))
            writer.writerow([model.key, track, *cells])
