"""The answers of Hive to DESCRIBE and SHOW PARTITIONS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from lupus_assets.sources.hive_type import arrow_type

Described = Sequence[tuple[Any, ...]]
"""Rows of DESCRIBE FORMATTED: name, type or value, comment."""

PARQUET = "ParquetInputFormat"  # the end of a name that Hive and its forks put different packages before
NULL = "__HIVE_DEFAULT_PARTITION__"  # Hive's name of the partition in which a column is null
WHOLE = ("tinyint", "smallint", "int", "bigint")


@dataclass(frozen=True)
class Table:
    """A table as Hive describes it.

    Attributes
    ----------
    columns : mapping of str to pyarrow.DataType
        Those that its files hold.
    keys : mapping of str to str
        Those that its partitions are by, with Hive's type.
    kind : str
        Hive's word for it, such as ``EXTERNAL_TABLE`` or ``VIRTUAL_VIEW``.
    transactional : bool
    """

    columns: Mapping[str, pa.DataType]
    keys: Mapping[str, str]
    kind: str
    transactional: bool

    @classmethod
    def of(cls, described: Described) -> "Table":
        """Return the table that the rows of DESCRIBE FORMATTED describe."""
        columns: dict[str, str] = {}
        keys: dict[str, str] = {}
        section = columns
        for name, kind, *_ in described:
            if name.startswith("# Partition Information"):
                section = keys
            elif name.startswith(("# Detailed", "# View")):
                break
            elif name and kind and not name.startswith("#"):
                section[name.strip()] = kind.strip()
        said = _said(described)
        return cls(
            {name: arrow_type(kind) for name, kind in columns.items()},
            keys,
            said.get("Table Type", ""),
            said.get("transactional", "") == "true",
        )

    def spelled(self, name: str, value: str) -> str:
        """Return the value of a key as Hive's partitions have it: whole numbers without leading zeros."""
        return str(int(value)) if self.keys[name] in WHOLE and value.isdecimal() else value


def location(described: Described) -> tuple[str, str]:
    """Return the folder of a partition, and the Hive class that reads it."""
    said = _said(described)
    return said.get("Location", ""), said.get("InputFormat", "")


def values_of(name: str) -> dict[str, str]:
    """Return the values of a partition by its name.

    >>> values_of("dt=2013-05-01/hour=05%3A00")
    {'dt': '2013-05-01', 'hour': '05:00'}
    """
    pairs = (each.partition("=") for each in name.split("/"))
    return {unquote(key): unquote(value) for key, _, value in pairs}


def _said(described: Described) -> dict[str, str]:
    found = {}
    for name, value, comment in described:
        if name and name.strip().endswith(":"):
            found[name.strip()[:-1]] = (value or "").strip()
        elif not name and value:  # a parameter, a column further right
            found.setdefault(value.strip(), (comment or "").strip())
    return found
