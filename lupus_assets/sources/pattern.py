"""The text that a declared pattern becomes for one window."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from lupus_assets.errors import SourceError
from lupus_assets.records import Window

ANY_TIME = datetime(2013, 5, 1, tzinfo=UTC)  # to try a pattern with


class Pattern:
    """Text with ``{partition}`` (the partition key) and ``{start}``, ``{end}`` (the window in local time).

    Parameters
    ----------
    text : str
    zone : ZoneInfo
        Zone of the cadence.

    Raises
    ------
    SourceError
        The pattern has other fields than these.

    Examples
    --------
    >>> day = Window(datetime(2013, 5, 1, tzinfo=UTC), datetime(2013, 5, 2, tzinfo=UTC), "2013-05-01")
    >>> Pattern("dt={partition}/{start:%Y}", ZoneInfo("UTC")).filled(day)
    'dt=2013-05-01/2013'
    """

    def __init__(self, text: str, zone: ZoneInfo) -> None:
        try:
            text.format(partition="", start=ANY_TIME, end=ANY_TIME)
        except (AttributeError, IndexError, KeyError, ValueError) as error:
            raise SourceError(
                f"pattern {text!r} cannot be filled in: {type(error).__name__}: {error}; "
                "write {partition}, {start:%Y/%m/%d} or {end:…}, and braces that are meant twice"
            ) from error
        self._text = text
        self._zone = zone

    def filled(self, window: Window) -> str:
        """Return the text for `window`."""
        start, end = window.start.astimezone(self._zone), window.end.astimezone(self._zone)
        return self._text.format(partition=window.key, start=start, end=end)
