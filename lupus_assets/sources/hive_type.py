"""Hive's types as Arrow's, and values as Hive writes them."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from lupus_assets.sources.column import TEXT

TYPES = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": TEXT,
    "varchar": TEXT,
    "char": TEXT,
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),  # naive: Hive's have no zone
}
OTHER = pa.binary()  # what has no profile: arrays, maps, structs, binary, times with a zone
DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


def arrow_type(name: str) -> pa.DataType:
    """Return the Arrow type of a Hive type as DESCRIBE writes it.

    >>> arrow_type("decimal(10,2)"), arrow_type("varchar(20)"), arrow_type("array<int>")
    (Decimal128Type(decimal128(10, 2)), DictionaryType(dictionary<values=string, indices=int32, ordered=0>), \
DataType(binary))
    """
    if digits := DECIMAL.fullmatch(name):
        return pa.decimal128(int(digits[1]), int(digits[2]))
    return TYPES.get(name.partition("(")[0], OTHER)


def arrow_array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return values as PyHive gives them, as an array of an Arrow type that `arrow_type` gave.

    Raises
    ------
    pyarrow.ArrowException, ValueError
        They are not of that type.
    """
    if kind == TEXT:
        return pa.array(values, pa.string()).dictionary_encode()
    if pa.types.is_date(kind):
        values = [date.fromisoformat(each) if isinstance(each, str) else each for each in values]
    elif kind == OTHER:
        values = [each.encode() if isinstance(each, str) else each for each in values]
    return pa.array(values, kind)


def quoted(name: str) -> str:
    """Return a name of a column as HiveQL has it.

    >>> quoted("hour")
    '`hour`'
    """
    return f"`{name.replace('`', '``')}`"


def literal(text: str) -> str:
    r"""Return a text as HiveQL has it.

    >>> print(literal("O'Neill"))
    'O\'Neill'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
