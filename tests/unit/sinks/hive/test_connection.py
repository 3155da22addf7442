"""Hive without Hive: addresses, failures of the network, and secrets that must not show."""

import socket
import struct
import threading
import traceback
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from pyhive.exc import OperationalError
from thrift.transport.TTransport import TTransportException

from lupus_assets.errors import ServiceRefused, ServiceUnreachable, StoreError
from lupus_assets.sinks.hive import connection
from lupus_assets.sinks.hive.address import HiveAddress
from lupus_assets.sinks.hive.connection import ATTEMPTS, PAUSE, Hive

SECRET = "correct horse battery"  # noqa: S105 - what must not show
LOST = TTransportException(TTransportException.END_OF_FILE, "TSocket read 0 bytes")
SILENT = TTransportException(TTransportException.TIMED_OUT, "read timeout", TimeoutError("timed out"))


def refusal(text, state="42000", code=40000):
    status = SimpleNamespace(sqlState=state, errorCode=code, errorMessage=text, infoMessages=["stack"] * 99)
    return OperationalError(SimpleNamespace(status=status))


class Sessions:
    """Stands for PyHive: each statement meets the next of `outcomes`, an error or rows."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.asked = []
        self.opened = 0
        self.closed = 0

    def connect(self, **_):
        """Open a session."""
        self.opened += 1
        return self

    def cursor(self):
        """Return a cursor of the session."""
        return SimpleNamespace(execute=self.execute, close=lambda: None, **self.answer)

    answer = {"description": [("a", "BIGINT_TYPE")], "fetchall": lambda: [(1,)]}  # noqa: RUF012

    def execute(self, statement):
        """Meet the next outcome."""
        self.asked.append(statement)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome

    def close(self):
        """Close the session."""
        self.closed += 1


@pytest.fixture
def ask(monkeypatch):
    """Return a function from outcomes to a connection that meets them, its sessions and its pauses."""

    def ask(*outcomes, **address):
        sessions, pauses = Sessions(*outcomes), []
        monkeypatch.setattr(connection.hive, "connect", sessions.connect)
        rng = np.random.default_rng(7)
        return Hive(HiveAddress("hive", **address), rng=rng, sleep=pauses.append), sessions, pauses

    return ask


@contextmanager
def server(behave):
    """Run `behave` with each connection that is made to a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held = []

        def serve():
            while True:
                try:
                    accepted = listening.accept()[0]
                except OSError:
                    return
                held.append(accepted)
                behave(accepted)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        for each in held:
            each.close()


def everything_in(error):
    """Return all that a log could show of an error, whatever it hides behind ``from None``."""
    seen, text = [], []
    while error is not None and error not in seen:
        seen.append(error)
        text += [*traceback.format_exception(error), repr(error), repr(error.__dict__)]
        error = error.__cause__ or error.__context__
    return "".join(text)


def test_an_address_is_read_from_the_environment():
    environ = {
        "LUPUS_HIVE_HOST": "hive.example",
        "LUPUS_HIVE_PORT": "10001",
        "LUPUS_HIVE_DATABASE": "monitoring",
        "LUPUS_HIVE_AUTH": "LDAP",
        "LUPUS_HIVE_USER": "me",
        "LUPUS_HIVE_PASSWORD": SECRET,
        "LUPUS_HIVE_KERBEROS_SERVICE": "hs2",
        "PATH": "/bin",
    }
    assert HiveAddress.from_environment(environ) == HiveAddress(
        "hive.example", 10001, "monitoring", "LDAP", "me", SECRET, "hs2"
    )


