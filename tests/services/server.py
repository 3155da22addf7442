"""A server as a child process: on loopback and free ports, waited for, stopped, and never left behind."""

import atexit
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

HOST = "127.0.0.1"
PORTS = range(10_000, 20_000)  # below those of outgoing connections: a restart finds its own free
TAIL = 40  # lines of the log that an error shows

# The kernel kills the server when the thread that started it ends, however that comes about.
LEASH = ("setpriv", "--pdeathsig", "KILL")
# Some servers refuse root. In a user namespace of its own root has another number and owns the same files,
# so that no user has to be created and no file to change hands.
WITHOUT_ROOT = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


def free(port: int) -> bool:
    """Return whether nothing listens on `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a former server linger
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port of `PORTS` that nothing listens on."""
    while not free(port := secrets.choice(PORTS)):
        pass
    return port


class Server:
    """A server and its folder; the ports and passwords of a folder stay the same from start to start.

    Start it from a thread that lives as long as the server shall: the kernel ends one with the other.

    Parameters
    ----------
    work : Path
        Folder of everything that the server writes; made when it is not there, and kept.

    Attributes
    ----------
    log : Path
        What the server prints.
    started_in : float
        Seconds that the last start took.
    """

    name: ClassVar[str]
    port_names: ClassVar[tuple[str, ...]] = ("main",)
    refuses_root: ClassVar[bool] = False
    patience: ClassVar[float] = 240.0  # seconds; a JVM needs ten times as long on a busy machine
    ending: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, work: Path) -> None:
        self.work = work.resolve()
        self.work.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.log = self.work / "server.log"
        self.started_in = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._state = self.work / "state.json"
        known = json.loads(self._state.read_text()) if self._state.exists() else {}
        self._secrets: dict[str, str] = known.get("secrets", {})
        self._ports: dict[str, int] = known.get("ports", {})
        if set(self._ports) != set(self.port_names) or not all(map(free, self._ports.values())):
            self._ports = self.choose_ports()
        self._remember()

    def choose_ports(self) -> dict[str, int]:
        """Return a free port for each of `port_names`."""
        return {name: free_port() for name in self.port_names}

    def prepare(self) -> None:
        """Write what the server reads when it starts."""

    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Return the variables that the server needs beside those of this process."""
        return {}

    def ready(self) -> bool:
        """Return whether the server answers as its users need it to."""
        raise NotImplementedError

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return self._ports[self.port_names[0]]

    @property
    def pid(self) -> int:
        """The process that was started last; also the number of its process group."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start the server and wait until it is ready.

        Raises
        ------
        RuntimeError
            It ended or was not ready in time; with the end of its log.
        """
        began = time.monotonic()
        self.prepare()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._as_user(*LEASH, *self.command()),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.work,
                env={**os.environ, **self.environment()},
                start_new_session=True,  # Ctrl-C is for us, and the server ends in order
            )
        atexit.register(self._end, os.getpid())
        while not self.ready():
            took = time.monotonic() - began
            if self.running and took < self.patience:
                time.sleep(0.1)
                continue
            what = f"was not ready in {took:.0f} s" if self.running else f"ended ({self._process.returncode})"
            self.kill()
            lines = self.log.read_text(errors="replace").splitlines()[-TAIL:]
            raise RuntimeError("\n".join([f"{self.name} {what}; the end of {self.log}:", *lines]))
        self.started_in = time.monotonic() - began
        return self

    def stop(self, *, kill: bool = False) -> None:
        """End the server, in order or, with `kill`, at once as a power failure does; it may have ended."""
        if self._process is None:
            return
        if self.running and not kill:
            self._process.send_signal(self.ending)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        atexit.unregister(self._end)

    def kill(self) -> None:
        """End the server at once, as a power failure would."""
        self.stop(kill=True)

    def restart(self) -> Self:
        """Start again on the same ports and data, after ending it if it runs."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def secret(self, name: str) -> str:
        """Return a password of this folder, made up when it is first asked for."""
        if name not in self._secrets:
            self._secrets[name] = secrets.token_hex(16)
            self._remember()
        return self._secrets[name]

    def run(self, *command: str) -> None:
        """Run a command to its end as the user the server runs as.

        Raises
        ------
        RuntimeError
            It failed; with what it printed.
        """
        done = subprocess.run(self._as_user(*command), cwd=self.work, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed ({done.returncode}):\n{done.stdout}{done.stderr}")

    def _as_user(self, *command: str) -> list[str]:
        return [*(WITHOUT_ROOT if self.refuses_root and os.geteuid() == 0 else ()), *command]

    def _end(self, owner: int) -> None:
        if os.getpid() == owner:  # and not a fork of it
            self.stop()

    def _remember(self) -> None:
        self._state.touch(mode=0o600)
        self._state.write_text(json.dumps({"ports": self._ports, "secrets": self._secrets}, indent=1))
