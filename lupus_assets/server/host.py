"""Refusal of requests whose ``Host`` header is not a name of this server.

Dagit has no login and listens on loopback. A web page can still reach it by DNS rebinding: once it is open,
its name resolves to 127.0.0.1, and the browser takes Dagit for a part of that site. The name in the header
``Host`` stays that of the site, and is refused here.
"""

import argparse
import ipaddress
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

NAMES = "LUPUS_WEB_NAMES"  # by which a proxy is asked that passes the header on, with blanks between them
HOST = "DAGSTER_WEBSERVER_HOST"  # another way to say --host, of Dagster's own
HEADER = re.compile(r"(?P<name>\[[0-9a-f:.%]+\]|[^:\[\]]+)(:[0-9]+)?", re.IGNORECASE)
MISDIRECTED, POLICY_VIOLATION = 421, 1008


@dataclass(frozen=True)
class OwnNames:
    """The host names of this server.

    Attributes
    ----------
    names : frozenset of str
        In small letters, besides those of loopback.
    addresses : bool
        Whether every address is one, because the server listens on all that the machine has: an
        address is nobody's name, and so cannot be made to lead elsewhere.
    """

    names: frozenset[str]
    addresses: bool

    @classmethod
    def of(cls, arguments: Sequence[str], environ: Mapping[str, str]) -> "OwnNames":
        """Return the names of a server, from Dagit's `arguments` and the environment."""
        parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        parser.add_argument("-h", "--host", default=environ.get(HOST, "127.0.0.1"))
        host = parser.parse_known_args(list(arguments))[0].host.lower()
        declared = {host, *environ.get(NAMES, "").lower().split()}
        anywhere = _is_unspecified(host)
        return cls(frozenset(declared | ({socket.gethostname().lower()} if anywhere else set())), anywhere)

    def hold(self, header: str) -> bool:
        """Return whether a ``Host`` header names this server; its port is ignored."""
        found = HEADER.fullmatch(header.strip())
        if found is None:
            return False
        name = found["name"].strip("[]").rstrip(".").lower()
        if name in self.names or name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return self.addresses or address.is_loopback


def _is_unspecified(host: str) -> bool:
    try:
        return ipaddress.ip_address(host or "0.0.0.0").is_unspecified  # noqa: S104  # to recognise it
    except ValueError:
        return False


class HostGate:
    """ASGI middleware that refuses requests and websockets for any host but `names`."""

    def __init__(self, app: ASGIApp, names: OwnNames) -> None:
        self.app = app
        self.names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on or refuse."""
        asked = (
            Headers(scope=scope).get("host", "") if scope["type"] in ("http", "websocket") else "localhost"
        )
        if self.names.hold(asked):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(POLICY_VIOLATION)(scope, receive, send)
        else:
            text = f"This server has no such name as in the header Host. If it is its own, set {NAMES}.\n"
            await PlainTextResponse(text, MISDIRECTED)(scope, receive, send)
