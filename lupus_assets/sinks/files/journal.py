"""Partitions that runs have begun to write and not reported yet: one file per run, model and track.

A run notes its partitions before it touches a table, and removes the note after Dagster has stored their last
event. A note of a run that has ended therefore names unfinished partitions: between two tables, or between
the last table and Dagster. Finished partitions leave no note: reading the journal is one listing of a folder
that is mostly empty.
"""

import json
import re
from datetime import UTC, datetime

from lupus_assets.errors import ObjectMissing
from lupus_assets.ports import ObjectStore
from lupus_assets.records import Pending, Window
from lupus_assets.sinks.files.layout import check_model

FOLDER = "pending"
NAME = re.compile(r"(?P<track>[a-z0-9_]+(?:~[a-z0-9_]+)?)~(?P<run>[A-Za-z0-9-]+)\.json")


class StoreJournal:
    """Implements `lupus_assets.ports.Journal` beside the tables, in the same store.

    Parameters
    ----------
    files : ObjectStore
    """

    def __init__(self, files: ObjectStore) -> None:
        self._files = files

    def note(self, pending: Pending) -> None:
        """Replace the note of a run, model and track by `pending`; without windows, remove it."""
        path = f"{FOLDER}/model={check_model(pending.model)}/{pending.track}~{pending.run}.json"
        if not pending.windows:
            self._files.delete([path])
            return
        said = {
            "parts": sorted(pending.parts),
            "windows": [
                [each.key, each.start.isoformat(), each.end.isoformat()] for each in sorted(pending.windows)
            ],
        }
        self._files.put(path, json.dumps(said).encode())

    def noted(self, model: str | None = None, track: str | None = None) -> list[Pending]:
        """Return the notes of a model and track, by default of all; foreign files are skipped."""
        found = []
        for path in sorted(self._files.paths(f"{FOLDER}/model={model}" if model else FOLDER)):
            name = NAME.fullmatch(path.rpartition("/")[2])
            if name is None or track not in (None, name["track"]):
                continue
            try:
                said = json.loads(self._files.get(path))
            except ObjectMissing:  # struck out since it was listed
                continue
            windows = frozenset(
                Window(key=key, start=_instant(start), end=_instant(end))
                for key, start, end in said["windows"]
            )
            of = path.split("/")[-2].removeprefix("model=")
            found.append(Pending(name["run"], of, name["track"], frozenset(said["parts"]), windows))
        return found


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
