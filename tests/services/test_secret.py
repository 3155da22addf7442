"""No secret shows anywhere, whatever goes right or wrong, and what goes wrong is said with the remedy.

Searched is all that the product leaves or says with every library's log at its most verbose: what processes
print, Dagster's databases and the output of its steps, the text of objects.
"""

import base64
import gzip
import json
import re
import secrets
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import botocore
import pytest

from lupus_assets.installation import VARIABLES
from lupus_assets.resources.installation import Embedded, Serviced
from tests.dagster.site import small_model, small_rows
from tests.services.__main__ import variables
from tests.services.elasticsearch import Elasticsearch
from tests.services.hive import HiveServer
from tests.services.project import Project
from tests.services.seaweed import SeaweedFS
from tests.services.server import HOST, free_port
from tests.services.trace import forms, found, of_folder

pytestmark = pytest.mark.services

DECLARATION = """
type: lupus_assets.assets.MonitoredModel
attributes:
  model: secret
  team: shop
  cadence: {every: day, start: 2013-03-01, end: 2013-06-01, grace: 6h}
  tracks:
    champion: {parquet: "secret/champion/{partition}.parquet"}
  columns: {timestamp: at, key: id, prediction: {score: p}, label: {column: bought}}
  reference: {from: 2013-03-01, to: 2013-03-02}
"""
MODEL = small_model("secret")
RANGE = ["2013-03-01", "2013-03-03"]
PUNCTUATION = "/+=@%&:"  # what looks different in a URL or in base64


def secret(name: str) -> str:
    """Return a secret that is recognised, and that every encoding changes."""
    return f"{name}{PUNCTUATION}{secrets.token_hex(8)}"


@dataclass(frozen=True)
class Wrong:
    """One thing that is wrong, who notices it, and what is said."""

    name: str
    set: Mapping[str, str]
    asks: tuple[str, ...]  # of ``lupus``; or of the driver: job=…, tick=…, range
    says: str


@dataclass(frozen=True)
class Ran:
    """What ran, right and wrong: the secrets that took part, and what was said of each wrong thing."""

    project: Project
    right: Mapping[str, str]
    secrets: Mapping[str, str]
    by_dagster: Mapping[str, list[dict[str, Any]]]
    by_command: Mapping[str, str]
    codes: Mapping[str, int]
    cases: Mapping[str, Wrong]


class TwoKeys(SeaweedFS):
    """An S3 store with a second pair of keys, which may read and nothing else."""

    reader, reader_secret = "reader", secret("reader")

    def command(self) -> list[str]:
        """Return the command, with a file of who may do what."""
        file = self.work / "s3.json"
        all_rights, some = ["Admin", "Read", "List", "Tagging", "Write"], ["Read", "List"]
        file.write_text(
            json.dumps(
                {
                    "identities": [
                        {
                            "name": name,
                            "credentials": [{"accessKey": name, "secretKey": key}],
                            "actions": actions,
                        }
                        for name, key, actions in (
                            (self.access_key, self.secret_key, all_rights),
                            (self.reader, self.reader_secret, some),
                        )
                    ]
                }
            )
        )
        return [*super().command(), f"-s3.config={file}"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoKeys]:
    """Start an S3 store whose secret key is hard to write down."""
    server = TwoKeys(tmp_path_factory.mktemp("store"))
    server.secret_key = secret("store")
    with server:
        yield server


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, store: TwoKeys) -> Iterator[HiveServer]:
    """Start a Hive that asks for a password."""
    server = HiveServer(tmp_path_factory.mktemp("guarded"), auth="CUSTOM", s3=store)
    server.password = secret("hive")
    with server:
        yield server


