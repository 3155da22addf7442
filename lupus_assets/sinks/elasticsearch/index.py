"""The indices of Elasticsearch, one per table and month behind two aliases; and the ledger of what they show.

``lupus-<table>-<yyyy-mm>-<serial>`` is an index. The alias ``lupus-<table>-<yyyy-mm>`` is what is written to,
and ``lupus-<table>`` all of a table. An index without its alias is being built, or was left behind by whoever
built it. Readers see what was refreshed, which a writer does when it is done: the old rows or the new.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from elasticsearch import ApiError, Elasticsearch

from lupus_assets.errors import ServiceRefused
from lupus_assets.records import Month
from lupus_assets.sinks.batch import batches
from lupus_assets.sinks.elasticsearch.client import Cluster, reason_of
from lupus_assets.sinks.elasticsearch.document import KEYS, KEYWORD, mapping

PAGE = 10_000  # hits of one answer, at most, by default of the server
CONFLICT = 409
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


@dataclass(frozen=True)
class Entry:
    """What an index shows of one table, model and month.

    Attributes
    ----------
    version : str
        Of the `Month`, as it was last followed.
    index : str
        ``uuid`` of the index.
    places : mapping of str to (str, int)
        Digest and number of rows by stem of the place.
    seen : tuple of int or None
        What Elasticsearch numbers the entry by; None if there was none.
    """

    version: str = ""
    index: str = ""
    places: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    seen: tuple[int, int] | None = None


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
        """Return every index of ours, in force or not."""
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
        """Put the templates of all indices, once."""
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
        """Make an index behind `aliases`; one that somebody made meanwhile will do."""
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
        """Return the index in force, made or given new columns where it has to be."""
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
        """Put `new` in the place of what is in force, for every reader at once."""
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
        """Delete indices; those that are gone already are no error."""
        for name in names:
            self._cluster.ask(
                f"delete {name}",
                lambda client, name=name: client.indices.delete(index=name, ignore_unavailable=True),  # type: ignore[misc]
            )

    def refresh(self, table: str, month: str, *, building: bool = False) -> None:
        """Show readers everything that was written."""
        name = self.alias(table, month, building=building)
        self._cluster.ask(f"refresh {name}", lambda client: client.indices.refresh(index=name))


class Ledger:
    """What each index shows, by table, model and month: one document each, written when all else is."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._name = f"{cluster.prefix}-ledger"

    def versions(self, months: Sequence[Month], *, patient: bool = True) -> dict[str, tuple[str, str]]:
        """Return version and index of those of `months` that have an entry, by `entry_id`."""
        found: dict[str, tuple[str, str]] = {}
        for part in batches(months, PAGE):
            ids = [entry_id(month) for month in part]
            answer = self._cluster.ask(
                f"read {self._name}",
                lambda client, ids=ids: client.search(  # type: ignore[misc]
                    index=self._name,
                    query={"ids": {"values": ids}},
                    size=PAGE,
                    # From the column store: the documents hold the digests of all places.
                    docvalue_fields=["version", "index"],
                    source=False,
                    track_total_hits=False,
                    ignore_unavailable=True,
                    allow_partial_search_results=False,
                    filter_path="hits.hits._id,hits.hits.fields",
                ),
                patient=patient,
            )
            for hit in answer.get("hits", {}).get("hits", ()):
                fields = hit["fields"]
                found[hit["_id"]] = fields["version"][0], fields["index"][0]
        return found

    def read(self, months: Sequence[Month]) -> dict[str, Entry]:
        """Return the entries of `months`, by `entry_id`; where there is none, an empty one."""
        ids = [entry_id(month) for month in months]
        answer = self._cluster.ask(
            f"read {self._name}", lambda client: client.mget(index=self._name, ids=ids)
        )
        found = {name: Entry() for name in ids}
        for document in answer["docs"]:
            if document.get("found"):
                source = document["_source"]
                seen = document["_seq_no"], document["_primary_term"]
                found[document["_id"]] = Entry(source["version"], source["index"], source["places"], seen)
        return found

    def write(self, entries: Mapping[Month, Entry]) -> dict[Month, tuple[int, int]]:
        """Write `entries`; return what Elasticsearch numbers them by now.

        Those that another process has written since they were read are not written, nor returned.

        Raises
        ------
        ServiceUnreachable, ServiceRefused
        """
        lines: list[bytes] = []
        for month, entry in entries.items():
            about: dict[str, Any] = {"_id": entry_id(month)}
            if entry.seen:
                about |= {"if_seq_no": entry.seen[0], "if_primary_term": entry.seen[1]}
            document: dict[str, Any] = {"table": month.table, "model": month.model, "month": month.month}
            document |= {"version": entry.version, "index": entry.index, "places": entry.places}
            lines += [orjson.dumps({"index" if entry.seen else "create": about}), orjson.dumps(document)]
        if not lines:
            return {}
        answer = self._cluster.ask(
            f"write {self._name}",
            lambda client: client.bulk(index=self._name, operations=lines, refresh=True),  # type: ignore[arg-type]
        )
        written = {}
        for month, item in zip(entries, answer["items"], strict=True):
            (done,) = item.values()
            if done["status"] < 300:
                written[month] = done["_seq_no"], done["_primary_term"]
            elif done["status"] != CONFLICT:
                raise ServiceRefused(
                    f"cannot write {self._name} of {month.table} of {month.model}: "
                    f"{done['status']} ({reason_of(done)})"
                )
        return written


def entry_id(month: Month) -> str:
    """Return the id of the entry of `month`."""
    return f"{month.table}~{month.model}~{month.month}"


def hits(cluster: Cluster, index: str, query: Mapping[str, Any], *, source: bool) -> Iterator[dict[str, Any]]:
    """Yield everything in `index` that fits, as of one moment."""
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
