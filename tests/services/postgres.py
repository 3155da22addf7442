"""PostgreSQL with one user, who has a password."""

import shutil
import signal
from pathlib import Path
from typing import ClassVar

import psycopg2

from tests.services.server import HOST, Server

DEBIAN = Path("/usr/lib/postgresql")


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs, of the newest version that Debian installed."""
    below = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    found = str(below[-1]) if below else shutil.which(name)
    if found is None:
        raise RuntimeError(f"PostgreSQL's `{name}` was not found: run tests/services/install")
    return found


class Postgres(Server):
    """A PostgreSQL server on TCP alone: the path of a socket below a test's folder is too long.

    Parameters
    ----------
    work : Path
        Folder of its data.
    """

    name = "PostgreSQL"
    refuses_root = True
    ending: ClassVar[signal.Signals] = signal.SIGINT  # at the first it waits for its clients
    user = "lupus"
    database = "postgres"

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        self.host, self.password = HOST, self.secret("password")

    @property
    def url(self) -> str:
        """The address with user and password."""
        return f"postgresql://{self.user}:{self.password}@{HOST}:{self.port}/{self.database}"

    def prepare(self) -> None:
        """Make the cluster when there is none yet."""
        data, part = self.work / "data", self.work / "data.part"
        if data.exists():
            return
        shutil.rmtree(part, ignore_errors=True)
        password = self.work / "password"
        password.touch(mode=0o600)
        password.write_text(self.password)
        self.run(
            *(program("initdb"), "--pgdata", str(part), "--username", self.user, "--pwfile", str(password)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
        )
        part.rename(data)

    def command(self) -> list[str]:
        """Return the server; what a crash of the machine would lose is not synced."""
        settings = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [program("postgres"), "-D", f"{self.work}/data", *options]

    def ready(self) -> bool:
        """Return whether the server lets the user in."""
        try:
            psycopg2.connect(self.url, connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True
