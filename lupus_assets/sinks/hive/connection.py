"""The connection to HiveServer2: statements are asked again when the network fails, never when Hive says no.

But for one no: Hive lists a folder before it opens its files, and fails when one was replaced in between.
Asked again, it reads the new one.

Every statement that goes through here can be repeated. A connection on which anything was lost is
dropped without a word: what is read from it afterwards belongs to an older question.
"""

import re
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import thrift_sasl
from pyhive import hive
from pyhive.exc import OperationalError
from thrift.Thrift import TException
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TTransportException

from lupus_assets.errors import ServiceRefused, ServiceUnreachable, StoreError
from lupus_assets.sinks.hive.address import PASSWORDS, HiveAddress

ATTEMPTS = 5
PAUSE = 0.5  # seconds; the longest first pause, twice as long each time (full jitter)
OPENING = 60.0  # seconds to open a session; a busy server needs up to 15
SETTINGS = {
    "hive.variable.substitute": "false",  # else ${env:…} in a query reads the server's environment
    "hive.resultset.use.unique.column.names": "false",  # `value`, not `metrics.value`
}
NO_DATABASE, NO_TABLE = 10072, 10001  # Hive's error codes
# What is said when rows cannot be read; what follows depends on where one file ends and the other begins.
UNREAD = "java.io.IOException: "