def test_only_the_host_is_needed_and_an_empty_variable_is_none():
    environ = {"LUPUS_HIVE_HOST": "hive.example", "LUPUS_HIVE_PORT": "", "LUPUS_HIVE_PASSWORD": ""}
    assert HiveAddress.from_environment(environ) == HiveAddress("hive.example")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"HOST": ""}, "LUPUS_HIVE_HOST is not set; give the name"),
        ({"PORT": "1e4"}, "LUPUS_HIVE_PORT is '1e4'; give a number"),
        ({"PORT": "٣"}, "LUPUS_HIVE_PORT is '٣'; give a number"),
        ({"PORT": "70000"}, r"port \(LUPUS_HIVE_PORT\) is 70000; give one from 1 to 65535"),
        ({"DATABASE": "a`b"}, r"database \(LUPUS_HIVE_DATABASE\) is 'a`b'; write a-z"),
        ({"DATABASE": "1st"}, r"LUPUS_HIVE_DATABASE"),
        ({"AUTH": "nosasl"}, r"auth \(LUPUS_HIVE_AUTH\) is 'nosasl'; write one of NOSASL, NONE"),
        ({"AUTH": "LDAP"}, r"password \(LUPUS_HIVE_PASSWORD\) is missing; auth LDAP needs one"),
        (
            {"PASSWORD": SECRET},
            r"password \(LUPUS_HIVE_PASSWORD\) is set, and auth NONE has none; leave it out",
        ),
    ],
)
def test_an_address_that_cannot_be_names_the_variable(wrong, message):
    environ = {"LUPUS_HIVE_HOST": "hive.example"} | {f"LUPUS_HIVE_{k}": v for k, v in wrong.items()}
    with pytest.raises(StoreError, match=message) as caught:
        HiveAddress.from_environment(environ)
    assert SECRET not in everything_in(caught.value)


def test_a_password_does_not_show_in_the_address_or_the_connection():
    address = HiveAddress("hive.example", auth="CUSTOM", password=SECRET)
    assert SECRET not in f"{address} {address!r} {Hive(address)!r}"


def test_a_statement_is_asked_again_on_a_new_connection_after_growing_pauses(ask):
    hive, sessions, pauses = ask(LOST, LOST, LOST)
    assert hive.run("SELECT 1") == (["a"], [(1,)])
    assert sessions.opened == 4
    assert sessions.closed == 0, (
        "a lost connection is dropped: closing it reads what is left of an old answer"
    )
    assert len(pauses) == 3
    assert all(0 <= pause <= PAUSE * 2**i for i, pause in enumerate(pauses))
    assert len(set(pauses)) == 3


def test_statements_of_one_session_are_repeated_together(ask):
    hive, sessions, _ = ask(None, LOST)
    hive.run("USE `lupus`", "SELECT 1")
    assert sessions.asked == ["USE `lupus`", "SELECT 1"] * 2


def test_a_connection_is_kept_for_the_next_statement(ask):
    hive, sessions, _ = ask()
    hive.run("SELECT 1")
    hive.run("SELECT 2")
    hive.close()
    hive.close()
    assert (sessions.opened, sessions.closed) == (1, 1)


def test_what_never_answers_is_given_up(ask):
    hive, sessions, pauses = ask(*[LOST] * ATTEMPTS)
    with pytest.raises(ServiceUnreachable, match=r"Hive at hive:10000 broke off during SELECT 1: .*run this"):
        hive.run("SELECT 1")
    assert (len(sessions.asked), len(pauses)) == (ATTEMPTS, ATTEMPTS - 1)


def test_a_statement_that_was_too_slow_is_not_asked_again(ask):
    """Hive may still be at work on it; four more would not help."""
    hive, sessions, pauses = ask(SILENT)
    with pytest.raises(ServiceUnreachable, match=r"gave no answer in 600 s to SELECT 1; .*see what it does"):
        hive.run("SELECT 1")
    assert pauses == []
    assert hive.run("SELECT 2") == (["a"], [(1,)])
    assert (sessions.opened, sessions.closed) == (2, 0)


def test_what_hive_refuses_is_not_asked_again_and_the_connection_is_kept(ask):
    hive, sessions, pauses = ask(refusal("FAILED: ParseException line 1:8", code=40000))
    with pytest.raises(
        ServiceRefused, match=r"refused SELEC '…' \(42000 40000\): ParseExc.*; correct"
    ) as caught:
        hive.run(f"SELEC '{SECRET}'")
    assert caught.value.code == 40000
    assert pauses == []
    assert len(everything_in(caught.value)) < 3_000, "PyHive's error would fill pages"
    assert SECRET not in everything_in(caught.value)
    hive.run("SELECT 1")
    assert sessions.opened == 1


