"""A server that goes away before it has shown a certificate is one that does not answer."""

import socket
import threading
from collections.abc import Iterator

import pytest

from lupus_assets.errors import ServiceUnreachable
from lupus_assets.sinks.elasticsearch.client import WAITS, Cluster, ElasticsearchAddress
from lupus_assets.sinks.files.s3 import Bucket, BucketAddress


@pytest.fixture
def leaving() -> Iterator[str]:
    """Return the address of a server that reads how a client begins, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def leave() -> None:
            while True:
                try:
                    client = listener.accept()[0]
                except OSError:  # the test is over
                    return
                with client:
                    client.recv(1 << 14)

        thread = threading.Thread(target=leave)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_elasticsearch_is_asked_again_and_said_to_be_caught_up_later(leaving):
    waits: list[float] = []
    cluster = Cluster(ElasticsearchAddress(leaving), sleep=waits.append)
    with pytest.raises(ServiceUnreachable, match=r"it does not answer \(.*EOF.*caught up later"):
        cluster.ask("look", lambda client: client.info())
    assert waits == [*WAITS]


def test_a_store_is_said_not_to_answer(leaving, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    with pytest.raises(ServiceUnreachable, match=r"127\.0\.0\.1:\d+ does not answer \(.*EOF"):
        Bucket(BucketAddress("lupus", endpoint=leaving)).list("metrics")
