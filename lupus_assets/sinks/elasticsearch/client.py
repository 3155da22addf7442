"""The connection to Elasticsearch: address, retries, and errors.

Every request of Lupus can be repeated: failures of the network or the server are retried for a bounded time.
No password or key appears in a message, in a ``repr``, or in a chained error.
"""

import logging
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from elastic_transport import ConnectionTimeout, TransportError
from elasticsearch import ApiError, Elasticsearch
from elasticsearch.serializer import OrjsonSerializer

from lupus_assets.errors import ServiceRefused, ServiceUnreachable, StoreError
from lupus_assets.sinks.tls import is_distrusted

WAITS = (0.5, 1, 2, 4, 8, 15)  # seconds before asking again: half a minute, in which a node restarts
AGAIN = frozenset({429, 502, 503, 504})  # answers of a server that may do it later
LONGEST_REASON = 500  # characters of a server's reason; some repeat the whole document

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class ElasticsearchAddress:
    """The address of Elasticsearch, and the credentials.

    Attributes
    ----------
    url : str
        ``https://host:9200``, or ``http://`` where nothing is secret.
    user, password : str or None
    api_key : str or None
        In its encoded form; instead of a user.
    ca : str or None
        File of the certificate authority of `url`; None means those that the system trusts.
    prefix : str
        The prefix of all index names.
    timeout_seconds : float
        How long one answer may take.
    """

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    ca: str | None = None
    prefix: str = "lupus"
    timeout_seconds: float = 30

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "ElasticsearchAddress":
        """Return the address from the variables ``LUPUS_ELASTICSEARCH_URL``, ``…_USER``, ``…_CA`` and so on.

        Raises
        ------
        StoreError
            They contradict each other, or cannot be what they should be.
        """
        name = "LUPUS_ELASTICSEARCH_"
        url, user, password, api_key, ca = (
            environ.get(name + part) or None for part in ("URL", "USER", "PASSWORD", "API_KEY", "CA")
        )
        if url is None:
            raise StoreError(f"{name}URL is not set; set it to the address, such as https://search:9200")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise StoreError(f"{name}URL is no address: {error}; write https://host:9200") from None
        if "@" in parts.netloc:  # and it is not repeated here
            raise StoreError(f"{name}URL holds a user; set {name}USER and {name}PASSWORD instead")
        if parts.scheme not in ("http", "https") or not parts.hostname or port is None:
            raise StoreError(f"{name}URL {url!r} lacks a scheme, host or port; write https://host:9200")
        if api_key and (user or password):
            raise StoreError(f"{name}API_KEY and {name}USER or _PASSWORD are set; unset one or the other")
        if bool(user) != bool(password):
            missing, given = ("USER", "PASSWORD") if password else ("PASSWORD", "USER")
            raise StoreError(f"{name}{given} is set without {name}{missing}; set both, or {name}API_KEY")
        if ca and parts.scheme == "http":
            raise StoreError(f"{name}CA is set, and {name}URL is http; write https, or unset {name}CA")
        if ca and not Path(ca).is_file():
            raise StoreError(f"{name}CA {ca} does not exist; set it to the file of the certificate authority")
        return cls(url.rstrip("/"), user, password, api_key, ca)

    @property
    def who(self) -> str:
        """The user, for messages."""
        return f"user {self.user}" if self.user else "the API key" if self.api_key else "nobody in particular"