def test_a_right_that_is_missing_is_asked_for(ask):
    hive, _, _ = ask(refusal("HiveAccessControlException Permission denied: user [me]"), user="me")
    with pytest.raises(ServiceRefused, match="give user 'me' the right to"):
        hive.run("CREATE DATABASE IF NOT EXISTS `lupus`")


def test_a_session_that_hive_has_ended_is_opened_anew(ask):
    hive, sessions, _ = ask(refusal("Invalid SessionHandle: SessionHandle [7e59]", None, 0))
    assert hive.run("SELECT 1") == (["a"], [(1,)])
    assert sessions.opened == 2


def test_an_interrupt_leaves_no_half_answer_behind(ask):
    hive, sessions, _ = ask(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        hive.run("SELECT 1")
    hive.run("SELECT 2")
    assert sessions.opened == 2


def lone(port, **address):
    """Return a connection to a port of this machine that does not wait between attempts."""
    given = {"auth": "NOSASL", "timeout_seconds": 0.2} | address
    return Hive(HiveAddress("127.0.0.1", port, **given), sleep=lambda _: None)


@pytest.mark.parametrize("auth", ["NOSASL", "NONE"])
def test_a_server_that_hangs_is_not_waited_for_for_ever(auth):
    with (
        server(lambda _: None) as port,
        pytest.raises(ServiceUnreachable, match=rf"127\.0\.0\.1:{port} opened no session in 0\.2 s; "),
    ):
        lone(port, auth=auth).run("SELECT 1")


def test_a_port_that_nobody_listens_on_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(
        ServiceUnreachable, match="cannot be reached: Connection refused; start it, or correct"
    ):
        lone(port).run("SELECT 1")


def test_a_host_that_does_not_exist_is_unreachable():
    with pytest.raises(ServiceUnreachable, match=r"Hive at nowhere\.invalid:10000 cannot be reached"):
        Hive(HiveAddress("nowhere.invalid"), sleep=lambda _: None).run("SELECT 1")


@pytest.mark.parametrize("auth", ["NOSASL", "CUSTOM"])
def test_a_server_with_another_authentication_closes_at_once(auth):
    password = SECRET if auth == "CUSTOM" else None

    def behave(accepted):
        accepted.recv(1)
        accepted.close()

    with (
        server(behave) as port,
        pytest.raises(ServiceRefused, match=f"authentication is not {auth} .LUPUS_HIVE_AUTH") as caught,
    ):
        lone(port, auth=auth, password=password).run("SELECT 1")
    assert SECRET not in everything_in(caught.value)


def test_a_service_that_is_no_hive_is_refused():
    with (
        server(lambda accepted: accepted.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")) as port,
        pytest.raises(ServiceRefused, match="does not speak the binary protocol of HiveServer2"),
    ):
        lone(port).run("SELECT 1")


@pytest.mark.parametrize("auth", ["LDAP", "CUSTOM"])
def test_wrong_credentials_are_refused_at_once_and_the_password_shows_nowhere(auth, caplog):
    caplog.set_level(0)

    def behave(accepted):
        accepted.recv(100)
        said = f"Error validating the login: {SECRET}".encode()  # a server that says too much
        accepted.sendall(struct.pack(">BI", 3, len(said)) + said)

    with (
        server(behave) as port,
        pytest.raises(ServiceRefused, match=r"did not let user 'me' in .*correct LUPUS_HIVE_USER") as caught,
    ):
        lone(port, auth=auth, user="me", password=SECRET, timeout_seconds=5).run("SELECT 1")
    assert SECRET not in everything_in(caught.value)
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "query",
    [
        "select 1",
        " SELECT 1 ; ",
        "(select 1)",
        "-- which?\nwith x as (select 1) select 'insert; into' from x",
        "show partitions metrics",
        "describe formatted verdicts",
        "/* a */ desc verdicts",
        'select "a;b", `insert`',
    ],
)
def test_a_question_is_asked_in_our_database(ask, query):
    hive, sessions, _ = ask()
    assert hive.sql(query) == (["a"], [(1,)])
    assert sessions.asked == ["USE `lupus`", query.strip().removesuffix(";")]


@pytest.mark.parametrize(
    "query",
    [
        "",
        ";",
        "drop table metrics",
        "insert into metrics select 1",
        "with x as (select 1) insert into metrics select * from x",
        "from metrics insert overwrite table x select *",
        "select 1; drop table metrics",
        "-- select\ndrop table metrics",
        "set hive.variable.substitute=true",
        "explain analyze select 1",
        "selection",
    ],
)
def test_anything_but_one_question_is_refused_unasked(ask, query):
    hive, sessions, _ = ask()
    with pytest.raises(StoreError, match="one SELECT, WITH, SHOW or DESCRIBE at a time"):
        hive.sql(query)
    assert sessions.opened == 0


def test_lupus_sql_asks_hive_and_prints_a_table(ask, monkeypatch, capsys):
    from lupus_assets.cli import main

    ask()
    monkeypatch.setenv("LUPUS_ENV", "services")
    monkeypatch.setenv("LUPUS_HIVE_HOST", "hive")
    assert main(["sql", "--hive", "select 1 as a"]) == 0
    assert capsys.readouterr() == ("a\n1\n", "1 row\n")
    monkeypatch.delenv("LUPUS_HIVE_HOST")
    assert main(["sql", "--hive", "select 1 as a"]) == 2
    assert "lupus sql: no Hive here; set LUPUS_HIVE_HOST, and LUPUS_ENV to" in capsys.readouterr().err


REPLACED = [
    "java.io.IOException: java.lang.RuntimeException: file:/w/metrics/model=a.b/month=2013-05/x.parquet "
    "is not a Parquet file. Expected magic number at tail, but found [0, 28, 0, 0]",
    "java.io.IOException: java.io.EOFException: Cannot seek after EOF",
    "java.io.IOException: java.io.EOFException",
    "java.io.IOException: org.apache.hadoop.fs.s3a.RemoteFileChangedException: re-open `s3a://w/x.parquet'",
    "java.io.IOException: java.io.FileNotFoundException: File file:/w/x.parquet does not exist",
]


@pytest.mark.parametrize("text", REPLACED)
def test_a_file_that_was_replaced_since_it_was_listed_is_read_anew(ask, text):
    hive, sessions, pauses = ask(None, refusal(text, None, 1), refusal(text, None, 1))
    assert hive.sql("SELECT a FROM t") == (["a"], [(1,)])
    assert len(pauses) == 2
    assert sessions.opened == 1


def test_a_file_that_is_damaged_is_said_in_the_end(ask):
    hive, _, pauses = ask(*[refusal(REPLACED[0], None, 1)] * ATTEMPTS)
    with pytest.raises(ServiceRefused, match=r"x\.parquet is not a Parquet file.* or damaged: remove it"):
        hive.run("SELECT a FROM t")
    assert len(pauses) == ATTEMPTS - 1


def test_rows_of_a_stream_are_asked_for_again_before_the_first_and_never_after(ask):
    """What came already would come twice."""
    hive, sessions, pauses = ask(TTransportException(message="lost"))
    answers = [[(1,), (2,)], [(3,)], TTransportException(message="lost again")]

    def fetchmany(_):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    sessions.answer = {"fetchmany": fetchmany}
    blocks = hive.stream("SELECT a FROM t")
    assert [next(blocks), next(blocks)] == [[(1,), (2,)], [(3,)]]
    with pytest.raises(ServiceUnreachable, match="broke off during SELECT a FROM t: lost again"):
        next(blocks)
    assert sessions.asked == ["SELECT a FROM t"] * 2
    assert len(pauses) == 1
