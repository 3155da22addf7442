"""SQL and search over the Parquet files, with DuckDB."""
