"""A server is asked for by its own names; another one's, led here by whoever owns it, is refused."""

import asyncio

import pytest

from lupus_assets.server.host import HostGate, OwnNames

LOOPBACK = [
    "127.0.0.1",
    "127.0.0.1:3000",
    "localhost",
    "LOCALHOST:3000",
    "[::1]",
    "[::1]:3000",
    "127.9.9.9:80",
]
FOREIGN = [
    "evil.example", "evil.example:3000", "127.0.0.1.evil.example", "localhost.evil.example", "", "10.0.0.7",
    "localhost:3000:evil", "evil.example@localhost", "[::1", "localhost evil", "evillocalhost",
]  # fmt: skip


@pytest.mark.parametrize("header", LOOPBACK)
def test_names_of_loopback_are_always_its_own(header):
    assert OwnNames.of([], {}).hold(header)


@pytest.mark.parametrize("header", FOREIGN)
def test_the_names_of_others_are_not(header):
    assert not OwnNames.of(["-w", "workspace.yaml", "--port", "3000"], {}).hold(header)


def test_the_declared_host_and_the_names_of_a_proxy_are_its_own():
    own = OwnNames.of(["--host", "lupus.lan"], {"LUPUS_WEB_NAMES": "lupus.example.com Other.example"})
    assert all(own.hold(header) for header in ("lupus.lan:3000", "LUPUS.example.com", "other.example:443"))
    assert not own.hold("example.com")
    assert OwnNames.of(["--host=10.0.0.7"], {}).hold("10.0.0.7:3000")
    assert OwnNames.of([], {"DAGSTER_WEBSERVER_HOST": "10.0.0.7"}).hold("10.0.0.7")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104
def test_a_server_on_every_address_is_asked_for_by_address_and_by_the_machines_name(host, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "Box")
    own = OwnNames.of(["-h", host], {})
    assert all(own.hold(header) for header in ("10.0.0.7:3000", "[fd00::7]:3000", "box", "localhost"))
    assert not own.hold("evil.example")


def answered(kind: str, header: bytes | None) -> list[dict[str, object]]:
    """Return what a gate of no own names sends to one request, where whoever is behind it says "inside"."""
    sent: list[dict[str, object]] = []

    async def inside(_scope, _receive, send):
        await send({"type": "inside"})

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    headers = [] if header is None else [(b"host", header)]
    gate = HostGate(inside, OwnNames.of([], {}))
    asyncio.run(gate({"type": kind, "headers": headers, "path": "/", "method": "GET"}, receive, send))
    return sent


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_pages_and_websockets_of_another_name_are_refused(kind):
    assert answered(kind, b"localhost:3000") == [{"type": "inside"}]
    for header in (b"evil.example", b"127.0.0.1.evil.example:3000", None):
        sent = answered(kind, header)
        assert {"type": "inside"} not in sent
        assert sent[0].get("status", 421) == 421
        assert sent[0]["type"] in ("http.response.start", "websocket.close")


def test_a_server_that_starts_is_not_asked_by_any_name():
    assert answered("lifespan", None) == [{"type": "inside"}]