LITERAL = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
NOT_CODE = re.compile(rf"{LITERAL.pattern}|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL)
QUESTION = re.compile(r"[\s(]*(select|with|show|describe|desc)\b", re.IGNORECASE)
# WITH … INSERT is the one writer that starts like a reader.
WRITING = re.compile(r"\binsert\b", re.IGNORECASE)

BLOCK = 10_000  # rows that are fetched at once: as many as Hive gives

Answer = tuple[list[str], list[tuple[Any, ...]]]
"""Names of the columns, and rows."""

T = TypeVar("T")


@dataclass(frozen=True)
class _Failure:
    error: StoreError
    again: bool  # whether asking again may help


class _Socket(TSocket):  # type: ignore[misc]  # Thrift has no types
    """Thrift's socket, opened without a log entry for each address that does not answer."""

    def open(self) -> None:
        handle = socket.create_connection((self.host, self.port), self._timeout)
        # An answer may take minutes, and firewalls forget silent connections.
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.setHandle(handle)


class Hive:
    """A connection to HiveServer2 that is opened when it is first needed; for one thread at a time.

    Implements `lupus_assets.ports.Database`.

    Parameters
    ----------
    address : HiveAddress
    rng : numpy.random.Generator, optional
        Draws the pauses between attempts.
    sleep : callable
        Waits for so many seconds.
    """

    _connection: hive.Connection | None = None
    _socket: TSocket | None = None

    def __init__(
        self,
        address: HiveAddress,
        *,
        rng: np.random.Generator | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = address
        self._rng = np.random.default_rng() if rng is None else rng
        self._sleep = sleep

    def run(self, *statements: str) -> Answer:
        """Run statements one after the other in one session; return what the last one answers.

        They are all run again if the connection is lost, so each must be one that can be.

        Raises
        ------
        ServiceUnreachable
            Nobody answers, several times; or not in time, once.
        ServiceRefused
            Hive says no to who we are or to a statement; its `code` is Hive's.
        """
        return self._asked(statements, _answer)

    def columns(self, query: str) -> list[tuple[str, str]]:
        """Return the name and the type, as in DESCRIBE, of every column of a SELECT; reads no rows.

        Raises
        ------
        ServiceUnreachable, ServiceRefused
        """
        return self._asked((f"SELECT * FROM ({query}) `lupus` LIMIT 0",), _described)  # noqa: S608  # the user's own

    def stream(self, query: str) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a SELECT, some thousand at a time.

        It is not asked again once it is answered: rows that came already would come twice.

        Raises
        ------
        ServiceUnreachable, ServiceRefused
        """
        cursor = self._asked((query,), lambda cursor: cursor)
        cursor.arraysize = BLOCK
        try:
            while True:
                rows = self._guarded(lambda: cursor.fetchmany(BLOCK), lambda: query)
                if isinstance(rows, _Failure):
                    raise rows.error
                if not rows:
                    return
                yield rows
        finally:
            with suppress(TException, OperationalError, OSError, EOFError):  # one that is lost is closed
                cursor.close()

    def sql(self, query: str) -> Answer:
        """Return the answer to one SELECT (also WITH, SHOW, DESCRIBE) asked in our database.

        Raises
        ------
        StoreError
            It is another statement, or several.
        ServiceUnreachable, ServiceRefused
        """
        query = query.strip().removesuffix(";")
        code = NOT_CODE.sub(" ", query)
        if not QUESTION.match(code) or WRITING.search(code) or ";" in code:
            raise StoreError(f"Hive is asked one SELECT, WITH, SHOW or DESCRIBE at a time, not: {query}")
        return self.run(f"USE `{self.address.database}`", query)

    def close(self) -> None:
        """Close the connection, if there is one; the next statement opens another."""
        if self._connection is not None and self._socket is not None:
            self._socket.setTimeout(1_000)
            with suppress(TException, OperationalError, OSError, EOFError):  # one that is lost is closed
                self._connection.close()
        self._drop()

    def __del__(self) -> None:
        self._drop()  # whoever had it did not close it; Hive ends a session with its connection

    def _asked(self, statements: tuple[str, ...], read: Callable[[hive.Cursor], T]) -> T:
        """Run statements; return what `read` makes of the last one's answer."""
        attempt = 1
        while isinstance(outcome := self._attempt(statements, read), _Failure):
            if not outcome.again or attempt == ATTEMPTS:
                # Not from within an `except`: PyHive's own errors carry the whole answer, pages of it.
                raise outcome.error
            self._sleep(float(self._rng.uniform(0, PAUSE * 2 ** (attempt - 1))))
            attempt += 1
        return outcome

    def _attempt(self, statements: tuple[str, ...], read: Callable[[hive.Cursor], T]) -> T | _Failure:
        at = ""  # nothing was asked as long as there is no session

        def run() -> T:
            nonlocal at
            if self._connection is None:
                self._connection = self._open()
            *before, last = statements
            for at in before:
                with closing(self._connection.cursor()) as cursor:
                    cursor.execute(at)
            at = last
            cursor = self._connection.cursor()
            cursor.execute(last)
            return read(cursor)

        return self._guarded(run, lambda: at)

    def _guarded(self, work: Callable[[], T], asked: Callable[[], str]) -> T | _Failure:
        """Return what `work` returns, or what went wrong with the statement that was `asked`, if any was."""
        try:
            return work()
        except OperationalError as error:
            said, statement = _Said.of(error), asked()
            if statement and not said.session_is_gone:
                return _Failure(self._refused(said, statement), again=said.is_of_a_file)
            self._drop()
            return _Failure(self._refused(said, statement), again=said.session_is_gone)
        except (TException, OSError, EOFError, struct.error, UnicodeDecodeError, AssertionError) as error:
            self._drop()
            return self._lost(error, asked()) if asked() else self._not_opened(error)
        except BaseException:  # an interrupt leaves half an answer on the wire
            self._drop()
            raise

    def _open(self) -> hive.Connection:
        self._socket = _Socket(self.address.host, self.address.port)
        self._socket.setTimeout(1_000 * min(OPENING, self.address.timeout_seconds))
        # In `default`, as ours may not be there yet.
        connection = hive.connect(
            thrift_transport=self._transport(self._socket),
            username=self.address.user,
            configuration=SETTINGS,
        )
        self._socket.setTimeout(1_000 * self.address.timeout_seconds)
        return connection

    def _transport(self, opened: TSocket) -> Any:
        address = self.address
        if address.auth == "NOSASL":
            return TBufferedTransport(opened)
        # As PyHive builds them when it makes its own socket, which would wait for ever.
        if address.auth == "KERBEROS":
            return thrift_sasl.TSaslClientTransport(
                lambda: hive.get_installed_sasl(
                    host=address.host, sasl_auth="GSSAPI", service=address.kerberos_service
                ),
                "GSSAPI",
                opened,
            )
        return thrift_sasl.TSaslClientTransport(
            lambda: hive.get_pure_sasl_client(
                host=address.host,
                sasl_auth="PLAIN",
                username=address.user,
                password=address.password or "none",  # with NONE any will do, but for an empty one
            ),
            "PLAIN",
            opened,
        )

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._connection = self._socket = None

    @property
    def place(self) -> str:
        """Who answers, for messages."""
        return f"Hive at {self.address.host}:{self.address.port}"

    def _not_opened(self, error: Exception) -> _Failure:
        address, cause, text = self.address, _cause(error), self._without_password(str(error))
        if isinstance(cause, TimeoutError):
            wait = min(OPENING, address.timeout_seconds)
            what = f"{self.place} opened no session in {wait:g} s; see whether it is up and not overloaded, "
            remedy = "and whether LUPUS_HIVE_HOST and LUPUS_HIVE_PORT lead to it"
            return _Failure(ServiceUnreachable(what + remedy), again=False)
        if isinstance(cause, EOFError | ConnectionResetError | BrokenPipeError):
            what = f"{self.place} closed the connection before a session was open; "
            remedy = (
                "it has just been stopped, or its hive.server2.authentication is not "
                f"{address.auth} (LUPUS_HIVE_AUTH)"
                + (", or LUPUS_HIVE_USER and LUPUS_HIVE_PASSWORD are wrong" * (address.auth in PASSWORDS))
            )
            return _Failure(ServiceRefused(what + remedy), again=True)  # it may have been on its way down
        if isinstance(cause, OSError):
            reason = cause.strerror or cause
            remedy = "start it, or correct LUPUS_HIVE_HOST and LUPUS_HIVE_PORT"
            return _Failure(
                ServiceUnreachable(f"{self.place} cannot be reached: {reason}; {remedy}"), again=True
            )
        if "SASL" in text or "Bad status" in text:
            what = f"{self.place} did not let user {address.user!r} in with auth {address.auth}: {text}; "
            remedy = (
                "log in to Kerberos (kinit), install the package `kerberos`, "
                "or correct LUPUS_HIVE_KERBEROS_SERVICE"
                if address.auth == "KERBEROS"
                else "correct LUPUS_HIVE_USER, LUPUS_HIVE_PASSWORD or LUPUS_HIVE_AUTH"
            )
            return _Failure(ServiceRefused(what + remedy), again=False)
        what = f"{self.place} does not speak the binary protocol of HiveServer2 ({text}); "
        remedy = "correct LUPUS_HIVE_PORT; TLS and HTTP are not spoken here"
        return _Failure(ServiceRefused(what + remedy), again=False)

    def _lost(self, error: Exception, statement: str) -> _Failure:
        if isinstance(_cause(error), TimeoutError):
            what = (
                f"{self.place} gave no answer in {self.address.timeout_seconds:g} s to {_brief(statement)}; "
            )
            remedy = "it may still be at work, so see what it does, and run this again later"
            return _Failure(ServiceUnreachable(what + remedy), again=False)
        text = self._without_password(str(_cause(error)))
        what = f"{self.place} broke off during {_brief(statement)}: {text}; "
        return _Failure(ServiceUnreachable(what + "see that it is up, and run this again"), again=True)

    def _refused(self, said: "_Said", statement: str) -> ServiceRefused:
        asked = _brief(statement) if statement else f"a session of user {self.address.user!r}"
        text = self._without_password(said.text)
        what = f"{self.place} refused {asked} ({said.state} {said.code}): {text}; "
        if said.code in (NO_DATABASE, NO_TABLE):
            remedy = "nothing has been shown there yet, or LUPUS_HIVE_DATABASE should be another"
        elif "permission denied" in said.text.lower() or "not allowed" in said.text:
            remedy = f"give user {self.address.user!r} the right to"
        elif said.is_of_a_file:
            remedy = "a file is replaced again and again, or damaged: remove it and run its partition again"
        else:
            remedy = "correct the statement, or read the log of HiveServer2"
        return ServiceRefused(what + remedy, code=said.code)

    def _without_password(self, text: str) -> str:
        return text.replace(self.address.password, "***") if self.address.password else text


@dataclass(frozen=True)
class _Said:
    """What Hive gave as its reason."""

    state: str | None
    code: int | None
    text: str

    @classmethod
    def of(cls, error: OperationalError) -> "_Said":
        status = getattr(error.args[0], "status", None) if error.args else None
        if status is None:
            return cls(None, None, " ".join(str(error).split())[:500])
        text = " ".join((status.errorMessage or "no reason given").split())
        # Said once is enough.
        text = re.sub(r"^(Error while compiling statement: )?(FAILED: )?", "", text)
        return cls(status.sqlState, status.errorCode, text[:500])

    @property
    def is_of_a_file(self) -> bool:
        return self.text.startswith(UNREAD)

    @property
    def session_is_gone(self) -> bool:
        # hive.server2.idle.session.timeout ends a session, and leaves its connection open.
        return "Invalid SessionHandle" in self.text


def _answer(cursor: hive.Cursor) -> Answer:
    with closing(cursor):
        columns = cursor.description or []  # a statement without an answer has none
        return [column[0] for column in columns], list(cursor.fetchall() if columns else [])


def _described(cursor: hive.Cursor) -> list[tuple[str, str]]:
    with closing(cursor):
        # PyHive's own description leaves out the digits of a decimal.
        request = hive.ttypes.TGetResultSetMetadataReq(cursor._operationHandle)
        answer = cursor._connection.client.GetResultSetMetadata(request)
        return [(each.columnName, _type(each.typeDesc.types[0])) for each in answer.schema.columns]


def _type(entry: hive.ttypes.TTypeEntry) -> str:
    """Return a type as DESCRIBE has it."""
    primitive = entry.primitiveEntry
    name = str(hive.ttypes.TTypeId._VALUES_TO_NAMES[primitive.type]).removesuffix("_TYPE").lower()
    if name != "decimal" or primitive.typeQualifiers is None:
        return name
    digits = {key: value.i32Value for key, value in primitive.typeQualifiers.qualifiers.items()}
    return f"decimal({digits['precision']},{digits['scale']})"


def _cause(error: BaseException) -> BaseException:
    """Return what Thrift's error was made from."""
    if isinstance(error, TTransportException):
        if error.type == TTransportException.END_OF_FILE:
            return EOFError(str(error))
        inner: BaseException | None = error.inner
        return inner or error
    return error


def _brief(statement: str) -> str:
    r"""Return a statement in at most 200 characters and without its values.

    >>> _brief("SELECT  *\nFROM t WHERE owner = 'O\\'Neill'")
    "SELECT * FROM t WHERE owner = '…'"
    """
    text = " ".join(LITERAL.sub("'…'", statement).split())
    return text if len(text) <= 200 else f"{text[:199]}…"
