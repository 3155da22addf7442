"""The real servers as fixtures: each started once a run, when first asked for; an error when it cannot be.

Every run of pytest reads this module, so what starts a server, and the client of its product with it, is
imported by the fixture that needs it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.services.elasticsearch import Elasticsearch
    from tests.services.hive import HiveServer
    from tests.services.postgres import Postgres
    from tests.services.seaweed import SeaweedFS


@pytest.fixture(scope="session")
def bucket_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["SeaweedFS"]:
    """Start an S3 store with the bucket ``lupus``."""
    from tests.services.seaweed import SeaweedFS

    with SeaweedFS(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture(scope="session")
def hive(tmp_path_factory: pytest.TempPathFactory, bucket_server: "SeaweedFS") -> Iterator["HiveServer"]:
    """Start a Hive that reads the bucket."""
    from tests.services.hive import HiveServer

    with HiveServer(tmp_path_factory.mktemp("hive"), s3=bucket_server) as server:
        yield server


@pytest.fixture(scope="session")
def elasticsearch_8(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Elasticsearch"]:
    """Start the older of the two Elasticsearches that Lupus speaks to."""
    from tests.services.elasticsearch import Elasticsearch

    with Elasticsearch(tmp_path_factory.mktemp("elasticsearch"), version="8.19.0") as server:
        yield server


@pytest.fixture(scope="session")
def elasticsearch_9(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Elasticsearch"]:
    """Start the newer of the two Elasticsearches that Lupus speaks to."""
    from tests.services.elasticsearch import Elasticsearch

    with Elasticsearch(tmp_path_factory.mktemp("elasticsearch"), version="9.2.0") as server:
        yield server


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Postgres"]:
    """Start a PostgreSQL."""
    from tests.services.postgres import Postgres

    with Postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server
