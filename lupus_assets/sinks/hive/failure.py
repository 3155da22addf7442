"""Failures of the connection to HiveServer2: message, remedy, and whether a retry may help."""

import re
from dataclasses import dataclass

from pyhive.exc import OperationalError
from thrift.transport.TTransport import TTransportException

from lupus_assets.errors import ServiceRefused, ServiceUnreachable, StoreError
from lupus_assets.sinks.hive.address import PASSWORDS, HiveAddress

OPENING = 60.0  # seconds to open a session; a busy server needs up to 15
NO_DATABASE, NO_TABLE = 10072, 10001  # Hive's error codes
# What is said when rows cannot be read; what follows depends on where one file ends and the other begins.
UNREAD = "java.io.IOException: "

LITERAL = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)


@dataclass(frozen=True)
class Failure:
    """An error, and whether a retry may help."""

    error: StoreError
    again: bool


@dataclass(frozen=True)
class Reason:
    """The reason that Hive gives for a refusal: SQL state, code and text."""

    state: str | None
    code: int | None
    text: str

    @classmethod
    def of(cls, error: OperationalError) -> "Reason":
        """Return the reason within an error of PyHive."""
        status = getattr(error.args[0], "status", None) if error.args else None
        if status is None:
            return cls(None, None, " ".join(str(error).split())[:500])
        text = " ".join((status.errorMessage or "no reason given").split())
        # Said once is enough.
        text = re.sub(r"^(Error while compiling statement: )?(FAILED: )?", "", text)
        return cls(status.sqlState, status.errorCode, text[:500])

    @property
    def is_of_a_file(self) -> bool:
        """Whether a file could not be read."""
        return self.text.startswith(UNREAD)

    @property
    def session_is_gone(self) -> bool:
        """Whether the session has ended while its connection is open."""
        # hive.server2.idle.session.timeout ends a session, and leaves its connection open.
        return "Invalid SessionHandle" in self.text


def place_of(address: HiveAddress) -> str:
    """Return the name of the server, for messages."""
    return f"Hive at {address.host}:{address.port}"


def not_opened(address: HiveAddress, error: Exception) -> Failure:
    """Return the failure of a session that could not be opened."""
    place, cause, text = place_of(address), _cause(error), _without_password(address, str(error))
    if isinstance(cause, TimeoutError):
        wait = min(OPENING, address.timeout_seconds)
        what = f"{place} opened no session in {wait:g} s; see whether it is up and not overloaded, "
        remedy = "and whether LUPUS_HIVE_HOST and LUPUS_HIVE_PORT lead to it"
        return Failure(ServiceUnreachable(what + remedy), again=False)
    if isinstance(cause, EOFError | ConnectionResetError | BrokenPipeError):
        what = f"{place} closed the connection before a session was open; "
        remedy = (
            "it has just been stopped, or its hive.server2.authentication is not "
            f"{address.auth} (LUPUS_HIVE_AUTH)"
            + (", or LUPUS_HIVE_USER and LUPUS_HIVE_PASSWORD are wrong" * (address.auth in PASSWORDS))
        )
        return Failure(ServiceRefused(what + remedy), again=True)  # it may have been on its way down
    if isinstance(cause, OSError):
        reason = cause.strerror or cause
        remedy = "start it, or correct LUPUS_HIVE_HOST and LUPUS_HIVE_PORT"
        return Failure(ServiceUnreachable(f"{place} cannot be reached: {reason}; {remedy}"), again=True)
    if "SASL" in text or "Bad status" in text:
        what = f"{place} did not let user {address.user!r} in with auth {address.auth}: {text}; "
        remedy = (
            "log in to Kerberos (kinit), install the package `kerberos`, "
            "or correct LUPUS_HIVE_KERBEROS_SERVICE"
            if address.auth == "KERBEROS"
            else "correct LUPUS_HIVE_USER, LUPUS_HIVE_PASSWORD or LUPUS_HIVE_AUTH"
        )
        return Failure(ServiceRefused(what + remedy), again=False)
    what = f"{place} does not speak the binary protocol of HiveServer2 ({text}); "
    remedy = "correct LUPUS_HIVE_PORT; TLS and HTTP are not spoken here"
    return Failure(ServiceRefused(what + remedy), again=False)


def lost(address: HiveAddress, error: Exception, statement: str) -> Failure:
    """Return the failure of a statement without an answer."""
    place = place_of(address)
    if isinstance(_cause(error), TimeoutError):
        what = f"{place} gave no answer in {address.timeout_seconds:g} s to {_brief(statement)}; "
        remedy = "it may still be at work, so see what it does, and run this again later"
        return Failure(ServiceUnreachable(what + remedy), again=False)
    text = _without_password(address, str(_cause(error)))
    what = f"{place} broke off during {_brief(statement)}: {text}; "
    return Failure(ServiceUnreachable(what + "see that it is up, and run this again"), again=True)


def refused(address: HiveAddress, reason: Reason, statement: str) -> ServiceRefused:
    """Return the error of a statement, or of a session, that Hive refuses."""
    place = place_of(address)
    asked = _brief(statement) if statement else f"a session of user {address.user!r}"
    text = _without_password(address, reason.text)
    what = f"{place} refused {asked} ({reason.state} {reason.code}): {text}; "
    if reason.code in (NO_DATABASE, NO_TABLE):
        remedy = "nothing has been shown there yet, or LUPUS_HIVE_DATABASE should be another"
    elif "permission denied" in reason.text.lower() or "not allowed" in reason.text:
        remedy = f"give user {address.user!r} the right to"
    elif reason.is_of_a_file:
        remedy = "a file is replaced again and again, or damaged: remove it and run its partition again"
    else:
        remedy = "correct the statement, or read the log of HiveServer2"
    return ServiceRefused(what + remedy, code=reason.code)


def _without_password(address: HiveAddress, text: str) -> str:
    return text.replace(address.password, "***") if address.password else text


def _cause(error: BaseException) -> BaseException:
    """Return the cause of an error of Thrift."""
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
