"""What Lupus says to Elasticsearch and makes of its answers, without one."""

import json
import logging
import subprocess
import sys
import threading
import time
import traceback
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import numpy as np
import orjson
import pyarrow as pa
import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import ApiError

from lupus_assets.errors import ServiceRefused, ServiceUnreachable, StoreError
from lupus_assets.records import MetricRow, Month, Place, VerdictRow
from lupus_assets.sinks.elasticsearch import WAITS, Cluster, ElasticsearchAddress, reason_of
from lupus_assets.sinks.schema import SCHEMAS, to_table
from lupus_assets.sinks.search_bulk import LEAST_BATCH, Bulk
from lupus_assets.sinks.search_document import KEYS, digest, documents, mapping, place_id, values
from lupus_assets.sinks.word import words

HIDDEN = "hunter2-hunter2"
NAME = "LUPUS_ELASTICSEARCH_"
START = datetime(2025, 3, 1, 4, tzinfo=UTC)
PLACE = Place("flights.delay", "champion", START, START + timedelta(days=1), "2025-03")
ABOUT = (Month("metrics", "flights.delay", "2025-03", "", "v"), "champion")


def metrics(*values: float | None, place: Place = PLACE, **other: object) -> list[MetricRow]:
    plain = MetricRow(
        track=place.track,
        version="v1",
        partition_key="2025-03-01",
        window_start=place.start,
        as_of=place.as_of,
        segment="*",
        family="input",
        column_name="temp",
        metric="mean",
        value=None,
        lower=None,
        upper=None,
        n=1,
        reference="now",
        reason=None,
    )
    return [replace(plain, metric=f"m{at}", value=value, **other) for at, value in enumerate(values)]


# Addresses


def given(**parts: str) -> dict[str, str]:
    return {NAME + part: value for part, value in {"URL": "https://search:9200", **parts}.items()}


def test_an_address_comes_from_the_environment(tmp_path):
    ca = tmp_path / "ca.crt"
    ca.touch()
    assert ElasticsearchAddress.from_environment(
        given(URL="https://search:9200/", USER="lupus", PASSWORD=HIDDEN, CA=str(ca))
    ) == ElasticsearchAddress("https://search:9200", "lupus", HIDDEN, ca=str(ca))
    assert ElasticsearchAddress.from_environment(given(API_KEY=HIDDEN, USER="", PASSWORD="", CA="")) == (
        ElasticsearchAddress("https://search:9200", api_key=HIDDEN)
    )


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "URL is not set; set it to the address"),
        (given(URL="search:9200"), "'search:9200' lacks a scheme, host or port; write https://host:9200"),
        (given(URL="https://search"), "lacks a scheme, host or port"),
        (given(URL="ftp://search:9200"), "lacks a scheme, host or port"),
        (given(URL="https://search:port"), "URL is no address"),
        (given(URL=f"https://lupus:{HIDDEN}@search:9200"), "URL holds a user; set .*USER and .*PASSWORD"),
        (
            given(USER="lupus", PASSWORD=HIDDEN, API_KEY=HIDDEN),
            "API_KEY and .*USER or _PASSWORD are set; unset",
        ),
        (given(USER="lupus"), "USER is set without .*PASSWORD; set both, or"),
        (given(PASSWORD=HIDDEN), "PASSWORD is set without .*USER; set both, or"),
        (given(URL="http://search:9200", CA="ca.crt"), "CA is set, and .*URL is http"),
        (given(CA="nowhere.crt"), "CA nowhere.crt does not exist; set it to the file of the certificate"),
    ],
)
def test_what_contradicts_itself_is_refused_without_repeating_a_secret(environ, message):
    with pytest.raises(StoreError, match=message) as error:
        ElasticsearchAddress.from_environment(environ)
    assert HIDDEN not in "".join(traceback.format_exception(error.value))


def test_no_secret_is_in_a_repr():
    assert HIDDEN not in repr(ElasticsearchAddress("https://search:9200", "lupus", HIDDEN, HIDDEN))


def test_a_ca_that_is_no_certificate_is_an_error_that_names_it(tmp_path):
    (tmp_path / "ca.crt").write_text("no certificate")
    cluster = Cluster(ElasticsearchAddress("https://search:9200", ca=str(tmp_path / "ca.crt")))
    with pytest.raises(StoreError, match=r"ca\.crt is no certificate .*CA to the PEM file"):
        cluster.ask("count", lambda client: client.count())


# Answers


@dataclass
class Server:
    """An HTTP server that gives the same answer to everything."""

    url: str = ""
    status: int = 200
    body: object = field(default_factory=dict)
    asked: int = 0
    seconds: float = 0


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            state.asked += 1
            time.sleep(state.seconds)
            body = json.dumps(state.body).encode()
            self.send_response(state.status)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - the names are those of the base

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    state.url = f"http://127.0.0.1:{http.server_port}"
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


