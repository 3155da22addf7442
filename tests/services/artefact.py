"""What the servers run from, fetched with Maven once per machine and recipe.

A folder is named after what it was made from, made beside its place under a lock, and moved there when it is
complete; so two processes may ask at once, and a change of recipe never takes files from a running server.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.services.java import java_home

RECIPE = Path(__file__).parent / "recipe"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
ELASTICSEARCH = "org.elasticsearch.distribution.integ-test-zip:elasticsearch"
HIVE_JAVA = 17  # Hadoop 3.3 calls Subject.getSubject, which newer ones refuse


def cache() -> Path:
    """Return the folder of fetched servers: ``$LUPUS_SERVICES_CACHE`` or ``~/.cache/lupus-services``."""
    return Path(os.environ.get("LUPUS_SERVICES_CACHE") or Path.home() / ".cache" / "lupus-services")


def hive_jars() -> Path:
    """Return a folder of jars: Hive, Tez, Hadoop with S3A, and the check of `Password.java`."""
    pom, source = RECIPE / "pom.xml", RECIPE / "Password.java"

    def make(folder: Path) -> None:
        maven(folder, "-f", str(pom), f"{PLUGIN}:copy-dependencies", f"-DoutputDirectory={folder}")
        run(
            java_home(HIVE_JAVA, HIVE_JAVA, tool="javac") / "bin" / "javac",
            *("-cp", f"{folder}/*", "-proc:none", "-d", folder, source),
        )
        compiled = folder / "Password.class"
        with zipfile.ZipFile(folder / "password.jar", "w") as jar:
            jar.write(compiled, compiled.name)
        compiled.unlink()

    return made("hive", pom.read_bytes() + source.read_bytes(), make)


def elasticsearch_home(version: str) -> Path:
    """Return an unpacked Elasticsearch: the server with its security, without most modules."""

    def make(folder: Path) -> None:
        artifact = f"{ELASTICSEARCH}:{version}:zip"
        maven(folder, f"{PLUGIN}:unpack", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}")

    return made(f"elasticsearch-{version}", b"", make) / f"elasticsearch-{version}"


def made(name: str, recipe: bytes, make: Callable[[Path], None]) -> Path:
    """Return the folder that `make` filled from `recipe`, now or at an earlier time."""
    digest = hashlib.sha256(recipe + PLUGIN.encode()).hexdigest()[:12]
    folder = cache() / f"{name}-{digest}"
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            part = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            make(part)
            part.rename(folder)
    return folder


def maven(folder: Path, *arguments: str) -> None:
    """Run Maven in `folder`, where it leaves notes of its own; without a word unless it fails."""
    found = shutil.which("mvn")
    if found is None:
        raise RuntimeError("Maven fetches the servers, and `mvn` was not found: run tests/services/install")
    run(found, "-B", "-q", *arguments, place=folder)


def run(*command: str | Path, place: Path | None = None) -> None:
    """Run a command; a RuntimeError says what it printed."""
    done = subprocess.run(command, cwd=place, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(
            f"{Path(command[0]).name} failed ({done.returncode}):\n{(done.stdout + done.stderr)[-4000:]}"
        )
