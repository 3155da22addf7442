"""Each real server starts, does what Lupus needs of it, keeps its data, and ends with whoever started it."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psycopg2
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from elasticsearch import ApiError
from thrift.transport.TTransport import TTransportException

from tests.services.artefact import made
from tests.services.elasticsearch import Elasticsearch
from tests.services.hive import HiveServer
from tests.services.postgres import Postgres
from tests.services.seaweed import SeaweedFS
from tests.services.server import Server

pytestmark = pytest.mark.services

PROJECT = Path(__file__).parents[2]


@pytest.fixture(params=["elasticsearch_8", "elasticsearch_9"])
def search(request: pytest.FixtureRequest) -> Elasticsearch:
    """Return each Elasticsearch in turn."""
    found: Elasticsearch = request.getfixturevalue(request.param)
    return found


def rows(hive: HiveServer, *statements: str) -> list[tuple[object, ...]]:
    """Run statements on one connection; return the rows of the last."""
    connection = hive.connect()
    try:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())
    finally:
        connection.close()


def test_hive_counts_what_lies_in_the_bucket_and_again_after_a_power_failure(
    hive: HiveServer, bucket_server: SeaweedFS
) -> None:
    bucket_server.client().put_object(Bucket="lupus", Key="counted/day=1/rows.csv", Body=b"1\n2\n3\n")
    made = (
        "create external table counted (a bigint) partitioned by (day string)"
        " row format delimited stored as textfile location 's3a://lupus/counted'"
    )
    assert rows(hive, "select 1") == [(1,)]
    assert rows(
        hive, made, "alter table counted add partition (day='1')", "select count(*) from counted"
    ) == [(3,)]
    hive.kill()
    hive.restart()
    assert rows(hive, "select a from counted where day = '1' order by a") == [(1,), (2,), (3,)]


def test_hive_lets_in_only_who_has_the_password(tmp_path: Path) -> None:
    with HiveServer(tmp_path, auth="CUSTOM", heap="512m") as hive:
        assert rows(hive, "select 1") == [(1,)]
        with pytest.raises(TTransportException, match="validating the login"):
            hive.connect(password="wrong")  # noqa: S106


def test_elasticsearch_finds_a_document_and_again_after_a_power_failure(search: Elasticsearch) -> None:
    client = search.client()
    assert client.cluster.health()["status"] in ("green", "yellow")
    client.indices.put_index_template(
        name="lupus-kept",
        index_patterns=["lupus-kept*"],
        template={"mappings": {"dynamic": "strict", "properties": {"said": {"type": "text"}}}},
    )
    client.index(index="lupus-kept", id="1", document={"said": "the column is lost"}, refresh=True)
    search.kill()
    search.restart()
    client.cluster.health(wait_for_status="yellow", index="lupus-kept")
    assert [hit["_id"] for hit in client.search(query={"match": {"said": "lost"}})["hits"]["hits"]] == ["1"]
    client.close()


def test_elasticsearch_refuses_who_has_no_rights_or_the_wrong_password(search: Elasticsearch) -> None:
    search.add_user("stranger", "a stranger's password")
    for password, status in (("a stranger's password", 403), ("another", 401)):
        with (
            search.client(basic_auth=("stranger", password)) as client,
            pytest.raises(ApiError) as refusal,
        ):
            client.search(index="lupus*")
        assert refusal.value.status_code == status
    with search.client() as client, pytest.raises(ApiError) as refusal:
        client.index(index="another", document={})
    assert refusal.value.status_code == 403


def test_elasticsearch_shows_a_certificate_that_only_its_own_authority_signed(search: Elasticsearch) -> None:
    assert search.ask("/_cluster/health", search.user, search.password) == 200
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(search.url)


def test_the_bucket_makes_a_key_once_and_keeps_it_over_a_power_failure(tmp_path: Path) -> None:
    with SeaweedFS(tmp_path) as store:
        client = store.client()
        client.put_object(Bucket="lupus", Key="a/b", Body=b"first", IfNoneMatch="*")
        with pytest.raises(ClientError, match="PreconditionFailed"):
            client.put_object(Bucket="lupus", Key="a/b", Body=b"second", IfNoneMatch="*")
        store.kill()
        store.restart()
        # Its volume server joins some seconds after the rest answers; until then it says InternalError.
        patient = store.client(config=Config(retries={"mode": "standard", "total_max_attempts": 10}))
        assert patient.get_object(Bucket="lupus", Key="a/b")["Body"].read() == b"first"
        patient.close()
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            store.client(aws_secret_access_key="wrong").list_buckets()  # noqa: S106
        client.close()


def test_two_stores_run_beside_each_other(bucket_server: SeaweedFS, tmp_path: Path) -> None:
    with SeaweedFS(tmp_path, buckets=("other",)) as store:
        assert [bucket["Name"] for bucket in store.client().list_buckets()["Buckets"]] == ["other"]
    assert bucket_server.ready()


def test_postgres_keeps_a_row_over_a_power_failure(postgres: Postgres) -> None:
    def ask(*statements: str) -> list[tuple[object, ...]]:
        connection = psycopg2.connect(postgres.url)
        try:
            with connection, connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    assert ask("select 1") == [(1,)]
    ask("create table kept (a int)", "insert into kept values (7) returning a")
    postgres.kill()
    postgres.restart()
    assert ask("select a from kept") == [(7,)]


def test_what_was_fetched_is_whole_or_absent_and_made_anew_from_another_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUPUS_SERVICES_CACHE", str(tmp_path))

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError, match="no network"):
        made("server", b"1", fail)
    first = made("server", b"1", lambda folder: (folder / "whole").touch())
    assert [path.name for path in first.iterdir()] == ["whole"]
    assert made("server", b"1", fail) == first
    assert made("server", b"2", lambda folder: (folder / "newer").touch()) != first


def test_two_who_fetch_at_once_fetch_once(tmp_path: Path) -> None:
    program = (
        "import time\nfrom tests.services.artefact import made\n"
        "def make(folder):\n    time.sleep(1)\n    print('made')\n"
        "made('server', b'', make)"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=PROJECT,
            env={**os.environ, "LUPUS_SERVICES_CACHE": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    assert sorted(process.communicate()[0] for process in both) == ["", "made\n"]


def test_a_folder_keeps_its_ports_and_passwords(tmp_path: Path) -> None:
    with Postgres(tmp_path) as first:
        pass
    again = Postgres(tmp_path)
    assert (again.port, again.password) == (first.port, first.password)


def test_a_server_that_cannot_start_says_what_it_said(tmp_path: Path) -> None:
    with Postgres(tmp_path):
        pass
    (tmp_path / "data" / "postgresql.conf").write_text("nonsense = 1\n")
    with pytest.raises(RuntimeError, match=r"unrecognized configuration parameter .nonsense."):
        Postgres(tmp_path).start()


@pytest.mark.parametrize("kind", [Postgres, SeaweedFS, HiveServer, Elasticsearch])
def test_nothing_is_left_when_whoever_started_it_is_killed(kind: type[Server], tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\n"
        f"from {kind.__module__} import {kind.__name__} as Kind\n"
        "server = Kind(Path(sys.argv[1])).start()\nprint(server.pid, flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().strip().isdigit()
        assert processes_of(tmp_path)
        parent.send_signal(signal.SIGKILL)
    until = time.monotonic() + 30
    while left := processes_of(tmp_path):
        assert time.monotonic() < until, left
        time.sleep(0.2)


def processes_of(work: Path) -> list[str]:
    """Return the command lines of the processes, other than Python's, that name `work` or stand in it."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            place = (process / "cwd").readlink()
        except OSError:  # it has ended
            continue
        if not command.startswith(sys.executable) and (str(work) in command or place.is_relative_to(work)):
            found.append(command)
    return found
