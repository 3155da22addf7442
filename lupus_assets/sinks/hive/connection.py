"""The connection to HiveServer2.

Retries transport errors, and reads whose file was replaced: Hive lists a folder before it opens its files,
and a second attempt reads the new file. No other refusal of Hive is retried. Every statement can be repeated.

A connection on which anything was lost is discarded: its next bytes may answer the previous statement.
"""

import re
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any, TypeVar

import numpy as np
import thrift_sasl
from pyhive import hive
from pyhive.exc import OperationalError
from thrift.Thrift import TException
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport

from lupus_assets.errors import StoreError
from lupus_assets.sinks.hive.address import HiveAddress
from lupus_assets.sinks.hive.failure import (
    LITERAL,
    OPENING,
    Failure,
    Reason,
    lost,
    not_opened,
    place_of,
    refused,
)

ATTEMPTS = 5
PAUSE = 0.5  # seconds; the longest first pause, twice as long each time (full jitter)
SETTINGS = {
    "hive.variable.substitute": "false",  # else ${env:…} in a query reads the server's environment
    "hive.resultset.use.unique.column.names": "false",  # `value`, not `metrics.value`
}
NOT_CODE = re.compile(rf"{LITERAL.pattern}|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL)
QUESTION = re.compile(r"[\s(]*(select|with|show|describe|desc)\b", re.IGNORECASE)
# WITH … INSERT is the one writer that starts like a reader.
WRITING = re.compile(r"\binsert\b", re.IGNORECASE)

BLOCK = 10_000  # rows that are fetched at once: as many as Hive gives

Answer = tuple[list[str], list[tuple[Any, ...]]]
"""Names of the columns, and rows."""

T = TypeVar("T")


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
                if isinstance(rows, Failure):
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
        """Run statements; return `read` of the last cursor."""
        attempt = 1
        while isinstance(outcome := self._attempt(statements, read), Failure):
            if not outcome.again or attempt == ATTEMPTS:
                # Not from within an `except`: PyHive's own errors carry the whole answer, pages of it.
                raise outcome.error
            self._sleep(float(self._rng.uniform(0, PAUSE * 2 ** (attempt - 1))))
            attempt += 1
        return outcome

    def _attempt(self, statements: tuple[str, ...], read: Callable[[hive.Cursor], T]) -> T | Failure:
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

    def _guarded(self, work: Callable[[], T], asked: Callable[[], str]) -> T | Failure:
        """Return the result of `work`, or the failure of the statement `asked` ("" without a session)."""
        try:
            return work()
        except OperationalError as error:
            reason, statement = Reason.of(error), asked()
            if statement and not reason.session_is_gone:
                return Failure(refused(self.address, reason, statement), again=reason.is_of_a_file)
            self._drop()
            return Failure(refused(self.address, reason, statement), again=reason.session_is_gone)
        except (TException, OSError, EOFError, struct.error, UnicodeDecodeError, AssertionError) as error:
            self._drop()
            return lost(self.address, error, asked()) if asked() else not_opened(self.address, error)
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
        """The server, for messages."""
        return place_of(self.address)


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
