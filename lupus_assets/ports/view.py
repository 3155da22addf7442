"""Interfaces of services that show the tables."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from lupus_assets.records import Found, Month, Search


class View(Protocol):
    """A copy of the tables in a service. The tables are the truth, and the copy follows them.

    Attributes
    ----------
    in_place : bool
        Whether the service reads the files where they are, so that none may go that it points to.
    """

    in_place: bool

    def behind(self, months: Sequence[Month]) -> list[Month]:
        """Return those of `months` that the service does not show as they are now.

        Raises
        ------
        ServiceUnreachable, ServiceRefused
        """
        ...

    def follow(self, months: Sequence[Month]) -> int:
        """Make the service show `months`; return how many it changed.

        Doing it twice, or again after being killed halfway, comes to the same.

        Raises
        ------
        ServiceUnreachable, ServiceRefused, StoreError
        """
        ...

    def shows(self, month: Month) -> bool:
        """Return whether the service itself says that it shows `month` as it is.

        Raises
        ------
        ServiceUnreachable, ServiceRefused
        """
        ...

    def released(self, months: Sequence[Month]) -> Iterator[Month]:
        """Yield those of `months` that the service shows as they are, and whose older files nobody reads.

        Raises
        ------
        ServiceUnreachable, ServiceRefused
        """
        ...


class SearchIndex(Protocol):
    """Verdicts and incidents by text and by what they are about."""

    @property
    def place(self) -> str:
        """Who answers, for messages."""
        ...

    def search(self, wanted: Search) -> list[Found]:
        """Return what fits, most telling first.

        Raises
        ------
        ServiceUnreachable, ServiceRefused, StoreError
        """
        ...
