"""The tables in HiveQL: statements that create them and point them at folders, and parsers of the answers.

The tables are external: Hive reads the Parquet files and never writes or removes one. Columns are found
by name, so their order in Hive does not matter.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from lupus_assets.errors import ServiceRefused, StoreError
from lupus_assets.sinks.files.layout import check_model
from lupus_assets.sinks.schema import SCHEMAS, schema_of

TYPES = {
    pa.string(): "string",
    pa.binary(): "binary",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.timestamp("us"): "timestamp",  # naive UTC: what is stored with a zone is shifted to the server's
}
KEYS = ("model", "month")
UNREADABLE = "*?[]{}\\:"  # to Hadoop a pattern, another separator, or the end of a scheme
MONTH = re.compile(r"\d{4}-\d{2}")

Partition = tuple[str, str]
"""Model and month."""

Described = Sequence[tuple[Any, ...]]
"""Rows of DESCRIBE: name, type or value, comment."""


def create_database(database: str) -> str:
    """Return the statement that creates a database if it does not exist."""
    return f"CREATE DATABASE IF NOT EXISTS `{database}`"


def create_table(database: str, table: str, uri: str) -> str:
    """Return the statement that creates a table over the folder at `uri` if it does not exist."""
    columns = ", ".join(f"`{field.name}` {TYPES[field.type]}" for field in schema_of(table))
    keys = ", ".join(f"`{key}` string" for key in KEYS)
    return (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {_name(database, table)} ({columns}) PARTITIONED BY ({keys}) "
        # Whoever drops the table keeps the files.
        f"STORED AS PARQUET LOCATION {_folder(uri)} TBLPROPERTIES ('external.table.purge'='false')"
    )


def add_columns(database: str, table: str, names: Sequence[str]) -> str:
    """Return the statement that adds columns of ours to a table and to all its partitions."""
    columns = ", ".join(f"`{field.name}` {TYPES[field.type]}" for field in schema_of(table, names))
    # Without CASCADE a partition that is there already shows null in them, whatever its files hold.
    return f"ALTER TABLE {_name(database, table)} ADD COLUMNS ({columns}) CASCADE"


def add_partitions(database: str, table: str, locations: Mapping[Partition, str]) -> str:
    """Return the statement that adds partitions that do not exist, each with its folder."""
    added = " ".join(f"{_spec(key)} LOCATION {_folder(uri)}" for key, uri in locations.items())
    return f"ALTER TABLE {_name(database, table)} ADD IF NOT EXISTS {added}"


def set_location(database: str, table: str, key: Partition, uri: str) -> str:
    """Return the statement that points a partition at another folder."""
    return f"ALTER TABLE {_name(database, table)} {_spec(key)} SET LOCATION {_folder(uri)}"


def show_partitions(database: str, table: str) -> str:
    """Return the statement that lists a table's partitions."""
    return f"SHOW PARTITIONS {_name(database, table)}"


def describe(database: str, table: str) -> str:
    """Return the statement that lists a table's columns."""
    return f"DESCRIBE {_name(database, table)}"


def describe_partition(database: str, table: str, key: Partition) -> str:
    """Return the statement that describes a partition, its folder included."""
    return f"DESCRIBE FORMATTED {_name(database, table)} {_spec(key)}"


def missing_columns(database: str, table: str, described: Described) -> list[str]:
    """Return the columns that a table in Hive lacks.

    Raises
    ------
    ServiceRefused
        The table is another one: a column of another type, or other partitions than ours.
    """
    names = [name for name, *_ in described]
    headings = [i for i, name in enumerate(names) if name.startswith("# ")]
    keys = tuple(name for name in names[headings[-1] + 1 :] if name) if headings else ()
    remedy = f"drop the table in Hive (the files stay) or set LUPUS_HIVE_DATABASE to another than {database}"
    if keys != KEYS:
        by = ", ".join(keys) or "nothing"
        raise ServiceRefused(
            f"{database}.{table} in Hive is partitioned by {by}, not by {', '.join(KEYS)}; {remedy}"
        )
    types = {name: kind for name, kind, *_ in described[: headings[0]] if name}
    missing = []
    for field in SCHEMAS[table]:
        if field.name not in types:
            missing.append(field.name)
        elif types[field.name] != TYPES[field.type]:
            raise ServiceRefused(
                f"{database}.{table}.{field.name} is {types[field.name]} in Hive and "
                f"{TYPES[field.type]} in the files; {remedy}"
            )
    return missing


def location_in(described: Described) -> str | None:
    """Return the folder in the description of a partition."""
    return next((str(value).strip() for name, value, *_ in described if name.strip() == "Location:"), None)


def same_folder(one: str | None, other: str | None) -> bool:
    """Return whether two addresses are of one folder: ``file:/x/`` is ``file:///x``."""
    return one is not None and other is not None and _normal(one) == _normal(other)


def key_of(name: str) -> Partition | None:
    """Return the partition that SHOW PARTITIONS calls ``model=…/month=…``; None if it is none of ours."""
    model, _, month = name.partition("/")
    if not (model.startswith("model=") and month.startswith("month=")):
        return None
    return model.removeprefix("model="), month.removeprefix("month=")


def check_key(model: str, month: str) -> Partition:
    """Return (model, month) if both are names that need no escaping anywhere; else raise StoreError."""
    if not MONTH.fullmatch(month):
        raise StoreError(f"month {month!r} is none; write yyyy-mm")
    return check_model(model), month


def _normal(uri: str) -> str:
    scheme, colon, path = uri.partition(":")
    if path.startswith("///"):  # no host; Hive leaves out what is empty
        path = path[2:]
    return f"{scheme}{colon}{path}".rstrip("/")


def _name(database: str, table: str) -> str:
    return f"`{database}`.`{table}`"


def _spec(key: Partition) -> str:
    return f"PARTITION (model='{key[0]}', month='{key[1]}')"


def _folder(uri: str) -> str:
    """Return the address of a folder as a literal; in one that Hive cannot read it would find no rows."""
    path = uri.partition("://")[2].partition("/")[2]
    odd = sorted({letter for letter in path if letter in UNREADABLE or not letter.isprintable()})
    if odd:
        raise StoreError(
            f"Hive cannot read from a folder with {' '.join(map(repr, odd))} in its name: {uri!r}; "
            "move the warehouse"
        )
    return "'" + uri.replace("'", "\\'") + "'"