def cluster_at(url: str, waits: list[float] | None = None, **other: str) -> Cluster:
    credentials = {"user": "lupus", "password": HIDDEN} | other
    return Cluster(
        ElasticsearchAddress(url, **credentials),  # type: ignore[arg-type]
        sleep=(waits if waits is not None else []).append,
    )


def shown(error: BaseException) -> str:
    """Return all that a careful handler would log of an error, with the variables of our frames."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [repr(frame.locals) for frame in told.stack if "lupus_assets" in frame.filename]
    assert ours
    plain = "".join(traceback.format_exception(error))
    return "\n".join([plain, *ours, repr(error.__context__), repr(error.__cause__)])


REASON = {"error": {"root_cause": [{"reason": "first"}], "reason": "all", "caused_by": {"reason": "deepest"}}}


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (400, ServiceRefused, r"cannot count x at http://127.0.0.1:\d+: 400 \(first: deepest\)"),
        (401, ServiceRefused, "401, it does not know user lupus by these credentials; correct LUPUS_.*USER"),
        (
            403,
            ServiceRefused,
            r"403, user lupus may not \(first: deepest\); give that right, .*lupus-\* indices",
        ),
        (404, ServiceRefused, "404"),
        (429, ServiceUnreachable, "429, it cannot now"),
        (500, ServiceUnreachable, "500, it cannot now"),
        (503, ServiceUnreachable, "503, it cannot now .*caught up later"),
    ],
)
@pytest.mark.parametrize("credentials", [{}, {"user": "", "password": "", "api_key": HIDDEN}])
def test_a_refusal_says_who_may_not_do_what_and_no_secret(server, caplog, status, kind, message, credentials):
    caplog.set_level(logging.DEBUG)
    server.status, server.body = status, REASON
    waits: list[float] = []
    with pytest.raises(
        kind, match=message.replace("user lupus", "the API key") if credentials else message
    ) as error:
        cluster_at(server.url, waits, **credentials).ask("count x", lambda client: client.count(index="x"))
    told = shown(error.value)
    assert "uthorization" not in told
    for hidden in (HIDDEN, b64encode(f"lupus:{HIDDEN}".encode()).decode()):
        assert hidden not in told + caplog.text
    assert waits == (list(WAITS) if status in (429, 503) else [])


def test_nobody_there_is_asked_again_with_longer_and_longer_waits_and_then_given_up():
    waits: list[float] = []
    cluster = cluster_at("http://127.0.0.1:1", waits)
    with pytest.raises(
        ServiceUnreachable, match=r"cannot count x at .* it does not answer .*start it"
    ) as error:
        cluster.ask("count x", lambda client: client.count())
    assert waits == list(WAITS)
    assert all(first < second for first, second in pairwise(waits))
    assert HIDDEN not in shown(error.value)


def test_who_has_no_patience_asks_once(server):
    server.status = 503
    with pytest.raises(ServiceUnreachable):
        cluster_at(server.url).ask("count x", lambda client: client.count(), patient=False)
    assert server.asked == 1


def test_no_answer_in_time_is_unreachable(server):
    server.seconds = 0.5
    address = replace(cluster_at(server.url).address, timeout_seconds=0.05)
    with pytest.raises(ServiceUnreachable, match=r"no answer in 0\.05 s"):
        Cluster(address).ask("count x", lambda client: client.count(), patient=False)


def test_the_reason_is_found_in_any_body():
    assert reason_of("plain") == "plain"
    assert reason_of({"error": "text"}) == "text"
    assert reason_of({"error": {"type": "some_exception"}}) == "some_exception"
    assert reason_of(None) == ""


# Documents


def test_ids_are_the_same_for_the_same_rows_and_distinct_otherwise():
    rows = to_table("metrics", metrics(1.0, 2.0, None))
    ids = [document_id for document_id, _ in documents("metrics", PLACE, rows)]
    assert ids == [document_id for document_id, _ in documents("metrics", PLACE, rows)]
    other_values = to_table("metrics", metrics(9.0, 8.0, 7.0))
    assert ids == [document_id for document_id, _ in documents("metrics", PLACE, other_values)]
    places = [
        PLACE,
        replace(PLACE, model="flights.other"),
        replace(PLACE, track="new"),
        replace(PLACE, start=START + timedelta(days=1)),
        replace(PLACE, as_of=START + timedelta(days=2)),
    ]
    assert len({place_id(table, place) for table in KEYS for place in places}) == len(KEYS) * len(places)


@pytest.mark.parametrize("column", KEYS["metrics"])
def test_every_column_of_the_key_is_in_the_id(column):
    (row,) = metrics(1.0)
    rows = to_table("metrics", [row, replace(row, **{column: "another"})])
    assert len({document_id for document_id, _ in documents("metrics", PLACE, rows)}) == 2


def test_rows_of_one_key_have_ids_of_their_own():
    (row,) = metrics(1.0)
    rows = to_table("metrics", [row, replace(row, value=2.0), row])
    assert len({document_id for document_id, _ in documents("metrics", PLACE, rows)}) == 3


def test_a_document_holds_its_row_and_where_it_is_from():
    written = metrics(5e-324, None, -0.0, 1e308, reason='駅 " \n')
    found = [orjson.loads(text) for _, text in documents("metrics", PLACE, to_table("metrics", written))]
    assert [values("metrics", document) for document in found] == to_table("metrics", written).to_pylist()
    around = {
        "model": "flights.delay",
        "team": "flights",
        "name": "delay",
        "month": "2025-03",
        "place": "champion~20250301T0400Z~20250302T0400Z",
    }
    assert all(document.items() >= around.items() for document in found)
    assert found[0]["window_start"] == "2025-03-01T04:00:00.000000Z"


@pytest.mark.parametrize("table", KEYS)
def test_every_field_of_a_document_is_mapped_and_nothing_else_is_let_in(table):
    assert mapping(table)["dynamic"] == "strict"
    fields = {*SCHEMAS[table].names, "model", "team", "name", "month", "place"}
    assert set(mapping(table)["properties"]) - {"words"} == fields


def test_only_alarms_are_found_by_their_words():
    (metric,) = metrics(1.0)
    shared = {
        name: getattr(metric, name) for name in ("track", "version", "partition_key", "window_start", "as_of")
    }
    row = VerdictRow(
        **shared, segment="origin=JFK", family="input", column_name="dep_delay", metric="mean",
        rule="history", value=1.0, expected=None, low=None, high=None, p=None, effect=None, surprise=None,
        history=1, partitions=1, since="2013-05-01", severity="alarm", flagged=True,
        incident=None, sentence="Mean of `dep_delay`",
    )  # fmt: skip
    rows = to_table("verdicts", [row, replace(row, flagged=False)])
    alarm, quiet = (orjson.loads(text) for _, text in documents("verdicts", PLACE, rows))
    assert alarm["words"] == ["delay", "dep", "history", "jfk", "mean", "of", "origin"]
    assert "words" not in quiet


def test_words_are_the_same_however_a_text_is_encoded():
    assert (
        words("ＦＵＬＬ Zu\u0308rich STRASSE") == words("full Zürich Straße") == ["full", "strasse", "zürich"]
    )
    assert words("a_b-c.d%25") == ["25", "a", "b", "c", "d"]
    assert words(" \n`'\"*?") == []
    assert words("x" * 40_000) == ["x" * 100]


def test_a_digest_is_of_the_values_and_not_of_how_arrow_holds_them():
    rows = to_table("metrics", metrics(1.0, None, 3.0, 4.0, None, reason=None))
    more = to_table("metrics", metrics(0.0, 1.0, None, 3.0, 4.0, None, reason=None))
    whole = digest(rows)
    assert digest(pa.concat_tables([rows.slice(0, 2), rows.slice(2)])) == whole
    assert digest(rows.slice(0, 3)) == digest(to_table("metrics", metrics(1.0, None, 3.0)))
    shifted = more.slice(1)
    renamed = shifted.set_column(shifted.column_names.index("metric"), "metric", rows["metric"])
    assert digest(renamed) == whole
    # What stands under a null is no value.
    validity = pa.py_buffer(np.packbits([True, False, True, True, False], bitorder="little"))
    odd = pa.Array.from_buffers(
        pa.float64(), 5, [validity, pa.py_buffer(np.array([1.0, 7.0, 3.0, 4.0, 7.0]))]
    )
    assert digest(rows.set_column(rows.column_names.index("value"), "value", odd)) == whole


def test_a_digest_differs_with_every_value_and_with_the_order():
    one, two = metrics(1.0, 2.0)
    tables = [
        [one, two],
        [two, one],
        [one],
        [],
        [one, replace(two, value=None)],
        [one, replace(two, value=0.0)],
        [one, replace(two, value=-0.0)],
        [replace(one, value=None), two],
        [one, replace(two, reason="")],
        [one, replace(two, segment="*x", family="nput")],
        [one, replace(two, window_start=START + timedelta(microseconds=1))],
        [one, replace(two, n=2)],
    ]
    assert len({digest(to_table("metrics", rows)) for rows in tables}) == len(tables)


def test_nothing_here_imports_pandas():
    """It would cost every process a second or more."""
    code = """
import sys
from datetime import UTC, datetime
from lupus_assets.records import IncidentRow, Place
from lupus_assets.sinks.schema import to_table
from lupus_assets.sinks.search_view import SearchView, digest, documents
day = datetime(2013, 5, 1, tzinfo=UTC)
rows = to_table("incidents", [IncidentRow("c", "k", day, day, *"abcde")])
assert len(list(documents("incidents", Place("a.b", "c", day, day, "2013-05"), rows))) == 1
assert digest(rows)
assert "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# Batches


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
