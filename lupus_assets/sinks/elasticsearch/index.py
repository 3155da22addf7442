"""The indices of Elasticsearch, one per table and month behind two aliases.

``lupus-<table>-<yyyy-mm>-<serial>`` is an index. Writers use the alias ``lupus-<table>-<yyyy-mm>``, readers
``lupus-<table>``. An index without its alias is being built, or was left behind by a killed process. A writer
refreshes the index at its end: readers see the old rows or the new ones.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch import ApiError, Elasticsearch

from lupus_assets.sinks.elasticsearch.client import Cluster
from lupus_assets.sinks.elasticsearch.document import KEYS, KEYWORD, mapping

PAGE = 10_000  # hits of one answer, at most, by default of the server
PRIORITY = 500  # of our templates: above those that come with Elasticsearch
SETTINGS = {"number_of_shards": 1, "auto_expand_replicas": "0-1", "refresh_interval": "-1"}
LEDGER: Mapping[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "table": KEYWORD,
        "model": KEYWORD,
        "month": KEYWORD,
        "version": KEYWORD,
        "index": KEYWORD,
        "places": {"type": "object", "enabled": False},
    },
}


@dataclass(frozen=True)
class Index:
    """One index of a table and month.

    Attributes
    ----------
    uuid : str
        Another one for an index that is made again by the same name.
    serial : int
    current : bool
        Whether the alias to write to is on it.
    fresh : bool
        Whether it was just made, and has nothing in it.
    """

    name: str
    table: str
    month: str
    uuid: str
    serial: int
    current: bool
    fresh: bool = False


class Indices:
    """The indices that begin with the prefix of `cluster`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._ready = False
        tables = "|".join(KEYS)
        self._name = re.compile(rf"{re.escape(cluster.prefix)}-({tables})-(\d{{4}}-\d{{2}})-(\d{{6}})")

    def all_of(self, table: str) -> str:
        """Return the alias of all months of `table`."""
        return f"{self._cluster.prefix}-{table}"

    def alias(self, table: str, month: str, *, building: bool = False) -> str:
        """Return the alias to write to: that of the index in force, or that of the one being built."""
        return f"{self._cluster.prefix}-{table}-{month}{'-building' if building else ''}"

    def found(self, *, patient: bool = True) -> list[Index]:
        """Return every index of this prefix, in force or not."""
        answer = self._cluster.ask(
            "list indices",
            lambda client: client.indices.get(
                index=f"{self._cluster.prefix}-*",
                features=["aliases", "settings"],
                filter_path="*.aliases,*.settings.index.uuid",
            ),
            patient=patient,
        )
        return [
            Index(
                name,
                table,
                month,
                of["settings"]["index"]["uuid"],
                int(serial),
                self.alias(table, month) in of["aliases"],
            )
            for name, of in answer.items()
            if (match := self._name.fullmatch(name))
            for table, month, serial in [match.groups()]
        ]

    def current(self, *, patient: bool = True) -> dict[tuple[str, str], Index]:
        """Return the indices in force by table and month."""
        return {(each.table, each.month): each for each in self.found(patient=patient) if each.current}

    def prepare(self) -> None:
        """Write the templates of all indices, once per process."""
        if self._ready:
            return
        prefix = self._cluster.prefix
        templates = {f"{prefix}-{table}": (f"{prefix}-{table}-*", mapping(table)) for table in KEYS}
        templates[f"{prefix}-ledger"] = (f"{prefix}-ledger", dict(LEDGER))
        for name, (pattern, properties) in templates.items():
            body = {"settings": SETTINGS, "mappings": properties}
            self._cluster.ask(
                f"put the index template {name}",
                lambda client, name=name, pattern=pattern, body=body: client.indices.put_index_template(  # type: ignore[misc]
                    name=name, index_patterns=[pattern], template=body, priority=PRIORITY
                ),
            )
        self._create(f"{prefix}-ledger", {})
        self._ready = True

    def create(self, table: str, month: str, serial: int, aliases: Sequence[str]) -> Index:
        """Create an index behind `aliases`, unless another process has created it meanwhile."""
        name = f"{self.alias(table, month)}-{serial:06d}"
        fresh = self._create(name, {alias: {} for alias in aliases})
        (made,) = (each for each in self.found() if each.name == name)
        return Index(**{**vars(made), "fresh": fresh})

    def _create(self, name: str, aliases: Mapping[str, Any]) -> bool:
        def request(client: Elasticsearch) -> bool:
            try:
                client.indices.create(index=name, aliases=aliases)
            except ApiError as error:
                if error.error != "resource_already_exists_exception":
                    raise
                return False
            return True

        return self._cluster.ask(f"create {name}", request)

    def open(self, table: str, month: str) -> Index:
        """Return the index in force; create it, or add new columns to it, where necessary."""
        index = self.current().get((table, month))
        if index is None:
            serials = [each.serial for each in self.found() if (each.table, each.month) == (table, month)]
            serial = max(serials, default=0) + 1
            return self.create(table, month, serial, [self.alias(table, month), self.all_of(table)])
        properties = mapping(table)["properties"]
        self._cluster.ask(
            f"add columns to {index.name}; if they are of another type now, run `lupus reindex`, which can",
            lambda client: client.indices.put_mapping(index=index.name, properties=properties),
        )
        return index

    def swap(self, new: Index) -> None:
        """Put `new` in force, for all readers at once."""
        aliases = [self.alias(new.table, new.month), self.all_of(new.table)]
        building = self.alias(new.table, new.month, building=True)
        old = [
            each.name
            for each in self.found()
            if each.current and (each.table, each.month) == (new.table, new.month)
        ]
        actions: list[dict[str, Any]] = [{"add": {"index": new.name, "alias": alias}} for alias in aliases]
        actions += [
            # It may have been done already, by a request whose answer got lost.
            {"remove": {"index": name, "aliases": gone, "must_exist": False}}
            for name, gone in [(new.name, [building]), *((name, aliases) for name in old if name != new.name)]
        ]
        self._cluster.ask(
            f"put {new.name} in force", lambda client: client.indices.update_aliases(actions=actions)
        )

    def delete(self, names: Iterable[str]) -> None:
        """Delete indices; missing ones are no error."""
        for name in names:
            self._cluster.ask(
                f"delete {name}",
                lambda client, name=name: client.indices.delete(index=name, ignore_unavailable=True),  # type: ignore[misc]
            )

    def refresh(self, table: str, month: str, *, building: bool = False) -> None:
        """Make all written documents visible to readers."""
        name = self.alias(table, month, building=building)
        self._cluster.ask(f"refresh {name}", lambda client: client.indices.refresh(index=name))

    def count(self, alias: str, model: str | None) -> int:
        """Return the number of documents behind `alias`, and of `model`, that readers see."""
        query: dict[str, Any] = {"term": {"model": model}} if model else {"match_all": {}}
        answer = self._cluster.ask(
            f"count {alias}",
            lambda client: client.search(
                index=alias,
                query=query,
                size=0,
                track_total_hits=True,
                ignore_unavailable=True,
                allow_partial_search_results=False,  # an index may go between finding it and counting
            ),
        )
        return int(answer["hits"]["total"]["value"])


def hits(cluster: Cluster, index: str, query: Mapping[str, Any], *, source: bool) -> Iterator[dict[str, Any]]:
    """Yield all matching documents of `index`, as of one moment."""
    wanted = {
        "query": query,
        "size": PAGE,
        "source": source,
        "track_total_hits": False,
        "allow_partial_search_results": False,  # an index that goes meanwhile would be left out else
    }
    page = _page(cluster, index, index=index, **wanted)["hits"]["hits"]
    if len(page) < PAGE:
        yield from page
        return
    opened = cluster.ask(
        f"read {index}", lambda client: client.open_point_in_time(index=index, keep_alive="2m")
    )
    moment, after = opened["id"], None
    try:
        while len(page) == PAGE:
            pit = {"id": moment, "keep_alive": "2m"}
            found = _page(cluster, index, pit=pit, sort=["_shard_doc"], search_after=after, **wanted)
            moment, page = found["pit_id"], found["hits"]["hits"]
            yield from page
            after = page[-1]["sort"] if page else None
    finally:
        cluster.ask("close a reader", lambda client: client.close_point_in_time(id=moment))


def _page(cluster: Cluster, name: str, **wanted: Any) -> Any:
    return cluster.ask(f"read {name}", lambda client: client.search(**wanted))
