"""Interfaces of services that show the tables."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from lupus_assets.records import FoundAlarm, Month, Search


class View(Protocol):
    """A copy of the tables in a service; it follows the tables.

    Attributes
    ----------
    in_place : bool
        Whether the service reads the files where they are, so that none may go that it points to.
    """

    in_place: bool

    def behind(self, months: Sequence[Month]) -> list[Month]:
        """Return the months that the service does not show in their current version.

        Raises
        ------
        ServiceUnreachable, ServiceRefused
        """
        ...

    def follow(self, months: Sequence[Month]) -> int:
        """Bring the service up to date with `months`; return the number of months changed.

        Doing it twice, or again after being killed halfway, comes to the same.

        Raises
        ------
        ServiceUnreachable, ServiceRefused, StoreError
        """
        ...

    def shows(self, month: Month) -> bool:
        """Return whether the service reports the current version of `month`.

        Raises
        ------
        ServiceUnreachable, ServiceRefused
        """
        ...

    def released(self, months: Sequence[Month]) -> Iterator[Month]:
        """Yield the months that the service shows, and whose superseded files have no readers.

        Raises
        ------
        ServiceUnreachable, ServiceRefused
        """
        ...


class SearchIndex(Protocol):
    """Search of verdicts and incidents by text and by subject."""

    @property
    def place(self) -> str:
        """The name of the service, for messages."""
        ...

    def search(self, wanted: Search) -> list[FoundAlarm]:
        """Return the matching alarms, most telling first.

        Raises
        ------
        ServiceUnreachable, ServiceRefused, StoreError
        """
        ...
