"""SQL over the Parquet tables by an embedded DuckDB that reads the warehouse and nothing else."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from lupus_assets.errors import StoreError
from lupus_assets.sinks.files.content import whole_files
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.month import ATTEMPTS, Files, listed
from lupus_assets.sinks.schema import SCHEMAS

QUOTED_QUERY = re.compile(r"\n+LINE \d+: ")  # of an error: the query again, cut, and a mark below it
# How DuckDB holds the infinities of dates and times.
INFINITE = {
    sign * (2**bits - 1): word for bits in (31, 63) for sign, word in ((1, "infinity"), (-1, "-infinity"))
}
PATH_COLUMNS = {"model": "VARCHAR", "month": "VARCHAR"}

# Nothing is fetched, loaded or looked up behind a query's back; ``FROM rows`` never means a Python variable.
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
TYPES = {
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us"): "TIMESTAMP",
}


class Warehouse:
    """One view per table over the files of a `lupus_assets.sinks.files.parquet.ParquetStore` on a disk.

    The views have the table's columns, then ``model`` and ``month`` from the path; a table
    without files is an empty view. A query by model or month opens only their files.

    Parameters
    ----------
    root : Path
        Root of the store; nothing else on the machine can be read.

    Attributes
    ----------
    strays : list of str
        What was found so far among the tables and is no file of theirs, in a sentence each; it is left out.
    """

    def __init__(self, root: Path) -> None:
        self._folder = Folder(root)
        self.strays: list[str] = []
        self._connection = duckdb.connect(config=CONFIG)
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        self._connection.execute(f"SET allowed_directories = [{quoted(str(self._folder.root))}]")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")
        for table in SCHEMAS:
            self._create_view(self._connection, table, [], None)

    @property
    def root(self) -> Path:
        """The folder of the tables."""
        return self._folder.root

    def sql(self, query: str) -> pa.Table:
        """Return the rows of one SELECT (also DESCRIBE, SHOW, SUMMARIZE) as Arrow; times are naive UTC.

        Raises
        ------
        StoreError
            With DuckDB's message; or the query is not one SELECT.
        """
        try:
            query.encode()
        except UnicodeEncodeError:
            raise StoreError("the query is not UTF-8; write it so") from None
        cursor = self._connection.cursor()
        try:
            kinds = [statement.type for statement in cursor.extract_statements(query)]
            if kinds != [duckdb.StatementType.SELECT]:  # COPY could write into the warehouse
                raise StoreError(f"the warehouse answers one SELECT at a time, not {_names(kinds)}: {query}")
            # Only tables that the query can mean are listed: a fleet has many files.
            tables = [table for table in SCHEMAS if table in query.lower()]
            months = self._listed(tables)
            for _ in range(ATTEMPTS - 1):
                try:
                    return self._answer(cursor, query, months)
                except duckdb.Error:
                    # DuckDB opens a file for its footer and again for its pages: where it was replaced in
                    # between, or before, it may say anything. What is no fault of that is said at once.
                    again = self._listed(tables)
                    if again == months:
                        raise
                    months = again
            return self._answer(cursor, query, months)
        except duckdb.Error as error:
            raise StoreError(f"DuckDB: {QUOTED_QUERY.split(str(error))[0].strip()}") from error
        finally:
            cursor.close()

    def rows(self, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the column names and the rows of `sql`, as plain values.

        Times that Python has no value for, such as infinity, are text.
        """
        answer = self.sql(query)
        columns = [_values(column) for column in answer.columns]
        return answer.column_names, list(zip(*columns, strict=True))

    def _listed(self, tables: Sequence[str]) -> dict[str, list[Files]]:
        return {table: listed(self._folder, table, strays=self.strays) for table in tables}

    def _answer(
        self, cursor: duckdb.DuckDBPyConnection, query: str, months: Mapping[str, Sequence[Files]]
    ) -> pa.Table:
        paths = {}
        for table in months:
            paths[table], overlaid = whole_files(self._folder, months[table])
            self._name_files(cursor, table, paths[table][:1])
            self._create_view(cursor, table, paths[table], overlaid)
        # DuckDB binds a view when it is made, a query when it is asked, and again when rows are taken from
        # it. Only the last is the answer, so only then are there all files: of a fleet, each takes tenths of
        # seconds.
        answer = cursor.sql(query)
        for table in months:
            self._name_files(cursor, table, paths[table])
        return answer.to_arrow_table()

    def _name_files(self, cursor: duckdb.DuckDBPyConnection, table: str, paths: Sequence[str]) -> None:
        files = [f"{self._folder.root}/{path}" for path in paths]
        cursor.execute(f"SET VARIABLE files_of_{table} = $files", {"files": files})

    def _create_view(
        self, cursor: duckdb.DuckDBPyConnection, table: str, paths: Sequence[str], overlaid: pa.Table | None
    ) -> None:
        columns = {field.name: TYPES[field.type] for field in SCHEMAS[table]}
        names = ", ".join([*columns, "model", "month"])
        typed = [f"NULL::{kind} AS {name}" for name, kind in {**columns, **PATH_COLUMNS}.items()]
        parts = [f"SELECT {', '.join(typed)} WHERE false"] if not paths else []
        if paths:
            # With the columns given no footer is read before its file is needed; a column that is newer than
            # a file is null in it, and one that a newer Lupus wrote is left out.
            fields = ", ".join(
                f"'{name}': {{name: '{name}', type: '{kind}', default_value: NULL}}"
                for name, kind in columns.items()
            )
            # Typed by hand: a month is not a date, nor a team called 2013 a number.
            hive = "hive_partitioning = true, hive_types = {'model': VARCHAR, 'month': VARCHAR}"
            source = f"read_parquet(getvariable('files_of_{table}'), schema = MAP {{{fields}}}, {hive})"
            parts.append(f"SELECT {names} FROM {source}")  # noqa: S608 - quoted
        if overlaid is not None:
            cursor.register(f"overlaid_{table}", overlaid)
            parts.append(f"SELECT {names} FROM overlaid_{table}")  # noqa: S608
        cursor.execute(f'CREATE OR REPLACE VIEW "{table}" AS {" UNION ALL ".join(parts)}')


def quoted(text: str) -> str:
    """Return `text` as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def _values(column: pa.ChunkedArray) -> list[Any]:
    try:
        return list(column.to_pylist())
    except (ArithmeticError, ValueError):
        return [_value(scalar) for scalar in column]


def _value(scalar: pa.Scalar) -> Any:
    """Return a value for Python; times beyond the range of `datetime` become text, also nested ones."""
    if not scalar.is_valid:
        return None
    if isinstance(scalar, pa.StructScalar):
        return {name: _value(scalar[name]) for name in scalar}
    if isinstance(scalar, pa.ListScalar):
        return [_value(each) for each in scalar.values]
    try:
        return scalar.as_py()
    except (ArithmeticError, ValueError):
        return INFINITE.get(scalar.value) or scalar.cast(pa.string()).as_py()


def _names(kinds: list[duckdb.StatementType]) -> str:
    return ", ".join(kind.name for kind in kinds) or "nothing"
