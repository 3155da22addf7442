"""``lupus search``: search of alarms by text, team, model, group, time and severity."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lupus_assets.cli.argument import count, partition, spreads
from lupus_assets.cli.output import Commands, add_formats, note, print_rows
from lupus_assets.cli.place import add_home, check_known, installation, models
from lupus_assets.errors import UsageError
from lupus_assets.text import counted

if TYPE_CHECKING:
    from lupus_assets.installation import Installation
    from lupus_assets.records import Search

COLUMNS_SHOWN = [
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
        help="words in the sentence, column, metric, segment or rule; all must occur (default: all alarms)",
    )
    command.add_argument("--team", help="only this team's")
    command.add_argument("--model", metavar="[TEAM.]MODEL", help="only this model's; TEAM/MODEL too")
    command.add_argument("--track", help="only this track's")
    command.add_argument("--group", metavar="NAME", help="only columns of this group of the declarations")
    command.add_argument(
        "--since",
        metavar="PARTITION",
        type=partition,
        help="first partition: its key, or a day in the zone of the model's cadence, as 2025-03-09",
    )
    command.add_argument(
        "--until", metavar="PARTITION", type=partition, help="last partition, likewise; it is included"
    )
    command.add_argument(
        "--severity",
        metavar="N",
        type=spreads,
        default=0.0,
        help="at least N spreads from the expected value; facts and rules are always included",
    )
    command.add_argument(
        "--most", metavar="N", type=count, default=30, help="how many (default: %(default)s)"
    )
    command.add_argument(
        "--definitions",
        metavar="PATH",
        type=Path,
        default=Path("definitions"),
        help="where --group is declared (default: %(default)s)",
    )
    add_formats(command)
    add_home(command)
    command.set_defaults(run=search)


def search(arguments: argparse.Namespace) -> int:
    """Print the matching alarms: from Elasticsearch if configured, else from the files."""
    from lupus_assets.records import Search

    columns = None if arguments.group is None else _columns(arguments.group, arguments.definitions)
    team, _, model = (arguments.model or "").replace("/", ".").rpartition(".")
    criteria = Search(
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
    place = installation(arguments.home)
    index = place.search_index()
    alarms = index.search(criteria)
    if not alarms:
        _check_names(place, index.place, criteria)
    rows = [[getattr(alarm, name) for name in COLUMNS_SHOWN] for alarm in alarms]
    print_rows(arguments, COLUMNS_SHOWN, rows)
    note(f"{counted(len(alarms), 'alarm')} from {index.place}")
    return 0


def _check_names(place: "Installation", index: str, criteria: "Search") -> None:
    """Raise `UsageError` if a team, model or track does not exist: no rows would look like no alarms."""
    known = {tuple(name.split(".")) for name in models(place)}
    if criteria.team is not None:
        check_known("team", criteria.team, {team for team, _ in known}, index)
        known = {pair for pair in known if pair[0] == criteria.team}
    if criteria.model is not None:
        team = f"{criteria.team}." if criteria.team else ""
        check_known("model", f"{team}{criteria.model}", {f"{team}{name}" for _, name in known}, index)
        known = {pair for pair in known if pair[1] == criteria.model}
    if criteria.track is not None:
        stored = place.tables().places("verdicts", models=[".".join(pair) for pair in known])
        check_known("track", criteria.track, {of_track.track for of_track in stored}, index)


def _columns(group: str, path: Path) -> Mapping[str, frozenset[str]]:
    """Return the columns of `group` by model.

    Raises
    ------
    UsageError
        No model declares the group.
    """
    from lupus_assets.declare import find, load_all
    from lupus_assets.declare.group import group_columns
    from lupus_assets.declare.mistake import did_you_mean, listed

    models, errors = load_all(find(path))
    columns = group_columns(group, models.values())
    if errors:  # groups of these declarations are missing
        wrong = counted(len(errors), "declaration")
        note(f"lupus search: left out {wrong} with mistakes, run `lupus check {path}`")
    if columns:
        return columns
    known = sorted({name for model in models.values() for name in model.groups})
    remedy = did_you_mean(group, known, f"there are: {listed(known)}")
    raise UsageError(f"no model below {path} declares a group '{group}', {remedy}")
