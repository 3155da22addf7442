"""What Lupus says to Elasticsearch and makes of its answers, without one."""

import json
import logging
import threading
import time
import traceback
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest

from lupus_assets.errors import ServiceRefused, ServiceUnreachable, StoreError
from lupus_assets.sinks.elasticsearch.client import WAITS, Cluster, ElasticsearchAddress, reason_of

HIDDEN = "hunter2-hunter2"
NAME = "LUPUS_ELASTICSEARCH_"


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