@pytest.fixture(scope="module")
def ran(
    tmp_path_factory: pytest.TempPathFactory,
    store: TwoKeys,
    guarded: HiveServer,
    elasticsearch_9: Elasticsearch,
) -> Ran:
    """Run everything with the right secrets, and then with each wrong one."""
    known = {name: secret(name) for name in ("search", "guest", "salt")}
    known |= {name: secret(name) for name in ("wrong-store", "wrong-hive", "wrong-search", "in-url")}
    elasticsearch_9.add_user("keeper", known["search"], ["lupus"])
    elasticsearch_9.add_user("guest", known["guest"])
    with elasticsearch_9.client() as client:
        client.options(ignore_status=404).indices.delete(index="lupus-ledger")
    known |= {
        "store": store.secret_key,
        "reader": store.reader_secret,
        "hive": guarded.password or "",
        # None is right: the server lacks a filter that its index of keys is made with.
        "api-key": base64.b64encode(b"no-such-id:" + secret("key").encode()).decode(),
    }
    right = variables(store, elasticsearch_9, guarded) | {
        "LUPUS_WAREHOUSE": "s3://lupus/secret",
        "LUPUS_HIVE_DATABASE": "lupus_secret",
        "LUPUS_HIVE_USER": guarded.user,
        "LUPUS_HIVE_PASSWORD": known["hive"],
        "LUPUS_ELASTICSEARCH_USER": "keeper",
        "LUPUS_ELASTICSEARCH_PASSWORD": known["search"],
        "LUPUS_SALT": known["salt"],
    }
    project = Project(tmp_path_factory.mktemp("secret") / "project", right)
    project.install({"shop/secret": DECLARATION})
    write_logs(project)
    cases = wrong_cases(known, elasticsearch_9)
    steps: list[dict[str, Any]] = [{"range": RANGE}, {"job": "follow_hive"}, {"job": "follow_search"}]
    steps += [{"job": "compaction"}, *steps[1:], {"tick": "hive"}, {"tick": "search"}]
    asked = {
        case.name: [{"set": case.set, **step_of(ask)} for ask in case.asks]
        for case in cases
        if by_dagster(case)
    }
    outcomes = project.drive("dagster", *steps, *(step for each in asked.values() for step in each))
    rest = iter(outcomes[len(steps) :])
    dagster = {"right": outcomes[: len(steps)]}
    dagster |= {name: [next(rest) for _ in each] for name, each in asked.items()}
    commands = {f"right {' '.join(words)}": (words, {}) for words in RIGHT_COMMANDS}
    commands |= {case.name: (case.asks, dict(case.set)) for case in cases if not by_dagster(case)}
    said, codes = {}, {}
    for name, (words, others) in commands.items():
        done = project.lupus(re.sub(r"\W+", "_", name), *words, **others)
        said[name], codes[name] = last_line(done.stderr), done.returncode
    project.run("definitions", "dg", "list", "defs", "--json")
    return Ran(project, right, known, dagster, said, codes, {case.name: case for case in cases})


RIGHT_COMMANDS = (
    ("check",),
    ("sql", "--hive", "SELECT count(*) FROM metrics"),
    ("search", "--most", "3"),
    ("reindex",),
    ("compact", "--before", "2014-01"),
)


