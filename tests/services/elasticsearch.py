"""Elasticsearch with TLS and users, as it sets itself up at its first start."""

import base64
import hashlib
import os
import secrets
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from elasticsearch import Elasticsearch as Client

from tests.services.artefact import elasticsearch_home
from tests.services.java import java_home
from tests.services.server import HOST, Server

JAVAS = {"8.19.0": (17, 24), "9.2.0": (21, 99)}  # versions that run, the oldest and the newest Java
SETTINGS = """
discovery.type: single-node
network.host: {host}
http.port: {http}
transport.port: {transport}
path.data: {work}/data
path.logs: {work}/logs
node.store.allow_mmap: false
cluster.routing.allocation.disk.threshold_enabled: false
resource.reload.interval.high: 1s
"""
# What Lupus needs, and no more.
ROLES = """
lupus:
  cluster: [monitor, manage_index_templates]
  indices:
    - names: ["lupus*"]
      privileges: [all]
"""
ROUNDS = 10_000  # of PBKDF2, one of the numbers that Elasticsearch knows


class Elasticsearch(Server):
    """An Elasticsearch of one node.

    Parameters
    ----------
    work : Path
        Folder of configuration, data and logs.
    version : str
        A key of `JAVAS`.
    heap : str
        Heap of the JVM.

    Attributes
    ----------
    user, password : str
        A user with the role ``lupus``: may see the cluster's health, manage index templates, and do
        everything with ``lupus*`` indices.
    ca : Path
        The certificate that signed the server's.
    """

    name = "Elasticsearch"
    port_names: ClassVar[tuple[str, ...]] = ("http", "transport")
    refuses_root = True
    user = "lupus"

    def __init__(self, work: Path, *, version: str = "9.2.0", heap: str = "512m") -> None:
        super().__init__(work)
        self.version, self.heap = version, heap
        self.password = self.secret("password")
        self.conf = self.work / "config"
        self.ca = self.conf / "certs" / "http_ca.crt"

    @property
    def url(self) -> str:
        """The address of the HTTP interface."""
        return f"https://{HOST}:{self.port}"

    def client(self, **options: Any) -> Client:
        """Return a client of Elasticsearch's own, as the user ``lupus``."""
        given = {"basic_auth": (self.user, self.password), "ca_certs": str(self.ca)}
        return Client(self.url, **{**given, **options})

    def add_user(self, name: str, password: str, roles: Sequence[str] = ()) -> None:
        """Let a user in, with the rights of `roles`, and wait until a running server does."""
        salt = secrets.token_bytes(32)
        proof = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS, dklen=32)
        users = read_pairs(self.conf / "users")
        users[name] = (
            f"{{PBKDF2}}{ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(proof).decode()}"
        )
        given = read_pairs(self.conf / "users_roles")
        for role in roles:
            given[role] = ",".join({*given.get(role, name).split(","), name})
        write_pairs(self.conf / "users_roles", given)
        write_pairs(self.conf / "users", users)
        until = time.monotonic() + 60
        while self.running and self.ask("/_security/_authenticate", name, password) != 200:
            if time.monotonic() > until:
                raise RuntimeError(f"Elasticsearch does not let {name} in")
            time.sleep(0.2)

    def ask(self, path: str, user: str, password: str) -> int | None:
        """Return the HTTP status of a GET; None while nobody answers."""
        credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Basic {credentials}"})
        try:
            trust = ssl.create_default_context(cafile=self.ca)
            with urllib.request.urlopen(request, timeout=10, context=trust) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return None

    def prepare(self) -> None:
        """Write a configuration when there is none yet, else the ports."""
        home = elasticsearch_home(self.version)
        settings = self.conf / "elasticsearch.yml"
        own = SETTINGS.format(host=HOST, work=self.work, **self._ports)
        if not self.conf.exists():
            part = self.conf.with_name("config.part")
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(home / "config", part)
            (part / "elasticsearch.yml").write_text(own)
            (part / "roles.yml").write_text(ROLES)
            part.rename(self.conf)
            self.add_user(self.user, self.password, ["lupus"])
        # Elasticsearch adds its own settings below ours when it first starts.
        names = {line.partition(":")[0] for line in own.splitlines() if line}
        rest = [line for line in settings.read_text().splitlines() if line.partition(":")[0] not in names]
        settings.write_text("\n".join([own.strip(), *rest]) + "\n")

    def command(self) -> list[str]:
        """Return the launcher; the server itself is a child of it, and ends with it."""
        return [str(elasticsearch_home(self.version) / "bin" / "elasticsearch")]

    def environment(self) -> Mapping[str, str]:
        """Return what the launcher reads."""
        (self.work / "tmp").mkdir(exist_ok=True)
        return {
            "ES_JAVA_HOME": str(java_home(*JAVAS[self.version])),
            "ES_PATH_CONF": str(self.conf),
            "ES_TMPDIR": str(self.work / "tmp"),
            "ES_JAVA_OPTS": f"-Xms{self.heap} -Xmx{self.heap} -XX:TieredStopAtLevel=1",
            "HOSTNAME": os.environ.get("HOSTNAME", "localhost"),
        }

    def ready(self) -> bool:
        """Return whether the user may ask for the cluster's health, and it is not red."""
        path = "/_cluster/health?wait_for_status=yellow&timeout=5s"
        return self.ca.exists() and self.ask(path, self.user, self.password) == 200


def read_pairs(path: Path) -> dict[str, str]:
    """Return the lines ``name:value`` of a file."""
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    return {name: value for name, _, value in (line.partition(":") for line in lines)}


def write_pairs(path: Path, pairs: Mapping[str, str]) -> None:
    """Write lines ``name:value`` so that a reader sees the old ones or the new."""
    part = path.with_name(f"{path.name}.part")
    part.touch(mode=0o600)
    part.write_text("".join(f"{name}:{value}\n" for name, value in pairs.items()))
    part.rename(path)
