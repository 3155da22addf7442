"""Windows of a New York cadence."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lupus_assets.records import Window

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="session")
def window() -> Callable[..., Window]:
    """Return a function from a local time, and the key it has, to a window of `hours`."""

    def window(*local: int, key: str = "2013-05-01", hours: int = 24, fold: int = 0) -> Window:
        start = datetime(*local, fold=fold, tzinfo=NEW_YORK).astimezone(ZoneInfo("UTC"))  # type: ignore[arg-type, misc]
        return Window(start, start + timedelta(hours=hours), key)

    return window
