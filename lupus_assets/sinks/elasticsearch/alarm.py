"""Search of alarms by text and by subject, in Elasticsearch."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from lupus_assets.records import AFTER, FoundAlarm, Search
from lupus_assets.sinks.elasticsearch.client import Cluster, ElasticsearchAddress
from lupus_assets.sinks.elasticsearch.document import values
from lupus_assets.sinks.elasticsearch.index import PAGE, Indices
from lupus_assets.sinks.word import words

TABLE = "verdicts"
FIELDS = tuple(FoundAlarm.__dataclass_fields__)
# Newest window first, then facts and the team's rules, then what is furthest off; the rest makes it definite.
ORDER: tuple[Mapping[str, Any], ...] = (
    {"window_start": {"order": "desc", "unmapped_type": "date"}},
    {"surprise": {"order": "desc", "missing": "_first", "unmapped_type": "double"}},
    *(
        {name: {"order": "asc", "unmapped_type": "keyword"}}
        for name in ("model", "track", "segment", "column_name", "metric", "rule", "as_of")
    ),
)


class AlarmSearch:
    """Implements `lupus_assets.ports.SearchIndex` on the documents of a `SearchView`.

    Parameters
    ----------
    cluster : Cluster or ElasticsearchAddress
        Nothing is connected before it is asked.
    """

    def __init__(self, cluster: Cluster | ElasticsearchAddress) -> None:
        self._cluster = cluster if isinstance(cluster, Cluster) else Cluster(cluster)
        self._index = Indices(self._cluster).all_of(TABLE)

    @property
    def place(self) -> str:
        """The address of the cluster."""
        return f"Elasticsearch at {self._cluster.address.url}"

    def search(self, wanted: Search) -> list[FoundAlarm]:
        """Return the matching alarms, newest window first, then by surprise; no retries."""
        answer = self._cluster.ask(
            f"search {self._index}",
            lambda client: client.search(
                index=self._index,
                query={"bool": {"filter": conditions(wanted)}},
                sort=list(ORDER),
                size=min(wanted.most, PAGE),
                track_total_hits=False,
                ignore_unavailable=True,  # nothing was followed yet
                allow_partial_search_results=False,
            ),
            patient=False,
        )
        return [_found(hit["_source"]) for hit in answer["hits"]["hits"]]


def conditions(wanted: Search) -> list[dict[str, Any]]:
    """Return the clauses of a search; all must hold."""
    clauses: list[dict[str, Any]] = [{"term": {"flagged": True}}]
    clauses += [{"term": {"words": word}} for word in words(wanted.text)]
    if wanted.team is not None:
        clauses.append({"term": {"team": wanted.team}})
    if wanted.model is not None:
        clauses.append({"term": {"name": wanted.model}})
    if wanted.track is not None:
        clauses.append({"term": {"track": wanted.track}})
    if wanted.columns is not None:
        clauses.append(_any(_of_columns(wanted.columns)))
    if wanted.since is not None:
        clauses.append({"range": {"partition_key": {"gte": wanted.since}}})
    if wanted.until is not None:
        clauses.append({"range": {"partition_key": {"lte": f"{wanted.until}{AFTER}"}}})
    if wanted.severity > 0:
        unmeasured = {"bool": {"must_not": {"exists": {"field": "surprise"}}}}
        clauses.append(_any([{"range": {"surprise": {"gte": wanted.severity}}}, unmeasured]))
    return clauses


def _of_columns(columns: Mapping[str, frozenset[str]]) -> list[dict[str, Any]]:
    models: dict[frozenset[str], list[str]] = {}  # most models of a fleet declare the same groups
    for model, names in columns.items():
        models.setdefault(names, []).append(model)
    return [
        {"bool": {"filter": [{"terms": {"model": sorted(of)}}, {"terms": {"column_name": sorted(names)}}]}}
        for names, of in models.items()
    ]


def _any(clauses: list[dict[str, Any]]) -> dict[str, Any]:
    return {"bool": {"should": clauses, "minimum_should_match": 1}} if clauses else {"match_none": {}}


def _found(document: Mapping[str, Any]) -> FoundAlarm:
    row = {**values(TABLE, document), "model": document["model"]}
    row["window_start"] = row["window_start"].replace(tzinfo=UTC)
    return FoundAlarm(**{name: row[name] for name in FIELDS})
