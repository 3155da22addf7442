"""The places that several tables hold, by the names of their files; read at every tick of a schedule."""

from collections.abc import Iterator, Sequence, Set
from datetime import datetime

from lupus_assets.errors import StoreError
from lupus_assets.ports import ObjectStore
from lupus_assets.records import Place
from lupus_assets.sinks.files.content import places_of
from lupus_assets.sinks.files.layout import SUFFIX, month_may_hold, path_of, place_of
from lupus_assets.sinks.files.month import Files, generations


def common_places(
    store: ObjectStore, tables: Sequence[str], models: Set[str], since: datetime | None
) -> set[Place]:
    """Return the places of `models` whose window starts at `since` or later that every one of `tables` holds.

    Of a month that is compacted in a table, the last of `tables` speaks for it: which places a generation
    holds is known only from its file. A file that is none of the store's is of no place.

    Raises
    ------
    ObjectMissing
        A file has gone since it was listed: list again.
    StoreError
    """
    if not models:
        return set()
    # One listing of a table is cheaper than one of each of many models.
    below = f"/model={next(iter(models))}" if len(models) == 1 else ""
    # Pieces first: one that goes in between has been taken in by a generation that is found then.
    pieces = {table: set(_pieces(store, table, below)) for table in tables}
    compacted = {table: _compacted(store, table, below, models, since) for table in tables}
    last = tables[-1]
    found = dict(_places(pieces[last], models, since))
    for files in compacted[last].values():
        for place in places_of(store, files):
            if since is None or place.start >= since:
                found[path_of("", place)] = place
    return {
        place
        for path, place in found.items()
        if all(
            path in pieces[table] or (place.model, place.month) in compacted[table] for table in tables[:-1]
        )
    }


def _pieces(store: ObjectStore, table: str, below: str) -> Iterator[str]:
    """Yield the paths of a table's pieces without the table's name: equal for a place in all tables."""
    for path in store.paths(table + below):
        if path.endswith(SUFFIX):
            yield path[len(table) :]


def _compacted(
    store: ObjectStore, table: str, below: str, models: Set[str], since: datetime | None
) -> dict[tuple[str, str], Files]:
    """Return the generations in force, by model and month."""
    # A stranger's file is said by who reads the table, and of its model only.
    found = generations(store, table, below, since, strays=[])
    return {key: files for key, files in found.items() if files.newest and key[0] in models}


def _places(paths: Set[str], models: Set[str], since: datetime | None) -> Iterator[tuple[str, Place]]:
    for path in paths:
        if not month_may_hold(path.split("/")[-2].removeprefix("month="), since, None):
            continue
        try:
            place = place_of(path)
        except StoreError:  # a stranger's file: whoever reads the table says so, and of its model only
            continue
        if place.model in models and (since is None or place.start >= since):
            yield path, place
