"""The server is started only where it can be served, and says in one line where it cannot."""

import socket
import subprocess

import pytest

from lupus_assets.server.__main__ import main, unservable


@pytest.fixture
def taken():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield str(other.getsockname()[1])


def refused(port: str, monkeypatch, capsys, home) -> str:
    """Return what is said at a port, after which nothing was started or written."""
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setattr(subprocess, "Popen", None)
    assert main(["--port", port]) == 2
    assert list(home.iterdir()) == []
    out, said = capsys.readouterr()
    assert out == ""
    assert len(said.splitlines()) == 1
    return said


@pytest.mark.parametrize("port", ["0", "65536", "99999", "-1", "http", "", "3000.0", "²"])
def test_a_port_that_is_none_is_refused_with_the_remedy(port, monkeypatch, capsys, tmp_path):
    said = refused(port, monkeypatch, capsys, tmp_path)
    assert said == f"port {port!r} is no number from 1 to 65535; choose one: `make ui PORT=3001`\n"


def test_a_port_that_another_program_has_is_refused_with_the_remedy(taken, monkeypatch, capsys, tmp_path):
    said = refused(taken, monkeypatch, capsys, tmp_path)
    assert said == (
        f"port {taken} of 127.0.0.1 cannot be served: address already in use; "
        "choose another: `make ui PORT=3001`\n"
    )


def test_a_port_that_is_free_is_left_free():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    assert [unservable("127.0.0.1", port) for _ in range(2)] == [None, None]
