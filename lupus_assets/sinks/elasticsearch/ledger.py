"""The ledger of the index: one document per table, model and month with the version that is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from lupus_assets.errors import ServiceRefused
from lupus_assets.records import Month
from lupus_assets.sinks.batch import batches
from lupus_assets.sinks.elasticsearch.client import Cluster, reason_of
from lupus_assets.sinks.elasticsearch.index import PAGE

CONFLICT = 409


@dataclass(frozen=True)
class Entry:
    """The version and the places of one table, model and month in an index.

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


class Ledger:
    """The entries of all indices; an entry is written after the documents that it covers."""

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
        """Write `entries`; return their sequence numbers.

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