def wrong_cases(known: Mapping[str, str], search: Elasticsearch) -> tuple[Wrong, ...]:
    """Return every wrong thing: by the service, what is wrong, who asks, and what is said then."""
    nobody, api_key = free_port(), known["api-key"]
    elsewhere = str(Path(botocore.__file__).parent / "cacert.pem")  # authorities that signed none of ours
    store, hive, index = "AWS_SECRET_ACCESS_KEY", "LUPUS_HIVE_PASSWORD", "LUPUS_ELASTICSEARCH_PASSWORD"
    guest = {"LUPUS_ELASTICSEARCH_USER": "guest", index: known["guest"]}
    reader = {"AWS_ACCESS_KEY_ID": TwoKeys.reader, store: TwoKeys.reader_secret}
    key, rights = (
        r"403 SignatureDoesNotMatch .*correct AWS_SECRET_ACCESS_KEY",
        r"403 AccessDenied .*give these .* AWS_ACCESS_KEY_ID",
    )
    refused = r"did not let user 'lupus' in with auth CUSTOM: .*correct .*LUPUS_HIVE_PASSWORD"
    unknown = r"at https.*: 401, it does not know user keeper .*correct .*USER and _PASSWORD"
    barred = r"at https.*: 403, user guest may not .*give that right"
    untrusted = r"its certificate was not signed by .*set LUPUS_ELASTICSEARCH_CA"
    return (
        Wrong("store key in a run", {store: known["wrong-store"]}, ("range=",), rf"s3://lupus/.*{key}"),
        # Before any run of a view has failed, after which the sensor waits.
        Wrong("hive password at a tick", {hive: known["wrong-hive"]}, ("tick=hive",), refused),
        Wrong("search password at a tick", {index: known["wrong-search"]}, ("tick=search",), unknown),
        Wrong("store key in a view", {store: known["wrong-store"]}, ("job=follow_hive",), key),
        Wrong("store rights in a run", reader, ("range=",), rf"cannot write s3://lupus/.*{rights}"),
        Wrong("hive password", {hive: known["wrong-hive"]}, ("job=follow_hive",), refused),
        Wrong("search password", {index: known["wrong-search"]}, ("job=follow_search",), unknown),
        Wrong("search rights", guest, ("job=follow_search",), barred),
        Wrong("search authority", {"LUPUS_ELASTICSEARCH_CA": elsewhere}, ("job=follow_search",), untrusted),
        Wrong("store key", {store: known["wrong-store"]}, ("compact",), key),
        Wrong(
            "store authority",
            {"LUPUS_S3_ENDPOINT": search.url, "LUPUS_S3_CA": elsewhere},
            ("compact",),
            r"s3://lupus/.*the certificate of https.* is not trusted .*set LUPUS_S3_CA",
        ),
        Wrong(
            "store port",
            {"LUPUS_S3_ENDPOINT": f"http://{HOST}:{nobody}"},
            ("compact",),
            rf"s3://lupus/.*{nobody} does not answer .*correct LUPUS_S3_ENDPOINT",
        ),
        Wrong(
            "store url",
            {"LUPUS_S3_ENDPOINT": f"http://lupus:{quote(known['in-url'], safe='')}@{HOST}:{nobody}"},
            ("compact",),
            r"LUPUS_S3_ENDPOINT holds a user; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead",
        ),
        Wrong("hive password asked", {hive: known["wrong-hive"]}, ("sql", "--hive", "SELECT 1"), refused),
        Wrong(
            "hive port",
            {"LUPUS_HIVE_PORT": str(nobody)},
            ("sql", "--hive", "SELECT 1"),
            rf"Hive at .*:{nobody} cannot be reached: .*correct LUPUS_HIVE_HOST and LUPUS_HIVE_PORT",
        ),
        Wrong(
            "hive authentication",
            {"LUPUS_HIVE_AUTH": "NOSASL"},
            ("sql", "--hive", "SELECT 1"),
            r"password \(LUPUS_HIVE_PASSWORD\) is set, and auth NOSASL has none; leave it out",
        ),
        Wrong("search password asked", {index: known["wrong-search"]}, ("search",), r"401, .*user keeper"),
        Wrong("search rights asked", guest, ("search",), barred),
        Wrong("search rights of an index", guest, ("reindex",), barred),
        Wrong("search authority asked", {"LUPUS_ELASTICSEARCH_CA": elsewhere}, ("search",), untrusted),
        Wrong("search key", by_key(api_key), ("search",), r"401, .*the API key .*correct .*_API_KEY"),
        Wrong(
            "search key and password", {"LUPUS_ELASTICSEARCH_API_KEY": api_key}, ("search",), "unset one or"
        ),
        Wrong(
            "search port",
            {"LUPUS_ELASTICSEARCH_URL": f"https://{HOST}:{nobody}"},
            ("search",),
            rf"at https://{HOST}:{nobody}: it does not answer .*LUPUS_ELASTICSEARCH_URL",
        ),
        Wrong(
            "search url",
            {"LUPUS_ELASTICSEARCH_URL": f"https://keeper:{quote(known['in-url'], safe='')}@{HOST}:{nobody}"},
            ("search",),
            r"LUPUS_ELASTICSEARCH_URL holds a user; set LUPUS_ELASTICSEARCH_USER",
        ),
    )  # fmt: skip


