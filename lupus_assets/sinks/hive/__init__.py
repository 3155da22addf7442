"""The tables in Hive, over the Parquet files."""
