"""The tables as Parquet files, on a disk or in a bucket."""
