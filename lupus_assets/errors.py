"""Every exception that Lupus raises on purpose.

::

    LupusError
    ├── UsageError            a command was given nothing to look at
    ├── DeclarationError      a declaration says something that cannot be
    ├── SourceError           a prediction log cannot be read
    │   ├── PartitionMissing      there is nothing for this window
    │   ├── SourceUnreadable      there is something, and it is damaged
    │   └── ColumnMismatch        a declared column is missing or has an impossible type
    ├── ReferenceMissing      no frozen reference, and none can be frozen
    ├── StateError            states that cannot be added, or bytes that are no state
    └── StoreError            a table cannot be read or written
        ├── ObjectMissing         a file is not there, or not any more
        ├── ServiceUnreachable    a service does not answer; what was asked may be asked again
        └── ServiceRefused        a service answers, and says no

Each message names the fact, the place and the remedy, in that order.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class LupusError(Exception):
    """The base of every exception that Lupus raises on purpose."""


class UsageError(LupusError):
    """A command was given nothing to look at."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a declaration.

    Attributes
    ----------
    file : str
        Path of the file as the user gave it.
    line : int
        Line of the offending key, from 1.
    key : str
        Path of the key in the declaration, such as ``rules[1].metric``.
    what : str
        What is wrong.
    remedy : str
        What to write instead.
    """

    file: str
    line: int
    key: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}: {self.what}, {self.remedy}"


class DeclarationError(LupusError):
    """A declaration holds one or more mistakes; all of them are in `problems`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class SourceError(LupusError):
    """A prediction log cannot be read."""


class PartitionMissing(SourceError):
    """The log holds nothing for this window."""


class SourceUnreadable(SourceError):
    """The log holds something for this window, and it is damaged."""


class ColumnMismatch(SourceError):
    """A declared column is missing or has a type that its role cannot have."""


class ReferenceMissing(LupusError):
    """There is no frozen reference, and none can be frozen from the log."""


class StateError(LupusError):
    """States that cannot be added, or bytes that are no state of ours."""


class StoreError(LupusError):
    """A table cannot be read or written."""


class ObjectMissing(StoreError):
    """A file is not there, or not any more."""


class ServiceUnreachable(StoreError):
    """A service cannot be reached or does not answer in time."""


class ServiceRefused(StoreError):
    """A service answers and refuses: credentials, rights, or a statement it cannot carry out.

    Attributes
    ----------
    code : int or None
        What the service itself calls it, where it gives a number.
    """

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code