NAMES = (
    "store key in a run", "store key in a view", "store rights in a run", "hive password", "search password",
    "hive password at a tick", "search password at a tick",
    "search rights", "search authority", "store key", "store authority", "store port",
    "store url", "hive password asked", "hive port", "hive authentication", "search password asked",
    "search rights asked", "search rights of an index", "search authority asked", "search key",
    "search key and password", "search port", "search url",
)  # fmt: skip


def by_key(key: str) -> dict[str, str]:
    """Return the variables of who has an API key and no password."""
    name = "LUPUS_ELASTICSEARCH_"
    return {name + "API_KEY": key, name + "USER": "", name + "PASSWORD": ""}


def by_dagster(case: Wrong) -> bool:
    return "=" in case.asks[0]


def step_of(ask: str) -> dict[str, Any]:
    """Return a step of the driver: ``range=`` is all days."""
    kind, _, name = ask.partition("=")
    return {kind: name or RANGE}


def last_line(text: str) -> str:
    """Return the message of ``lupus``: the last of its own lines, whatever the libraries print around it."""
    lines = [line for line in text.splitlines() if line.startswith("lupus ")]
    return lines[-1] if lines else ""


def write_logs(project: Project) -> None:
    """Write the prediction log of every day."""
    import dagster as dg
    import pyarrow.parquet as pq

    from tests.dagster.site import Site

    with dg.DagsterInstance.ephemeral() as instance:
        windows = Site.of(project.root, [MODEL], instance).windows(MODEL, *RANGE)
    folder = project.data / "secret" / "champion"
    folder.mkdir(parents=True)
    for window in windows:
        pq.write_table(small_rows(window, 100), folder / f"{window.key}.parquet")


def test_with_the_right_secrets_everything_works(ran):
    assert [each["success"] for each in ran.by_dagster["right"]] == [True] * 6 + [False] * 2
    assert all("every month is shown" in each["said"][0] for each in ran.by_dagster["right"][6:])
    assert {name: code for name, code in ran.codes.items() if name.startswith("right")} == {
        name: 0 for name in ran.codes if name.startswith("right")
    }


@pytest.mark.parametrize("name", NAMES)
def test_what_is_wrong_is_said_with_its_service_and_remedy(ran, name):
    case = ran.cases[name]
    if by_dagster(case):
        for outcome in ran.by_dagster[name]:
            assert not outcome["success"]
            assert re.search(case.says, "\n".join(outcome["said"])), outcome["said"]
    else:
        assert ran.codes[name] == 1
        assert re.search(case.says, ran.by_command[name]), ran.by_command[name]


def test_no_secret_is_in_what_was_printed_or_stored(ran):
    wanted = {name: forms(value) for name, value in ran.secrets.items()}
    for user, name in (("keeper", "search"), ("guest", "guest"), ("keeper", "wrong-search")):
        header = base64.b64encode(f"{user}:{ran.secrets[name]}".encode())
        wanted[f"header of {name}"] = (header, header.rstrip(b"=")[:-1])
    traces = [*of_folder(ran.project.dagster), *of_folder(ran.project.said)]
    traces += [(path.name, path.read_bytes()) for path in ran.project.root.glob("*.json")]
    assert found(traces, wanted) == set()


