"""``lupus search``: alarms by text, team, model, group, time and severity."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lupus_assets.api.html import counted
from lupus_assets.cli.argument import count, partition, spreads
from lupus_assets.cli.output import Commands, add_formats, note, print_rows
from lupus_assets.cli.place import add_home, check_known, installation, models
from lupus_assets.errors import UsageError

if TYPE_CHECKING:
    from lupus_assets.installation import Installation
    from lupus_assets.records import Search

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
        help="at least N spreads off; facts and rules always",
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
    where = installation(arguments.home)
    index = where.search_index()
    found = index.search(wanted)
    if not found:
        _check_names(where, index.place, wanted)
    print_rows(arguments, FOUND, [[getattr(alarm, name) for name in FOUND] for alarm in found])
    note(f"{counted(len(found), 'alarm')} from {index.place}")
    return 0


def _check_names(where: "Installation", place: str, wanted: "Search") -> None:
    """Raise `UsageError` if a team, model or track does not exist: nothing found would look like no alarm."""
    known = {tuple(name.split(".")) for name in models(where)}
    if wanted.team is not None:
        check_known("team", wanted.team, {team for team, _ in known}, place)
        known = {pair for pair in known if pair[0] == wanted.team}
    if wanted.model is not None:
        team = f"{wanted.team}." if wanted.team else ""
        check_known("model", f"{team}{wanted.model}", {f"{team}{name}" for _, name in known}, place)
        known = {pair for pair in known if pair[1] == wanted.model}
    if wanted.track is not None:
        places = where.tables().places("verdicts", models=[".".join(pair) for pair in known])
        check_known("track", wanted.track, {each.track for each in places}, place)


def _columns(group: str, path: Path) -> Mapping[str, frozenset[str]]:
    """Return what `group` means for each model; no model declares it, that is an error."""
    from lupus_assets.declare import find, load_all
    from lupus_assets.declare.group import group_columns
    from lupus_assets.declare.mistake import did_you_mean, listed

    models, errors = load_all(find(path))
    columns = group_columns(group, models.values())
    if errors:  # a group that is declared there would be missing without a word
        wrong = counted(len(errors), "declaration")
        note(f"lupus search: left out {wrong} with mistakes, run `lupus check {path}`")
    if columns:
        return columns
    known = sorted({name for model in models.values() for name in model.groups})
    remedy = did_you_mean(group, known, f"there are: {listed(known)}")
    raise UsageError(f"no model below {path} declares a group '{group}', {remedy}")
