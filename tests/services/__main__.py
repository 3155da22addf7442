"""``make services``: Hive, Elasticsearch and an S3 store for a person, until Ctrl-C."""

import fcntl
import os
import shlex
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.services.elasticsearch import JAVAS, Elasticsearch
from tests.services.hive import HiveServer
from tests.services.java import java_home
from tests.services.seaweed import SeaweedFS
from tests.services.server import Server

PROJECT = Path(__file__).parents[2]
HOW = """
Everything runs; Ctrl-C stops it, and the next `make services` finds its data again. In another shell:

    source {file}
    make demo ENV=services
    lupus sql --hive
    lupus search
"""


def main() -> int:
    """Run the servers until they are told to end; return 1 when one ended by itself."""
    home = Path(os.environ.get("LUPUS_HOME", PROJECT / ".lupus"))
    work, file = home / "services", home / "services.env"
    work.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with ExitStack() as running:
        lock = running.enter_context((work / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(f"The servers of {work} run already: source {file}", file=sys.stderr)
            return 1
        version = newest()
        s3 = SeaweedFS(work / "seaweed")
        search = Elasticsearch(work / f"elasticsearch-{version}", version=version)
        hive = HiveServer(work / "hive", s3=s3)
        servers: tuple[Server, ...] = (s3, search, hive)
        for server in servers:
            print(f"{server.name} ", end="", flush=True)
            running.enter_context(server)
            print(f"on port {server.port} after {server.started_in:.0f} s", flush=True)
        write(file, variables(s3, search, hive))
        running.callback(file.unlink, missing_ok=True)  # an address where nobody is helps nobody
        here = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
        print(HOW.format(file=here), flush=True)
        while all(server.running for server in servers):
            time.sleep(1)
        ended = ", ".join(f"{server.name} (see {server.log})" for server in servers if not server.running)
        print(f"Ended by itself: {ended}", file=sys.stderr)
    return 1


def newest() -> str:
    """Return the newest Elasticsearch that a Java of this machine runs."""
    for version in sorted(JAVAS, key=lambda version: int(version.split(".")[0]), reverse=True):
        with suppress(RuntimeError):
            java_home(*JAVAS[version])
            return version
    raise RuntimeError("Elasticsearch needs Java 17 or later: run tests/services/install")


def variables(s3: SeaweedFS, search: Elasticsearch, hive: HiveServer) -> dict[str, str]:
    """Return the environment ``services`` of Lupus."""
    return {
        "LUPUS_ENV": "services",
        "LUPUS_WAREHOUSE": f"s3://{s3.buckets[0]}/warehouse",
        "LUPUS_S3_ENDPOINT": s3.endpoint,
        **s3.variables(),
        "LUPUS_HIVE_HOST": hive.host,
        "LUPUS_HIVE_PORT": str(hive.port),
        "LUPUS_HIVE_AUTH": hive.auth,
        "LUPUS_ELASTICSEARCH_URL": search.url,
        "LUPUS_ELASTICSEARCH_USER": search.user,
        "LUPUS_ELASTICSEARCH_PASSWORD": search.password,
        "LUPUS_ELASTICSEARCH_CA": str(search.ca),
    }


def write(file: Path, values: Mapping[str, str]) -> None:
    """Write variables for a shell to source, for the eyes of their owner."""
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items()))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
