"""Public holidays of a country."""

from collections.abc import Container
from datetime import date
from functools import cache
from typing import Annotated

from pydantic import PlainValidator

from lupus_assets.declare.mistake import did_you_mean, mistake

REMEDY = "write an ISO 3166 code such as US, DE or JP"


def parse_country(value: object) -> str:
    """Return the ISO 3166 code of a country with known holidays.

    Raises
    ------
    PydanticCustomError
        `value` is no such code.
    """
    if value is False:  # YAML 1.1 reads NO as false
        raise mistake("false is no country", "write 'NO' in quotes for Norway")
    if not isinstance(value, str) or value not in _countries():
        close = did_you_mean(str(value).upper(), sorted(_countries()), REMEDY)
        raise mistake(f"{value!r} is no country whose holidays are known", close)
    return value


@cache
def _countries() -> frozenset[str]:
    from holidays import list_supported_countries

    return frozenset(code for code in list_supported_countries() if len(code) == 2)


@cache
def holidays_of(country: str) -> Container[date]:
    """Return the public holidays of a country; the container computes every requested year."""
    from holidays import country_holidays

    return country_holidays(country)


Country = Annotated[str, PlainValidator(parse_country, json_schema_input_type=str)]
