"""Documents sent in batches, to a client that takes them or does not."""

from dataclasses import dataclass, field

import orjson
import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import ApiError

from lupus_assets.errors import ServiceRefused, ServiceUnreachable
from lupus_assets.records import Month
from lupus_assets.sinks.elasticsearch.bulk import LEAST_BATCH, Bulk
from lupus_assets.sinks.elasticsearch.client import WAITS, Cluster, ElasticsearchAddress

ABOUT = (Month("metrics", "flights.delay", "2025-03", "", "v"), "champion")


def api_error(status: int, reason: str) -> ApiError:
    meta = ApiResponseMeta(status, "1.1", HttpHeaders(), 0.0, NodeConfig("http", "search", 9200))
    return ApiError(reason, meta, {"error": {"reason": reason}})


@dataclass
class Takes:
    """A client whose bulk takes documents as `answer` says: given the ids of a request, their statuses."""

    answer: object
    requests: list[list[str]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def bulk(self, *, operations: bytes, require_alias: bool, **_: object) -> dict[str, object]:
        """Take what is to be taken."""
        assert require_alias
        lines = operations.split(b"\n")
        ids = [orjson.loads(line)["index"]["_id"] for line in lines if line.startswith(b'{"index"')]
        self.requests.append(ids)
        statuses = self.answer(len(self.requests), ids)  # type: ignore[operator]
        self.taken |= {name for name, status in zip(ids, statuses, strict=True) if status < 300}
        items = [
            {"index": {"status": status} | ({"error": {"reason": f"no {name}"}} if status >= 300 else {})}
            for name, status in zip(ids, statuses, strict=True)
        ]
        return {"errors": any(status >= 300 for status in statuses), "items": items}


def write(
    client: Takes, waits: list[float], *, size: int = 10_000, number: int = 60, batch: int = 400_000
) -> Bulk:
    cluster = Cluster(ElasticsearchAddress("http://search:9200"), sleep=waits.append)
    cluster.__dict__["client"] = client
    bulk = Bulk(cluster, "lupus-metrics-2025-03", batch=batch)
    for at in range(number):
        bulk.index(ABOUT, str(at), b'{"x":"' + b"x" * size + b'"}')
    return bulk


def test_batches_are_of_bytes():
    client = Takes(lambda _, ids: [200] * len(ids))
    with write(client, []) as bulk:
        assert bulk.flush() == []
    assert sorted(map(len, client.requests)) == [21, 39]
    assert len(client.taken) == bulk.sent == 60


def test_a_server_that_cannot_keep_up_is_given_time_and_smaller_batches():
    waits: list[float] = []
    client = Takes(lambda call, ids: [200 if call > 6 or at < 2 else 429 for at in range(len(ids))])
    with write(client, waits) as bulk:
        assert bulk.flush() == []
    assert len(client.taken) == 60
    assert waits
    assert max(map(len, client.requests[3:])) * 10_000 <= 400_000 / 2


def test_a_request_that_is_refused_as_a_whole_is_sent_again_in_parts():
    def answer(_: int, ids: list[str]) -> list[int]:
        if len(ids) > 12:
            raise api_error(413, "too large")
        return [200] * len(ids)

    client = Takes(answer)
    with write(client, []) as bulk:
        assert bulk.flush() == []
    assert len(client.taken) == 60


def test_a_server_that_never_takes_it_is_given_up_after_a_bounded_time():
    waits: list[float] = []
    client = Takes(lambda _, ids: [429] * len(ids))
    said = r"overwhelmed: 5 documents for lupus-metrics-2025-03 wait \(no"
    with write(client, waits, number=5) as bulk, pytest.raises(ServiceUnreachable, match=said):
        bulk.flush()
    assert waits == list(WAITS)
    assert LEAST_BATCH < 400_000


def test_documents_that_are_refused_for_good_are_reported_and_the_others_taken():
    client = Takes(lambda _, ids: [400 if name in ("3", "7") else 200 for name in ids])
    with write(client, [], number=10) as bulk:
        refused = bulk.flush()
        assert [(each.about, each.status, each.reason) for each in refused] == [
            (ABOUT, 400, "no 3"),
            (ABOUT, 400, "no 7"),
        ]
        assert bulk.flush() == []
    assert len(client.taken) == 8


def test_an_error_of_a_thread_is_raised_where_it_is_waited_for():
    def answer(_: int, __: list[str]) -> list[int]:
        raise api_error(403, "may not")

    with write(Takes(answer), [], number=1) as bulk, pytest.raises(ServiceRefused, match="403"):
        bulk.flush()
