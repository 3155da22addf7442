"""SQL over the Parquet tables by an embedded DuckDB that reads the warehouse and nothing else."""

from pathlib import Path

import duckdb
import pyarrow as pa

from lupus_assets.errors import StoreError
from lupus_assets.sinks.schema import SCHEMAS

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
    """One view per table over the files of a `lupus_assets.sinks.parquet.ParquetStore`.

    The views have the table's columns, then ``model`` and ``month`` from the path; a table
    without files is an empty view. A query by model or month opens only their files.
    ``references`` is a reserved word and needs its double quotes.

    Parameters
    ----------
    root : Path
        Root of the store; nothing else on the machine can be read.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._connection = duckdb.connect(config=CONFIG)
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        self._connection.execute(f"SET allowed_directories = [{_quoted(str(self._root))}]")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")
        self._filled: set[str] = set()  # tables whose view sees files, now and later

    def sql(self, query: str) -> pa.Table:
        """Return the rows of one SELECT (also DESCRIBE, SHOW, SUMMARIZE) as Arrow; times are naive UTC.

        Raises
        ------
        StoreError
            With DuckDB's message; or the query is not one SELECT.
        """
        cursor = self._connection.cursor()
        try:
            for table in SCHEMAS:
                if table not in self._filled:
                    self._create_view(cursor, table)
            kinds = [statement.type for statement in cursor.extract_statements(query)]
            if kinds != [duckdb.StatementType.SELECT]:  # COPY could write into the warehouse
                raise StoreError(f"the warehouse answers one SELECT at a time, not {_names(kinds)}: {query}")
            try:
                return cursor.sql(query).to_arrow_table()
            except duckdb.IOException:  # a file was replaced between listing and opening it
                return cursor.sql(query).to_arrow_table()
        except duckdb.Error as error:
            raise StoreError(f"DuckDB: {error}") from error
        finally:
            cursor.close()

    def _create_view(self, cursor: duckdb.DuckDBPyConnection, table: str) -> None:
        # The typed, empty half is the table without files, and gives columns that are newer than every file;
        # the names around both leave out columns that a newer Lupus wrote.
        columns = {field.name: TYPES[field.type] for field in SCHEMAS[table]}
        columns |= {"model": "VARCHAR", "month": "VARCHAR"}
        rows = f"SELECT {', '.join(f'NULL::{kind} AS {name}' for name, kind in columns.items())} WHERE false"
        filled = any(self._root.glob(f"{table}/model=*/month=*/*.parquet"))
        if filled:
            files = _quoted(f"{self._root}/{table}/model=*/month=*/*.parquet")
            # Typed by hand: a month is not a date, nor a team called 2013 a number.
            hive = "hive_partitioning = true, hive_types = {'model': VARCHAR, 'month': VARCHAR}"
            rows += f" UNION ALL BY NAME SELECT * FROM read_parquet({files}, {hive}, union_by_name = true)"  # noqa: S608 - quoted
        cursor.execute(f'CREATE OR REPLACE VIEW "{table}" AS SELECT {", ".join(columns)} FROM ({rows})')  # noqa: S608
        if filled:
            self._filled.add(table)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _names(kinds: list[duckdb.StatementType]) -> str:
    return ", ".join(kind.name for kind in kinds) or "nothing"
