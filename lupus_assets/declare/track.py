"""The source of a track's prediction log."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from lupus_assets.declare.consistency.pattern import parse_pattern
from lupus_assets.declare.mistake import mistake
from lupus_assets.declare.part import Part

TABLE = re.compile(r"\w+\.\w+", re.ASCII)
KEYS = re.compile(r"\w+=[^/{}]*(\{[^{}]*\}[^/{}]*)*(/\w+=[^/{}]*(\{[^{}]*\}[^/{}]*)*)*", re.ASCII)
SELECT = re.compile(r"\s*select\b", re.IGNORECASE)


def _files(pattern: str) -> str:
    scheme, separator, rest = pattern.partition("://")
    if separator:
        bucket, _, path = rest.partition("/")
        if "@" in bucket:  # the message does not repeat it
            raise mistake("holds a user", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead")
        if scheme != "s3":
            raise mistake(f"'{scheme}://' is read by nothing here", "write s3://bucket/path, or a path")
        if not bucket or not path or "{" in bucket:
            raise mistake(
                f"'{pattern}' names no bucket and a path in it", "write s3://bucket/path/{partition}"
            )
    return parse_pattern(pattern)


def _partitions(pattern: str) -> str:
    table, _, keys = parse_pattern(pattern).partition("/")
    if not TABLE.fullmatch(table) or not KEYS.fullmatch(keys):
        raise mistake(
            f"'{pattern}' names no partition of a table",
            "write database.table/column={partition}, as SHOW PARTITIONS has it",
        )
    return pattern


def _query(query: str) -> str:
    if not SELECT.match(query) or query.rstrip().endswith(";"):
        raise mistake("is not one SELECT", "write SELECT … WHERE dt = '{partition}', without a semicolon")
    return parse_pattern(query)


def _function(reference: str) -> str:
    module, colon, name = reference.partition(":")
    if colon and name.isidentifier() and all(part.isidentifier() for part in module.split(".")):
        return reference
    raise mistake(f"'{reference}' names no function", "write package.module:function")


class Track(Part):
    """The source of a track's prediction log: exactly one of files, a Hive table, a query and a function.

    The first three contain placeholders: ``{partition}`` is the key of the partition; ``{start:%Y/%m/%d}``
    and ``{end:…}`` are its bounds in the cadence's time zone, in any strftime format.

    Attributes
    ----------
    parquet : str or None
        Path of the partition's Parquet file, folder or glob: relative to the data folder, or
        ``s3://bucket/path``.
    hive : str or None
        Partitions of a Hive table of Parquet files: ``database.table/column={partition}``.
    hive_query : str or None
        One SELECT that Hive runs; slower, for views, ORC and tables without partitions.
    function : str or None
        Python function ``package.module:function`` that takes start and end and returns Arrow data.
    """

    parquet: Annotated[str, AfterValidator(_files)] | None = Field(
        default=None,
        examples=["late_arrival/champion/{partition}.parquet", "s3://logs/late_arrival/dt={partition}"],
    )
    hive: Annotated[str, AfterValidator(_partitions)] | None = Field(
        default=None, examples=["warehouse.predictions/dt={partition}"]
    )
    hive_query: Annotated[str, AfterValidator(_query)] | None = Field(
        default=None, examples=["SELECT * FROM warehouse.predictions_view WHERE dt = '{partition}'"]
    )
    function: Annotated[str, AfterValidator(_function)] | None = Field(
        default=None, examples=["flights.log:predictions"]
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(each is not None for each in (self.parquet, self.hive, self.hive_query, self.function)) != 1:
            raise mistake(
                "names not exactly one source", "write one of parquet, hive, hive_query or function"
            )
        return self