class Cluster:
    """A connection to Elasticsearch: sends requests, retries them, and converts errors.

    Parameters
    ----------
    address : ElasticsearchAddress
    sleep : callable
        Waits a number of seconds.
    """

    def __init__(self, address: ElasticsearchAddress, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.address = address
        self.sleep = sleep

    @property
    def prefix(self) -> str:
        """The prefix of all index names."""
        return self.address.prefix

    @cached_property
    def client(self) -> Elasticsearch:
        """Elasticsearch's own client, safe for threads; created at first use."""
        # It warns of every server that does not answer, which is an error of ours where it matters.
        logging.getLogger("elastic_transport.node_pool").setLevel(logging.ERROR)
        address = self.address
        options: dict[str, Any] = {"ssl_context": self._trust()} if address.url.startswith("https") else {}
        if address.api_key:
            options["api_key"] = address.api_key
        elif address.user and address.password:
            options["basic_auth"] = (address.user, address.password)
        return Elasticsearch(
            address.url,
            request_timeout=address.timeout_seconds,
            serializer=OrjsonSerializer(),
            max_retries=0,  # `ask` asks again, knows when to, and waits
            **options,
        )

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.address.ca)
        except OSError as error:  # of which ssl.SSLError is one
            raise StoreError(
                f"{self.address.ca} is no certificate ({error}); "
                "set LUPUS_ELASTICSEARCH_CA to the PEM file of the certificate authority"
            ) from None

    def ask(self, what: str, request: Callable[[Elasticsearch], Answer], *, patient: bool = True) -> Answer:
        """Return the answer to `request`, a function of the client.

        Parameters
        ----------
        what : str
            Verb and object, such as ``read lupus-ledger``, for messages.
        request : callable
            May be called more than once.
        patient : bool
            Whether to ask again where nobody answers.

        Raises
        ------
        ServiceUnreachable, ServiceRefused
        """
        for wait in (*WAITS, None) if patient else (None,):
            try:
                return request(self.client)
            except (ApiError, TransportError) as error:
                failure = self._failure(what, error)
                again = may_again(error)
            # Raised out here: within, the client's error would hang on it, with every header of the request.
            if wait is None or not again:
                raise failure
            self.sleep(wait)
        raise AssertionError("the last wait is None")

    def _failure(self, what: str, error: ApiError | TransportError) -> StoreError:
        address = self.address
        problem = f"cannot {what} at {address.url}"
        if is_distrusted(error):
            trusted = address.ca or "the authorities that the system trusts"
            return ServiceUnreachable(
                f"{problem}: its certificate was not signed by {trusted}, or is not its own "
                f"({error.message}); set LUPUS_ELASTICSEARCH_CA to the file of its certificate authority"
            )
        if isinstance(error, ConnectionTimeout):
            return ServiceUnreachable(
                f"{problem}: no answer in {address.timeout_seconds:g} s; see whether it is up and not "
                "overloaded; what is missing is caught up later"
            )
        if not isinstance(error, ApiError):
            return ServiceUnreachable(
                f"{problem}: it does not answer ({error.message}) where LUPUS_ELASTICSEARCH_URL says; "
                "start it, or mend the network; what is missing is caught up later"
            )
        reason, status = reason_of(error.body) or error.message, error.meta.status
        if status == 401:
            return ServiceRefused(
                f"{problem}: {status}, it does not know {address.who} by these credentials; "
                "correct LUPUS_ELASTICSEARCH_USER and _PASSWORD, or _API_KEY"
            )
        if status == 403:
            return ServiceRefused(
                f"{problem}: {status}, {address.who} may not ({reason}); give that right, or all that "
                f"Lupus needs: the cluster's manage_index_templates, and all on {address.prefix}-* indices"
            )
        if status >= 500 or status in AGAIN:
            return ServiceUnreachable(
                f"{problem}: {status}, it cannot now ({reason}); what is missing is caught up later"
            )
        return ServiceRefused(f"{problem}: {status} ({reason})")


def may_again(error: ApiError | TransportError) -> bool:
    """Return whether a failed request may succeed some seconds later."""
    if isinstance(error, ApiError):
        return error.meta.status in AGAIN
    return not is_distrusted(error)


def reason_of(body: object) -> str:
    """Return the root cause in the body of an error."""
    error: Any = body.get("error", body) if isinstance(body, Mapping) else body
    if isinstance(error, Mapping):
        cause = (error.get("root_cause") or [error])[0]
        deepest = error.get("caused_by") or {}
        said = [cause.get("reason") or cause.get("type") or "", deepest.get("reason") or ""]
        error = ": ".join(text for text in dict.fromkeys(said) if text)
    return str(error or "")[:LONGEST_REASON]
