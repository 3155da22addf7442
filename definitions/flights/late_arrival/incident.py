"""What is known to have gone wrong with the flights of 2013: scripted here, or real."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

# IATA to ICAO designators: what a rename "to the official codes" upstream would look like.
ICAO: Mapping[str, str] = {
    "9E": "FLG", "AA": "AAL", "AS": "ASA", "B6": "JBU", "DL": "DAL", "EV": "ASQ", "F9": "FFT", "FL": "TRS",
    "HA": "HAL", "MQ": "ENY", "OO": "SKW", "UA": "UAL", "US": "AWE", "VX": "VRD", "WN": "SWA", "YV": "ASH",
}  # fmt: skip
LOST_SHARE = 0.3
SEED = 2013


@dataclass(frozen=True)
class Incident:
    """Something known to have happened on the days `first` to `last`, both included."""

    name: str
    first: date
    last: date
    columns: tuple[str, ...]
    scripted: bool

    def covers(self, day: date) -> bool:
        """Return whether `day` is one of the incident's days."""
        return self.first <= day <= self.last


VERSION_SWITCH = Incident(
    "the champion's version is the challenger's model", date(2013, 9, 1), date(2013, 9, 7), ("p_late",), True
)
CELSIUS = Incident(
    "temperature and dew point arrive in °C", date(2013, 10, 1), date(2013, 10, 7), ("temp", "dewp"), True
)
CARRIER_RENAME = Incident(
    "carrier codes are renamed", date(2013, 10, 15), date(2013, 10, 17), ("carrier",), True
)
LOST_ROWS = Incident("30 % of the rows are lost", date(2013, 11, 1), date(2013, 11, 2), ("rows",), True)

WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib")


def _storm(month: int, day: int) -> Incident:
    name = "more than 10 % of the flights are cancelled"
    return Incident(name, date(2013, month, day), date(2013, month, day), ("late", "performance"), False)


KNOWN = (
    *(_storm(month, day) for month, day in ((5, 23), (6, 24), (6, 28), (7, 10), (7, 22))),
    VERSION_SWITCH,
    _storm(9, 12),
    CELSIUS,
    CARRIER_RENAME,
    Incident("hours without weather", date(2013, 10, 25), date(2013, 10, 25), WEATHER, False),
    LOST_ROWS,
    Incident("hours without weather", date(2013, 11, 2), date(2013, 11, 2), WEATHER, False),
    *(_storm(12, day) for day in (5, 10, 14, 17)),
    Incident("the day without weather", date(2013, 12, 31), date(2013, 12, 31), WEATHER, False),
)


def corrupt(flights: pd.DataFrame) -> pd.DataFrame:
    """Return `flights` as the broken upstream would have delivered them to the models.

    The models score what they get, so each of these reaches the predictions too.
    """
    day = flights["day"]
    celsius = (day >= CELSIUS.first) & (day <= CELSIUS.last)
    renamed = (day >= CARRIER_RENAME.first) & (day <= CARRIER_RENAME.last)
    lost = (day >= LOST_ROWS.first) & (day <= LOST_ROWS.last)
    flights = flights.copy()
    for column in CELSIUS.columns:
        flights[column] = flights[column].where(~celsius, (flights[column] - 32.0) / 1.8)
    flights["carrier"] = flights["carrier"].where(~renamed, flights["carrier"].map(ICAO))
    dropped = flights[lost].sample(frac=LOST_SHARE, random_state=SEED).index
    return flights.drop(dropped)
