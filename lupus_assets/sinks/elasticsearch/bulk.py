"""Bulk writes to Elasticsearch, throttled by its answers, with a list of refused documents."""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from elasticsearch import ApiError, Elasticsearch

from lupus_assets.errors import ServiceUnreachable
from lupus_assets.records import Month
from lupus_assets.sinks.elasticsearch.client import LONGEST_REASON, WAITS, Cluster, reason_of

BATCH = 5_000_000  # bytes: larger ones were no faster
LEAST_BATCH = 100_000  # bytes: what a server that is overwhelmed is asked to take at least
THREADS = 2  # one batch is made while another is taken in
BUSY, TOO_LARGE, MISSING = 429, 413, 404

About = tuple[Month, str]  # whose documents: a month, and the stem of a place


@dataclass(frozen=True)
class Refusal:
    """A refused document: its month and place, the status and the reason."""

    about: About
    status: int
    reason: str


@dataclass(frozen=True)
class _Action:
    about: About
    lines: bytes


class Bulk:
    """Writes to one index or alias; `flush` returns when every document is accepted or refused.

    Parameters
    ----------
    cluster : Cluster
    target : str
        Alias of the index to write to. An index would be made anew if it were deleted meanwhile, an alias
        is not.
    batch : int
        Bytes of one request.
    """

    def __init__(self, cluster: Cluster, target: str, *, batch: int = BATCH) -> None:
        self.sent = 0
        self._cluster, self._target = cluster, target
        self._batch = self._most = batch
        self._actions: list[_Action] = []
        self._size = 0
        self._threads = ThreadPoolExecutor(THREADS)
        self._running: deque[Future[list[Refusal]]] = deque()
        self._refused: list[Refusal] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)

    def index(self, about: About, document_id: str, document: bytes) -> None:
        """Write a document, replacing the one with the same id."""
        self._add(about, b'{"index":{"_id":"%b"}}\n%b\n' % (document_id.encode(), document))

    def delete(self, about: About, document_id: str) -> None:
        """Delete a document; a missing one is no error."""
        self._add(about, b'{"delete":{"_id":"%b"}}\n' % document_id.encode())

    def flush(self) -> list[Refusal]:
        """Wait for all writes; return the documents refused since the last flush.

        Raises
        ------
        ServiceUnreachable, ServiceRefused
        """
        self._send()
        while self._running:
            self._refused += self._running.popleft().result()
        refused, self._refused = self._refused, []
        return refused

    def _add(self, about: About, lines: bytes) -> None:
        if self._size + len(lines) > self._batch:
            self._send()
        self._actions.append(_Action(about, lines))
        self._size += len(lines)

    def _send(self) -> None:
        if not self._actions:
            return
        while len(self._running) >= THREADS:  # else all documents would be in memory
            self._refused += self._running.popleft().result()
        self._running.append(self._threads.submit(self._write, self._actions))
        self.sent += len(self._actions)
        self._actions, self._size = [], 0

    def _write(self, actions: Sequence[_Action]) -> list[Refusal]:
        """Send `actions` until each is accepted or refused for good."""
        refused: list[Refusal] = []
        todo = list(actions)
        waits = iter(WAITS)
        while todo:
            later: list[_Action] = []
            reason = ""
            for part in _parts(todo, self._batch):
                statuses = self._request(part)
                for action, (status, said) in zip(part, statuses, strict=True):
                    if status == BUSY:
                        later.append(action)
                        reason = said
                    elif status >= 300 and status != MISSING:
                        refused.append(Refusal(action.about, status, said))
            if not later:
                self._batch = min(self._batch * 2, self._most)
            elif len(later) < len(todo):
                waits = iter(WAITS)  # it gets on, and may take as long as it takes
            if later:
                self._batch = max(self._batch // 2, LEAST_BATCH)
                wait = next(waits, None)
                if wait is None:
                    raise ServiceUnreachable(
                        f"{self._cluster.address.url} is overwhelmed: {len(later)} documents for "
                        f"{self._target} wait ({reason}); what is missing is caught up later"
                    )
                self._cluster.sleep(wait)
            todo = later
        return refused

    def _request(self, part: Sequence[_Action]) -> list[tuple[int, str]]:
        body = b"".join(action.lines for action in part)

        def request(client: Elasticsearch) -> list[tuple[int, str]]:
            try:
                answer = client.bulk(
                    index=self._target,
                    operations=body,  # type: ignore[arg-type]  # bytes go as they are
                    require_alias=True,
                    filter_path="errors,items.*.status,items.*.error",
                )
            except ApiError as error:
                if error.meta.status in (BUSY, TOO_LARGE) and (error.meta.status == BUSY or len(part) > 1):
                    return [(BUSY, reason_of(error.body))] * len(part)
                raise
            if not answer["errors"]:
                return [(200, "")] * len(part)
            items = [item for each in answer["items"] for item in each.values()]
            return [(item["status"], reason_of(item)[:LONGEST_REASON]) for item in items]

        return self._cluster.ask(f"write {self._target}", request)


def _parts(actions: Sequence[_Action], batch: int) -> list[list[_Action]]:
    parts: list[list[_Action]] = [[]]
    size = 0
    for action in actions:
        if parts[-1] and size + len(action.lines) > batch:
            parts.append([])
            size = 0
        parts[-1].append(action)
        size += len(action.lines)
    return parts
