"""``lupus search``: alarms by text, team, model, group, time and severity."""

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from lupus_assets.cli.output import Commands, add_home, aligned, cell, counted, installation
from lupus_assets.errors import UsageError

MOST_FOUND = 10_000  # hits of one answer of Elasticsearch
FOUND = [
    "model",
    "track",
    "partition_key",
    "segment",
    "column_name",
    "metric",
    "surprise",
    "incident",
    "sentence",
]


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = commands.add_parser("search", help="find alarms by text, newest first")
    command.add_argument(
        "text",
        metavar="TEXT",
        nargs="?",
        default="",
        help="words that the sentence, column, metric, segment or rule holds, all of them (default: any)",
    )
    command.add_argument("--team", help="only this team's")
    command.add_argument("--model", metavar="[TEAM.]MODEL", help="only this model's; TEAM/MODEL too")
    command.add_argument("--track", help="only this track's")
    command.add_argument("--group", metavar="NAME", help="only columns of this group of the declarations")
    command.add_argument("--since", metavar="DAY", type=_moment, help="first day, yyyy-mm-dd, UTC")
    command.add_argument("--until", metavar="DAY", type=_moment, help="day after the last, UTC")
    command.add_argument(
        "--severity",
        metavar="N",
        type=float,
        default=0.0,
        help="at least N spreads off; facts and rules always",
    )
    command.add_argument(
        "--most", metavar="N", type=_most, default=30, help="how many (default: %(default)s)"
    )
    command.add_argument(
        "--definitions",
        metavar="PATH",
        type=Path,
        default=Path("definitions"),
        help="where --group is declared (default: %(default)s)",
    )
    add_home(command)
    command.set_defaults(run=search)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day, write it as 2025-03-09") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _most(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_FOUND:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST_FOUND:,}")
    return int(text)


def search(arguments: argparse.Namespace) -> int:
    """Print the alarms that fit: from Elasticsearch where there is one, else from the files."""
    from lupus_assets.records import Search

    columns = None if arguments.group is None else _columns(arguments.group, arguments.definitions)
    team, _, model = (arguments.model or "").replace("/", ".").rpartition(".")
    wanted = Search(
        text=arguments.text,
        team=arguments.team or team or None,
        model=model or None,
        track=arguments.track,
        columns=columns,
        since=arguments.since,
        until=arguments.until,
        severity=arguments.severity,
        most=arguments.most,
    )
    index = installation(arguments.home).search_index()
    found = index.search(wanted)
    rows = [[cell(getattr(alarm, name)) for name in FOUND] for alarm in found]
    print(aligned([FOUND, *rows]))
    print(f"{counted(len(rows), 'alarm')} from {index.place}", file=sys.stderr)
    return 0


def _columns(group: str, path: Path) -> Mapping[str, frozenset[str]]:
    """Return what `group` means for each model; no model declares it, that is an error."""
    from lupus_assets.declare import find, load_all
    from lupus_assets.declare.group import group_columns
    from lupus_assets.declare.mistake import did_you_mean, listed

    models, errors = load_all(find(path))
    columns = group_columns(group, models.values())
    if errors:  # a group that is declared there would be missing without a word
        wrong = counted(len(errors), "declaration")
        print(f"lupus search: left out {wrong} with mistakes, run `lupus check {path}`", file=sys.stderr)
    if columns:
        return columns
    known = sorted({name for model in models.values() for name in model.groups})
    remedy = did_you_mean(group, known, f"there are: {listed(known)}")
    raise UsageError(f"no model below {path} declares a group '{group}', {remedy}")
