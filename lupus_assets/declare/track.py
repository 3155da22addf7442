"""Where the prediction log of one track is."""

from string import Formatter
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from lupus_assets.declare.mistake import did_you_mean, mistake
from lupus_assets.declare.part import Part

PLACEHOLDERS = ("partition", "start", "end")
REMEDY = "write {partition}, or {start:%Y/%m/%d} with any strftime format"


def _pattern(pattern: str) -> str:
    try:
        fields = [(name, form or "") for _, name, form, _ in Formatter().parse(pattern) if name is not None]
    except ValueError as error:
        raise mistake(f"'{pattern}' has unbalanced braces ({error})", REMEDY) from None
    for name, form in fields:
        if name not in PLACEHOLDERS:
            raise mistake(f"'{{{name}}}' is no placeholder", did_you_mean(name, PLACEHOLDERS, REMEDY))
        if name == "partition" and form:
            raise mistake(f"'{{partition:{form}}}' gives a format to a key", f"write {{start:{form}}}")
    if not fields:
        raise mistake(f"'{pattern}' is the same file for every partition", REMEDY)
    return pattern


def _function(reference: str) -> str:
    module, colon, name = reference.partition(":")
    if colon and name.isidentifier() and all(part.isidentifier() for part in module.split(".")):
        return reference
    raise mistake(f"'{reference}' names no function", "write package.module:function")


class Track(Part):
    """The log of one served or candidate version: exactly one of files or a function.

    Attributes
    ----------
    parquet : str or None
        Path of a partition's file, relative to the data root, with ``{partition}``, ``{start:…}``
        or ``{end:…}`` in it; the latter two are times in the cadence's zone.
    function : str or None
        ``package.module:function`` that returns the rows of a window.
    """

    parquet: Annotated[str, AfterValidator(_pattern)] | None = Field(
        default=None, examples=["late_arrival/champion/{partition}.parquet"]
    )
    function: Annotated[str, AfterValidator(_function)] | None = Field(
        default=None, examples=["flights.log:predictions"]
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.parquet is None) == (self.function is None):
            raise mistake("names not exactly one source", "write either parquet or function")
        return self