def test_what_was_searched_is_all_there_is(ran):
    """The libraries' logs were on, the runs' events are in the databases, and each holds what it should."""
    printed, stored = list(of_folder(ran.project.said)), list(of_folder(ran.project.dagster))
    for what, where in {
        "AWS4-HMAC-SHA256": "dagster.err",  # botocore says what it signs, and by what
        "> Authorization: Basic": "dagster.err",  # Elasticsearch's client hides what follows
        "> Authorization: ApiKey": "search_key.err",
        "pyhive.hive": "dagster.err",
        "shop/secret": "definitions.out",
    }.items():
        assert (what, where) in found(printed, {what: [what.encode()]})
    said = found(
        stored,
        {"refusal": [b"SignatureDoesNotMatch"], "hive": [b"did not let user"], "job": [b"follow_search"]},
    )
    places = {
        name: {where.split(":")[-1] for what, where in said if what == name}
        for name in ("refusal", "hive", "job")
    }
    assert "event_logs" in places["refusal"]
    assert "event_logs" in places["hive"]
    assert "snapshots" in places["job"], "what is compressed is looked into"
    assert any("compute_logs" in str(where) for where, _ in stored)


def test_no_object_shows_a_secret(ran):
    fields = {field: ran.right.get(variable) for field, variable in VARIABLES.items()}
    resource = Serviced(home="home", data_root="data", salt=ran.secrets["salt"], **fields)
    by_api_key = {**fields, "elasticsearch_user": None, "elasticsearch_password": None}
    keyed = Serviced(
        home="home", data_root="data", salt=ran.secrets["salt"],
        **{**by_api_key, "elasticsearch_api_key": ran.secrets["api-key"]},
    )  # fmt: skip
    embedded = Embedded(home="home", data_root="data", salt=ran.secrets["salt"])
    objects: list[object] = [embedded, embedded.pipeline()]
    for each in (resource, keyed):
        installation = each.installation()
        objects += [
            each, each.pipeline(), installation, installation.hive, installation.elasticsearch,
            installation.files, installation.files.client, installation.tables(), installation.view("hive"),
            installation.search_view(), installation.search_view().__dict__, installation.search_index(),
            installation.connect_hive(), installation.connect_hive().__dict__,
        ]  # fmt: skip
    texts = [(type(each).__name__, f"{each!r} {each}".encode()) for each in objects]
    assert found(texts, {name: forms(value) for name, value in ran.secrets.items()}) == set()
    assert found(texts, {"user": [b"keeper"]}) != set()


@pytest.mark.parametrize(
    "hide",
    [
        lambda value: value.encode(),
        lambda value: b"Authorization: Basic " + base64.b64encode(f"user:{value}".encode()),
        lambda value: b"x" + base64.urlsafe_b64encode(f"{value} and more".encode()),
        lambda value: f"https://user:{quote(value, safe='')}@host".encode(),
        lambda value: f"https://host/?password={quote(value)}".encode(),
        lambda value: json.dumps({"password": value}).encode(),
        lambda value: zlib.compress(b"before " + value.encode()),
        lambda value: gzip.compress(zlib.compress(value.encode())),
    ],
)
def test_a_secret_that_is_planted_is_found(tmp_path, hide):
    value = secret("planted")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "step.err").write_bytes(hide(value))
    with closing(sqlite3.connect(tmp_path / "runs.db")) as database, database:
        database.execute("CREATE TABLE snapshots (id INTEGER, body BLOB, note TEXT)")
        database.execute("INSERT INTO snapshots VALUES (1, ?, 'a note')", [hide(value)])
    wanted = {"planted": forms(value), "other": forms(secret("other"))}
    places = {where for _, where in found(of_folder(tmp_path), wanted)}
    assert {"below/step.err", "runs.db:snapshots"} <= places
    assert {name for name, _ in found(of_folder(tmp_path), wanted)} == {"planted"}
