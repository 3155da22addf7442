"""SQL by DuckDB over what the Parquet store wrote."""

from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from lupus_assets.errors import StoreError
from lupus_assets.sinks.duckdb.query import Warehouse
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.layout import path_of
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.sinks.schema import SCHEMAS

MODEL = "flights.delay"


@pytest.fixture
def store(tmp_path):
    return ParquetStore(Folder(tmp_path / "it's a warehouse"))


@pytest.fixture
def warehouse(store):
    return Warehouse(store.files.root)


def test_sql_sees_what_the_store_reads(store, place, rows, warehouse):
    for day in (0, 1, 40):
        store.replace("metrics", place(day), rows(place(day), [float(day), None, 0.1]))
    columns = ", ".join(SCHEMAS["metrics"].names)
    found = warehouse.sql(f"SELECT {columns} FROM metrics ORDER BY window_start, metric")  # noqa: S608
    assert found.to_pylist() == store.read("metrics", model=MODEL).to_pylist()
    assert found.schema.types == SCHEMAS["metrics"].types


def test_model_and_month_come_from_the_path_as_text(store, place, rows, warehouse):
    at = replace(place(40), model="2013.05")
    store.replace("metrics", at, rows(at, [1.0]))
    assert warehouse.sql("SELECT model, month, value FROM metrics WHERE month = '2013-06'").to_pylist() == [
        {"model": "2013.05", "month": "2013-06", "value": 1.0}
    ]


def test_an_empty_warehouse_has_every_table_with_every_column(warehouse):
    for table, schema in SCHEMAS.items():
        found = warehouse.sql(f'FROM "{table}"')
        assert found.num_rows == 0
        assert found.schema.names == [*schema.names, "model", "month"]
        assert found.schema.types[:-2] == schema.types


def test_rows_written_after_the_warehouse_was_opened_are_seen(store, place, rows, warehouse):
    for day in (0, 1):
        store.replace("metrics", place(day), rows(place(day), [1.0]))
        assert warehouse.sql("SELECT count(*) AS n FROM metrics").to_pylist() == [{"n": day + 1}]
    store.replace("metrics", place(), [])
    assert warehouse.sql("SELECT count(*) AS n FROM metrics").to_pylist() == [{"n": 1}]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) AS n FROM metrics",
        "SELECT count AS n FROM (SUMMARIZE metrics) WHERE column_name = 'value'",
        "WITH m AS (FROM metrics) SELECT count(*) AS n FROM m JOIN m AS other USING (window_start)",
        "SELECT (SELECT count(*) FROM metrics) AS n",
        "SELECT champion AS n FROM (PIVOT metrics ON track IN ('champion') USING count(*) GROUP BY family)",
        "SELECT count(*) AS n FROM metrics WHERE month IN (SELECT DISTINCT month FROM metrics)",
    ],
)
def test_every_kind_of_question_is_about_every_file(store, place, rows, warehouse, query):
    """DuckDB binds a question twice, and only the second time knows of all files."""
    for day in (0, 1, 40):
        store.replace("metrics", place(day), rows(place(day), [1.0]))
    assert warehouse.sql(query).to_pylist() == [{"n": 3}]


def test_columns_newer_than_a_file_are_null_and_those_newer_than_the_schema_left_out(
    store, place, rows, warehouse
):
    for day in (0, 1):
        store.replace("metrics", place(day), rows(place(day), [1.0]))
        path = store.files.root / path_of("metrics", place(day))
        other = pq.ParquetFile(path).read().drop_columns(["reason"]).append_column(f"new_{day}", [[1]])
        pq.write_table(other, path)
        found = warehouse.sql("FROM metrics")
        assert found.schema.names == [*SCHEMAS["metrics"].names, "model", "month"]
        assert found["reason"].to_pylist() == [None] * (day + 1)


def test_a_damaged_file_is_an_error_that_names_it(store, place, rows, warehouse):
    store.replace("metrics", place(), rows(place(), [1.0]))
    path = store.files.root / path_of("metrics", place())
    path.write_bytes(b"no parquet")
    with pytest.raises(StoreError, match=path.name):
        warehouse.sql("FROM metrics")


def test_no_column_needs_quotes(warehouse):
    for table, schema in SCHEMAS.items():
        warehouse.sql(f'SELECT {", ".join(schema.names)}, model, month FROM "{table}"')  # noqa: S608


@pytest.mark.parametrize(
    "source",
    [
        "read_text('/etc/passwd')",
        "'/etc/passwd'",
        "glob('/*')",
        "read_parquet('https://example.com/x.parquet')",
        "read_text('{root}/../secret')",
    ],
)
def test_nothing_but_the_warehouse_can_be_read(store, warehouse, source):
    (store.files.root.parent / "secret").write_text("secret")
    with pytest.raises(StoreError, match=r"Permission Error|does not exist"):
        warehouse.sql(f"FROM {source.format(root=str(store.files.root).replace(chr(39), chr(39) * 2))}")


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO 'x.parquet'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO 'x.parquet'",
        "CREATE TABLE x AS SELECT 1",
        "DROP VIEW metrics",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "SELECT 1; SELECT 2",
        "",
    ],
)
def test_only_a_select_is_answered(warehouse, statement):
    with pytest.raises(StoreError, match="one SELECT at a time"):
        warehouse.sql(statement)


def test_tables_describe_themselves(warehouse):
    assert warehouse.sql("DESCRIBE metrics").num_rows == len(SCHEMAS["metrics"]) + 2
    assert warehouse.sql("SHOW TABLES")["name"].to_pylist() == sorted(SCHEMAS)


def test_variables_of_python_are_no_tables(warehouse):
    secret = SCHEMAS["metrics"].empty_table()
    assert secret.num_rows == 0
    with pytest.raises(StoreError, match="secret does not exist"):
        warehouse.sql("FROM secret")


def test_an_error_is_in_duckdbs_words(warehouse):
    with pytest.raises(StoreError, match='DuckDB: Binder Error: Referenced column "valu" not found'):
        warehouse.sql("SELECT valu FROM metrics")
